"""A verification says what its numbers are about, whatever blocks, seeds and events there are."""

import numpy as np
import pandas as pd
import pytest
from made_up_predictions import forecast, made_up_storms, row_of, score_of, verify_made_up

from stormcnn.errors import UserError
from stormcnn.report.score_tables import strata_table

pytestmark = pytest.mark.slow


def hourly_storms(days=14, runs=6, storms=8, seed=0):
    """Return log odds and storms of several runs a day, whose events share an effect of the day."""
    odds, shared = made_up_storms(days * runs, storms, seed)
    draw = np.random.default_rng(seed)
    run = np.arange(odds.size) // storms
    hours = 24 * (run // runs) + 20 + run % runs  # across midnight
    shared["run_date"] = np.datetime64("2020-05-01T00", "h") + hours
    shared["valid_time"] = shared["run_date"] + 18
    effect = draw.normal(0, 1.5, days + 1)[hours // 24]
    shared["label"] = (draw.random(odds.size) < 1 / (1 + np.exp(-odds - effect))).astype("int8")
    return odds, shared


def several_seeds(storms, seeds, noise=0.5, **others):
    """Return predictions of several models with that many seeds each."""
    return {
        (model, seed): forecast(*storms, noise, seed=100 * index + seed, **others)
        for index, (model, number) in enumerate(seeds.items())
        for seed in range(number)
    }


def verify_scores(predictions, **settings):
    return verify_made_up(predictions, curves=False, regions={}, **settings)


def test_blocks_are_days_runs_or_several_days():
    storms = hourly_storms()
    predictions = {("baseline", 0): forecast(*storms)}
    by_block = {
        block: score_of(verify_scores(predictions, block=block), "brier_score")
        for block in ("day", "run", 3)
    }
    days = np.unique(storms[1]["run_date"].astype("datetime64[D]")).size
    assert by_block["day"]["blocks"] == days
    assert by_block["run"]["blocks"] == by_block["run"]["runs"] == 14 * 6
    assert days / 3 <= by_block[3]["blocks"] <= days / 3 + 2
    widths = {block: row["high"] - row["low"] for block, row in by_block.items()}
    assert widths["day"] > 1.3 * widths["run"]
    values = [row["value"] for row in by_block.values()]
    assert values == pytest.approx([values[0]] * 3)


def test_order_of_the_storms_does_not_matter():
    odds, shared = hourly_storms()
    order = np.random.default_rng(0).permutation(odds.size)
    first, second = (
        verify_scores({("baseline", 0): forecast(odds[o], {k: v[o] for k, v in shared.items()})})
        for o in (np.arange(odds.size), order)
    )
    pd.testing.assert_frame_equal(first.scores, second.scores, rtol=1e-9, atol=1e-9)


def test_claims_about_methods_need_three_seeds_of_both_models():
    storms = made_up_storms(12, 40)
    predictions = several_seeds(storms, {"baseline": 4, "dropout": 3, "l2": 2, "once": 1})
    differences = verify_scores(predictions, resamples=200).differences
    means = differences[(differences["seed"] == "mean") & (differences["score"] == "auc")]
    between = means[means["forecast"] == "single"].set_index("model")
    assert between["reference"].unique().tolist() == ["baseline"]
    assert between["claim"].to_dict() == {
        "dropout": "method", "l2": "networks", "once": "networks"
    }  # fmt: skip
    assert between["seeds"].to_dict() == {"dropout": 3, "l2": 2, "once": 1}
    assert (between["reference_seeds"] == 4).all()
    others = differences[differences["seed"] != "mean"]
    assert (others["claim"] == "networks").all()
    assert differences["p_holm"].notna().all()


def test_interval_of_a_method_is_wider_than_that_of_its_networks():
    storms = made_up_storms(20, 60)
    predictions = {
        (model, seed): forecast(*storms, 0.2, shift=0.5 * (seed - 1), seed=seed)
        for model in ("baseline", "dropout")
        for seed in range(3)
    }
    two = {network: arrays for network, arrays in predictions.items() if network[1] < 2}
    method = row_of(verify_scores(predictions).differences, seed="mean", score="brier_score",
                    model="dropout", forecast="single")  # fmt: skip
    networks = row_of(verify_scores(two).differences, seed="mean", score="brier_score",
                      model="dropout", forecast="single")  # fmt: skip
    assert method["high"] - method["low"] > 3 * (networks["high"] - networks["low"])
    assert method["low"] < 0 < method["high"]
    assert (method["test"], networks["test"]) == ("bootstrap", "t_test")


def test_uncertainty_is_split_into_seeds_and_blocks():
    storms = made_up_storms(15, 50)
    tables = verify_scores(several_seeds(storms, {"baseline": 4}, noise=1.0))
    scored = tables.scores.query("stratum == 'all' and score == 'brier_score'").set_index("seed")
    each = scored.loc[["0", "1", "2", "3"], "value"]
    assert scored.loc["mean", "seed_sd"] == pytest.approx(each.std(ddof=1))
    assert scored.drop("mean")["seed_sd"].isna().all()
    assert scored["block_sd"].between(0.3 * scored.loc["0", "block_sd"], 0.05).all()
    half = (scored["high"] - scored["low"]) / 2
    assert half["0"] == pytest.approx(2.15 * scored.loc["0", "block_sd"], rel=0.25)


def test_few_blocks_have_intervals_but_no_claims(caplog):
    storms = made_up_storms(9, 60)
    tables = verify_scores({("baseline", 0): forecast(*storms), ("l2", 0): forecast(*storms, 0.9)})
    assert tables.differences["p_holm"].isna().all()
    assert tables.differences[["low", "high", "p_value"]].notna().all(axis=None)
    assert "9 blocks" in caplog.text


def test_family_too_large_for_the_resamples_has_no_claims_and_the_number_needed_is_logged(caplog):
    storms = made_up_storms(12, 40)
    predictions = several_seeds(storms, {"baseline": 1, "a": 1, "b": 1, "c": 1})
    few, enough = (verify_scores(predictions, resamples=n).differences for n in (119, 120))
    by_bootstrap = few["test"] == "bootstrap"
    assert few.loc[by_bootstrap, "p_holm"].isna().all()
    assert few.loc[~by_bootstrap, "p_holm"].notna().all()
    assert enough["p_holm"].notna().all()
    assert "119 resamples" in caplog.text
    assert "at least 120" in caplog.text


def test_one_resample_gives_values_without_intervals_and_says_so(caplog):
    storms = made_up_storms(12, 40)
    predictions = {("baseline", 0): forecast(*storms), ("l2", 0): forecast(*storms, 0.9)}
    tables = verify_made_up(predictions, resamples=1)
    assert tables.scores[["low", "high"]].isna().all(axis=None)
    assert tables.differences["difference"].notna().all()
    by_bootstrap = tables.differences["test"] == "bootstrap"
    assert tables.differences.loc[by_bootstrap, "p_holm"].isna().all()
    assert tables.differences.loc[~by_bootstrap, "p_holm"].notna().all()
    assert "at least 39" in caplog.text


def test_blocks_with_one_storm_are_blocks():
    storms = made_up_storms(60, 1)
    row = score_of(verify_scores({("baseline", 0): forecast(*storms)}), "brier_score")
    assert (row["blocks"], row["storms"]) == (60, 60)
    assert row["low"] < row["value"] < row["high"]


def test_equal_probabilities_have_a_score_but_no_calibration_slope():
    odds, shared = made_up_storms(12, 40)
    tables = verify_scores({("baseline", 0): {**shared, "probability": np.full(odds.size, 0.2)}})
    assert score_of(tables, "auc")["value"] == 0.5
    assert np.isnan(score_of(tables, "calibration_slope")["value"])
    assert np.isnan(score_of(tables, "calibration_slope_p_value")["value"])
    assert 0 <= score_of(tables, "calibration_bias_p_value")["value"] <= 1


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_calibration_but_a_test_of_bias(label):
    odds, shared = made_up_storms(12, 40)
    shared = {**shared, "label": np.full(odds.size, label, "int8")}
    tables = verify_scores(
        {("baseline", s): forecast(odds, shared, 0.3, seed=s) for s in (0, 1, 2)}
    )
    for seed in ("0", "mean"):
        assert np.isnan(score_of(tables, "calibration_intercept", seed=seed)["value"])
        assert score_of(tables, "calibration_bias_p_value", seed=seed)["value"] < 0.001


def test_known_bias_and_slope_are_found():
    odds, shared = made_up_storms(30, 60, seed=3)
    biased = forecast(odds, shared, shift=0.8)
    sharp = forecast(odds, shared, slope=1.7, shift=1.0)
    tables = verify_scores({("baseline", 0): forecast(odds, shared), ("biased", 0): biased,
                            ("sharp", 0): sharp})  # fmt: skip
    intercept = score_of(tables, "calibration_intercept", "biased")
    assert intercept["low"] < -0.8 < intercept["high"] < 0
    slope = score_of(tables, "calibration_slope", "sharp")
    assert slope["low"] < 1 / 1.7 < slope["high"] < 1
    assert score_of(tables, "calibration_bias_p_value", "biased")["value"] < 0.001
    assert score_of(tables, "calibration_slope_p_value", "sharp")["value"] < 0.001
    for score in ("calibration_bias_p_value", "calibration_slope_p_value"):
        assert score_of(tables, score)["value"] > 0.01


def test_text_that_is_no_date_is_an_error_unless_runs_are_resampled():
    odds, shared = made_up_storms(12, 40)
    shared["run_date"] = np.repeat([f"run {i}" for i in range(12)], 40)
    predictions = {("baseline", 0): forecast(odds, shared)}
    with pytest.raises(UserError, match="run_date"):
        verify_scores(predictions)
    assert score_of(verify_scores(predictions, block="run"), "auc")["blocks"] == 12


@pytest.mark.parametrize("noise", [0.1, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_no_band_of_a_curve_excludes_its_own_value(noise, seed):
    storms = made_up_storms(12, 15, seed)
    tables = verify_made_up({("baseline", 0): forecast(*storms, noise, seed=seed)}, regions={})
    for table, value, low, high in (
        (tables.roc, "pod", "pod_low", "pod_high"),
        (tables.reliability, "observed_frequency", "low", "high"),
        (tables.performance, "pod", "pod_low", "pod_high"),
        (tables.performance, "csi", "csi_low", "csi_high"),
    ):
        shown = table.dropna(subset=[value, low, high])
        assert len(shown) > 2
        assert (shown[low] <= shown[value]).all()
        assert (shown[value] <= shown[high]).all()
        assert shown[[low, high]].stack().between(0, 1).all()


def test_number_of_threads_does_not_matter():
    storms = made_up_storms(12, 20)
    predictions = several_seeds(storms, {"baseline": 2, "l2": 1})
    for one, two in zip(
        verify_made_up(predictions), verify_made_up(predictions, threads=2), strict=True
    ):
        pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_strata_have_averages_over_seeds_as_all_storms_have():
    storms = made_up_storms(12, 40)
    single = several_seeds(storms, {"baseline": 3, "l2": 1})
    members = {
        network: {**storms[1], "mc_mean": arrays["probability"] ** 1.2}
        for network, arrays in single.items()
        if network[0] == "baseline"
    }
    everywhere = {"everywhere": {"longitude": (-180, 180), "latitude": (-90, 90)}}
    tables = verify_made_up(single, monte_carlo=members, curves=False, regions=everywhere)
    for kind in ("single", "mc_mean"):
        of_kind = tables.scores[
            (tables.scores["forecast"] == kind) & (tables.scores["model"] == "baseline")
        ]
        part = of_kind[of_kind["stratum"] == "forecast_hour=24-29"]
        by_seed = part[part["score"] == "brier_skill_score"].set_index("seed")
        each = by_seed.loc[["0", "1", "2"], "value"]
        assert by_seed.loc["mean", "value"] == pytest.approx(each.mean(), rel=1e-12)
        assert by_seed.loc["mean", "seed_sd"] == pytest.approx(each.std(), rel=1e-12)
        # A region of all storms has the same averages and intervals as all storms.
        inside, whole = (
            of_kind[(of_kind["stratum"] == stratum) & (of_kind["seed"] == "mean")]
            for stratum in ("region=everywhere", "all")
        )
        columns = ["score", "value", "low", "high", "seed_sd", "block_sd", "blocks"]
        pd.testing.assert_frame_equal(
            inside[columns].reset_index(drop=True), whole[columns].reset_index(drop=True)
        )
    # The report shows the average of the first model, and the only network of the second.
    of_networks = tables.scores[tables.scores["forecast"] == "single"]
    shown = strata_table(of_networks, {"baseline": "Baseline", "l2": "L2"})
    skill = of_networks.query("score == 'brier_skill_score' and stratum != 'all'")
    for column, model, seed in ((4, "baseline", "mean"), (5, "l2", "0")):
        expected = skill.loc[(skill["model"] == model) & (skill["seed"] == seed), "value"]
        found = [row[column].sort for row in shown.rows]
        assert np.array_equal(found, expected, equal_nan=True)


def test_strata_with_too_few_events_have_empty_averages():
    odds, shared = made_up_storms(12, 40)
    shared["label"] = np.where(shared["forecast_hour"] < 18, 0, shared["label"]).astype("int8")
    tables = verify_scores(several_seeds((odds, shared), {"baseline": 3}))
    rows = tables.scores.query("stratum == 'forecast_hour=12-17' and seed == 'mean'")
    assert len(rows) > 10
    assert rows[["value", "low", "high", "seed_sd", "block_sd"]].isna().all(axis=None)
