"""Comparing run files with the track files of the same storms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.storms.tracks import (
    Disagreements,
    compare_tracks,
    compare_with_tracks,
    tracks_file_name,
)

THRESHOLD = 0.005
# Two tracks of two steps and one of one step; peaks in single precision, as in run files.
STORMS: dict[str, Any] = {
    "patches": 5,
    "patch": np.arange(5),
    "track_id": np.array([0, 0, 1, 1, 12]),
    "track_step": np.array([1, 2, 1, 2, 1]),
    "peak": np.array([0.00035182, 0.00195497, 0.0111111, 0.0050041, 0.0072], dtype="float32"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "track_step_NCARSTORM_d01_20101024-0000.csv"


@pytest.fixture
def rows() -> pd.DataFrame:
    tracks = [f"d01_REFL_COM_20101024-0000_12_13_{number:03d}" for number in STORMS["track_id"]]
    return pd.DataFrame(
        {
            "Step_ID": [f"{track}_00" for track in tracks],
            "Track_ID": tracks,
            "Duration": STORMS["track_step"],
            "RVORT1_MAX-future_max": STORMS["peak"],
            "HAIL_MAXK1-future_max": STORMS["peak"] * 1000,
            "REFL_COM_max": STORMS["peak"] * 10000,
        }
    )


def compare(rows: pd.DataFrame, path: Path, **changes: Any) -> Disagreements:
    """Write the rows as hagelslag does, and compare the storms with them."""
    rows.to_csv(path, index=False, float_format="%0.5f", na_rep="nan")
    return compare_tracks(path, **STORMS | {"threshold": THRESHOLD} | changes)


def test_track_file_name_has_the_ensemble_member_before_the_run_date() -> None:
    name = tracks_file_name("runs/NCARSTORM_20101024-0000_d01_model_patches.nc")
    assert name == "track_step_NCARSTORM_d01_20101024-0000.csv"


def test_rounding_to_five_decimals_is_not_a_disagreement(rows: pd.DataFrame, path: Path) -> None:
    # Storm 3 is an event with its peak of 0.0050041, but not with the 0.00500 of the track file.
    assert compare(rows, path) == Disagreements(rows=0, tracks=0, peaks=0, events=0)


@pytest.mark.parametrize("peak", np.linspace(0.00499, 0.00501, 41))
def test_peak_close_to_the_threshold_agrees_after_rounding(
    rows: pd.DataFrame, path: Path, peak: float
) -> None:
    rows["RVORT1_MAX-future_max"] = peak
    peaks = np.full(5, peak, dtype="float32")
    assert compare(rows, path, peak=peaks) == Disagreements(0, 0, 0, 0)


def test_different_peak_is_counted(rows: pd.DataFrame, path: Path) -> None:
    rows.loc[0, "RVORT1_MAX-future_max"] = 0.00037
    assert compare(rows, path) == Disagreements(rows=0, tracks=0, peaks=1, events=0)


def test_different_event_is_counted(rows: pd.DataFrame, path: Path) -> None:
    rows.loc[2, "RVORT1_MAX-future_max"] = 0.00499
    rows.loc[1, "RVORT1_MAX-future_max"] = 0.00501
    assert compare(rows, path) == Disagreements(rows=0, tracks=0, peaks=2, events=2)


def test_missing_peak_is_counted(rows: pd.DataFrame, path: Path) -> None:
    rows.loc[[0, 2], "RVORT1_MAX-future_max"] = np.nan
    assert compare(rows, path) == Disagreements(rows=0, tracks=0, peaks=2, events=1)


def test_different_track_or_step_is_counted_once_per_storm(rows: pd.DataFrame, path: Path) -> None:
    rows.loc[0, "Duration"] = 2
    rows.loc[4, "Track_ID"] = "d01_REFL_COM_20101024-0000_12_13_002"
    rows.loc[4, "Duration"] = 7
    assert compare(rows, path) == Disagreements(rows=0, tracks=2, peaks=0, events=0)


def test_rejected_storms_do_not_shift_the_rows(rows: pd.DataFrame, path: Path) -> None:
    kept = {name: values[[1, 4]] for name, values in STORMS.items() if name != "patches"}
    assert compare(rows, path, **kept) == Disagreements(0, 0, 0, 0)


@pytest.mark.parametrize("shift", [-1, 1])
def test_shifted_rows_are_counted(rows: pd.DataFrame, path: Path, shift: int) -> None:
    shifted = compare(rows.iloc[np.roll(np.arange(5), shift)], path)
    assert shifted.tracks >= 4
    assert shifted.peaks == 5


def test_missing_and_additional_rows_are_counted(rows: pd.DataFrame, path: Path) -> None:
    assert compare(rows[:3], path) == Disagreements(rows=2, tracks=0, peaks=0, events=0)
    assert compare(rows, path, patches=4).rows == 1


@pytest.mark.parametrize(
    ("target", "factor"), [("HAIL_MAXK1_future", 1000), ("REFL_COM_curr", 10000)]
)
def test_each_target_is_read_from_its_column(
    rows: pd.DataFrame, path: Path, target: str, factor: float
) -> None:
    own = {"peak": STORMS["peak"] * factor, "threshold": 5 * factor / 1000, "target": target}
    assert compare(rows, path, **own) == Disagreements(0, 0, 0, 0)
    assert compare(rows, path, **own | {"peak": own["peak"] + 1}).peaks == 5


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Track_ID,Duration\nx,1\n", '"\n'])
def test_missing_column_of_a_track_file_is_named(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(UserError, match=rf"{path.name}.*RVORT1_MAX-future_max"):
        compare_tracks(path, **STORMS, threshold=THRESHOLD)


def test_missing_track_file_is_named(path: Path) -> None:
    path.unlink(missing_ok=True)
    with pytest.raises(UserError, match=path.name):
        compare_tracks(path, **STORMS, threshold=THRESHOLD)


def test_inventory_has_the_disagreements_of_each_run(rows: pd.DataFrame, path: Path) -> None:
    days = ("20101024", "20101122")
    files = [f"runs/NCARSTORM_{day}-0000_d01_model_patches.nc" for day in days]
    tracks = [path.with_name(tracks_file_name(file)) for file in files]
    # The first run has five valid storms; the second has three, one of which has another peak.
    rows.to_csv(tracks[0], index=False, float_format="%0.5f")
    rows.loc[4, "RVORT1_MAX-future_max"] = 0.001
    rows.to_csv(tracks[1], index=False, float_format="%0.5f")
    of_run = np.repeat([0, 1], [5, 3])
    of_storm = np.array([0, 1, 2, 3, 4, 1, 2, 4])
    columns = {name: values[of_storm] for name, values in STORMS.items() if name != "patches"}
    columns["run_file"] = np.array([Path(file).name for file in files])[of_run]
    storms = xr.Dataset({name: ("storm", values) for name, values in columns.items()})
    inventory = pd.DataFrame({"file": files, "storms": [5, 3], "rejected": [0, 2]})

    compared = compare_with_tracks(inventory, storms, tracks[::-1], THRESHOLD, "RVORT1_MAX_future")
    assert compared[["file", "storms", "rejected"]].equals(inventory)
    assert list(compared["tracks_rows"]) == [0, 0]
    assert list(compared["tracks_tracks"]) == [0, 0]
    assert list(compared["tracks_peaks"]) == [0, 1]
    assert list(compared["tracks_events"]) == [0, 1]
