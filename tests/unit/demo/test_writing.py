"""Run files of made-up storms have the layout that hagelslag writes."""

from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from stormcnn.config.archive_dates import demo_file_name, demo_run_dates
from stormcnn.demo.generator import make_storms
from stormcnn.demo.writing import write_run, write_runs
from stormcnn.errors import UserError
from stormcnn.storms.titles import is_made_up_title

HAGELSLAG = Path(__file__).parents[2] / "data" / "NCARSTORM_20000101-0000_d01_model_patches.nc"
RUN_DATE = datetime(2011, 4, 25)


def layout(path):
    with netCDF4.Dataset(path) as file:
        variables = {
            name: (variable.dtype, variable.dimensions, variable.filters(), variable.endian())
            for name, variable in file.variables.items()
        }
        attributes = {
            name: {key: variable.getncattr(key) for key in variable.ncattrs() if name != "time"}
            for name, variable in file.variables.items()
        }
        return file.data_model, list(file.dimensions), list(variables.items()), attributes


def test_run_files_have_the_layout_that_hagelslag_writes(tmp_path):
    path = tmp_path / demo_file_name(RUN_DATE)
    write_run(path, 0, storms=18, seed=1)
    assert layout(path) == layout(HAGELSLAG)
    with netCDF4.Dataset(path) as made_up, netCDF4.Dataset(HAGELSLAG) as real:
        assert made_up.ncattrs() == real.ncattrs()
        assert made_up.Conventions == real.Conventions
        assert made_up.object_variable == real.object_variable
        assert made_up["time"].ncattrs() == real["time"].ncattrs()
        assert made_up["time"].units == "hours since 2011-04-25 00:00:00"
        assert {name: len(length) for name, length in made_up.dimensions.items()} == {
            "p": 18,
            "row": 32,
            "col": 32,
        }
        for name in ("p", "row", "col"):
            assert made_up[name][:].tolist() == list(range(len(made_up.dimensions[name])))


def test_title_says_that_the_storms_are_made_up(tmp_path):
    path = tmp_path / demo_file_name(RUN_DATE)
    write_run(path, 0, storms=3, seed=1)
    with netCDF4.Dataset(path) as file:
        assert is_made_up_title(file.title)
        assert "20110425-0000" in file.title


def test_truth_has_a_row_per_storm(tmp_path):
    path = tmp_path / demo_file_name(RUN_DATE)
    truth = write_run(path, 2, storms=5, seed=1)
    known = ["probability", "vortex_x", "vortex_y", "vortex_radius", "vortex_speed"]
    assert list(truth.columns) == ["run_date", "file", "patch", *known]
    assert set(truth["run_date"]) == {"2011-04-25T00:00"}
    assert set(truth["file"]) == {"NCARSTORM_20110425-0000_d01_model_patches.nc"}
    assert truth["patch"].tolist() == [0, 1, 2, 3, 4]
    _, expected = make_storms(RUN_DATE, 2, 5, seed=1)
    for name in known:
        assert truth[name].tolist() == expected[name].tolist()


def test_file_name_without_run_date_is_named(tmp_path):
    with pytest.raises(UserError, match=r"storms\.nc"):
        write_run(tmp_path / "storms.nc", 0, storms=3, seed=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_storms_do_not_depend_on_the_number_of_workers(tmp_path):
    names = [demo_file_name(run_date) for run_date in demo_run_dates(3)]
    alone = write_runs([tmp_path / "alone" / name for name in names], 6, seed=1, workers=1)
    shared = write_runs([tmp_path / "shared" / name for name in names], 6, seed=1, workers=2)
    assert alone.equals(shared)
    assert alone["file"].unique().tolist() == names
    for name in names:
        with (
            netCDF4.Dataset(tmp_path / "alone" / name) as one,
            netCDF4.Dataset(tmp_path / "shared" / name) as other,
        ):
            for variable in one.variables:
                assert np.array_equal(one[variable][:], other[variable][:]), variable
