"""The registry of scores is complete and consistent."""

import numpy as np
import pytest
from sampled_members import sampled

from stormcnn.verification.score_registry import SCORES, score_text
from stormcnn.verification.storm_totals import ForecastByBlock


def test_every_function_is_computed_for_every_forecast():
    forecast = ForecastByBlock([0.9, 0.2], [1, 0], np.array([0, 1]))
    computed = [name for name, score in SCORES.items() if score.function]
    assert list(forecast.values()) == computed


def test_compared_scores_are_computed_by_a_function():
    assert all(score.function for score in SCORES.values() if score.compared)


def test_every_score_of_members_is_registered():
    draw = np.random.default_rng(0)
    data = sampled(draw.random((40, 5)), draw.integers(0, 2, 40))
    names = data.tables(truth=data.truth).scores["score"]
    assert {name.removesuffix("_truth") for name in names} <= set(SCORES)
    without_function = {name for name, score in SCORES.items() if not score.function}
    of_members = {name.removesuffix("_truth") for name in names}
    p_values = {name for name in SCORES if name.endswith("_p_value")}
    assert without_function <= of_members | p_values


def test_labels_differ():
    labels = [score.label for score in SCORES.values()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("name", SCORES)
def test_every_score_has_a_meaning_a_reference_and_an_example(name):
    score = SCORES[name]
    assert score.meaning
    assert score.reference
    assert score.function is None or ">>> " in score.function.__doc__


def test_score_against_the_truth_has_the_entry_of_its_score_and_another_label():
    score = score_text("brier_score_truth")
    assert score.decimals == SCORES["brier_score"].decimals
    assert score.label.startswith(SCORES["brier_score"].label)
    assert score.label != SCORES["brier_score"].label


def test_unknown_score_is_an_error():
    with pytest.raises(KeyError, match="sharpness"):
        score_text("sharpness")
