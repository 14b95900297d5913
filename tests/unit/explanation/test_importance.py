"""Losses by permutation agree with independent implementations of the scores and of the losses."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import permutation_importance

from stormcnn.explanation.importance import (
    MULTI_PASS,
    SCORES,
    SINGLE_PASS,
    importance_rows,
    importance_table,
    scores_of,
    sum_by_block,
)
from stormcnn.explanation.permutation import PermutedPredictions, draw_sources, permute_predictors
from stormcnn.verification.resampling import resample_blocks
from stormcnn.verification.storm_totals import ForecastByBlock

STORMS = 240
VARIABLES = ["REFL_COM_curr", "U10_curr", "V10_curr"]
SETS = [(0,), (1,), (2,), (1, 2)]


def storms(seed=0):
    """Fields of one grid point whose first predictor matters most and whose third not at all."""
    draw = np.random.default_rng(seed)
    fields = draw.normal(size=(STORMS, 1, 1, 3))
    return fields, draw.random(STORMS) < probability_of(fields[:, 0, 0])


def probability_of(values):
    return 1 / (1 + np.exp(1 - 2 * values[:, 0] - values[:, 1]))


def predict(fields):
    return probability_of(fields[0 : len(fields)][:, 0, 0])[None]


def permuted(fields, event, block, repetitions=1, seed=0):
    """Return the probabilities by set and seed, and the passes; there are seeds 0 to 2."""
    found = [
        permute_predictors(
            PermutedPredictions(predict, fields, draw_sources(block, repetitions, seed + one)),
            event,
            SETS,
            3,
        )
        for one in range(3)
    ]
    sets = found[0].probability
    by_set = {
        one: {seed: part.probability[one][0] for seed, part in enumerate(found)} for one in sets
    }
    return by_set, found[0].passes


def test_scores_of_resamples_are_those_of_the_verification():
    fields, event = storms()
    block = np.arange(STORMS) % 7
    probability = np.round(probability_of(fields[:, 0, 0]), 1)  # with ties
    weights = resample_blocks(block, 20).weights
    expected = ForecastByBlock(probability, event, block).scores(weights)
    found = scores_of(sum_by_block(probability[None], event.astype(float), block, 7), weights)
    for score in SCORES:
        assert found[score] == pytest.approx(expected[score]), score


class Wrapped(ClassifierMixin, BaseEstimator):
    """The network as scikit-learn sees it: one column per predictor, which numbers its storm."""

    def __init__(self, fields):
        self.fields = fields
        self.classes_ = np.array([False, True])

    def fit(self, x, y):
        return self

    def predict_proba(self, x):
        values = np.stack([self.fields[x[:, i], 0, 0, i] for i in range(3)], axis=1)
        p = probability_of(values)
        return np.stack([1 - p, p], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("score", "scorer"),
    [("brier_skill_score", "neg_brier_score"), ("auc", "roc_auc"), ("log_score", "neg_log_loss")],
)
def test_losses_agree_with_scikit_learn(score, scorer):
    fields, event = storms()
    repetitions = 100
    by_set, _ = permuted(fields, event, np.zeros(STORMS, int), repetitions)
    draws = resample_blocks(np.arange(STORMS) % 2, 50)._replace(block=np.arange(STORMS) % 2)
    rows = importance_rows("dropout", by_set, event, draws, 0.95)
    numbers = np.tile(np.arange(STORMS)[:, None], 3)
    expected = permutation_importance(
        Wrapped(fields), numbers, event, scoring=scorer, n_repeats=3 * repetitions, random_state=0
    )
    climatology = event.mean() * (1 - event.mean()) if score == "brier_skill_score" else 1
    for index in range(3):
        table = rows[(index,)]
        row = table[(table["score"] == score) & (table["seed"] == "mean")].iloc[0]
        error = expected.importances_std[index] / np.sqrt(3 * repetitions) / climatology
        difference = row["loss"] - expected.importances_mean[index] / climatology
        # Both are means over random permutations.
        assert abs(difference) < 4 * np.sqrt(2) * error + 1e-12


def test_interval_contains_the_loss_and_zero_only_if_a_predictor_is_useless():
    fields, event = storms()
    block = np.arange(STORMS) % 20
    by_set, _ = permuted(fields, event, block)
    rows = importance_rows("dropout", by_set, event, resample_blocks(block, 500), 0.95)
    for index, matters in ((0, True), (1, True), (2, False)):
        table = rows[(index,)]
        mean = table[(table["seed"] == "mean") & (table["score"] == "brier_skill_score")].iloc[0]
        assert mean["low"] <= mean["loss"] <= mean["high"]
        assert (mean["low"] > 0) == matters
        single = table[table["score"] == "brier_skill_score"].set_index("seed")["loss"]
        assert mean["loss"] == pytest.approx(single[["0", "1", "2"]].mean())


def test_storms_that_are_alone_in_their_block_do_not_count():
    fields, event = storms()
    block = np.minimum(np.arange(STORMS), 200)  # 40 storms of one block, 200 alone
    by_set, _ = permuted(fields, event, block)
    rows = importance_rows("dropout", by_set, event, resample_blocks(block, 100), 0.95)[(0,)]
    assert set(rows["storms"]) == {40}
    assert set(rows["events"]) == {event[200:].sum()}
    assert set(rows["blocks"]) == {1}
    assert rows["low"].isna().all()  # of one block
    assert rows["loss"].notna().all()


def test_loss_is_unknown_if_no_storm_can_be_exchanged():
    fields, event = storms()
    block = np.arange(STORMS)
    by_set, _ = permuted(fields, event, block)
    rows = importance_rows("dropout", by_set, event, resample_blocks(block, 100), 0.95)[(0,)]
    assert set(rows["storms"]) == {0}
    assert rows[["loss", "low", "high"]].isna().all(axis=None)


def test_loss_of_skill_is_unknown_without_events():
    fields, event = storms()
    block = np.arange(STORMS) % 20
    by_set, _ = permuted(fields, event, block)
    draws = resample_blocks(block, 100)
    rows = importance_rows("dropout", by_set, np.zeros(STORMS), draws, 0.95)[(0,)]
    known = rows.groupby("score")["loss"].apply(lambda loss: loss.notna().all())
    assert known.to_dict() == {"brier_skill_score": False, "auc": False, "log_score": True}


def test_table_names_sets_and_the_order_of_the_passes():
    fields, event = storms()
    block = np.arange(STORMS) % 20
    by_set, passes = permuted(fields, event, block)
    rows = importance_rows("dropout", by_set, event, resample_blocks(block, 100), 0.95)
    table = importance_table("dropout", VARIABLES, rows, SETS, passes)
    assert list(table.columns)[:8] == [
        "model",
        "seed",
        "pass",
        "predictors",
        "score",
        "loss",
        "low",
        "high",
    ]
    names = table.groupby("pass")["predictors"].unique()
    assert names[SINGLE_PASS].tolist() == [*VARIABLES, "U10_curr+V10_curr"]
    assert names[MULTI_PASS].tolist() == [
        "REFL_COM_curr",
        "REFL_COM_curr+U10_curr",
        "REFL_COM_curr+U10_curr+V10_curr",
    ]
    losses = table[(table["seed"] == "mean") & (table["score"] == "auc")].set_index(
        ["pass", "predictors"]
    )["loss"]
    alone, first = losses[SINGLE_PASS, "REFL_COM_curr"], losses[MULTI_PASS, "REFL_COM_curr"]
    assert alone == pd.Series([first]).item()
