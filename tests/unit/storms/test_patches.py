"""Preparing batches of runs, and reading their patches back."""

import logging
import threading
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from run_files import run_values, write_run_file

from stormcnn.errors import UserError
from stormcnn.models.fields import CopiedFields, hold_fields, read_ahead
from stormcnn.provenance import sha256_of
from stormcnn.storms.patches import open_fields, prepare_batch, read_patches, read_storms
from stormcnn.storms.reading import BadRunFile, read_run
from stormcnn.storms.run_files import Run, as_run, list_folder

DATA = Path(__file__).parents[2] / "data"
SETTINGS = {
    "predictors": ["REFL_COM_curr", "U10_curr", "V10_curr"],
    "target": "RVORT1_MAX_future",
    "region": "storm",
}
COORDINATES = {
    "run_date",
    "valid_time",
    "forecast_hour",
    "member",
    "track_id",
    "track_step",
    "longitude",
    "latitude",
    "run_file",
    "patch",
}


def write_runs(folder, *counts, size=8, **options):
    """Run files of successive days with so many storms each; gives their run list."""
    for day, storms in enumerate(counts):
        write_run_file(
            folder,
            run_values(storms, size, seed=day),
            run_date=datetime(2010, 10, 24) + timedelta(days=day),
            **options,
        )
    return list_folder(folder, "year")


def prepare(runs, folder, **changes):
    """Prepare one batch; gives its patches file."""
    prepare_batch(
        runs,
        folder / "patches.nc",
        folder / "statistics.csv",
        folder / "inventory.csv",
        **(SETTINGS | changes),
    )
    return folder / "patches.nc"


def inventory_of(path):
    return pd.read_csv(path.with_name("inventory.csv"), keep_default_na=False)


def spoil(run):
    """Cut a run file short; gives its path."""
    path = Path(run.file)
    path.write_bytes(path.read_bytes()[:5000])
    return path


# The files of a batch


def test_a_batch_holds_the_storms_of_its_runs_one_run_after_the_other(tmp_path):
    runs = write_runs(tmp_path / "runs", 3, 70, 2)
    patches = read_patches([prepare(runs, tmp_path)])
    singles = [read_run(run.file, **SETTINGS) for run in runs]
    xr.testing.assert_equal(patches, xr.concat(singles, "storm", data_vars="minimal"))
    assert patches.sizes["storm"] == 75
    assert set(patches["predictors"].coords) == COORDINATES | {
        "variable",
        "units",
        "standard_name",
    }


def test_storms_set_aside_are_not_in_the_batch_but_in_its_inventory(tmp_path):
    values = run_values(storms=5)
    values["U10_curr"][[1, 4], 3, 3] = np.nan
    values["REFL_COM_curr"][0] = 0
    path = write_run_file(tmp_path / "runs", values, title="Spoiled")
    run = as_run(path, "month")
    prepared = prepare([run], tmp_path)
    np.testing.assert_array_equal(read_patches([prepared])["patch"], [2, 3])
    assert inventory_of(prepared).to_dict("records") == [
        {
            "run_date": "2010-10-24T00:00",
            "file": str(path),
            "batch": "2010-10",
            "storms": 2,
            "rejected": 3,
            "reason": "2 x NaN in U10_curr (p = 1, 4); 1 x all-zero REFL_COM_curr (p = 0)",
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
            "title": "Spoiled",
            "patch_size": "8 x 8",
        }
    ]


def test_statistics_are_those_of_the_accepted_storms_of_each_run(tmp_path):
    runs = write_runs(tmp_path / "runs", 4, 6)
    values = run_values(storms=5, seed=9)
    values["V10_curr"][0, 0, 0] = np.inf
    runs.append(as_run(write_run_file(tmp_path, values, run_date=datetime(2010, 12, 1)), "year"))
    patches = prepare(runs, tmp_path)
    table = pd.read_csv(patches.with_name("statistics.csv"))
    assert list(table) == ["run_date", "variable", "count", "mean", "m2", "minimum", "maximum"]
    assert list(table["run_date"].unique()) == [run.run_date for run in runs]
    fields = read_patches([patches])["predictors"].astype("f8")
    for (run_date, variable), row in table.groupby(["run_date", "variable"]):
        of_run = fields["run_date"] == np.datetime64(run_date)
        expected = fields.sel(variable=variable).where(of_run, drop=True)
        row = row.iloc[0]
        assert row["count"] == expected.size
        assert row["mean"] == pytest.approx(expected.mean().item(), rel=1e-12)
        assert row["m2"] == pytest.approx(expected.var().item() * expected.size, rel=1e-12)
        assert row["minimum"] == expected.min().item()
        assert row["maximum"] == expected.max().item()
    assert len(table) == 9


def test_samples_of_hagelslag_go_through(tmp_path):
    patches = read_patches([prepare(list_folder(DATA, "year"), tmp_path)])
    assert patches["predictors"].shape == (32, 32, 32, 3)
    assert patches["run_file"].to_series().value_counts().to_dict() == {
        "NCARSTORM_20000101-0000_d01_model_patches.nc": 18,
        "NCARSTORM_20300101-0000_d01_model_patches.nc": 14,
    }


def test_equal_runs_give_equal_files_wherever_they_lie(tmp_path):
    runs = write_runs(tmp_path / "runs", 3, 4)
    copies = write_runs(tmp_path / "another" / "folder", 3, 4)
    first, second = prepare(runs, tmp_path / "first"), prepare(copies, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    name = "statistics.csv"
    assert first.with_name(name).read_bytes() == second.with_name(name).read_bytes()


def test_xarray_opens_a_batch_with_cf_names_and_units(tmp_path):
    prepared = prepare(write_runs(tmp_path / "runs", 3), tmp_path)
    with xr.open_dataset(prepared) as dataset, netCDF4.Dataset(prepared) as file:
        xr.testing.assert_equal(dataset.load(), read_patches([prepared]))
        assert set(dataset.data_vars) == {"predictors", "peak"}
        assert dataset.attrs["Conventions"] == "CF-1.8"
        assert len(dataset.attrs["settings_digest"]) == 16
        assert "numpy=" in dataset.attrs["software"]
        assert dataset["forecast_hour"].dtype == np.int32
        assert file["peak"].units == "s-1"
        assert file["peak"].standard_name == "atmosphere_upward_relative_vorticity"
        assert file["peak"].long_name == "largest RVORT1_MAX_future inside masks"
        assert file["longitude"].standard_name == "longitude"
        assert file["run_date"].standard_name == "forecast_reference_time"
        assert list(file["units"][:]) == ["dBZ", "m s-1", "m s-1"]
        assert file["predictors"].filters()["fletcher32"]
        assert file["member"].filters()["zlib"]
        assert file.dimensions["storm"].isunlimited()


def test_made_up_storms_stay_called_made_up(tmp_path):
    real = write_runs(tmp_path / "real", 2)
    path = write_run_file(
        tmp_path, run_date=datetime(2011, 5, 1), title="Made-up storm patches for run 1"
    )
    batches = [
        prepare(real, tmp_path / "first"),
        prepare([as_run(path, "year")], tmp_path / "second"),
        prepare([*real, as_run(path, "year")], tmp_path / "third"),
    ]
    titles = [read_patches([batch]).attrs["title"] for batch in batches]
    assert titles[0] == "Storm patches of the runs of 2010"
    assert titles[1] == "Made-up storm patches of the runs of 2011"
    assert titles[2].startswith("Made-up")
    assert read_patches(batches[:2]).attrs["title"].startswith("Made-up")


@pytest.mark.parametrize("storms", [0, 3], ids=["no storms", "all set aside"])
def test_a_batch_without_storms_gives_whole_files(tmp_path, storms):
    values = run_values(storms)
    values["masks"][:] = 0
    prepared = prepare([as_run(write_run_file(tmp_path / "runs", values), "year")], tmp_path)
    assert read_patches([prepared]).sizes["storm"] == 0
    with xr.open_dataset(prepared) as dataset:
        assert list(dataset["variable"].values) == SETTINGS["predictors"]
        assert COORDINATES.issubset(dataset.coords)
    statistics = prepared.with_name("statistics.csv").read_text()
    assert statistics == "run_date,variable,count,mean,m2,minimum,maximum\n"
    assert inventory_of(prepared)["rejected"].tolist() == [storms]


def test_memory_does_not_grow_with_the_runs_of_a_batch(tmp_path):
    def peak(runs, folder):
        tracemalloc.start()
        prepare(runs, folder)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    runs = write_runs(tmp_path / "runs", *[40] * 6, size=16)
    prepare(runs[:1], tmp_path / "first")  # what is loaded at the first use is not counted
    assert peak(runs, tmp_path / "six") < 1.1 * peak(runs[:1], tmp_path / "one")


# Bad run files


def test_bad_run_file_is_named_in_the_error(tmp_path):
    runs = write_runs(tmp_path / "runs", 2, 2, 2)
    bad = spoil(runs[1])
    with pytest.raises(BadRunFile, match=r"With data\.skip_bad_files: true") as refused:
        prepare(runs, tmp_path / "prepared")
    assert str(bad) in str(refused.value)
    assert list((tmp_path / "prepared").iterdir()) == []


def test_bad_run_files_can_be_left_out(tmp_path, caplog):
    runs = write_runs(tmp_path / "runs", 2, 2, 2, 2)
    bad = spoil(runs[0])
    Path(runs[2].file).unlink()
    with caplog.at_level(logging.WARNING, "stormcnn"):
        prepared = prepare(runs, tmp_path, skip_bad_files=True)
    patches = read_patches([prepared])
    assert list(patches["run_file"].values) == [Path(runs[i].file).name for i in (1, 1, 3, 3)]
    table = inventory_of(prepared)
    assert table["storms"].tolist() == [0, 2, 0, 2]
    assert table["reason"].str.contains("cannot be read as NetCDF").tolist() == [1, 0, 0, 0]
    assert table["reason"].str.contains("cannot be opened").tolist() == [0, 0, 1, 0]
    assert table["bytes"][0] == 5000
    assert table["sha256"][0] == sha256_of(bad)
    assert (table["bytes"][2], table["sha256"][2]) == (0, "")
    assert sum(str(bad) in message for message in caplog.messages) == 1


def test_a_batch_of_bad_files_only_is_empty(tmp_path):
    runs = write_runs(tmp_path / "runs", 2)
    spoil(runs[0])
    good = prepare(write_runs(tmp_path / "good", 2), tmp_path / "good")
    prepared = prepare(runs, tmp_path, skip_bad_files=True)
    xr.testing.assert_equal(read_patches([prepared, good]), read_patches([good]))
    assert read_patches([prepared])["predictors"].shape == (0, 0, 0, 3)


def test_patches_of_another_size_are_refused(tmp_path):
    runs = write_runs(tmp_path / "runs", 2)
    other = write_run_file(tmp_path, run_values(size=16), run_date=datetime(2010, 11, 1))
    runs.append(as_run(other, "year"))
    with pytest.raises(BadRunFile, match="16 x 16 grid points, the run files before it have 8 x 8"):
        prepare(runs, tmp_path)
    prepared = prepare(runs, tmp_path, skip_bad_files=True)
    assert inventory_of(prepared)["storms"].tolist() == [2, 0]


def test_a_run_without_storms_says_nothing_about_the_size(tmp_path):
    empty = write_run_file(tmp_path, run_values(0, size=16), run_date=datetime(2010, 1, 1))
    runs = [as_run(empty, "year"), *write_runs(tmp_path / "runs", 2)]
    assert read_patches([prepare(runs, tmp_path)])["predictors"].shape == (2, 8, 8, 3)


def test_a_run_list_with_another_run_date_is_refused(tmp_path):
    run = write_runs(tmp_path / "runs", 2)[0]
    with pytest.raises(BadRunFile, match="at 2010-10-25 as the run list says"):
        prepare([run._replace(run_date="2010-10-25")], tmp_path)


def test_a_digest_in_the_run_list_is_checked(tmp_path):
    run = write_runs(tmp_path / "runs", 2)[0]
    listed = Run(run.run_date, run.file, run.batch, sha256_of(run.file))
    assert read_patches([prepare([listed], tmp_path)]).sizes["storm"] == 2
    with pytest.raises(BadRunFile, match="the run list says 0000"):
        prepare([listed._replace(sha256="0000")], tmp_path)


# Reading batches


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    """Batches of 3, 0, 66 and 2 storms."""
    folder = tmp_path_factory.mktemp("batches")
    runs = write_runs(folder / "runs", 3, 0, 66, 2)
    return [prepare([run], folder / run.run_date[:10]) for run in runs]


def test_batches_are_read_in_the_order_given(batches):
    forward, backward = read_patches(batches), read_patches(batches[::-1])
    assert forward.sizes["storm"] == 71
    xr.testing.assert_equal(backward.isel(storm=slice(0, 2)), read_patches([batches[3]]))
    xr.testing.assert_equal(forward.isel(storm=slice(69, 71)), read_patches([batches[3]]))


def test_peaks_and_coordinates_are_read_without_the_fields(batches, whole):
    quick = read_patches(batches, predictors=False)
    assert "predictors" not in quick
    xr.testing.assert_equal(quick, whole.drop_vars("predictors"))


@pytest.fixture(scope="module")
def whole(batches):
    return read_patches(batches)


@settings(max_examples=15, deadline=None)
@given(storms=st.lists(st.integers(-71, 70), max_size=6))
def test_chosen_storms_are_those_of_the_whole(batches, whole, storms):
    xr.testing.assert_equal(read_storms(batches, storms), whole.isel(storm=storms))


@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 71), size=st.integers(0, 71), ahead=st.integers(1, 71))
def test_fields_are_read_as_they_are_asked_for(batches, whole, first, size, ahead):
    fields = open_fields(batches)
    assert (fields.shape, len(fields)) == ((71, 8, 8, 3), 71)
    expected = whole["predictors"].values
    np.testing.assert_array_equal(fields[first : first + size], expected[first : first + size])
    for start in range(0, 71, ahead):
        np.testing.assert_array_equal(
            fields[start : start + ahead], expected[start : start + ahead]
        )


def test_going_through_the_fields_does_not_hold_them(tmp_path):
    path = prepare(write_runs(tmp_path / "runs", *[1000] * 8, size=16), tmp_path / "batch")

    def peak(read):
        tracemalloc.start()
        read(open_fields([path]))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    size = open_fields([path]).in_memory().nbytes
    assert peak(lambda fields: fields.in_memory()) > size
    assert peak(lambda fields: [len(fields[n : n + 64]) for n in range(0, 8000, 64)]) < size / 2
    assert peak(lambda fields: CopiedFields(fields)[np.arange(0, 8000, 100)]) < size / 2


@pytest.mark.parametrize("memory_mb", [None, 1, 0.01])
def test_fields_on_disk_are_those_in_memory(batches, whole, memory_mb):
    held = hold_fields(open_fields(batches), memory_mb)
    assert isinstance(held, CopiedFields) == (memory_mb == 0.01)
    assert (held.shape, len(held)) == ((71, 8, 8, 3), 71)
    storms = np.random.default_rng(0).permutation(71)
    np.testing.assert_array_equal(held[storms], whole["predictors"].values[storms])
    np.testing.assert_array_equal(held[60:90], whole["predictors"].values[60:90])


class Noted:
    """Fields that tell of which storms they were asked, and give the second batch when let."""

    def __init__(self):
        self.asked = [threading.Event() for _ in range(3)]
        self.let = threading.Event()

    def __getitem__(self, storms):
        self.asked[storms[0]].set()
        if storms[0] == 1 and not self.let.wait(timeout=30):
            raise TimeoutError("nothing else went on")
        return -storms


THREE_STORMS = [np.array([number]) for number in range(3)]


def test_batches_come_in_order_with_the_next_read_while_one_is_worked_on():
    fields = Noted()
    reading = read_ahead(fields, THREE_STORMS)
    assert next(reading).tolist() == [0]
    assert fields.asked[1].wait(timeout=30)
    fields.let.set()
    assert next(reading).tolist() == [-1]
    assert [batch.tolist() for batch in reading] == [[-2]]


def test_no_more_than_the_next_batch_is_read_ahead():
    fields = Noted()
    threads = threading.active_count()
    reading = read_ahead(fields, THREE_STORMS)
    next(reading)
    fields.let.set()
    reading.close()
    assert not fields.asked[2].is_set()
    assert threading.active_count() <= threads


def test_batch_that_cannot_be_read_is_an_error(batches):
    fields = hold_fields(open_fields(batches), None)
    reading = read_ahead(fields, [np.array([0]), np.array([71])])
    next(reading)
    with pytest.raises(IndexError):
        next(reading)


def test_a_storm_that_does_not_exist_is_an_error(batches):
    with pytest.raises(IndexError):
        read_storms(batches, [71])


def test_batches_with_names_of_other_lengths_go_together(batches, tmp_path):
    name = f"{'LONG' * 20}_20110101-0000_member-1_model_patches.nc"
    path = write_run_file(tmp_path / "runs", run_date=datetime(2011, 1, 1), name=name)
    patches = read_patches([batches[0], prepare([as_run(path, "year")], tmp_path)])
    assert list(patches["run_file"].values[[2, 3]]) == [
        "NCARSTORM_20101024-0000_d01_model_patches.nc",
        name,
    ]
    assert list(patches["member"].values[[2, 3]]) == ["d01", "member-1"]


def test_batches_of_other_sizes_do_not_go_together(batches, tmp_path):
    other = prepare(write_runs(tmp_path / "runs", 2, size=16), tmp_path)
    with pytest.raises(UserError, match=r"16 x 16 grid points, .* has 8 x 8") as refused:
        read_patches([*batches, other])
    assert str(other) in str(refused.value)
    assert str(batches[0]) in str(refused.value)


@pytest.mark.parametrize("read", [read_patches, lambda paths: read_storms(paths, [10])])
@pytest.mark.parametrize("place", ["end", "fields"])
def test_a_damaged_batch_is_named_with_the_way_out(batches, tmp_path, read, place):
    content = bytearray(batches[2].read_bytes())
    if place == "end":
        content = content[: len(content) // 2]
    else:  # the file opens well, but its fields are not what was written
        with h5py.File(batches[2]) as file:
            chunk = file["predictors"].id.get_chunk_info(0)
        content[chunk.byte_offset + chunk.size // 2] ^= 1
    damaged = tmp_path / "patches.nc"
    damaged.write_bytes(content)
    with pytest.raises(UserError, match=r"patches\.nc: cannot be read .* remove it and run"):
        read([batches[0], damaged, batches[3]])


def test_batches_of_other_predictors_do_not_go_together(batches, tmp_path):
    other = prepare(write_runs(tmp_path / "runs", 2), tmp_path, predictors=["T2_curr"])
    with pytest.raises(UserError, match=r"predictors T2_curr, .* has REFL_COM_curr, U10_curr"):
        read_patches([*batches, other])
