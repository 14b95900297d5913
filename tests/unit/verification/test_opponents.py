"""Networks are compared with every opponent, with the variance of seeds where there are any."""

import numpy as np
import pytest

from stormcnn.verification.resampling import holm
from stormcnn.verification.tables import verify

NETWORKS = ("baseline", "l2")
SEEDS = (0, 1, 2)


def tables(spread=0.5):
    """Verify two networks and boosted trees with three seeds, and a threshold rule with one."""
    draw = np.random.default_rng(0)
    odds = draw.normal(-1.5, 1.5, 600)
    day = np.datetime64("2015-05-01") + np.arange(600) // 40
    storms = {
        "label": (draw.random(600) < 1 / (1 + np.exp(-odds))).astype(int),
        "run_date": day.astype("datetime64[ns]"),
    }

    def predicted(noise, bias=0.0):
        return storms | {
            "probability": 1 / (1 + np.exp(-(odds + bias + draw.normal(0, noise, 600))))
        }

    # Networks of different seeds differ in their bias.
    predictions = {
        (model, seed): predicted(0.5, spread * (seed - 1)) for model in NETWORKS for seed in SEEDS
    }
    predictions |= {("boosted_trees", seed): predicted(0.3) for seed in SEEDS}
    predictions["threshold_rule", 0] = predicted(2.0)
    return verify(
        predictions, reference="baseline", training_climatology=0.2, resamples=200, curves=False
    )


@pytest.fixture(scope="module")
def differences():
    return tables().differences


@pytest.mark.slow
def test_every_network_is_compared_with_every_opponent(differences):
    single = differences[(differences["forecast"] == "single")]
    for seed in ("mean", "0", "1", "2"):
        rows = single[single["seed"] == seed]
        pairs = set(rows[["model", "reference"]].itertuples(index=False, name=None))
        opponents = ("boosted_trees", "threshold_rule")
        expected = {(network, opponent) for network in NETWORKS for opponent in opponents}
        assert pairs == expected | {("l2", "baseline")}


def test_opponents_are_compared_with_no_other_model(differences):
    own = differences[differences["model"].isin(["boosted_trees", "threshold_rule"])]
    assert (own["model"] == own["reference"]).all()


def test_difference_is_that_of_the_scores():
    scores, differences, *_ = tables()
    value = scores.query("stratum == 'all' and score == 'auc'").set_index(
        ["model", "forecast", "seed"]
    )["value"]
    row = differences.query(
        "model == 'l2' and reference == 'threshold_rule' and seed == 'mean' and score == 'auc'"
    ).iloc[0]
    expected = value["l2", "single", "mean"] - value["threshold_rule", "single", "0"]
    assert row["difference"] == pytest.approx(expected)
    assert (row["seeds"], row["reference_seeds"]) == (3, 1)


def test_comparison_with_an_opponent_without_seeds_is_about_the_method(differences):
    rows = differences[differences["reference"] == "threshold_rule"]
    assert set(rows.loc[rows["seed"] == "mean", "claim"]) == {"method"}
    assert set(rows.loc[rows["seed"] == "mean", "test"]) == {"bootstrap"}
    assert set(rows.loc[rows["seed"] == "0", "claim"]) == {"networks"}


@pytest.mark.slow
def test_seeds_of_the_network_widen_the_interval_against_an_opponent_without_seeds():
    def width(spread):
        rows = tables(spread).differences.query(
            "reference == 'threshold_rule' and seed == 'mean' and score == 'brier_score'"
        )
        return (rows["high"] - rows["low"]).mean()

    assert width(2.0) > 2 * width(0.0)


def test_each_opponent_has_its_own_family_of_comparisons(differences):
    rows = differences[(differences["seed"] == "mean") & (differences["forecast"] == "single")]
    for (_, opponent), family in rows.groupby(["score", "reference"]):
        if opponent != "baseline":
            assert family["model"].tolist() == list(NETWORKS)
            np.testing.assert_allclose(family["p_holm"], holm(family["p_value"]))
