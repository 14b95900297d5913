"""The rule chooses the best probabilities first, then the best event counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sampled_members import event_counts

from stormcnn.errors import UserError
from stormcnn.sampling.members import describe_storms, summarize_members
from stormcnn.verification.tuning import choose_rate, compare_losses, score_rates

DATES = np.repeat(np.array(["2014-04-01", "2014-05-01", "2014-06-01"], "datetime64[ns]"), [3, 2, 5])


def rates(**columns):
    """Return three rates; the first has the lowest log score and the third the highest."""
    table = {
        "rate": [0.1, 0.2, 0.5],
        "log_score": [0.10, 0.11, 0.15],
        "difference": [0.0, 0.01, 0.05],
        "standard_error": [0.0, 0.02, 0.02],
        "told_apart": [False, False, True],
        "seeds": 3,
        "blocks": 12,
        "count_crps": [3.0, 2.0, 1.0],
        "count_coverage_90": [0.8, 0.7, 0.9],
    }
    return pd.DataFrame(table | columns)


def chosen(table):
    rows = choose_rate(table)
    assert rows["chosen"].sum() == 1
    return rows.loc[rows["chosen"], "rate"].item()


# The rule


def test_lowest_log_score_wins_where_no_other_is_as_good():
    assert chosen(rates(standard_error=[0.0, 0.009, 0.02])) == 0.1


def test_event_counts_decide_among_log_scores_that_are_as_good():
    assert chosen(rates()) == 0.2


def test_better_event_counts_do_not_make_up_for_a_worse_log_score():
    assert chosen(rates(count_crps=[3.0, 2.0, 0.0])) == 0.2


def test_difference_of_just_one_standard_error_is_as_good():
    assert chosen(rates(standard_error=[0.0, 0.01, 0.02])) == 0.2


def test_coverage_decides_where_the_event_counts_are_equally_good():
    assert chosen(rates(count_crps=[2.0, 2.0, 1.0])) == 0.1
    assert chosen(rates(count_crps=[2.0, 2.0, 1.0], count_coverage_90=[0.99, 0.92, 0.9])) == 0.2


def test_lowest_rate_is_chosen_where_nothing_else_decides():
    table = rates(difference=0.0, log_score=0.1, count_crps=2.0, count_coverage_90=[0.8, 1.0, 0.8])
    assert chosen(table) == 0.1
    assert chosen(table.iloc[::-1]) == 0.1


def test_spread_skill_ratio_decides_nothing():
    for ratio in ([1.0, 0.2, 0.1], [0.1, 0.2, 1.0]):
        assert chosen(rates(spread_skill_ratio=ratio)) == 0.2


def test_without_standard_errors_only_an_equal_log_score_is_as_good():
    assert chosen(rates(standard_error=np.nan)) == 0.1
    assert chosen(rates(standard_error=np.nan, difference=[0.0, 0.0, 0.05])) == 0.2


def test_single_rate_is_chosen():
    assert chosen(rates().iloc[2:].assign(difference=0.0)) == 0.5


@pytest.mark.parametrize(
    ("rate", "named"),
    [(0.1, ["0.2", "CRPS"]), (0.2, ["0.1", "2.000"]), (0.5, ["0.0500", "0.0200"])],
)
def test_reason_of_every_rate_names_the_numbers_that_decided(rate, named):
    reason = choose_rate(rates()).set_index("rate")["reason"][rate]
    assert all(word in reason for word in named)


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"count_crps": 2.0}, "coverage"),
        ({"count_crps": 2.0, "count_coverage_90": 0.9}, "rate is lowest"),
        ({"standard_error": 0.001}, "lowest log score"),
    ],
)
def test_reason_of_the_chosen_rate_names_the_criterion(columns, named):
    table = choose_rate(rates(**columns))
    assert named in table.loc[table["chosen"], "reason"].item()


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({}, ["beyond chance", "0.5"]),
        ({"told_apart": False}, ["no rate can be told apart"]),
        ({"seeds": 2}, ["3 seeds", "now 2"]),
        ({"blocks": 9}, ["10 blocks", "now 9"]),
    ],
)
def test_reason_of_the_chosen_rate_says_which_rates_can_be_told_apart(columns, named):
    table = choose_rate(rates(**columns))
    reason = table.loc[table["chosen"], "reason"].item()
    assert all(word in reason for word in named)


# What the rule looks at


def compare(losses, dates=DATES, resamples=200, **others):
    """Compare rates by the losses of their only network."""
    of_seeds = {rate: np.atleast_2d(values) for rate, values in losses.items()}
    return compare_losses(of_seeds, dates, resamples=resamples, confidence=0.95, **others)


def test_standard_error_is_that_of_the_difference_over_blocks():
    draw = np.random.default_rng(0)
    lower, higher = draw.random(10), 0.1 + draw.random(10)
    table = compare({0.5: higher, 0.1: lower}, resamples=4000)
    assert table["rate"].tolist() == [0.1, 0.5]
    assert table["difference"].tolist() == [0, pytest.approx(higher.mean() - lower.mean())]
    # All 27 equally likely draws of three dates from three.
    size = np.array([3, 2, 5])
    total = np.add.reduceat(higher - lower, [0, 3, 5])
    draws = np.array(np.meshgrid(*[range(3)] * 3)).reshape(3, -1)
    exact = (total[draws].sum(axis=0) / size[draws].sum(axis=0)).std() * np.sqrt(3 / 2)
    assert table["standard_error"].tolist() == [0, pytest.approx(exact, rel=0.05)]


def test_hourly_runs_of_a_day_are_resampled_together():
    hours = np.datetime64("2014-04-01T12", "ns") + np.arange(48) * np.timedelta64(1, "h")
    draw = np.random.default_rng(1)
    losses = {0.1: draw.random(48), 0.5: draw.random(48)}
    day, run = (compare(losses, hours, block=block)["blocks"] for block in ("day", "run"))
    assert (set(day), set(run)) == ({3}, {48})


def test_effects_of_a_date_on_every_rate_cancel_in_the_standard_error():
    hard = np.repeat([0.0, 5.0, 1.0], [3, 2, 5])
    table = compare({0.1: hard, 0.2: hard + 0.01})
    assert table["standard_error"].tolist() == pytest.approx([0, 0], abs=1e-12)


def test_one_block_has_no_standard_error():
    losses = {0.1: np.array([0.1, 0.2]), 0.2: np.array([0.3, 0.2])}
    assert compare(losses, DATES[:2])["standard_error"].isna().all()


def losses_of_seeds(draw, rates, seeds, days, spread, gap=0.0):
    """Return losses whose seeds differ by `spread`; those of the last rate are higher by `gap`."""
    of_day = draw.normal(0, 0.05, days * 10)
    return {
        rate: 0.3
        + of_day
        + gap * (rate == rates[-1])
        + spread * draw.normal(size=(seeds, 1))
        + draw.normal(0, 0.02, (seeds, days * 10))
        for rate in rates
    }


def test_seeds_count_in_the_standard_error():
    draw = np.random.default_rng(2)
    days = np.repeat(np.datetime64("2014-04-01") + np.arange(12), 10)
    errors = []
    for spread in (0.0, 0.05):
        losses = losses_of_seeds(draw, (0.1, 0.5), 3, 12, spread)
        table = compare_losses(losses, days, resamples=500, confidence=0.95)
        errors.append(table["standard_error"].max())
    assert errors[1] > 5 * errors[0]


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.02])
def test_rates_that_differ_by_chance_are_rarely_told_apart(spread):
    draw = np.random.default_rng(3)
    days = np.repeat(np.datetime64("2014-04-01") + np.arange(12), 10)
    told_apart = []
    for _ in range(200):
        losses = losses_of_seeds(draw, (0.1, 0.2, 0.3, 0.4), 3, 12, spread)
        table = compare_losses(losses, days, resamples=200, confidence=0.95)
        told_apart.append(table["told_apart"].any())
    assert np.mean(told_apart) <= 0.08


@pytest.mark.parametrize(
    ("seeds", "days", "told_apart"), [(3, 12, True), (2, 12, False), (3, 9, False)]
)
def test_clear_difference_needs_enough_seeds_and_blocks_to_be_told(seeds, days, told_apart):
    draw = np.random.default_rng(4)
    losses = losses_of_seeds(draw, (0.1, 0.5), seeds, days, 0.002, gap=0.1)
    dates = np.repeat(np.datetime64("2014-04-01") + np.arange(days), 10)
    table = compare_losses(losses, dates, resamples=200, confidence=0.95)
    assert table.set_index("rate")["told_apart"].to_dict() == {0.1: False, 0.5: told_apart}


# From the members of networks to the choice

STORMS = 240


def sampled(truth: np.ndarray, noise: float, seed: int = 0) -> tuple[xr.Dataset, xr.Dataset]:
    """Return members of a network whose logits have an error of `noise`, and their event counts."""
    draw = np.random.default_rng(seed)
    logit = np.log(truth / (1 - truth))[:, np.newaxis] + noise * draw.normal(size=(STORMS, 1))
    members = 1 / (1 + np.exp(-logit - 0.2 * draw.normal(size=20)))
    run_date = np.datetime64("2014-04-01", "ns") + np.arange(STORMS) % 12 * np.timedelta64(24, "h")
    forecast = xr.Dataset(
        {"probability": ("storm", members.mean(axis=1)), "label": ("storm", events(truth))},
        coords={
            "run_date": ("storm", run_date),
            "valid_time": ("storm", run_date + np.timedelta64(18, "h")),
            "forecast_hour": ("storm", np.full(STORMS, 18)),
            "longitude": ("storm", np.full(STORMS, -95.0)),
            "latitude": ("storm", np.full(STORMS, 35.0)),
            "run_file": ("storm", run_date.astype("datetime64[D]").astype(str)),
            "patch": ("storm", np.arange(STORMS) // 12),
        },
    )
    counts = event_counts(members, events(truth), run_date)
    return describe_storms(forecast, summarize_members(members)), counts


def events(truth: np.ndarray) -> np.ndarray:
    return (np.random.default_rng(9).random(STORMS) < truth).astype("int8")


def score(networks, **others):
    return score_rates(
        {network: storms for network, (storms, _) in networks.items()},
        {network: counts for network, (_, counts) in networks.items()},
        **{"model": "dropout", "own_rate": 0.5, "training_climatology": 0.3}
        | {"resamples": 50, "confidence": 0.95}
        | others,
    )


@pytest.fixture(scope="module")
def truth():
    return np.random.default_rng(1).beta(1, 2, STORMS).clip(0.01, 0.99)


@pytest.fixture(scope="module")
def tables(truth):
    networks = {
        (rate, seed): sampled(truth, noise, seed)
        for rate, noise in ((0.5, 2.0), (0.1, 0.0))
        for seed in (0, 1)
    }
    return score(networks)


@pytest.mark.slow
def test_rate_with_the_true_probabilities_is_chosen(tables):
    choice = tables.choice.set_index("rate")
    assert choice["chosen"].to_dict() == {0.1: True, 0.5: False}
    assert choice["own"].to_dict() == {0.1: False, 0.5: True}


def test_scores_are_tidy_and_of_the_validation_period_alone(tables):
    scores = tables.scores
    assert list(scores) == [
        "model", "rate", "forecast", "seed", "period", "stratum", "score", "value", "low", "high",
        "seed_sd", "block_sd", "storms", "events", "runs", "blocks",
    ]  # fmt: skip
    assert set(scores["period"]) == {"validation"}
    assert set(scores["stratum"]) == {"all"}
    assert set(scores["model"]) == {"dropout"}
    assert set(scores["rate"]) == {0.1, 0.5}
    assert not scores.duplicated(["rate", "forecast", "seed", "score"]).any()
    assert {"log_score", "count_crps", "count_coverage_90", "epistemic_share"} <= set(
        scores["score"]
    )


def test_rate_is_judged_by_the_average_over_its_seeds(tables):
    scores = tables.scores
    members = scores[(scores["forecast"] == "mc_mean") & (scores["rate"] == 0.5)]
    row = tables.choice.set_index("rate").loc[0.5]
    for name in ("log_score", "count_crps", "count_coverage_90", "spread_skill_ratio"):
        values = members.loc[members["score"] == name, "value"]
        assert len(values) == 2
        assert row[name] == pytest.approx(values.mean(), rel=1e-6), name


def test_storms_of_one_class_are_an_error(truth):
    storms, counts = sampled(truth, 0.0)
    storms["label"][:] = 0
    with pytest.raises(UserError, match=r"tuning\.validation_start"):
        score({(0.1, 0): (storms, counts)})
