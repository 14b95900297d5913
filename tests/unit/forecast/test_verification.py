"""An issued forecast is compared with what happened, and earlier ones are summed up."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from checkout import ROOT

from stormcnn.forecast.contents import TrackRecordRow
from stormcnn.forecast.records import record_path, verification_path
from stormcnn.forecast.verification import (
    count_by_class,
    read_track_record,
    read_verified,
    write_verification,
)
from stormcnn.io import write_netcdf

TEMPLATE = ROOT / "report" / "forecast_verification.html.jinja"
NETWORK = "0123456789abcdef"


@pytest.fixture
def issued(forecast):
    return forecast.assign_attrs(
        title="Storm patches",
        run_date="2030-05-01T00:00",
        ensemble_member="d01",
        issued="2030-05-01T01:00:00Z",
        event_title="<rotation>",
        event_lead="now",
        event_units="s⁻¹",
        training_event_frequency=0.1,
        network_sha256=NETWORK,
        warnings="The clock is wrong.",
    )


def verify(folder, run, issued, event):
    """Write a record and its verification, with the most probable storms first."""
    record = record_path(folder, run, NETWORK)
    write_netcdf(issued, record)
    peak = ("storm", np.where(event, 0.006, 0.004).astype(np.float32))
    verified = issued.assign(peak=peak, label=("storm", np.asarray(event, "int8")))
    paths = [verification_path(record, kind) for kind in ("csv", "html")]
    write_verification(verified, *paths, TEMPLATE)
    return record


def test_page_says_what_became_of_the_storms(tmp_path, issued):
    record = verify(tmp_path, "20300501-0000-d01", issued, [True, False, False])
    page = verification_path(record, "html").read_text()
    for part in ("1 of 3 storms", "add up to 1.6", "0.1000", "The clock is wrong."):
        assert part in page
    assert "<rotation>" not in page


def test_outcomes_are_read_again_from_the_table(tmp_path, issued):
    record = verify(tmp_path, "20300501-0000-d01", issued, [True, False, False])
    table = verification_path(record)
    rows = pd.read_csv(table)
    rows.iloc[[2, 0]].to_csv(table, index=False)
    verified = read_verified(record, table)
    assert verified["patch"].values.tolist() == [0, 1]
    assert verified["label"].values.tolist() == [0, 1]
    xr.testing.assert_identical(verified["probability"], issued["probability"][[2, 0]])


def test_track_record_sums_up_the_forecasts_of_one_network(tmp_path, issued):
    verify(tmp_path, "20300501-0000-d01", issued, [True, False, False])
    verify(tmp_path, "20300502-0000-d01", issued, [False, True, False])
    late = issued.assign_attrs(issued="2030-05-02T00:00:00Z")
    verify(tmp_path, "20300501-0000-d02", late, [True, True, True])  # known by then
    record = record_path(tmp_path, "20300503-0000-d01", NETWORK)
    write_netcdf(issued, record)  # not verified yet
    assert read_track_record(NETWORK[:12], tmp_path) == [
        TrackRecordRow(0.2, 0.4, 2, 0),
        TrackRecordRow(0.4, 0.6, 2, 1),
        TrackRecordRow(0.8, 1.0, 2, 1),
    ]
    assert read_track_record("f" * 12, tmp_path) == []


def test_classes_without_storms_are_left_out():
    assert count_by_class(np.array([]), np.array([])) == []
    assert [row.low for row in count_by_class(np.array([0.2, 0.19]), np.zeros(2))] == [0.0, 0.2]


def test_forecast_without_storms_has_a_verification(tmp_path, issued):
    record = verify(tmp_path, "20300501-0000-d01", issued.isel(storm=[]), [])
    assert pd.read_csv(verification_path(record)).empty
    assert "nothing to verify" in verification_path(record, "html").read_text()
    assert read_track_record(NETWORK[:12], tmp_path) == []
