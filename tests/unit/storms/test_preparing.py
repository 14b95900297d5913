"""Preparing batches: patches, statistics and inventory of run files, some of them bad."""

import logging
import os
import tracemalloc
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from batches import SETTINGS, STORM_COORDINATES, prepare, whole, write_run_files
from run_files import run_values, write_run_file

from stormcnn.errors import UserError
from stormcnn.provenance import sha256_of
from stormcnn.storms import preparing
from stormcnn.storms.inventory import check_inventory
from stormcnn.storms.reading import read_run
from stormcnn.storms.run_files import BadRunFile, Run, as_run, list_folder
from stormcnn.storms.titles import is_made_up_title

DATA = Path(__file__).parents[2] / "data"
NCAR_RUNS = [as_run(path, "year") for path in sorted(DATA.glob("NCARSTORM_*.nc"))]


def inventory_of(path):
    return pd.read_csv(path.with_name("inventory.csv"), keep_default_na=False)


def truncate(run):
    """Truncate a run file and return its path."""
    path = Path(run.file)
    path.write_bytes(path.read_bytes()[:5000])
    return path


@pytest.mark.slow
def test_batch_has_the_storms_of_its_runs_in_order(tmp_path):
    runs = write_run_files(tmp_path / "runs", 3, 70, 2)
    patches = whole([prepare(runs, tmp_path)])
    singles = [read_run(run.file, **SETTINGS) for run in runs]
    xr.testing.assert_equal(patches, xr.concat(singles, "storm", data_vars="minimal"))
    assert patches.sizes["storm"] == 75
    assert set(patches["predictors"].coords) == STORM_COORDINATES | {
        "variable",
        "units",
        "standard_name",
    }


@pytest.mark.slow
def test_rejected_storms_are_missing_from_the_batch_and_counted_in_the_inventory(tmp_path):
    values = run_values(storms=5)
    values["U10_curr"][[1, 4], 3, 3] = np.nan
    values["REFL_COM_curr"][0] = 0
    path = write_run_file(tmp_path / "runs", values, title="Title of the run")
    run = as_run(path, "month")
    prepared = prepare([run], tmp_path)
    np.testing.assert_array_equal(whole([prepared])["patch"], [2, 3])
    assert inventory_of(prepared).to_dict("records") == [
        {
            "run_date": "2010-10-24T00:00",
            "file": str(path),
            "batch": "2010-10",
            "storms": 2,
            "rejected": 3,
            "reason": "2 x NaN in U10_curr (p = 1, 4); 1 x all-zero REFL_COM_curr (p = 0)",
            "missing_hours": 0,
            "missing_storms": 0,
            "duplicate": 0,
            "padded": 0,
            "constant": 0,
            "corrections": "",
            "units": "REFL_COM_curr: dBZ; U10_curr: m s-1; V10_curr: m s-1; RVORT1_MAX_future: s-1",
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
            "title": "Title of the run",
            "patch_size": "8 x 8",
        }
    ]


@pytest.mark.slow
def test_inventory_counts_missing_hours_apart_from_bad_storms(tmp_path):
    values = run_values(storms=14)
    values["time"][:] = [12] * 7 + [13] * 7
    values["RVORT1_MAX_future"][:7] = 0
    values["U10_curr"][7, 3, 3] = np.nan
    run = as_run(write_run_file(tmp_path / "runs", values), "month")
    row = inventory_of(prepare([run], tmp_path)).iloc[0]
    assert row[["storms", "rejected", "missing_hours", "missing_storms"]].tolist() == [6, 8, 1, 7]


@pytest.mark.slow
def test_statistics_cover_the_valid_storms_of_each_run(tmp_path):
    runs = write_run_files(tmp_path / "runs", 4, 6)
    values = run_values(storms=5, seed=9)
    values["V10_curr"][0, 0, 0] = np.inf
    runs.append(as_run(write_run_file(tmp_path, values, run_date=datetime(2010, 12, 1)), "year"))
    patches = prepare(runs, tmp_path)
    table = pd.read_csv(patches.with_name("statistics.csv"))
    assert list(table) == ["run_date", "variable", "count", "mean", "m2", "minimum", "maximum"]
    assert list(table["run_date"].unique()) == [run.run_date for run in runs]
    fields = whole([patches])["predictors"].astype("f8")
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


@pytest.mark.slow
def test_hagelslag_files_are_prepared(tmp_path):
    patches = whole([prepare(NCAR_RUNS, tmp_path)])
    assert patches["predictors"].shape == (32, 32, 32, 3)
    assert patches["run_file"].to_series().value_counts().to_dict() == {
        "NCARSTORM_20000101-0000_d01_model_patches.nc": 18,
        "NCARSTORM_20300101-0000_d01_model_patches.nc": 14,
    }


@pytest.mark.slow
def test_equal_runs_give_equal_files_in_any_folder(tmp_path):
    runs = write_run_files(tmp_path / "runs", 3, 4)
    copies = write_run_files(tmp_path / "another" / "folder", 3, 4)
    first, second = prepare(runs, tmp_path / "first"), prepare(copies, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    name = "statistics.csv"
    assert first.with_name(name).read_bytes() == second.with_name(name).read_bytes()


def test_xarray_opens_a_batch_with_cf_names_and_units(tmp_path):
    prepared = prepare(write_run_files(tmp_path / "runs", 3), tmp_path)
    with xr.open_dataset(prepared) as dataset, netCDF4.Dataset(prepared) as file:
        xr.testing.assert_equal(dataset.load(), whole([prepared]))
        assert set(dataset.data_vars) == {"predictors", "peak", "masks"}
        assert dataset.attrs["Conventions"] == "CF-1.8"
        assert len(dataset.attrs["settings_digest"]) == 16
        assert "numpy=" in dataset.attrs["software"]
        assert dataset["forecast_hour"].dtype == np.float64
        assert file["peak"].units == "s-1"
        assert file["peak"].standard_name == "atmosphere_upward_relative_vorticity"
        assert file["peak"].long_name == "largest RVORT1_MAX_future inside masks"
        assert file["longitude"].standard_name == "longitude"
        assert file["run_date"].standard_name == "forecast_reference_time"
        assert list(file["units"][:]) == ["dBZ", "m s-1", "m s-1"]
        assert file["predictors"].filters()["fletcher32"]
        assert file["ensemble_member"].filters()["zlib"]
        assert file.dimensions["storm"].isunlimited()


@pytest.mark.slow
def test_title_says_if_any_storm_is_made_up(tmp_path):
    real = write_run_files(tmp_path / "real", 2)
    path = write_run_file(
        tmp_path, run_date=datetime(2011, 5, 1), title="Made-up storm patches for run 1"
    )
    batches = [
        prepare(real, tmp_path / "first"),
        prepare([as_run(path, "year")], tmp_path / "second"),
        prepare([*real, as_run(path, "year")], tmp_path / "third"),
    ]
    titles = [whole([batch]).attrs["title"] for batch in batches]
    assert [is_made_up_title(title) for title in titles] == [False, True, True]
    assert "2010" in titles[0]
    assert is_made_up_title(whole(batches[:2]).attrs["title"])


@pytest.mark.slow
@pytest.mark.parametrize("storms", [0, 3], ids=["no storms", "all rejected"])
def test_batch_without_storms_gives_valid_files(tmp_path, storms):
    values = run_values(storms)
    values["masks"][:] = 0
    prepared = prepare([as_run(write_run_file(tmp_path / "runs", values), "year")], tmp_path)
    assert whole([prepared]).sizes["storm"] == 0
    with xr.open_dataset(prepared) as dataset:
        assert list(dataset["variable"].values) == SETTINGS["predictors"]
        assert STORM_COORDINATES.issubset(dataset.coords)
    statistics = prepared.with_name("statistics.csv").read_text()
    assert statistics == "run_date,variable,count,mean,m2,minimum,maximum\n"
    assert inventory_of(prepared)["rejected"].tolist() == [storms]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_runs(tmp_path):
    def peak(runs, folder):
        tracemalloc.start()
        prepare(runs, folder)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    runs = write_run_files(tmp_path / "runs", *[40] * 6, size=16)
    prepare(runs[:1], tmp_path / "first")  # loads what is only loaded once
    assert peak(runs, tmp_path / "six") < 1.1 * peak(runs[:1], tmp_path / "one")


@pytest.mark.slow
def test_units_that_the_project_does_not_know_are_those_of_the_first_file(tmp_path):
    factors = {"mm": 1, "cm": 0.1, "m": 0.001}
    runs = []
    for day, (units, factor) in enumerate(factors.items(), start=1):
        values = run_values(3)
        values["HAIL_MAXK1_future"] *= factor
        path = write_run_file(tmp_path / "runs", values, run_date=datetime(2010, 5, day))
        with netCDF4.Dataset(path, "a") as file:
            file["HAIL_MAXK1_future"].units = units
        runs.append(as_run(path, "year"))
    patches = whole([prepare(runs, tmp_path, target="HAIL_MAXK1_future")])
    assert patches["peak"].attrs["units"] == "mm"
    peaks = patches["peak"].values.reshape(3, 3)
    np.testing.assert_allclose(peaks, np.broadcast_to(peaks[0], (3, 3)), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("order", [("", "mm"), ("mm", "")])
def test_files_with_and_without_units_of_an_unknown_quantity_do_not_go_together(tmp_path, order):
    runs = []
    for day, units in enumerate(order, start=1):
        path = write_run_file(tmp_path / "runs", run_values(3), run_date=datetime(2010, 5, day))
        with netCDF4.Dataset(path, "a") as file:
            file["HAIL_MAXK1_future"].units = units
        runs.append(as_run(path, "year"))
    prepared = prepare(runs, tmp_path, target="HAIL_MAXK1_future")
    with pytest.raises(UserError, match="HAIL_MAXK1_future") as error:
        check_inventory(inventory_of(prepared).to_dict("records"))
    assert all(run.file in str(error.value) for run in runs)


def test_corrections_are_in_the_inventory_and_in_the_log(tmp_path, caplog):
    values = {
        name: array[:, ::-1] if array.ndim == 3 else array for name, array in run_values().items()
    }
    run = as_run(write_run_file(tmp_path / "runs", values), "year")
    with caplog.at_level(logging.INFO, "stormcnn"):
        (correction,) = inventory_of(prepare([run], tmp_path))["corrections"]
    assert "rows" in correction
    assert sum(correction in message for message in caplog.messages) == 1


def test_questionable_storms_are_counted_by_kind_and_kept_if_so_configured(tmp_path):
    values = run_values()
    for name in set(values) - {"p", "row", "col"}:
        values[name][5] = values[name][1]
    values["U10_curr"][2] = 3
    run = as_run(write_run_file(tmp_path / "runs", values), "year")
    rejected = inventory_of(prepare([run], tmp_path / "rejected")).iloc[0]
    kept = inventory_of(prepare([run], tmp_path / "kept", reject=["padded"])).iloc[0]
    kinds = ["duplicate", "padded", "constant"]
    assert list(rejected[kinds]) == list(kept[kinds]) == [1, 0, 1]
    assert (rejected["storms"], kept["storms"]) == (4, 6)


# Bad run files


def test_bad_run_file_is_named(tmp_path):
    runs = write_run_files(tmp_path / "runs", 2, 2, 2)
    bad = truncate(runs[1])
    with pytest.raises(BadRunFile, match=r"data\.skip_bad_files") as error:
        prepare(runs, tmp_path / "prepared")
    assert str(bad) in str(error.value)
    assert list((tmp_path / "prepared").iterdir()) == []


@pytest.mark.slow
def test_bad_run_files_can_be_skipped(tmp_path, caplog):
    runs = write_run_files(tmp_path / "runs", 2, 2, 2, 2)
    bad = truncate(runs[0])
    Path(runs[2].file).unlink()
    with caplog.at_level(logging.WARNING, "stormcnn"):
        prepared = prepare(runs, tmp_path, skip_bad_files=True)
    patches = whole([prepared])
    assert list(patches["run_file"].values) == [Path(runs[i].file).name for i in (1, 1, 3, 3)]
    table = inventory_of(prepared)
    assert table["storms"].tolist() == [0, 2, 0, 2]
    assert table["reason"].str.contains("cannot be read as NetCDF").tolist() == [1, 0, 0, 0]
    assert table["reason"].str.contains("cannot be opened").tolist() == [0, 0, 1, 0]
    assert table["bytes"][0] == 5000
    assert table["sha256"][0] == sha256_of(bad)
    assert (table["bytes"][2], table["sha256"][2]) == (0, "")
    assert sum(str(bad) in message for message in caplog.messages) == 1


def test_file_that_is_no_regular_file_is_set_aside_with_the_reason(tmp_path):
    runs = write_run_files(tmp_path / "runs", 2, 2)
    Path(runs[0].file).unlink()
    os.mkfifo(runs[0].file)
    table = inventory_of(prepare(runs, tmp_path, skip_bad_files=True))
    assert table["storms"].tolist() == [0, 2]
    assert "named pipe" in table["reason"][0]
    assert (table["bytes"][0], table["sha256"][0]) == (0, "")
    with pytest.raises(BadRunFile, match="named pipe"):
        prepare(runs, tmp_path)


@pytest.mark.slow
def test_batch_of_bad_files_is_empty(tmp_path):
    runs = write_run_files(tmp_path / "runs", 2)
    truncate(runs[0])
    good = prepare(write_run_files(tmp_path / "good", 2), tmp_path / "good")
    prepared = prepare(runs, tmp_path, skip_bad_files=True)
    xr.testing.assert_equal(whole([prepared, good]), whole([good]))
    assert whole([prepared])["predictors"].shape == (0, 0, 0, 3)


@pytest.mark.slow
def test_patch_sizes_that_differ_are_named(tmp_path):
    runs = write_run_files(tmp_path / "runs", 2)
    other = write_run_file(tmp_path, run_values(size=16), run_date=datetime(2010, 11, 1))
    runs.append(as_run(other, "year"))
    with pytest.raises(BadRunFile, match=r"8 x 8 .*16 x 16"):
        prepare(runs, tmp_path)
    prepared = prepare(runs, tmp_path, skip_bad_files=True)
    assert inventory_of(prepared)["storms"].tolist() == [2, 0]


def test_run_without_storms_does_not_set_the_patch_size(tmp_path):
    empty = write_run_file(tmp_path, run_values(0, size=16), run_date=datetime(2010, 1, 1))
    runs = [as_run(empty, "year"), *write_run_files(tmp_path / "runs", 2)]
    assert whole([prepare(runs, tmp_path)])["predictors"].shape == (2, 8, 8, 3)


def test_run_date_that_differs_from_the_run_list_is_named(tmp_path):
    run = write_run_files(tmp_path / "runs", 2)[0]
    with pytest.raises(BadRunFile, match=r"2010-10-24 .*2010-10-25"):
        prepare([run._replace(run_date="2010-10-25")], tmp_path)


def test_checksum_in_the_run_list_is_checked(tmp_path):
    run = write_run_files(tmp_path / "runs", 2)[0]
    listed = Run(run.run_date, run.file, run.batch, sha256_of(run.file))
    assert whole([prepare([listed], tmp_path)]).sizes["storm"] == 2
    with pytest.raises(BadRunFile, match="0000"):
        prepare([listed._replace(sha256="0000")], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("skip_bad_files", [False, True])
@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("changed", ["bytes", "modified"])
def test_file_changed_since_its_listing_is_not_used(tmp_path, changed, complete, skip_bad_files):
    (run,) = write_run_files(tmp_path / "runs", 2)
    if not complete:
        truncate(run)
    (listed,) = list_folder(tmp_path / "runs", "year")
    with pytest.raises(UserError, match="listed") as error:
        prepare(
            [listed._replace(**{changed: 1})],
            tmp_path / "prepared",
            skip_bad_files=skip_bad_files,
        )
    assert run.file in str(error.value)
    assert not isinstance(error.value, BadRunFile)


def test_file_that_changes_while_it_is_read_is_not_skipped(tmp_path, monkeypatch):
    """A later call would not read it, if it got the size that it had before."""
    write_run_files(tmp_path / "runs", 2)
    (run,) = list_folder(tmp_path / "runs", "year")
    read = preparing.read_run

    def read_and_touch(*arguments, **settings):
        storms = read(*arguments, **settings)
        os.utime(run.file)
        return storms

    monkeypatch.setattr(preparing, "read_run", read_and_touch)
    with pytest.raises(UserError, match="listed"):
        prepare([run], tmp_path / "prepared", skip_bad_files=True)
