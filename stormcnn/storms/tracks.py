"""Compare run files with hagelslag's track files, CSV tables of the same storms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stormcnn.errors import UserError
from stormcnn.storms.run_files import parse_run_name
from stormcnn.vocabulary import StrPath

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import ArrayLike

# Track files have five decimals. The factor allows for the rounding of peaks to single precision.
ROUNDING = 0.5e-5 * (1 + 1e-3)

COMPARED = ("patch", "track_id", "track_step", "peak")


class Disagreements(NamedTuple):
    """Number of disagreements of each kind between a run file and its track file."""

    rows: int
    tracks: int
    peaks: int
    events: int


def tracks_file_name(run_file: StrPath) -> str:
    """Return the name of the track file of a run file."""
    name = parse_run_name(run_file)
    return f"track_step_{name.ensemble}_{name.ensemble_member}_{name.run_date:%Y%m%d-%H%M}.csv"


def compare_tracks(
    path: StrPath,
    *,
    patches: int,
    patch: ArrayLike,
    track_id: ArrayLike,
    track_step: ArrayLike,
    peak: ArrayLike,
    threshold: float,
    target: str = "RVORT1_MAX_future",
) -> Disagreements:
    """Count the disagreements between the storms of one run file and its track file `path`.

    Row k of the track file describes patch k of the run file, which has `patches` patches. The
    arrays have shape (storm,) and hold the valid storms: `patch` is the index in the run file,
    `peak` the largest value of `target` inside the storm's mask (for vorticity in s-1).

    Returns the number of
    - `rows` without a patch, and of patches without a row;
    - storms with another track or step (`tracks`);
    - storms whose `peaks` differ by more than the rounding to five decimals;
    - storms that exceed `threshold` in only one source (`events`), unless the peak is so close to
      it that the rounding decides.
    Storms without a row count only in `rows`.

    Raises `UserError` if the file cannot be read or lacks a column.
    """
    # The Snakefile imports this module for the names of track files, so it must load quickly.
    import numpy as np
    import pandas as pd

    column = f"{target.removesuffix('_curr').replace('_future', '-future')}_max"
    try:
        rows = pd.read_csv(path, usecols=["Track_ID", "Duration", column])
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: columns Track_ID, Duration and {column} cannot be read ({error}). Fetch the "
            "archive of track files again."
        ) from error

    index = np.asarray(patch)
    paired = index < len(rows)
    listed = rows.iloc[index[paired]].assign(
        Track_ID=lambda row: row["Track_ID"].astype(str).str.rpartition("_")[2]
    )
    track, step, listed_peak = (
        pd.to_numeric(listed[name], errors="coerce").to_numpy(float)
        for name in ("Track_ID", "Duration", column)
    )
    own_peak = np.asarray(peak, dtype=float)[paired]
    differs = (track != np.asarray(track_id)[paired]) | (step != np.asarray(track_step)[paired])
    decided = np.abs(own_peak - threshold) > ROUNDING
    return Disagreements(
        rows=abs(len(rows) - patches),
        tracks=int(differs.sum()),
        # Negated so that NaN counts as a difference.
        peaks=int((~(np.abs(own_peak - listed_peak) <= ROUNDING)).sum()),
        events=int((decided & ((own_peak > threshold) != (listed_peak > threshold))).sum()),
    )


def compare_with_tracks(
    inventory: pd.DataFrame,
    storms: xr.Dataset,
    tracks: Sequence[StrPath],
    threshold: float,
    target: str,
) -> pd.DataFrame:
    """Return the inventory with a column for each kind of disagreement with the track files.

    `storms` has `peak`, `run_file`, `patch`, `track_id` and `track_step` of all valid storms, each
    with shape (storm,). The names of the columns are `tracks_` followed by a name in
    `Disagreements`; see `compare_tracks`.
    """
    import pandas as pd

    paths = {Path(path).name: path for path in tracks}
    kept = storms.drop_dims("variable", errors="ignore").to_dataframe()
    rows = []
    for run in inventory.itertuples():
        name = Path(run.file).name
        own = kept[kept["run_file"] == name]
        columns = {column: own[column].to_numpy() for column in COMPARED}
        disagreements = compare_tracks(
            paths[tracks_file_name(name)],
            patches=run.storms + run.rejected,
            threshold=threshold,
            target=target,
            **columns,
        )
        rows.append({f"tracks_{kind}": count for kind, count in disagreements._asdict().items()})
    return inventory.join(pd.DataFrame(rows, index=inventory.index))
