"""Compare run files with hagelslag's track files, which tell of the same storms in CSV."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stormcnn.errors import UserError
from stormcnn.storms.run_files import parse_run_name

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import ArrayLike

# Track files give five decimals. The margin is for the peak's own rounding to single precision.
ROUNDING = 0.5e-5 * (1 + 1e-3)

COMPARED = ("patch", "track_id", "track_step", "peak")


class Disagreements(NamedTuple):
    """How often a run file and its track file tell different things."""

    rows: int
    tracks: int
    peaks: int
    events: int


def tracks_file_name(run_file: str | os.PathLike[str]) -> str:
    """Name of the track file of a run file; there the member stands before the run date."""
    name = parse_run_name(run_file)
    return f"track_step_{name.ensemble}_{name.member}_{name.run_date:%Y%m%d-%H%M}.csv"


def compare_tracks(
    path: str | os.PathLike[str],
    *,
    patches: int,
    patch: ArrayLike,
    track_id: ArrayLike,
    track_step: ArrayLike,
    peak: ArrayLike,
    threshold: float,
    target: str = "RVORT1_MAX_future",
) -> Disagreements:
    """Count where the storms of one run file disagree with the rows of its track file `path`.

    Row k of the file is patch k of the run file, which has `patches` of them. The arrays are of
    one length, the storms that were kept: `patch` is their index in the run file, `peak` the
    largest value of `target` inside the storm's mask (in s-1 for vorticity).

    Counted are `rows` without a patch or patches without a row, storms of another track or step
    (`tracks`), storms whose `peaks` differ by more than the file's five decimals can hide, and
    storms that exceed `threshold` in one source only (`events`), unless their peak lies so near
    to it that the five decimals decide. Storms without a row count among `rows` alone.

    Raises `UserError` where the file cannot be read or lacks a column.
    """
    # Imported here, because what only names track files must start quickly.
    import numpy as np
    import pandas as pd

    column = f"{target.removesuffix('_curr').replace('_future', '-future')}_max"
    try:
        rows = pd.read_csv(path, usecols=["Track_ID", "Duration", column])
    except ValueError as error:
        raise UserError(
            f"{path}: not a track file with the columns Track_ID, Duration and {column} ({error}). "
            "Fetch the archive of track files again."
        ) from error

    index = np.asarray(patch)
    paired = index < len(rows)
    told = rows.iloc[index[paired]].assign(
        Track_ID=lambda row: row["Track_ID"].astype(str).str.rpartition("_")[2]
    )
    track, step, told_peak = (
        pd.to_numeric(told[name], errors="coerce").to_numpy(float)
        for name in ("Track_ID", "Duration", column)
    )
    own_peak = np.asarray(peak, dtype=float)[paired]
    differs = (track != np.asarray(track_id)[paired]) | (step != np.asarray(track_step)[paired])
    decided = np.abs(own_peak - threshold) > ROUNDING
    return Disagreements(
        rows=abs(len(rows) - patches),
        tracks=int(differs.sum()),
        # Negated so that a peak which is not a number counts.
        peaks=int((~(np.abs(own_peak - told_peak) <= ROUNDING)).sum()),
        events=int((decided & ((own_peak > threshold) != (told_peak > threshold))).sum()),
    )


def compare_with_tracks(
    inventory: pd.DataFrame,
    storms: xr.Dataset,
    tracks: Sequence[str | os.PathLike[str]],
    threshold: float,
    target: str,
) -> pd.DataFrame:
    """The inventory with a column for each kind of disagreement with the runs' track files.

    `storms` has the `peak`, `run_file`, `patch`, `track_id` and `track_step` of all storms that
    were kept. The columns are `tracks_` and the names in `Disagreements`; see `compare_tracks`.
    """
    import pandas as pd

    paths = {Path(path).name: path for path in tracks}
    kept = storms.drop_dims("variable", errors="ignore").to_dataframe()
    rows = []
    for run in inventory.itertuples():
        name = Path(run.file).name
        own = kept[kept["run_file"] == name]
        columns = {column: own[column].to_numpy() for column in COMPARED}
        found = compare_tracks(
            paths[tracks_file_name(name)],
            patches=run.storms + run.rejected,
            threshold=threshold,
            target=target,
            **columns,
        )
        rows.append({f"tracks_{kind}": count for kind, count in found._asdict().items()})
    return inventory.join(pd.DataFrame(rows, index=inventory.index))
