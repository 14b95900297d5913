"""The ends of captions: the size of the sample and how intervals were computed."""

import pytest

from stormcnn.report.periods import Size, describe_sample, describe_shared_storms
from stormcnn.verification.shared_storms import SharedStorms


def size(**changes):
    numbers = {"storms": 1440, "events": 64, "runs": 36, "blocks": 36, "seeds": 5}
    words = {"block": "days", "frequency": "4.4", "test": "2015", "training": "2014"}
    return Size(**(numbers | words | changes))


def describe(block="day", confidence=0.95, by_blocks=0, **changes):
    shared = SharedStorms(1440, by_blocks, 0)
    return describe_sample(size(**changes), confidence, 1000, block, comparisons=3, shared=shared)


def test_intervals_of_averages_are_over_seeds_if_there_are_enough():
    assert "seeds" in describe().averages
    assert "seeds" in describe().differences
    assert "seeds" not in describe().intervals
    assert "seeds" not in describe(seeds=2).averages


def test_single_storms_events_and_runs_are_in_the_singular():
    storms = describe(storms=2, events=1, runs=1, blocks=1, block="day").storms
    assert storms.startswith("2 storms, 1 event, 1 forecast run, ")


def test_without_comparisons_of_networks_no_correction_is_named():
    shared = SharedStorms(1440, 0, 0)
    sample = describe_sample(size(), 0.95, 1000, "day", comparisons=0, shared=shared)
    assert sample.differences == sample.averages


@pytest.mark.parametrize(("blocks", "measured"), [(10, 10), (35, 20), (36, 36), (250, 100)])
def test_coverage_is_that_of_at_most_as_many_blocks(blocks, measured):
    assert f"with {measured} days contained the truth in 9" in describe(blocks=blocks).coverage


def test_coverage_that_was_not_measured_is_not_given():
    assert not describe(blocks=9).coverage
    assert not describe(confidence=0.9).coverage
    assert not describe(block="run").coverage
    assert not describe(by_blocks=200).coverage


@pytest.mark.parametrize(
    ("by_blocks", "by_training", "numbers"),
    [(0, 0, []), (14, 14, []), (300, 0, ["300"]), (0, 40, ["40"]), (300, 40, ["300", "40"])],
)
def test_storms_that_other_runs_forecast_are_counted_if_they_are_many(
    by_blocks, by_training, numbers
):
    sentences = describe_shared_storms(SharedStorms(1440, by_blocks, by_training), "day")
    assert [text.split(" of the 1,440")[0] for text in sentences[:-1]] == numbers
    assert all("data.lead_hours" in text for text in sentences[-1:])
