"""Titles and networks name the forecast runs that storms come from."""

from datetime import datetime

import numpy as np
import pytest
from batches import prepare
from run_files import run_values, write_run_file

from stormcnn.provenance import digest
from stormcnn.storms.patches import open_patches
from stormcnn.storms.run_files import list_folder
from stormcnn.storms.run_summary import describe_training, runs_title
from stormcnn.storms.titles import is_made_up_title


@pytest.fixture
def storms(tmp_path):
    """Three runs with 4, 5 and 6 storms in batches of years; those of the second are made up."""
    dates = (datetime(2010, 10, 24), datetime(2011, 4, 25, 12), datetime(2012, 6, 1))
    paths = []
    for number, date in enumerate(dates):
        title = "Made-up storms" if number == 1 else None
        folder, values = tmp_path / str(number), run_values(storms=4 + number)
        write_run_file(folder / "runs", values, run_date=date, title=title)
        paths.append(prepare(list_folder(folder / "runs", "year"), folder))
    return open_patches(paths).storms


@pytest.mark.slow
def test_title_names_the_first_and_the_last_run_of_all_batches(storms):
    assert storms.attrs["title"] == (
        "Made-up storm patches of the forecast runs from 2010-10-24T00:00 to 2012-06-01T00:00"
    )


@pytest.mark.parametrize("made_up", [False, True])
def test_title_of_one_run_or_none(made_up):
    one = runs_title(np.array(["2011-04-25", "2011-04-25"], "M8[ns]"), made_up)
    none = runs_title(np.array([], "M8[ns]"), made_up)
    assert one.endswith(" of the forecast run of 2011-04-25T00:00")
    assert is_made_up_title(one) == is_made_up_title(none) == made_up


@pytest.mark.slow
def test_training_is_described_by_its_runs_storms_and_run_list(storms):
    about = describe_training(storms)
    names = [
        "NCARSTORM_20101024-0000_d01_model_patches.nc",
        "NCARSTORM_20110425-1200_d01_model_patches.nc",
        "NCARSTORM_20120601-0000_d01_model_patches.nc",
    ]
    dates = ["2010-10-24T00:00", "2011-04-25T12:00", "2012-06-01T00:00"]
    assert (about["trained_from"], about["trained_until"]) == (dates[0], dates[-1])
    assert (about["training_runs"], about["training_storms"]) == (3, 15)
    assert about["training_run_list"] == digest([*zip(dates, names, strict=True)])
    for part in (dates[0], dates[-1], "3 runs", "15 storms", about["training_run_list"]):
        assert part in about["trained_on"]


@pytest.mark.slow
def test_digest_of_the_run_list_changes_with_any_run(storms):
    fewer = storms.isel(storm=storms["run_date"] < np.datetime64("2012-01-01"))
    assert (
        describe_training(fewer)["training_run_list"]
        != (describe_training(storms)["training_run_list"])
    )
