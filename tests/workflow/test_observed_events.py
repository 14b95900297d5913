"""The workflow with observed events: as a second truth, and as the target."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from checkout import RUN_DATES, SETTINGS, Checkout, error_line, merged
from run_files import run_values, write_run_file

RESULTS = "results/tiny"
REPORTED = (5, 6, 7, 8)
"""Storms of each run with a report. The last six of twelve are events of the NWP model."""


def write_reports(path: Path) -> None:
    """Write a report 10 minutes after each of `REPORTED`, as a spreadsheet saves SPC's database."""
    lines = ["om;yr;mo;dy;date;time;tz;st;mag;slat;slon"]
    for run_date in RUN_DATES:
        values = run_values(12)
        for storm in REPORTED:
            time = run_date + timedelta(hours=int(values["time"][storm]) - 6, minutes=10)
            position = f"{values['centroid_lat'][storm]:.4f};{values['centroid_lon'][storm]:.4f}"
            day = f"{time.year};{time.month};{time.day};{time:%Y-%m-%d}"
            lines.append(f"1;{day};{time:%H:%M:%S};3;OK;1.00;{position}")
    path.write_text("\r\n".join(lines), encoding="utf-8-sig")


def test_all_models_are_judged_by_reports_as_well(rerun: Checkout) -> None:
    scores = rerun.path / RESULTS / "verification/scores.csv"
    before = scores.read_bytes()
    missing = {"reports": ["hail.csv"], "kinds": ["hail"], "distance_km": 3}
    rerun.change({"observations": missing})
    error_line(rerun.fail("--dry-run"), "observations.reports: hail.csv")
    write_reports(rerun.path / "hail.csv")
    jobs = {"match_reports", "score_observed", "draw_observed", "write_report", "write_config"}
    assert {job.rule for job in rerun.plan().values()} == jobs | {"all"}
    rerun.run()
    assert scores.read_bytes() == before

    # The next storm is 6 km away.
    with xr.open_dataset(rerun.path / RESULTS / "observations.nc") as file:
        np.testing.assert_array_equal(file["observed"], np.isin(file["patch"], REPORTED))
        np.testing.assert_array_equal(file["reports"], file["observed"])
        assert file.attrs["reports_matched"] == file.attrs["reports_in_time"] == 16
        assert file.attrs["training_frequency"] == pytest.approx(1 / 3)
    tables = {
        name: pd.read_csv(rerun.path / RESULTS / f"verification/observed_{name}.csv")
        for name in ("scores", "differences", "reliability", "events")
    }
    whole = tables["scores"].query("stratum == 'all'")
    for table in (whole, tables["differences"]):
        events = table.groupby("truth")["events"].unique().map(list)
        assert events.to_dict() == {"nwp": [24], "observed": [16]}
    assert set(tables["scores"]["model"]) == set(pd.read_csv(scores)["model"])
    assert set(tables["reliability"]["truth"]) == {"nwp", "observed"}
    compared = tables["events"].query("model == 'baseline' and part == 'all'")
    counts = compared.set_index(["nwp_event", "observed_event"])["storms"].to_dict()
    assert counts == {(1, 1): 12, (1, 0): 12, (0, 1): 4, (0, 0): 20}
    report = (rerun.path / RESULTS / "report.html").read_text(encoding="utf-8")
    assert "16 of 48 storms have one" in report

    rerun.change({"observations": {"reports": []}})
    assert {job.rule for job in rerun.plan().values()} == {"write_report", "write_config", "all"}


def test_target_with_one_value_per_storm_is_trained_on(tmp_path: Path) -> None:
    settings = merged(SETTINGS, {"data": {"target": "Max_Hail_Size", "batch": "year"}})
    checkout = Checkout.of_code(tmp_path / "hail", settings | {"event": {"threshold": 25}})
    sizes = np.float32([0, 0, 0, 0, 30, 20, 60, 0, 0, 25, 26, 27])
    for run_date in RUN_DATES:
        values = run_values(12, seed=int(f"{run_date:%Y%m%d}")) | {"Max_Hail_Size": sizes}
        write_run_file(checkout.path / "runs", values, run_date=run_date)
    predictions = f"{RESULTS}/predictions/baseline/seed-0.nc"
    checkout.run(predictions)
    with xr.open_dataset(checkout.path / predictions) as file:
        np.testing.assert_array_equal(file["label"], np.tile(sizes > 25, 4))
        assert "Max_Hail_Size of the storm exceeds 25" in file["label"].attrs["long_name"]
