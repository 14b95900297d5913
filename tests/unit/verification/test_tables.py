"""Tables of a verification hold every number with its interval, or the log says why not."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_predictions import forecast, made_up_storms, row_of, score_of, verify_made_up
from reference_scores import reference_scores
from sklearn.metrics import brier_score_loss, roc_auc_score

from stormcnn.errors import UserError
from stormcnn.verification.claims import judge
from stormcnn.verification.contingency import contingency
from stormcnn.verification.resampling import interval, p_value, resample_blocks
from stormcnn.verification.storm_totals import ForecastByBlock
from stormcnn.vocabulary import LEAST_EVENTS

COLUMNS = {
    "scores": "model forecast seed period stratum score value low high seed_sd "
    "block_sd storms events runs blocks",
    "differences": "model reference forecast reference_forecast seed period score difference low "
    "high p_value p_holm claim test p_delong_independent_storms seeds reference_seeds storms "
    "events runs blocks",
    "roc": "model forecast seed threshold pofd pod pod_low pod_high",
    "reliability": "model forecast seed bin forecast_mean observed_frequency low high storms "
    "events",
    "performance": "model forecast seed threshold success_ratio pod csi frequency_bias csi_low "
    "csi_high pod_low pod_high",
    "thresholds": "model forecast seed threshold hits misses false_alarms correct_negatives pod "
    "pofd success_ratio csi frequency_bias peirce_skill_score heidke_skill_score "
    "equitable_threat_score symmetric_extremal_dependence_index",
}


DELONG = "p_delong_independent_storms"


@pytest.fixture(scope="module")
def storms():
    return made_up_storms()


@pytest.fixture(scope="module")
def predictions(storms):
    return {
        ("baseline", 0): forecast(*storms, noise=0.6),
        ("dropout", 0): forecast(*storms, noise=0.1),
        ("noisy", 0): forecast(*storms, noise=2.5),
    }


@pytest.fixture(scope="module")
def tables(predictions):
    return verify_made_up(predictions)


@pytest.mark.slow
@pytest.mark.parametrize("table", COLUMNS)
def test_columns(tables, table):
    assert list(getattr(tables, table).columns) == COLUMNS[table].split()


def test_values_are_the_scores_and_lie_in_their_intervals(tables, predictions):
    arrays = predictions["dropout", 0]
    expected = reference_scores(arrays["probability"], arrays["label"], 0.15)
    for score, value in expected.items():
        found = score_of(tables, score, "dropout")["value"]
        assert found == pytest.approx(value, rel=1e-12, abs=1e-12), score
    for score in ("auc", "brier_score", "brier_skill_score_training", "log_score"):
        row = score_of(tables, score, "dropout")
        assert row["low"] < row["value"] < row["high"]
    assert (row["storms"], row["events"], row["runs"]) == (1200, arrays["label"].sum(), 20)
    assert (row["forecast"], row["seed"], row["period"]) == ("single", "0", "test")


@pytest.mark.slow
def test_same_seed_gives_the_same_tables_and_another_seed_other_intervals(tables, predictions):
    again = verify_made_up(predictions)
    other = verify_made_up({("baseline", 0): predictions["baseline", 0]}, seed=1)
    for table, repeated in zip(tables, again, strict=True):
        pd.testing.assert_frame_equal(table, repeated, check_exact=True)
    assert score_of(other, "auc")["low"] != score_of(tables, "auc")["low"]
    assert score_of(other, "auc")["value"] == score_of(tables, "auc")["value"]


def test_intervals_and_p_values_are_those_of_resampled_run_dates(tables, predictions):
    arrays = predictions["dropout", 0]
    draws = resample_blocks(arrays["run_date"], 100)
    samples = ForecastByBlock(arrays["probability"], arrays["label"], draws.block, 0.15).scores(
        draws.weights
    )
    for score in ("auc", "brier_skill_score_training", "critical_success_index_best"):
        row = score_of(tables, score, "dropout")
        assert (row["low"], row["high"]) == interval(
            row["value"], samples[score], 0.95, draws.blocks.size
        )
    z_itself = score_of(tables, "spiegelhalter_z", "dropout")["value"]
    z = score_of(tables, "spiegelhalter_p_value", "dropout")
    assert z["value"] == p_value(z_itself, samples["spiegelhalter_z"], draws.blocks.size)


def test_wider_confidence_gives_wider_intervals(tables, predictions):
    alone = {("baseline", 0): predictions["baseline", 0]}
    narrow = score_of(verify_made_up(alone, confidence=0.5), "auc")
    wide = score_of(tables, "auc")
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]


def test_stratum_has_its_own_scores(tables, predictions):
    storms = pd.DataFrame(predictions["baseline", 0])
    part = storms[storms["forecast_hour"].between(24, 29)]
    row = score_of(tables, "auc", stratum="forecast_hour=24-29")
    assert row["value"] == pytest.approx(
        roc_auc_score(part["label"], part["probability"].astype(float))
    )
    assert row["low"] < row["value"] < row["high"]
    assert (row["storms"], row["events"]) == (len(part), part["label"].sum())


@pytest.mark.slow
def test_stratum_with_fewer_than_the_least_events_has_no_value(storms):
    odds, shared = storms
    events = np.flatnonzero(shared["label"] & (shared["forecast_hour"] < 18))
    label = shared["label"].copy()
    label[events[LEAST_EVENTS - 1 :]] = 0
    few = verify_made_up({("baseline", 0): forecast(odds, {**shared, "label": label})}).scores
    label[events[LEAST_EVENTS - 1]] = 1
    enough = verify_made_up({("baseline", 0): forecast(odds, {**shared, "label": label})}).scores
    few, enough = (t[t["stratum"] == "forecast_hour=12-17"] for t in (few, enough))
    assert (few["events"] == LEAST_EVENTS - 1).all()
    assert (few["storms"] == (shared["forecast_hour"] < 18).sum()).all()
    assert few[["value", "low", "high"]].isna().all(axis=None)
    assert enough["value"].notna().all()


def test_better_model_is_told_from_the_reference(tables):
    better = row_of(tables.differences, model="dropout", score="brier_skill_score")
    assert (better["reference"], better["reference_forecast"]) == ("baseline", "single")
    value = score_of(tables, "brier_skill_score", "dropout")["value"]
    assert better["difference"] == value - score_of(tables, "brier_skill_score")["value"]
    assert 0 < better["low"] < better["difference"] < better["high"]
    assert better["p_value"] <= better["p_holm"] < 0.01
    assert (better["claim"], better["test"]) == ("networks", "t_test")
    better = row_of(tables.differences, model="dropout", score="auc")
    assert better["p_value"] == pytest.approx(2 / 101)
    assert better["p_holm"] == pytest.approx(2 * better["p_value"])
    assert (better["claim"], better["test"]) == ("networks", "bootstrap")
    worse = row_of(tables.differences, model="noisy", score="auc")
    assert worse["high"] < 0
    assert 0 < worse["p_delong_independent_storms"] < 0.001


def test_differences_are_paired_on_the_same_resamples(tables):
    better = row_of(tables.differences, model="dropout", score="log_score")
    apart = [score_of(tables, "log_score", model) for model in ("baseline", "dropout")]
    assert better["high"] - better["low"] < 0.7 * np.hypot(
        *(row["high"] - row["low"] for row in apart)
    )


def test_delong_is_given_for_auc_alone(tables):
    has_delong = tables.differences[DELONG].notna()
    assert (has_delong == (tables.differences["score"] == "auc")).all()


@pytest.mark.slow
def test_equal_models_do_not_differ(predictions):
    twins = {("baseline", 0): predictions["baseline", 0], ("l2", 0): predictions["baseline", 0]}
    differences = verify_made_up(twins).differences
    assert (differences[["difference", "low", "high"]] == 0).all(axis=None)
    assert (differences[["p_value", "p_holm"]] == 1).all(axis=None)


@pytest.mark.slow
def test_several_seeds_have_a_mean_forecast_and_members_theirs():
    storms = made_up_storms(6, 40)
    single = {
        (model, seed): forecast(*storms, noise=noise, seed=seed)
        for model, noise in (("baseline", 0.8), ("dropout", 0.5))
        for seed in (0, 1)
    }
    members = {
        ("dropout", seed): {**storms[1], "mc_mean": forecast(*storms, 0.4, seed=9)["probability"]}
        for seed in (0, 1)
    }
    tables = verify_made_up(single, monte_carlo=members, resamples=20)
    forecasts = tables.scores[["model", "forecast", "seed"]].drop_duplicates()
    assert sorted(map(tuple, forecasts.to_numpy())) == [
        ("baseline", "seed_mean", "all"),
        ("baseline", "single", "0"),
        ("baseline", "single", "1"),
        ("baseline", "single", "mean"),
        ("dropout", "mc_mean", "0"),
        ("dropout", "mc_mean", "1"),
        ("dropout", "mc_mean", "mean"),
        ("dropout", "seed_mc_mean", "all"),
        ("dropout", "seed_mean", "all"),
        ("dropout", "single", "0"),
        ("dropout", "single", "1"),
        ("dropout", "single", "mean"),
    ]
    mean = np.mean([single["baseline", s]["probability"].astype(float) for s in (0, 1)], axis=0)
    assert score_of(tables, "brier_score", forecast="seed_mean")["value"] == pytest.approx(
        brier_score_loss(storms[1]["label"], mean), rel=1e-12
    )
    pairs = ["model", "forecast", "seed", "reference", "reference_forecast"]
    compared = sorted(map(tuple, tables.differences[pairs].drop_duplicates().to_numpy()))
    assert [pair for pair in compared if pair[2] != "mean"] == [
        ("dropout", "mc_mean", "0", "baseline", "single"),
        ("dropout", "mc_mean", "0", "dropout", "single"),
        ("dropout", "mc_mean", "1", "baseline", "single"),
        ("dropout", "mc_mean", "1", "dropout", "single"),
        ("dropout", "seed_mc_mean", "all", "baseline", "seed_mean"),
        ("dropout", "seed_mc_mean", "all", "dropout", "seed_mean"),
        ("dropout", "seed_mean", "all", "baseline", "seed_mean"),
        ("dropout", "single", "0", "baseline", "single"),
        ("dropout", "single", "1", "baseline", "single"),
    ]
    assert [pair for pair in compared if pair[2] == "mean"] == [
        ("baseline", "seed_mean", "mean", "baseline", "single"),
        ("dropout", "mc_mean", "mean", "baseline", "single"),
        ("dropout", "mc_mean", "mean", "dropout", "single"),
        ("dropout", "seed_mc_mean", "mean", "dropout", "single"),
        ("dropout", "seed_mean", "mean", "dropout", "single"),
        ("dropout", "single", "mean", "baseline", "single"),
    ]


@pytest.mark.slow
def test_gain_over_one_network_is_its_average_over_the_seeds():
    storms = made_up_storms(12, 40)
    single = {("baseline", seed): forecast(*storms, noise=0.8, seed=seed) for seed in (0, 1, 2)}
    tables = verify_made_up(single, resamples=50)
    scored = tables.scores.query("stratum == 'all' and score == 'brier_score'").set_index("seed")
    each = scored.loc[["0", "1", "2"], "value"]
    assert scored.loc["mean", "value"] == pytest.approx(each.mean(), rel=1e-14)
    gain = row_of(tables.differences, seed="mean", score="brier_score")
    assert gain["difference"] == pytest.approx(scored.loc["all", "value"] - each.mean(), rel=1e-12)
    # Averaging probabilities reduces the Brier score by their variance, whatever the events are.
    probability = np.array([arrays["probability"] for arrays in single.values()], float)
    assert gain["difference"] == pytest.approx(-probability.var(axis=0).mean(), rel=1e-10)
    assert gain["high"] < 0
    assert np.isnan(row_of(tables.differences, seed="mean", score="auc")[DELONG])


@pytest.mark.slow
def test_matched_model_is_compared_with_besides_the_reference(predictions):
    tables = verify_made_up(predictions, matched={"dropout": "noisy", "baseline": "noisy"})
    found = tables.differences[["model", "reference"]].drop_duplicates()
    assert found.to_numpy().tolist() == [
        ["dropout", "baseline"],
        ["dropout", "noisy"],
        ["noisy", "baseline"],
    ]
    assert row_of(tables.differences, reference="noisy", score="auc")["low"] > 0


@pytest.mark.slow
def test_recalibration_and_own_scaling_are_judged_against_their_own_network(predictions):
    whole = predictions["dropout", 0]
    changed = {
        **whole,
        "probability_isotonic": whole["probability"] ** 2,
        "probability_logistic": whole["probability"],
    }
    tables = verify_made_up(
        predictions,
        recalibrated={("dropout", 0): changed},
        own_scaling={("noisy", 0): {**predictions["noisy", 0], "probability": [0.1] * 1200}},
    )
    variants = ["isotonic", "logistic", "own_scaling"]
    for table in tables:
        judged = table[table["forecast"].isin(variants)]
        assert judged.groupby("forecast", sort=False)["model"].unique().to_dict() == {
            "isotonic": ["dropout"],
            "logistic": ["dropout"],
            "own_scaling": ["noisy"],
        }
    rows = tables.differences[tables.differences["forecast"].isin(variants)]
    assert (rows["reference"] == rows["model"]).all()
    assert (rows["reference_forecast"] == "single").all()
    same = rows[rows["forecast"] == "logistic"]
    assert (same["difference"] == 0).all()
    squared = score_of(tables, "mean_probability", "dropout", forecast="isotonic")
    assert squared["value"] == pytest.approx((whole["probability"].astype(float) ** 2).mean())
    assert score_of(tables, "auc", "noisy", forecast="own_scaling")["value"] == 0.5
    in_parts = tables.scores[tables.scores["stratum"] != "all"]
    assert set(in_parts["forecast"]) == {"single"}


@pytest.mark.slow
def test_without_curves_scores_and_differences_are_the_same(predictions):
    whole, bare = (verify_made_up(predictions, curves=curves) for curves in (True, False))
    pd.testing.assert_frame_equal(bare.scores, whole.scores)
    pd.testing.assert_frame_equal(bare.differences, whole.differences)
    assert all(table.empty for table in bare[2:])
    assert not any(table.empty for table in whole)


def test_missing_recalibrated_probability_is_named_in_the_error(predictions):
    gaps = {**predictions["dropout", 0], "probability_isotonic": np.full(1200, np.nan)}
    with pytest.raises(UserError, match=r"dropout, seed 0.*probability_isotonic.*1200"):
        verify_made_up(predictions, recalibrated={("dropout", 0): gaps})


def test_datasets_are_accepted(tables, predictions):
    dataset = xr.Dataset(
        {name: ("storm", values) for name, values in predictions["baseline", 0].items()}
    ).set_coords(["run_date", "valid_time", "forecast_hour", "longitude", "latitude"])
    found = verify_made_up({("baseline", 0): dataset}).roc
    expected = tables.roc[tables.roc["model"] == "baseline"]
    pd.testing.assert_frame_equal(found, expected)


def test_roc_goes_from_corner_to_corner_within_its_band(tables):
    curve = tables.roc[tables.roc["model"] == "baseline"]
    assert curve[["pofd", "pod"]].to_numpy()[[0, -1]].tolist() == [[0, 0], [1, 1]]
    assert curve["pod"].is_monotonic_increasing
    area = np.trapezoid(curve["pod"], curve["pofd"])
    assert area == pytest.approx(score_of(tables, "auc")["value"], abs=0.002)
    inner = curve[curve["pofd"].between(0.01, 0.8)]
    assert (inner["pod_low"] < inner["pod"]).all()
    assert (inner["pod"] < inner["pod_high"]).all()
    assert len(curve) <= 200


def test_roc_threshold_keeps_the_false_detections_in_bounds(tables, predictions):
    arrays = predictions["baseline", 0]
    curve = tables.roc[tables.roc["model"] == "baseline"].dropna(subset="threshold")
    at_threshold = contingency(arrays["probability"], arrays["label"], curve["threshold"])
    assert len(curve) == 101  # only the row where nothing is forecast has no threshold
    assert (at_threshold.pofd <= curve["pofd"]).all()
    assert (at_threshold.pod <= curve["pod"] + 1e-12).all()
    distinct = np.unique(arrays["probability"].astype(float))
    lower = distinct[np.maximum(np.searchsorted(distinct, curve["threshold"]) - 1, 0)]
    beyond = contingency(arrays["probability"], arrays["label"], lower).pofd
    assert ((beyond > curve["pofd"]) | (curve["pofd"] == 1)).all()


def test_reliability_counts_every_storm(tables, predictions):
    arrays = predictions["baseline", 0]
    table = tables.reliability[tables.reliability["model"] == "baseline"]
    assert table["bin"].tolist() == list(range(10))
    assert table["storms"].sum() == 1200
    assert table["events"].sum() == arrays["label"].sum()
    inside = (arrays["probability"] >= 0.2) & (arrays["probability"] < 0.3)
    row = row_of(table, bin=2)
    assert row["forecast_mean"] == pytest.approx(arrays["probability"][inside].mean(dtype=float))
    assert row["observed_frequency"] == pytest.approx(arrays["label"][inside].mean())
    assert row["low"] < row["observed_frequency"] < row["high"]


def test_performance_and_thresholds_agree_and_bands_hold_the_curve(tables, predictions):
    arrays = predictions["baseline", 0]
    performance, counts = (
        table[table["model"] == "baseline"].reset_index(drop=True)
        for table in (tables.performance, tables.thresholds)
    )
    for column in ("threshold", "success_ratio", "pod", "csi", "frequency_bias"):
        pd.testing.assert_series_equal(performance[column], counts[column])
    row = row_of(counts, threshold=0.25)
    forecast_events = arrays["probability"] >= 0.25
    assert row["hits"] == (forecast_events & (arrays["label"] == 1)).sum()
    assert row["false_alarms"] == (forecast_events & (arrays["label"] == 0)).sum()
    assert (
        counts[["hits", "misses", "false_alarms", "correct_negatives"]].sum(axis=1) == 1200
    ).all()
    middle = performance[performance["threshold"].between(0.02, 0.6)]
    assert middle["csi"].between(middle["csi_low"], middle["csi_high"]).all()
    assert middle["pod"].between(middle["pod_low"], middle["pod_high"]).all()
    assert len(performance) <= 200
    never = performance[performance["frequency_bias"] == 0]
    assert len(never) > 0
    assert never[["success_ratio", "pod_low", "pod_high"]].isna().all(axis=None)


@pytest.fixture(scope="module")
def known_truth():
    odds, shared = made_up_storms(40, 150, seed=5)
    return verify_made_up(
        {
            ("baseline", 0): forecast(odds, shared),
            ("overconfident", 0): forecast(odds, shared, slope=1.6),
            ("underconfident", 0): forecast(odds, shared, slope=0.6),
        }
    )


@pytest.mark.slow
def test_calibrated_forecast_passes_every_test_of_calibration(known_truth):
    assert score_of(known_truth, "spiegelhalter_p_value")["value"] > 0.05
    assert score_of(known_truth, "murphy_reliability")["low"] == 0
    bias = score_of(known_truth, "mean_probability")["value"]
    frequency = score_of(known_truth, "event_frequency")
    assert frequency["low"] < bias < frequency["high"]
    bins = known_truth.reliability[known_truth.reliability["model"] == "baseline"]
    assert bins["forecast_mean"].between(bins["low"], bins["high"]).sum() >= 8


@pytest.mark.parametrize(("model", "sign"), [("overconfident", 1), ("underconfident", -1)])
def test_over_and_underconfident_forecasts_fail_in_their_direction(known_truth, model, sign):
    z = score_of(known_truth, "spiegelhalter_z", model)
    assert sign * z["value"] > 3
    assert min(sign * z["low"], sign * z["high"]) > 0
    assert score_of(known_truth, "spiegelhalter_p_value", model)["value"] < 0.02
    for score in ("murphy_reliability", "corp_miscalibration"):
        assert score_of(known_truth, score, model)["low"] > 0
        worse = row_of(known_truth.differences, score=score, model=model)
        assert worse["low"] > 0
    bins = known_truth.reliability[known_truth.reliability["model"] == model]
    first, last = bins[bins["storms"] > 50].iloc[[0, -1]].to_dict("records")
    assert sign * (first["observed_frequency"] - first["forecast_mean"]) > 0
    assert sign * (last["observed_frequency"] - last["forecast_mean"]) < 0
    assert score_of(known_truth, "auc", model)["value"] == pytest.approx(
        score_of(known_truth, "auc")["value"], abs=1e-6
    )


def test_one_run_date_has_values_but_no_intervals_and_is_named_in_the_log(caplog):
    odds, shared = made_up_storms(1, 300)
    tables = verify_made_up(
        {("baseline", 0): forecast(odds, shared, 0.5), ("l2", 0): forecast(odds, shared, 0.9)}
    )
    whole = tables.scores[tables.scores["stratum"] == "all"]
    assert whole["value"].notna().sum() == len(whole) - 6  # three p-values of each model
    assert tables.scores[["low", "high"]].isna().all(axis=None)
    assert tables.differences[["low", "high", "p_value", "p_holm"]].isna().all(axis=None)
    assert tables.differences["difference"].notna().all()
    assert tables.roc["pod_low"].isna().all()
    assert "2015-04-20" in caplog.text


@pytest.mark.parametrize("label", [0, 1])
def test_period_of_one_class_has_no_auc_and_warns(storms, caplog, label):
    odds, shared = storms
    shared = {**shared, "label": np.full(1200, label, "int8")}
    tables = verify_made_up({("baseline", 0): forecast(odds, shared)})
    assert np.isnan(score_of(tables, "auc")["value"])
    assert np.isnan(score_of(tables, "brier_skill_score")["value"])
    brier = score_of(tables, "brier_score")
    assert brier["low"] < brier["value"] < brier["high"]
    assert "1200 storms of the test period" in caplog.text


def test_probabilities_of_exactly_zero_and_one_are_scored(storms):
    odds, shared = storms
    certain = {**shared, "probability": (odds > 0).astype("float32")}
    tables = verify_made_up({("baseline", 0): certain})
    table = tables.reliability.set_index("bin")
    assert table.loc[[0, 9], "storms"].sum() == 1200
    whole = tables.scores[tables.scores["stratum"] == "all"].set_index("score")["value"]
    # With the variance p(1 - p) = 0 of every forecast, these tests are undefined.
    undefined = ["spiegelhalter_z", "spiegelhalter_p_value", "calibration_slope_p_value"]
    assert whole.drop(undefined).notna().all()


def test_single_model_has_no_differences(predictions):
    alone = verify_made_up({("baseline", 0): predictions["baseline", 0]})
    assert list(alone.differences.columns) == COLUMNS["differences"].split()
    assert alone.differences.empty


def test_seed_that_the_reference_lacks_is_scored_and_named(predictions, caplog):
    tables = verify_made_up(
        {("baseline", 0): predictions["baseline", 0], ("l2", 3): predictions["noisy", 0]}
    )
    assert np.isfinite(score_of(tables, "auc", "l2")["value"])
    assert tables.differences.empty
    assert "l2, seed 3" in caplog.text


def with_members(arrays):
    return {**arrays, "mc_mean": arrays["probability"] ** 1.2}


def compared_forecasts(tables):
    columns = ["model", "forecast", "seed", "reference", "reference_forecast"]
    return sorted(map(tuple, tables.differences[columns].drop_duplicates().to_numpy()))


@pytest.mark.slow
def test_members_of_seeds_without_predictions_are_compared_as_far_as_possible(caplog):
    storms = made_up_storms(12, 40)
    l2 = {("l2", seed): forecast(*storms, noise=0.5, seed=seed) for seed in (0, 1, 2)}
    single = {("baseline", 0): forecast(*storms, noise=0.8), ("l2", 0): l2["l2", 0]}
    members = {network: with_members(arrays) for network, arrays in l2.items()}
    tables = verify_made_up(single, monte_carlo=members, curves=False)
    assert compared_forecasts(tables) == [
        ("l2", "mc_mean", "0", "baseline", "single"),
        ("l2", "mc_mean", "0", "l2", "single"),
        ("l2", "mc_mean", "mean", "baseline", "single"),
        ("l2", "single", "0", "baseline", "single"),
    ]
    for seed, model in (("1", "l2"), ("mean", "l2"), ("2", "baseline")):
        missing = f"l2, seed {seed} (mc_mean) is not compared with model {model} (single)"
        assert missing in caplog.text
    judge(tables.scores, tables.differences, confidence=0.95, resamples=200)


@pytest.mark.slow
def test_members_of_a_reference_without_all_predictions_do_not_hide_its_network():
    storms = made_up_storms(12, 40)
    networks = {
        (model, seed): forecast(*storms, noise=noise, seed=seed)
        for model, noise in (("baseline", 0.8), ("l2", 0.5))
        for seed in (0, 1, 2)
    }
    single = {
        n: arrays for n, arrays in networks.items() if n not in (("baseline", 1), ("baseline", 2))
    }
    members = {n: with_members(arrays) for n, arrays in networks.items() if n[0] == "baseline"}
    tables = verify_made_up(single, monte_carlo=members, curves=False)
    assert ("l2", "single", "mean", "baseline", "single") in compared_forecasts(tables)
    row = row_of(tables.differences, model="l2", forecast="single", seed="mean", score="auc")
    assert (row["claim"], row["reference_seeds"]) == ("networks", 1)


@pytest.mark.slow
def test_recalibrated_and_sampled_networks_without_predictions_are_scored(predictions, caplog):
    other = {**with_members(predictions["dropout", 0]), "probability_logistic": [0.1] * 1200}
    alone = {("baseline", 0): predictions["baseline", 0]}
    tables = verify_made_up(
        alone,
        recalibrated={("dropout", 0): other},
        monte_carlo={("dropout", 0): other},
        curves=False,
    )
    assert score_of(tables, "auc", "dropout", forecast="logistic")["value"] == 0.5
    assert compared_forecasts(tables) == [("dropout", "mc_mean", "0", "baseline", "single")]
    for kind in ("logistic", "mc_mean"):
        assert f"dropout, seed 0 ({kind}) is not compared with model dropout" in caplog.text


def test_models_that_forecast_different_storms_are_named_in_the_error(predictions):
    whole = predictions["baseline", 0]
    short = {name: values[:-7] for name, values in predictions["dropout", 0].items()}
    with pytest.raises(UserError, match=r"dropout, seed 0.*1193.*baseline, seed 0.*1200"):
        verify_made_up({("baseline", 0): whole, ("dropout", 0): short})
    moved = {**predictions["dropout", 0], "patch": whole["patch"] + (whole["patch"] == 4)}
    with pytest.raises(
        UserError, match=r"dropout, seed 0.*baseline, seed 0.*patch of storm 4 is 5 and 4"
    ):
        verify_made_up({("baseline", 0): whole, ("dropout", 0): moved})


def test_members_of_other_storms_are_named_in_the_error(predictions):
    members = {**predictions["dropout", 0], "mc_mean": predictions["dropout", 0]["probability"]}
    members["patch"] = members["patch"][::-1]
    with pytest.raises(UserError, match=r"dropout, seed 0.*baseline, seed 0.*patch of storm 0"):
        verify_made_up(predictions, monte_carlo={("dropout", 0): members})


def test_missing_probability_is_named_in_the_error(predictions):
    gaps = {**predictions["dropout", 0]}
    gaps["probability"] = np.where(gaps["patch"] % 600 == 5, np.nan, gaps["probability"])
    with pytest.raises(UserError, match=r"dropout, seed 0, probability: 2 of 1200.*storm 5"):
        verify_made_up({**predictions, ("dropout", 0): gaps})


def test_unknown_reference_and_missing_predictions_are_errors(predictions):
    with pytest.raises(UserError, match=r"comparison\.reference.*l1.*baseline"):
        verify_made_up(predictions, reference="l1")
    with pytest.raises(UserError, match="no predictions"):
        verify_made_up({})


def test_without_strata_the_scores_of_all_storms_are_the_same(tables, predictions):
    whole = verify_made_up(predictions, stratify=False).scores
    expected = tables.scores[tables.scores["stratum"] == "all"].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole, expected)
