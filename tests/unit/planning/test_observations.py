"""The files of reports that an experiment uses."""

import os

import pytest

from stormcnn.errors import UserError
from stormcnn.planning.observations import check_report_files


def test_missing_and_special_files_are_named(tmp_path):
    file, pipe, missing = (str(tmp_path / name) for name in ("hail.csv", "pipe.csv", "wind.csv"))
    open(file, "w").close()
    os.mkfifo(pipe)
    assert check_report_files([file]) == [file]
    for path in (pipe, missing, str(tmp_path)):
        with pytest.raises(UserError, match=r"observations\.reports") as error:
            check_report_files([file, path])
        assert path in str(error.value)
