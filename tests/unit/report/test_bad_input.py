"""Odd input of a verification gives sensible verdicts, and sentences about them."""

import numpy as np
import pytest
from report_files import TITLES

from stormcnn.report.findings import find_findings
from stormcnn.report.headline import write_headline
from stormcnn.report.verdicts import (
    Wording,
    describe_calibration,
    describe_difference,
    describe_scope,
    describe_skill,
)
from stormcnn.verification.claim_types import Bias, Change, Level, Slope
from stormcnn.verification.claims import judge
from stormcnn.verification.tables import verify

SIZES = {"baseline": 17169, "dropout": 66337}
START = np.datetime64("2011-04-01T00", "h")


def make_storms(days=20, per_day=40):
    draw = np.random.default_rng(0)
    day = np.repeat(np.arange(days), per_day)
    odds = draw.normal(-2, 1.5, day.size)
    event = (draw.random(day.size) < 1 / (1 + np.exp(-odds))).astype(int)
    return {"odds": odds, "label": event, "run_date": START + 24 * day}


def forecast(storms, baseline=3, dropout=3, **own):
    """Return the predictions of this number of seeds of two models."""
    draw = np.random.default_rng(1)
    shared = {"label": storms["label"], "run_date": storms["run_date"]}
    predictions = {}
    for model, seeds in {"baseline": baseline, "dropout": dropout}.items():
        for seed in range(seeds):
            noise = 0.5 * draw.normal(size=storms["odds"].size)
            p = 1 / (1 + np.exp(-storms["odds"] - noise))
            predictions[model, seed] = {"probability": p} | shared | own
    return predictions


def judged(predictions, resamples=200, monte_carlo=None):
    tables = verify(
        predictions,
        reference="baseline",
        training_climatology=0.2,
        monte_carlo=monte_carlo,
        curves=False,
        resamples=resamples,
    )
    claims = judge(tables.scores, tables.differences, confidence=0.95, resamples=resamples)
    return claims, tables.scores


def sentences(claims, scores, resamples=200):
    """Return everything that the report says about the verdicts, without missing numbers."""
    wording = Wording(TITLES, 0.95, resamples, "day", SIZES, frozenset())
    headline = write_headline(claims, wording, dict.fromkeys(SIZES, 100.0), made_up=False)
    texts = [
        headline.verdict,
        headline.scope,
        headline.warning,
        *(advice.answer for advice in headline.advice),
        *(describe_scope(one.support, wording) for one in claims.differences),
        *(describe_difference(one, wording).text for one in claims.differences + claims.averaging),
        *(describe_skill(one, wording).text for one in claims.skill),
        *(describe_calibration(one, wording).text for one in claims.calibration),
        *find_findings(claims, headline.verdict, scores, None, TITLES).values(),
    ]
    for text in texts:
        assert not {"nan", "inf", "unknown"} & set(text.replace(",", " ").split()), text
    return " ".join(texts)


def assert_nothing_claimed(claims):
    assert {one.verdict for one in claims.differences + claims.skill} == {Change.UNKNOWN}
    assert {one.bias for one in claims.calibration} == {Bias.UNKNOWN}
    assert {one.slope for one in claims.calibration} == {Slope.UNKNOWN}
    assert claims.choice.verdict is Change.UNKNOWN
    assert not claims.events.enough


def test_one_block_supports_nothing():
    claims, scores = judged(forecast(make_storms(days=1, per_day=400)))
    assert_nothing_claimed(claims)
    assert "1 day, and at least 10 are needed" in sentences(claims, scores)


def test_one_resample_supports_nothing_and_the_number_needed_is_named():
    claims, scores = judged(forecast(make_storms()), resamples=1)
    assert_nothing_claimed(claims)
    assert "200 resamples (verification.resamples)" in sentences(claims, scores, resamples=1)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [{"baseline": 1, "dropout": 1}, {"baseline": 5, "dropout": 1}])
def test_one_seed_supports_nothing_about_methods(seeds):
    claims, scores = judged(forecast(make_storms(), **seeds))
    (one,) = claims.differences
    assert one.support.level is Level.NETWORKS
    assert one.need.seeds is None
    text = sentences(claims, scores)
    assert "No claim about a method is possible" in text
    assert "only one seed; at least 3 are needed" in text


@pytest.mark.slow
def test_different_numbers_of_several_seeds_are_compared_as_methods():
    claims, scores = judged(forecast(make_storms(), baseline=5, dropout=3))
    (one,) = claims.differences
    assert (one.support.level, one.support.seeds) == (Level.METHOD, 3)
    assert "trained with 3 seeds" in sentences(claims, scores)


@pytest.mark.slow
def test_models_with_missing_predictions_are_compared_as_far_as_possible():
    predictions = forecast(make_storms())
    sampled = {
        network: arrays | {"mc_mean": arrays["probability"]}
        for network, arrays in predictions.items()
        if network == ("dropout", 1)
    }
    kept = {
        network: arrays
        for network, arrays in predictions.items()
        if network not in {("baseline", 1), ("dropout", 0), ("dropout", 2)}
    }
    claims, scores = judged(kept, monte_carlo=sampled)
    (one,) = claims.differences
    assert one.support.level is Level.NETWORKS
    assert np.isfinite(one.difference).all()
    sentences(claims, scores)


@pytest.mark.slow
def test_blocks_with_one_storm_have_too_few_events():
    claims, scores = judged(forecast(make_storms(days=40, per_day=1)))
    assert claims.events.enough is False
    assert claims.differences[0].verdict is Change.UNKNOWN
    assert "There are too few events" in sentences(claims, scores)


@pytest.mark.slow
def test_hourly_runs_across_midnight_are_two_days():
    storms = make_storms(days=12)
    hour = np.arange(storms["label"].size) % 24 - 12
    one = storms | {"run_date": storms["run_date"] + hour}
    claims, scores = judged(forecast(one))
    assert claims.events.blocks == 13
    assert "13 days" in sentences(claims, scores)


@pytest.mark.slow
def test_dates_out_of_order_change_nothing():
    storms = make_storms()
    predictions = forecast(storms)
    order = np.random.default_rng(2).permutation(storms["label"].size)
    shuffled = {
        network: {name: values[order] for name, values in arrays.items()}
        for network, arrays in predictions.items()
    }
    texts = [sentences(*judged(given)) for given in (predictions, shuffled)]
    assert texts[0] == texts[1]


@pytest.mark.slow
def test_equal_probabilities_are_neither_better_nor_evidence_of_enough_events():
    storms = make_storms()
    claims, scores = judged(forecast(storms, probability=np.full(storms["label"].size, 0.2)))
    assert {one.verdict for one in claims.differences} == {Change.NONE}
    assert {one.slope for one in claims.calibration} == {Slope.UNKNOWN}
    assert claims.choice.models == ()
    assert claims.events.enough is None
    assert "would be detected" not in sentences(claims, scores)


@pytest.mark.slow
@pytest.mark.parametrize("label", [0, 1])
def test_storms_of_one_class_do_not_tell_models_apart(label):
    storms = make_storms()
    claims, scores = judged(forecast(storms, label=np.full(storms["label"].size, label)))
    assert {one.verdict for one in claims.differences} == {Change.UNKNOWN}
    assert {one.bias for one in claims.calibration} == {Bias.UNKNOWN}
    assert claims.events.enough is False
    text = sentences(claims, scores)
    assert "cannot be compared: no score is defined" in text
    assert "At least 20 storms with and as many without an event are needed" in text
