"""The survey of run files: which can be used, and what they hold."""

from __future__ import annotations

from datetime import timedelta

import netCDF4
import numpy as np
import pytest
from run_files import FIRST_RUN, run_values, write_run_file

from stormcnn.errors import UserError
from stormcnn.storms.examples import read_examples
from stormcnn.storms.finding import left_out
from stormcnn.storms.reading import read_run
from stormcnn.storms.run_files import list_folder
from stormcnn.storms.survey import survey_runs
from stormcnn.storms.variables import Selection

PREDICTORS = ("REFL_COM_curr", "U10_curr")
SELECTION = Selection(PREDICTORS, "RVORT1_MAX_future", "storm")


def write_days(folder, changes):
    """Write a run file per day; `changes` are functions that change its values."""
    return [
        write_run_file(folder, change(run_values(seed=day)), run_date=FIRST_RUN + timedelta(day))
        for day, change in enumerate(changes)
    ]


def unchanged(values):
    return values


def without(name):
    return lambda values: {key: field for key, field in values.items() if key != name}


@pytest.mark.slow
def test_survey_has_the_storms_and_peaks_of_all_files(tmp_path):
    paths = write_days(tmp_path, [unchanged, unchanged])
    survey = survey_runs(list_folder(tmp_path, "year"), SELECTION)
    read = [
        read_run(path, predictors=PREDICTORS, target="RVORT1_MAX_future", region="storm")
        for path in paths
    ]
    peaks = np.concatenate([storms["peak"].values for storms in read])
    np.testing.assert_array_equal(survey.storms["peak"], peaks)
    assert list(survey.usable["storms"]) == [6, 6]
    assert survey.oriented == 2
    assert survey.grid_spacing_km == pytest.approx(2.9, abs=0.1)
    assert survey.files_with["HAIL_MAXK1_future"] == 2


@pytest.mark.slow
def test_ranges_and_missing_values_are_those_of_all_storms(tmp_path):
    def spoil(values):
        values["U10_curr"][2, 0, :4] = np.nan
        values["U10_curr"][3, 1, 1] = 900
        return values

    write_days(tmp_path, [unchanged, spoil])
    survey = survey_runs(list_folder(tmp_path, "year"), SELECTION)
    wind = survey.fields["U10_curr"]
    assert (wind.files, wind.size, wind.missing) == (2, 2 * 6 * 64, 4)
    assert wind.share_missing == pytest.approx(4 / 768)
    assert wind.maximum == 900
    # Histograms show the storms that are used.
    assert wind.sample.max() < 100
    assert list(survey.usable["rejected"]) == [0, 2]


@pytest.mark.slow
def test_files_that_cannot_be_used_are_rows_with_a_reason(tmp_path):
    paths = write_days(tmp_path, [unchanged, without("U10_curr"), unchanged])
    paths[2].write_bytes(paths[2].read_bytes()[:3000])
    survey = survey_runs(list_folder(tmp_path, "year"), SELECTION)
    assert list(survey.files["fault"] == "") == [True, False, False]
    assert "U10_curr" in survey.files["fault"][1]
    assert str(paths[2]) in survey.files["fault"][2]
    assert survey.storms.sizes["storm"] == 6


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["RVORT1_MAX_future", "masks"])
def test_file_without_truth_counts_with_unknown_peaks(tmp_path, missing):
    write_days(tmp_path, [unchanged, without(missing)])
    survey = survey_runs(list_folder(tmp_path, "year"), SELECTION)
    assert list(survey.usable["lacking"]) == ["", missing]
    assert list(np.isfinite(survey.storms["peak"])) == 6 * [True] + 6 * [False]
    assert set(survey.usable["patch_size"]) == {"8 x 8"}


@pytest.mark.slow
def test_corrections_and_units_are_those_of_the_files(tmp_path):
    paths = write_days(tmp_path, [unchanged, unchanged])
    with netCDF4.Dataset(paths[1], "a") as file:
        file["U10_curr"].units = "kt"
    survey = survey_runs(list_folder(tmp_path, "year"), SELECTION)
    assert "from kt" in survey.usable["corrections"][1]
    assert survey.fields["U10_curr"].units == "m s-1"
    assert "REFL_COM_curr" in survey.without_units


@pytest.mark.slow
def test_conflicts_between_files_are_reported(tmp_path):
    write_days(tmp_path, [unchanged, unchanged])
    write_run_file(tmp_path, run_values(size=16), run_date=FIRST_RUN + timedelta(5))
    survey = survey_runs(list_folder(tmp_path, "year"), SELECTION)
    assert "8 x 8" in survey.conflict
    assert "16 x 16" in survey.conflict


@pytest.mark.slow
def test_no_usable_file_is_an_error_that_names_the_fields_of_the_files(tmp_path):
    write_days(tmp_path, [without("U10_curr"), without("U10_curr")])
    with pytest.raises(UserError, match=r"U10_curr is missing.*V10_curr"):
        survey_runs(list_folder(tmp_path, "year"), SELECTION)


@pytest.mark.slow
def test_examples_are_the_chosen_storms_with_fields_and_masks(tmp_path):
    write_days(tmp_path, [unchanged, unchanged])
    survey = survey_runs(list_folder(tmp_path, "year"), SELECTION)
    chosen = [7, 2, 9]
    examples = read_examples(survey, chosen, SELECTION)
    for index, example in zip(chosen, examples, strict=True):
        assert example["peak"] == survey.storms["peak"][index]
        assert example["run_file"] == survey.storms["run_file"][index]
        assert example["predictors"].sizes == {"y": 8, "x": 8, "variable": 2}
        assert example["masks"].sum() == 16


def test_what_is_left_out_includes_files_that_are_not_listed(tmp_path):
    paths = write_days(tmp_path, [unchanged, unchanged])
    (tmp_path / f"{paths[0].name}.gz").touch()
    found = left_out(tmp_path, [str(paths[0])])
    assert sorted(map(list, found.values())) == [
        [paths[0].with_name(f"{paths[0].name}.gz")],
        [paths[1]],
    ]
