"""Run files that earlier calls have left out because of `data.skip_bad_files`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from stormcnn.io import read_rows
from stormcnn.storms.inventory import is_left_out
from stormcnn.storms.run_files import Run
from stormcnn.vocabulary import StrPath


def may_stay(inventory: StrPath, runs: Iterable[Run], skip_bad_files: bool) -> bool:
    """Return whether a prepared batch is as complete as `data.skip_bad_files` demands.

    It is not if bad files may no longer be skipped and one of the `runs` was left out according to
    the `inventory` of the batch, which may be missing. A file that was changed after that does not
    count: its batch is prepared again anyway.
    """
    if skip_bad_files or not os.path.exists(inventory):
        return True
    present = {run.file: run for run in runs}
    for row in read_rows([inventory]):
        run = present.get(row["file"])
        if run is None or not is_left_out(row):
            continue
        with suppress(OSError):
            is_older = os.stat(run.file).st_mtime_ns <= os.stat(inventory).st_mtime_ns
            if is_older and int(row["bytes"]) in (0, run.bytes):
                return False
    return True
