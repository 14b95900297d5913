"""Contingency tables count storms, and their scores are those of the scores package."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scores.categorical import BinaryContingencyManager

from stormcnn.verification.contingency import contingency, contingency_by_block
from stormcnn.verification.resampling import resample_blocks

probabilities = st.one_of(st.floats(0, 1), st.integers(0, 20).map(lambda k: k / 20))


@given(
    st.lists(st.tuples(probabilities, st.booleans()), min_size=1, max_size=40),
    st.lists(probabilities, min_size=1),
)
@settings(deadline=None, max_examples=25)
def test_tables_count_storms_at_and_above_the_threshold(drawn, thresholds):
    probability, event = (np.array(column) for column in zip(*drawn, strict=True))
    table = contingency(probability, event, thresholds)
    for k, threshold in enumerate(thresholds):
        forecast = probability >= threshold
        assert table.hits[k] == (forecast & event).sum()
        assert table.misses[k] == (~forecast & event).sum()
        assert table.false_alarms[k] == (forecast & ~event).sum()
        assert table.correct_negatives[k] == (~forecast & ~event).sum()


def test_threshold_equal_to_a_probability_forecasts_the_event():
    table = contingency([0.5], [1], [0.5, np.nextafter(0.5, 1)])
    assert table.hits.tolist() == [1, 0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("score", "theirs"),
    [
        ("pod", "probability_of_detection"),
        ("pofd", "probability_of_false_detection"),
        ("success_ratio", "success_ratio"),
        ("csi", "critical_success_index"),
        ("frequency_bias", "frequency_bias"),
        ("peirce_skill_score", "peirce_skill_score"),
        ("heidke_skill_score", "heidke_skill_score"),
        ("equitable_threat_score", "equitable_threat_score"),
        ("symmetric_extremal_dependence_index", "symmetric_extremal_dependence_index"),
    ],
)
def test_scores_are_those_of_the_scores_package(score, theirs):
    draw = np.random.default_rng(0)
    probability = draw.beta(1, 4, 200)
    event = draw.random(200) < probability
    thresholds = [0, 0.1, 0.2, 0.3, 1]
    found = getattr(contingency(probability, event, thresholds), score)
    for k, threshold in enumerate(thresholds):
        manager = BinaryContingencyManager(
            xr.DataArray((probability >= threshold).astype(float)),
            xr.DataArray(event.astype(float)),
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = float(getattr(manager, theirs)())
        # Where hit rate or false alarm rate is 0 or 1, this index is not defined.
        undefined = score.startswith("symmetric") and threshold in (0, 1)
        expected = np.nan if undefined or not np.isfinite(expected) else expected
        assert found[k] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_tables_of_a_resample_are_those_of_its_storms():
    draw = np.random.default_rng(0)
    probability, event, date = draw.random(60).round(1), draw.random(60) < 0.3, np.arange(60) % 6
    draws = resample_blocks(date, 10)
    thresholds = np.linspace(0, 1, 21)
    tables = contingency_by_block(probability, event, draws, thresholds)
    for row, weights in enumerate(draws.weights):
        p, y = (np.repeat(x, weights[draws.block]) for x in (probability, event))
        expected = contingency(p, y, thresholds)
        for name in ("hits", "misses", "false_alarms", "correct_negatives"):
            assert getattr(tables, name)[row].tolist() == getattr(expected, name).tolist()
