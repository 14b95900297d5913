"""The results of the whole workflow: files, their format, and their numbers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from checkout import CACHED, RUN_DATES, Checkout

from stormcnn import __version__
from stormcnn.vocabulary import OPPONENTS

NETWORKS = ("baseline", "dropout")
BATCHES = ("2014-04", "2014-05", "2014-06", "2015-04", "2015-05", "2015-06")
TRAINING_RUNS = sum(date.year < 2015 for date in RUN_DATES)
STORMS_PER_RUN = 12
GRID_POINTS = 8 * 8
DATA = "resources/tiny"
RESULTS = "results/tiny"
MEMBERS = f"{RESULTS}/uncertainty/dropout/seed-0"
FIGURES = [
    *("training_curves", "scores", "roc", "reliability", "performance", "strata"),
    *("entropy", "spread_skill", "discard", "counts", "cases-dropout-0", "dropout_masks"),
    *("importance", "attributions-dropout"),
]

SCORES = "model forecast seed period stratum score value low high storms events runs"
TABLES = {
    f"{DATA}/runs.csv": "run_date file batch",
    f"{DATA}/inventory.csv": "run_date file batch storms rejected reason "
    "missing_hours missing_storms bytes sha256",
    f"{DATA}/statistics/2014-05.csv": "run_date variable count mean m2 minimum maximum",
    f"{RESULTS}/scaling.csv": "variable mean std minimum maximum count",
    f"{RESULTS}/models/baseline/seed-0/history.csv": "epoch loss seconds",
    f"{RESULTS}/verification/scores.csv": SCORES,
    f"{RESULTS}/verification/differences.csv": "model reference forecast seed period score "
    "difference low high p_value p_holm",
    f"{RESULTS}/verification/roc.csv": "model forecast seed threshold pofd pod pod_low pod_high",
    f"{RESULTS}/verification/reliability.csv": "model forecast seed bin forecast_mean "
    "observed_frequency low high storms events",
    f"{RESULTS}/verification/performance.csv": "model forecast seed threshold success_ratio pod "
    "csi frequency_bias csi_low csi_high pod_low pod_high",
    f"{RESULTS}/verification/thresholds.csv": "model forecast seed threshold hits misses "
    "false_alarms correct_negatives pod pofd success_ratio csi frequency_bias "
    "peirce_skill_score heidke_skill_score",
    f"{RESULTS}/uncertainty/scores.csv": SCORES,
    f"{RESULTS}/uncertainty/spread_skill.csv": "model seed kind bin spread error low high storms "
    "forecast_mean observed_frequency",
    f"{RESULTS}/uncertainty/discard.csv": "model seed order fraction score value low high",
    f"{RESULTS}/uncertainty/counts.csv": "model seed run_date observed mean q05 q25 q50 q75 q95 "
    "deterministic",
    f"{RESULTS}/explanations/permutation.csv": "model seed pass predictors score loss low high",
    f"{RESULTS}/explanations/checks.csv": "model check value low high limit verdict",
    f"{RESULTS}/comparison.csv": "model title trainable_parameters training_seconds auc auc_low "
    "auc_high brier_score brier_score_low brier_score_high brier_skill_score "
    "brier_skill_score_low brier_skill_score_high",
}

STORM = ("storm",)
COORDINATES = dict.fromkeys(
    (
        *("run_date", "valid_time", "forecast_hour", "ensemble_member", "track_id", "track_step"),
        *("longitude", "latitude", "run_file", "patch"),
    ),
    STORM,
)
FIELDS = {"predictors": ("storm", "y", "x", "variable")}
PREDICTIONS = {"probability": STORM, "label": STORM} | COORDINATES
DATASETS = {
    **{
        f"{DATA}/patches/{batch}.nc": FIELDS
        | {"peak": STORM, "variable": ("variable",)}
        | COORDINATES
        for batch in BATCHES
    },
    **{
        f"{RESULTS}/predictions/{network}/seed-0{period}.nc": PREDICTIONS
        for network in NETWORKS
        for period in ("", "-training")
    },
    **{
        f"{RESULTS}/predictions/{network}/seed-0-calibrated.nc": PREDICTIONS
        | {"probability_calibrated": STORM}
        for network in NETWORKS
    },
    f"{MEMBERS}/storms.nc": PREDICTIONS
    | {"mc_mean": STORM, "mc_std": STORM, "mc_entropy": STORM}
    | {"mc_quantile": ("storm", "quantile"), "quantile": ("quantile",)},
    f"{MEMBERS}/counts.nc": {
        "count": ("run", "mc_member"),
        "expected": ("run", "mc_member"),
        "observed": ("run",),
        "run_date": ("run",),
    },
    f"{RESULTS}/explanations/dropout/seed-0.nc": FIELDS
    | {"attribution": ("storm", "y", "x", "variable"), "log_odds": STORM, "label": STORM}
    | {"flattened_probability": ("storm", "flattened"), "probability": STORM}
    | COORDINATES,
    f"{RESULTS}/explanations/dropout/seed-0-permuted.nc": {
        "probability": ("permuted", "repetition", "storm"),
        "is_permuted": ("permuted", "variable"),
        "number_of_pass": ("permuted",),
        "label": STORM,
    },
    f"{MEMBERS}/cases.nc": FIELDS
    | {"probability": ("storm", "mc_member"), "deterministic": STORM, "label": STORM}
    | COORDINATES,
}
OTHERS = [
    *(
        f"{RESULTS}/models/{network}/seed-0/{name}"
        for network in NETWORKS
        for name in ("trained.keras", "network.keras", "history.csv", "summary.txt", "size.csv")
    ),
    f"{RESULTS}/verification/recalibration.csv",
    *(f"{RESULTS}/figures/{figure}.{kind}" for figure in FIGURES for kind in ("png", "svg")),
    f"{RESULTS}/explanations/dropout/storms.nc",
    f"{RESULTS}/report.html",
    f"{RESULTS}/config.yaml",
]


def read_dataset(finished: Checkout, name: str) -> xr.Dataset:
    with xr.open_dataset(finished.path / name) as file:
        return file.load()


def read_table(finished: Checkout, name: str) -> pd.DataFrame:
    return pd.read_csv(finished.path / name)


def read_patches(finished: Checkout, year: str) -> xr.Dataset:
    batches = [batch for batch in BATCHES if batch.startswith(year)]
    parts = [read_dataset(finished, f"{DATA}/patches/{batch}.nc") for batch in batches]
    return xr.concat(parts, "storm", data_vars="minimal", coords="minimal", compat="override")


def score(finished: Checkout, model: str, name: str) -> float:
    table = read_table(finished, f"{RESULTS}/verification/scores.csv")
    row = {"model": model, "score": name, "forecast": "single", "period": "test", "stratum": "all"}
    return table.loc[(table[list(row)] == pd.Series(row)).all(axis="columns"), "value"].item()


# Files


def test_every_file_is_written(finished: Checkout) -> None:
    empty = [
        name
        for name in [*TABLES, *DATASETS, *OTHERS]
        if not (finished.path / name).is_file() or not (finished.path / name).stat().st_size
    ]
    assert empty == []


def test_no_incomplete_file_is_left(finished: Checkout) -> None:
    written = [*(finished.path / "results").rglob("*"), *(finished.path / "resources").rglob("*")]
    assert [path for path in written if path.name.startswith(".")] == []


@pytest.mark.parametrize(("name", "columns"), TABLES.items(), ids=lambda value: value)
def test_table_has_its_columns(finished: Checkout, name: str, columns: str) -> None:
    table = read_table(finished, name)
    assert len(table) > 0
    assert [column for column in columns.split() if column not in table] == []
    assert [column for column in table if column.startswith("Unnamed")] == []


@pytest.mark.parametrize("name", DATASETS)
def test_dataset_has_its_variables(finished: Checkout, name: str) -> None:
    dataset = read_dataset(finished, name)
    dimensions = {str(name): variable.dims for name, variable in dataset.variables.items()}
    assert dimensions | DATASETS[name] == dimensions


@pytest.mark.parametrize("name", DATASETS)
def test_dataset_follows_the_cf_conventions(finished: Checkout, name: str) -> None:
    with xr.open_dataset(finished.path / name, decode_times=False) as dataset:
        assert dataset.attrs["Conventions"] == "CF-1.8"
        assert dataset.attrs["title"].startswith("Storm patches")
        numbers = {
            name: variable.attrs
            for name, variable in dataset.variables.items()
            if variable.dtype.kind == "f"
        }
        described = [*numbers, *dataset.data_vars, *DATASETS[name].keys() & dataset.variables]
        assert [key for key in described if "long_name" not in dataset[key].attrs] == []
        # The predictors have different units, which are in the variable `units`.
        assert [key for key in numbers.keys() - {"predictors"} if "units" not in numbers[key]] == []
        for time in {"run_date", "valid_time"} & dataset.variables.keys():
            assert " since " in dataset[time].attrs["units"]


@pytest.mark.parametrize("name", DATASETS)
def test_dataset_has_provenance_attributes(finished: Checkout, name: str) -> None:
    attributes = read_dataset(finished, name).attrs
    assert re.fullmatch("[0-9a-f]{16}", attributes["settings_digest"])
    assert {"tensorflow", "keras", "numpy", "xarray"} <= {
        entry.partition("=")[0] for entry in attributes["software"].split()
    }
    # The copies of the code in tests are not Git checkouts.
    assert attributes["stormcnn_commit"] == __version__
    if name.startswith(RESULTS):
        assert attributes["model"] == name.split("/")[3]
        assert attributes["seed"] == "0"


@pytest.mark.parametrize("name", [name for name in DATASETS if "calibrated" in name])
def test_recalibrated_predictions_contain_the_original_ones(finished: Checkout, name: str) -> None:
    calibrated = read_dataset(finished, name)
    original = read_dataset(finished, name.replace("-calibrated", ""))
    for key in original.variables:
        np.testing.assert_array_equal(calibrated[key], original[key])


@pytest.mark.parametrize("name", DATASETS)
def test_dataset_has_no_missing_values(finished: Checkout, name: str) -> None:
    dataset = read_dataset(finished, name)
    assert [key for key, variable in dataset.variables.items() if variable.isnull().any()] == []


@pytest.mark.parametrize("name", DATASETS)
def test_dataset_is_compressed_or_has_checksums(finished: Checkout, name: str) -> None:
    for key, variable in read_dataset(finished, name).data_vars.items():
        # Each training reads the prepared fields, so these have checksums instead.
        is_prepared = key == "predictors" and name.startswith(DATA)
        # HDF5 does not compress single numbers.
        assert variable.encoding["fletcher32" if is_prepared else "zlib"] or not variable.ndim
        assert "_FillValue" not in variable.encoding


def test_every_job_has_a_log_and_a_benchmark_unless_it_can_be_cached(
    checkout: Checkout, finished: Checkout
) -> None:
    (checkout.path / "runs").symlink_to(finished.path / "runs")
    jobs = [name.split() for name in checkout.plan()]
    names = {"/".join([rule, "-".join(["tiny", *values])]) for rule, *values in jobs}
    logs = {path.relative_to(finished.path / "logs") for path in finished.path.glob("logs/*/*")}
    assert logs == {Path(f"{name}.log") for name in names - {"all/tiny"}}
    for log in logs:
        last_line = (finished.path / "logs" / log).read_text(encoding="utf-8").splitlines()[-1]
        assert re.search(r"\d s, .*\d MiB$", last_line)
        has_benchmark = (finished.path / "benchmarks" / log.with_suffix(".tsv")).is_file()
        assert has_benchmark == (log.parent.name not in CACHED)


def test_written_config_reproduces_the_results(rerun: Checkout) -> None:
    config = rerun.path / RESULTS / "config.yaml"
    (rerun.path / rerun.config).write_bytes(config.read_bytes())
    assert rerun.plan() == {}
    assert f"# stormcnn_commit {__version__}" in config.read_text(encoding="utf-8").splitlines()


# Content


def test_inventory_has_the_storms_of_every_run(finished: Checkout) -> None:
    inventory = read_table(finished, f"{DATA}/inventory.csv")
    assert list(inventory["run_date"]) == [f"{date:%Y-%m-%dT%H:%M}" for date in sorted(RUN_DATES)]
    assert set(inventory["storms"]) == {STORMS_PER_RUN}
    assert set(inventory["rejected"]) == {0}
    sizes = [(finished.path / file).stat().st_size for file in inventory["file"]]
    assert list(inventory["bytes"]) == sizes


def test_scaling_is_fitted_on_the_training_period(finished: Checkout) -> None:
    scaling = read_table(finished, f"{RESULTS}/scaling.csv")
    fields = read_patches(finished, "2014")["predictors"].astype("float64")
    assert list(scaling["variable"]) == ["REFL_COM_curr", "U10_curr", "V10_curr"]
    assert set(scaling["count"]) == {TRAINING_RUNS * STORMS_PER_RUN * GRID_POINTS}
    dims = ("storm", "y", "x")
    np.testing.assert_allclose(scaling["mean"], fields.mean(dims), rtol=1e-12)
    np.testing.assert_allclose(scaling["std"], fields.std(dims), rtol=1e-12)
    np.testing.assert_array_equal(scaling["minimum"], fields.min(dims))
    np.testing.assert_array_equal(scaling["maximum"], fields.max(dims))


@pytest.mark.parametrize(("period", "year"), [("", "2015"), ("-training", "2014")])
def test_predictions_are_for_the_storms_of_their_period(
    finished: Checkout, period: str, year: str
) -> None:
    patches = read_patches(finished, year)
    predictions = read_dataset(finished, f"{RESULTS}/predictions/baseline/seed-0{period}.nc")
    for name in COORDINATES:
        np.testing.assert_array_equal(predictions[name], patches[name])
    np.testing.assert_array_equal(predictions["label"], patches["peak"] > 0.005)
    assert 0 < predictions["label"].mean() < 1
    assert predictions["probability"].min() >= 0
    assert predictions["probability"].max() <= 1
    assert predictions["probability"].std() > 0


@pytest.mark.parametrize("model", NETWORKS)
def test_scores_agree_with_the_predictions(finished: Checkout, model: str) -> None:
    predictions = read_dataset(finished, f"{RESULTS}/predictions/{model}/seed-0.nc")
    event = predictions["label"].values.astype(bool)
    probability = predictions["probability"].values.astype(float)
    difference = probability[event][:, None] - probability[~event]
    auc = (difference > 0).mean() + (difference == 0).mean() / 2
    brier = np.square(probability - event).mean()
    climatology = np.square(event.mean() - event).mean()
    assert score(finished, model, "auc") == pytest.approx(auc, abs=1e-6)
    assert score(finished, model, "brier_score") == pytest.approx(brier, abs=1e-6)
    assert score(finished, model, "brier_score_climatology") == pytest.approx(climatology)
    skill = 1 - brier / climatology
    assert score(finished, model, "brier_skill_score") == pytest.approx(skill, abs=1e-5)


def test_scores_cover_both_periods_and_all_forecasts(finished: Checkout) -> None:
    scores = read_table(finished, f"{RESULTS}/verification/scores.csv")
    forecasts = {(model, "single", 0) for model in (*NETWORKS, *OPPONENTS)}
    expected = {(*forecast, "train") for forecast in forecasts}
    expected |= {(*forecast, "test") for forecast in forecasts | {("dropout", "mc_mean", 0)}}
    columns = ["model", "forecast", "seed", "period"]
    assert set(scores[columns].itertuples(index=False, name=None)) == expected


def test_thresholds_of_every_model_are_judged(finished: Checkout) -> None:
    decisions = read_table(finished, f"{RESULTS}/verification/decisions.csv")
    assert set(decisions["model"]) == {*NETWORKS, *OPPONENTS}
    predictions = read_dataset(finished, f"{RESULTS}/predictions/boosted_trees/seed-0.nc")
    rows = decisions.query("model == 'boosted_trees' and score == 'pod'")
    event = predictions["label"].values == 1
    for row in rows.itertuples():
        detected = predictions["probability"].values[event] >= row.threshold
        assert row.value == pytest.approx(detected.mean())
    value = read_table(finished, f"{RESULTS}/verification/economic_value.csv")
    assert set(value["model"]) == {*NETWORKS, *OPPONENTS}
    assert (value["value"] <= 1).all()


def test_mc_members_differ_and_their_quantiles_increase(finished: Checkout) -> None:
    storms = read_dataset(finished, f"{MEMBERS}/storms.nc")
    predictions = read_dataset(finished, f"{RESULTS}/predictions/dropout/seed-0.nc")
    np.testing.assert_array_equal(storms["probability"], predictions["probability"])
    assert (storms["mc_std"] > 0).all()
    assert (storms["mc_quantile"].diff("quantile") >= 0).all()
    assert (storms["mc_entropy"] <= np.log(2)).all()
    assert storms.attrs["members"] == 10


def test_event_counts_cover_every_test_run(finished: Checkout) -> None:
    counts = read_dataset(finished, f"{MEMBERS}/counts.nc")
    predictions = read_dataset(finished, f"{RESULTS}/predictions/dropout/seed-0.nc")
    assert dict(counts.sizes) == {"run": len(RUN_DATES) - TRAINING_RUNS, "mc_member": 10}
    events = predictions["label"].groupby("run_date").sum()
    np.testing.assert_array_equal(counts["run_date"], events["run_date"])
    np.testing.assert_array_equal(counts["observed"], events)


def test_cases_are_two_storms_with_all_mc_members(finished: Checkout) -> None:
    cases = read_dataset(finished, f"{MEMBERS}/cases.nc")
    storms = read_dataset(finished, f"{MEMBERS}/storms.nc").isel(storm=cases["index"].values)
    assert cases["probability"].shape == (2, 10)
    # The MC members are those of all storms, so they have the same means.
    np.testing.assert_allclose(cases["probability"].mean("mc_member"), storms["mc_mean"], atol=1e-6)
    np.testing.assert_array_equal(cases["run_file"], storms["run_file"])


def test_comparison_has_one_row_per_model(finished: Checkout) -> None:
    comparison = read_table(finished, f"{RESULTS}/comparison.csv").set_index("model")
    assert list(comparison.index) == [*NETWORKS, *OPPONENTS]
    assert list(comparison["title"])[:2] == ["Baseline", "Spatial dropout"]
    comparison = comparison.loc[list(NETWORKS)].astype({"trainable_parameters": int})
    for model in NETWORKS:
        assert comparison.loc[model, "auc"] == score(finished, model, "auc")
        summary = (finished.path / f"{RESULTS}/models/{model}/seed-0/summary.txt").read_text()
        assert f"{comparison.loc[model, 'trainable_parameters']:,}" in summary
    assert (comparison["training_seconds"] > 0).all()


def test_report_shows_the_networks_and_loads_no_other_file(finished: Checkout) -> None:
    report = (finished.path / RESULTS / "report.html").read_text(encoding="utf-8")
    assert "Spatial dropout" in report
    # Run files in a folder count as real data.
    assert "made-up" not in report.lower()
    assert re.findall(r"""(?:src|href)=["']?(?!#|data:|https?://doi\.org)[^"' >]+""", report) == []


# Modules


def test_only_jobs_that_use_networks_import_tensorflow(finished: Checkout) -> None:
    importing = {rule for rule in finished.rules_run() if "tensorflow" in finished.imports(rule)}
    assert importing == {
        "train_network",
        "predict_storms",
        "sample_members",
        "sample_cases",
        "explain_networks",
    }


def test_fitting_the_scaling_does_not_import_pandas(finished: Checkout) -> None:
    # The import would take longer than the job.
    assert "pandas" not in finished.imports("fit_scaling")


LIST_PENDING_TIMERS = """
import runpy, sys, threading
sys.argv = ["snakemake", *sys.argv[1:]]
try:
    runpy.run_module("snakemake", run_name="__main__")
finally:
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    print("Pending:", [timer for timer in timers if not timer.finished.is_set()])
"""


def test_snakemake_does_not_wait_for_timers_after_its_last_job(rerun: Checkout) -> None:
    (rerun.path / RESULTS / "config.yaml").unlink()
    arguments = ("--configfile", rerun.config, "--cores", "2", f"{RESULTS}/config.yaml")
    output = rerun.execute(sys.executable, "-c", LIST_PENDING_TIMERS, *arguments).stdout
    assert (rerun.path / RESULTS / "config.yaml").exists()
    assert "Pending: []" in output


def test_planning_imports_no_science_library(rerun: Checkout) -> None:
    rerun.plan()
    imported = rerun.imports_of_planning()
    assert "stormcnn.config.loading" in imported
    # Snakemake itself imports numpy and pandas.
    science = {"xarray", "netCDF4", "scipy", "sklearn", "matplotlib", "keras", "tensorflow"}
    assert science & imported == set()


def test_messages_of_libraries_are_only_in_the_logs(finished: Checkout) -> None:
    output = (finished.path.parent / "finished.txt").read_text()
    assert "absl" not in output
    assert "Warning" not in output
