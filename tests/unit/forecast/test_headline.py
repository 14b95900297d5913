"""The first sentence of a forecast, its limits, and sums of probabilities."""

from dataclasses import replace

import numpy as np
import pytest
from forecast_contents import contents

from stormcnn.forecast.contents import TrackRecordRow
from stormcnn.forecast.headline import (
    describe_record,
    find_limits,
    sum_by_hour,
    sum_total,
    write_headline,
)
from stormcnn.forecast.summary import summarize


def with_probability(values, **options):
    made = contents(len(values), extras=False, **options)
    probability = ("storm", np.array(values, np.float32))
    return replace(made, forecast=made.forecast.assign(probability=probability))


def test_likely_storms_are_counted_and_named():
    made = with_probability([0.91, 0.6, 0.5, 0.1])
    text = write_headline(made)
    numbers = made.forecast["patch"].values
    assert text.startswith("2 of 4 storms are ")
    assert "strong low-level rotation" in text
    assert f"storm {numbers[0]} at " in text
    assert "91 %" in text
    assert "60 %" in text
    assert "50 %" not in text


@pytest.mark.parametrize(
    ("values", "start"),
    [
        ([0.5, 0.1], "None of 2 storms"),
        ([0.7, 0.1], "1 of 2 storms is"),
        ([0.7], "1 of 1 storm is"),
        ([0.2], "The only storm is not"),
    ],
)
def test_few_storms_are_counted_in_words(values, start):
    assert write_headline(with_probability(values, members=0)).startswith(start)


def test_no_more_than_three_storms_are_named():
    text = write_headline(with_probability([0.9] * 5))
    assert text.count("storm ") == 3
    assert text.endswith("2 others.")


def test_text_follows_the_event():
    made = with_probability([0.9], attributes={"event_title": "hail above 25 mm"})
    assert "hail above 25 mm" in write_headline(made)
    assert "rotation" not in write_headline(made)


def test_day_is_named_only_if_there_are_several():
    made = with_probability([0.9, 0.8])
    one_day = made.forecast.assign(
        valid_from=("storm", np.full(2, np.datetime64("2024-05-20T18", "ns"))),
        valid_to=("storm", np.full(2, np.datetime64("2024-05-20T19", "ns"))),
    )
    assert "at 18–19 UTC" in write_headline(replace(made, forecast=one_day))
    next_day = one_day.assign(
        valid_from=("storm", np.array(["2024-05-20T18", "2024-05-21T18"], "datetime64[ns]"))
    )
    assert "at Mon 18–19 UTC" in write_headline(replace(made, forecast=next_day))


def test_empty_forecast_never_looks_like_a_quiet_one():
    none = contents(0, attributes={"rejected_storms": 0, "rejected_reason": ""})
    assert "contains no storm" in write_headline(none)
    rejected = contents(0, attributes={"rejected_storms": 12, "rejected_reason": "NaN in V10: 12"})
    assert "All 12 storms" in write_headline(rejected)
    assert "NaN in V10: 12" in write_headline(rejected)
    assert find_limits(none) == []
    late = contents(0, attributes={"warnings": "The clock is wrong."})
    assert [limit.text for limit in find_limits(late)] == ["The clock is wrong."]


def test_limits_are_those_of_the_run_and_those_of_storms():
    made = contents(100, attributes={"warnings": "The clock is wrong.\nThe run is old."})
    outside = int(made.forecast["outside_training"].sum())
    few = int(made.similar["few"].sum())
    texts = [limit.text for limit in find_limits(made)]
    assert texts[:2] == ["The clock is wrong.", "The run is old."]
    assert [text.split()[0] for text in texts[2:]] == [str(outside), str(few), "2"]
    quiet = contents(3, extras=False, attributes={"rejected_storms": 0})
    kept = quiet.forecast.assign(outside_training=("storm", np.zeros(3, np.int8)))
    assert find_limits(replace(quiet, forecast=kept)) == []


@pytest.mark.parametrize(
    ("number", "limit", "line"),
    [
        (1, "was rejected (NaN) and is not", "1 more storm has no forecast: NaN"),
        (2, "were rejected (NaN) and are not", "2 more storms have no forecast: NaN"),
    ],
)
def test_rejected_storms_are_counted_in_the_right_number(number, limit, line):
    made = contents(3, attributes={"rejected_storms": number, "rejected_reason": "NaN"})
    assert f"{number} of {3 + number} storms of the run file {limit}" in find_limits(made)[-1].text
    assert line in summarize(made).splitlines()


def test_expected_events_are_sums_of_probabilities():
    made = contents(80)
    forecast = made.forecast
    by_hour = sum_by_hour(made)
    assert len(by_hour) == len(made.hours)
    own = forecast["valid_time"].values.astype("datetime64[h]") == made.hours[2]
    assert by_hour[2].expected == pytest.approx(forecast["probability"].values[own].sum())
    sums = forecast["member_probability"].values[own].sum(axis=0)
    assert by_hour[2].low == pytest.approx(np.quantile(sums, 0.05), rel=1e-5)
    total = sum_total(made)
    assert total.expected == pytest.approx(sum(one.expected for one in by_hour), rel=1e-5)
    # The members share their dropout masks, so the range of the sum is not that of independent
    # hours.
    assert total.high - total.low > 0
    assert sum_total(contents(5, members=0)).low is None


def test_track_record_says_when_it_is_too_short_to_judge():
    rows = [TrackRecordRow(0.0, 0.2, 0, 0), TrackRecordRow(0.2, 0.8, 50, 20)]
    (text,) = describe_record(rows)
    assert "20 to 80 %" in text
    assert "20 had" in text
    assert "(40 %)" in text
    (few,) = describe_record([TrackRecordRow(0.8, 1.0, 10, 7)])
    assert "%)" not in few
    assert describe_record([]) == []


@pytest.mark.parametrize(("events", "share"), [(40, "(100 %)"), (39, "(98 %)"), (1, "(2.5 %)")])
def test_track_record_gives_the_observed_share_in_percent(events, share):
    (text,) = describe_record([TrackRecordRow(0.8, 1.0, 40, events)])
    assert share in text
