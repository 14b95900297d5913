"""Duplicates, padded patches and constant predictors are counted, and rejected or kept."""

import numpy as np
import pytest
from run_files import run_values, write_run_file

from stormcnn.storms.reading import read_run
from stormcnn.vocabulary import STORM_FAULTS

PREDICTORS = ["REFL_COM_curr", "U10_curr", "V10_curr"]
TARGET = "RVORT1_MAX_future"


def duplicate(values):
    for name, array in values.items():
        if name not in ("p", "row", "col", "track_id", "track_step"):
            array[4] = array[1]


def pad_rows(values):
    for name, array in values.items():
        if array.ndim == 3 and name != "i":
            array[4, :2] = 0


def pad_columns(values):
    for name, array in values.items():
        if array.ndim == 3 and name != "j":
            array[4, :, -3:] = 0


def make_constant(values):
    values["V10_curr"][4] = 2.5


KINDS = {
    duplicate: "duplicate",
    pad_rows: "padded",
    pad_columns: "padded",
    make_constant: "constant",
}


def read_changed(folder, change, **settings):
    values = run_values()
    values["masks"][:] = 0
    values["masks"][:, 3:5, 3:5] = 1
    change(values)
    settings = {"predictors": PREDICTORS, "target": TARGET} | settings
    return read_run(write_run_file(folder, values), **settings)


@pytest.mark.slow
@pytest.mark.parametrize("change", KINDS)
def test_questionable_storm_is_counted_and_rejected(tmp_path, change):
    storms = read_changed(tmp_path, change)
    np.testing.assert_array_equal(storms["patch"], [0, 1, 2, 3, 5])
    assert {kind: storms.attrs[kind] for kind in STORM_FAULTS} == {
        kind: int(kind == KINDS[change]) for kind in STORM_FAULTS
    }
    assert "(p = 4)" in storms.attrs["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("change", KINDS)
def test_questionable_storm_is_counted_and_kept_if_so_configured(tmp_path, change):
    others = [kind for kind in STORM_FAULTS if kind != KINDS[change]]
    storms = read_changed(tmp_path, change, reject=others)
    assert storms.sizes["storm"] == 6
    assert storms.attrs[KINDS[change]] == 1


@pytest.mark.slow
@pytest.mark.parametrize("change", [pad_rows, pad_columns])
def test_positions_tell_a_padded_patch_from_one_without_echoes_at_its_edge(tmp_path, change):
    radar = {"predictors": ["REFL_COM_curr"], "target": TARGET}

    def clear_edge(values):
        values["REFL_COM_curr"][2, :2] = values[TARGET][2, :2] = 0

    assert read_changed(tmp_path / "padded", change, **radar).attrs["padded"] == 1
    clear = read_changed(tmp_path / "clear", clear_edge, **radar)
    assert (clear.attrs["padded"], clear.attrs["rejected"]) == (0, 0)


def test_missing_wind_does_not_count_as_padding(tmp_path):
    def remove_wind(values):
        values["U10_curr"][2] = values["V10_curr"][2] = 0
        values["REFL_COM_curr"][2, 0] = values[TARGET][2, 0] = 0

    assert read_changed(tmp_path, remove_wind).attrs["padded"] == 0


def test_same_place_and_time_alone_is_no_duplicate(tmp_path):
    def move(values):
        for name in ("time", "centroid_lon", "centroid_lat"):
            values[name][4] = values[name][1]

    assert read_changed(tmp_path, move).attrs["duplicate"] == 0


def test_lead_times_outside_the_limits_are_rejected(tmp_path):
    storms = read_changed(tmp_path, lambda values: None, lead_hours=[13, 15])
    np.testing.assert_array_equal(storms["forecast_hour"], [13, 14, 15])
    assert "p = 0, 4, 5" in storms.attrs["reason"] or "p = 0" in storms.attrs["reason"]
