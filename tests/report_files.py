"""Tables and files of a small made-up experiment, as the report reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.io import write_netcdf
from stormcnn.report.comparison import compare_models
from stormcnn.storms.event_texts import event_texts
from stormcnn.verification.shared_storms import SharedStorms

TEMPLATE = Path(__file__).parents[1] / "report" / "report.html.jinja"
TITLES = {"baseline": "Baseline", "dropout": "Spatial dropout"}
SUMMARY = "conv_1 608\nTrainable parameters: 17,169\n"
SIZE = pd.DataFrame({"trainable_parameters": [17169], "small_weight_share": [0.125]})
STORMS = 24
HOSTILE = '<script>alert("storm")</script>'


def score_rows(model="baseline", forecast="single", seed=0, **columns):
    """Return the scores of one forecast; `columns` replace any column."""
    values = {
        "auc": 0.9,
        "brier_score": 0.03,
        "brier_skill_score": 0.4,
        "brier_skill_score_training": 0.4,
        "calibration_intercept": 0.0,
        "calibration_slope": 1.0,
        "calibration_bias_p_value": 0.5,
        "calibration_slope_p_value": 0.5,
        "mean_probability": 0.05,
    }
    return pd.DataFrame(
        {
            "model": model,
            "forecast": forecast,
            "seed": seed,
            "period": "test",
            "stratum": "all",
            "score": list(values),
            "value": list(values.values()),
            "low": [value - 0.01 for value in values.values()],
            "high": [value + 0.01 for value in values.values()],
            "seed_sd": np.nan,
            "block_sd": 0.005,
            "storms": 40000,
            "events": 2000,
            "runs": 36,
            "blocks": 36,
        }
        | columns
    )


def difference_row(**columns):
    """Return one row of the table of differences; `columns` replace any column."""
    return pd.DataFrame(
        {
            "model": ["dropout"],
            "reference": "baseline",
            "forecast": "single",
            "reference_forecast": "single",
            "seed": 0,
            "period": "test",
            "score": "brier_skill_score",
            "difference": 0.02,
            "low": 0.004,
            "high": 0.036,
            "p_value": 0.006,
            "p_holm": 0.012,
            "claim": "networks",
            "test": "bootstrap",
            "blocks": 36,
        }
        | columns
    )


def difference_rows(**columns):
    """Return a difference in Brier skill score, and none in the other scores that are judged."""
    same = {"difference": 0.0, "low": -0.01, "high": 0.01, "p_value": 1.0, "p_holm": 1.0}
    others = [
        difference_row(**(same | columns), score=score)
        for score in ("auc", "average_precision", "log_score")
    ]
    return pd.concat([difference_row(**columns), *others])


def uncertainty_rows(model="dropout", **columns):
    """Return the scores of the MC members of one network by which their counts are judged."""
    values = {
        "count_bias": 0.5,
        "count_bias_p_value": 0.01,
        "count_coverage_90": 0.8,
        "count_pit_variance": 0.09,
        "count_width_p_value": 0.4,
        "mutual_information": 0.01,
        "expected_entropy": 0.1,
    }
    rows = score_rows(model, "mc_mean").head(len(values)).assign(score=list(values))
    value = np.array(list(values.values()))
    return rows.assign(value=value, low=value - 0.1, high=value + 0.1, **columns)


def decision_rows(model="baseline", threshold=0.18, **columns):
    """Return the decisions of one forecast at a threshold for two aims."""
    values = {
        "pod": (0.71, 0.63, 0.78),
        "false_alarm_ratio": (0.6, 0.5, 0.7),
        "csi": (0.34, 0.3, 0.4),
        "frequency_bias": (1.8, 1.5, 2.1),
        "economic_value": (0.45, 0.3, 0.55),
    }
    rows = [
        {"aim": aim, "score": score, "value": value, "low": low, "high": high}
        for aim in ("largest_csi", "cost_loss=0.05")
        for score, (value, low, high) in values.items()
        if (aim, score) != ("largest_csi", "economic_value")
    ]
    named = {"model": model, "forecast": "single", "seed": "0", "chosen_on": "held_out"}
    return pd.DataFrame(rows).assign(threshold=threshold, **(named | columns))


def rates_tried(current=0.4):
    """Return the table of the choice among three dropout rates."""
    rate = np.array([0.1, 0.2, 0.4])
    return pd.DataFrame(
        {
            "rate": rate,
            "log_score": [0.1, 0.1, 0.12],
            "difference": [0.0, 0.0, 0.02],
            "standard_error": [0.0, 0.0, 0.01],
            "count_crps": [2.0, 2.5, 1.0],
            "count_coverage_90": [0.8, 0.7, 0.9],
            "spread_skill_ratio": [0.1, 0.2, 0.3],
            "told_apart": [False, False, True],
            "as_good": [True, True, False],
            "chosen": [True, False, False],
            "reason": ["lowest log score", "larger CRPS", HOSTILE],
            "own": rate == current,
        }
    )


def curve_rows(**columns):
    """Return a table for figures, with one forecast of one model."""
    return pd.DataFrame({"model": "baseline", "forecast": "single", "seed": 0} | columns)


def two_models(**columns):
    """Return a table for figures, with equal forecasts of two models."""
    rows = curve_rows(**columns)
    return pd.concat([rows, rows.assign(model="dropout")])


def drawn_line(axes, label):
    """Return the line that the legend calls `label`."""
    (line,) = [line for line in axes.get_lines() if line.get_label() == label]
    return line


def storm_coordinates():
    """Return the coordinates of the storms."""
    number = np.arange(STORMS)
    date = np.where(number < 12, np.datetime64("2015-05-01"), np.datetime64("2015-06-01"))
    run_date = date.astype("datetime64[ns]")
    return {
        "run_date": ("storm", run_date),
        "valid_time": ("storm", run_date + np.timedelta64(18, "h")),
        "forecast_hour": ("storm", np.full(STORMS, 18)),
        "track_id": ("storm", number),
        "track_step": ("storm", np.ones(STORMS, int)),
        "longitude": ("storm", np.linspace(-100, -90, STORMS)),
        "latitude": ("storm", np.linspace(30, 40, STORMS)),
        "run_file": ("storm", np.where(number < 12, "first.nc", "second.nc")),
        "patch": ("storm", number % 12),
    }


def predicted(model="baseline"):
    """Return the probabilities of one network."""
    probability = np.linspace(0.01, 0.9, STORMS).astype("f4")
    label = np.zeros(STORMS, "i1")
    label[[1, 20, 23]] = 1
    return xr.Dataset(
        {"probability": ("storm", probability), "label": ("storm", label)},
        coords=storm_coordinates(),
        attrs={"model": model, "seed": 0},
    )


def sampled(model="dropout"):
    """Return the MC statistics of one network."""
    mean = np.linspace(0.02, 0.8, STORMS).astype("f4")
    spread = np.full(STORMS, 0.01, "f4")
    spread[5] = 0.2
    quantiles = np.array([0.05, 0.5, 0.95])
    return xr.Dataset(
        {
            "mc_mean": ("storm", mean),
            "mc_std": ("storm", spread),
            "mc_quantile": (("storm", "quantile"), mean[:, None] * np.array([0.5, 1.0, 1.1])),
        },
        coords=storm_coordinates() | {"quantile": quantiles},
        attrs={"model": model, "seed": 0},
    )


def fields():
    """Return the patches of all storms."""
    y, x = np.mgrid[0:8, 0:8]
    storm = np.arange(STORMS)[:, None, None]
    values = [storm + y + 0 * x, x - 4 + 0 * storm, y - 4 + 0 * storm]
    return xr.Dataset(
        {
            "predictors": (
                ("storm", "y", "x", "variable"),
                np.stack(values, axis=-1).astype("f4"),
            ),
            "masks": (("storm", "y", "x"), (np.hypot(x - 4, y - 4) + 0 * storm < 3).astype("i1")),
            "peak": ("storm", np.linspace(0.001, 0.01, STORMS).astype("f4")),
        },
        coords=storm_coordinates()
        | {
            "variable": ("variable", ["REFL_COM_curr", "U10_curr", "V10_curr"]),
            "units": ("variable", ["dBZ", "m s-1", "m s-1"]),
            "standard_name": ("variable", ["", "eastward_wind", "northward_wind"]),
        },
        attrs={"title": "Storm patches"},
    )


def case_file():
    """Return one case with three MC members."""
    return xr.Dataset(
        {
            "probability": (("storm", "mc_member"), [[0.1, 0.2, 0.9]]),
            "deterministic": ("storm", [0.3]),
            "label": ("storm", [1]),
            "index": ("storm", [985]),
        },
        coords={"valid_time": ("storm", [np.datetime64("2016-06-22T23", "ns")])},
        attrs={"model": "dropout", "seed": 0},
    )


def explained_file(model="dropout"):
    """Return three explained storms, of which the last fails its tests."""
    chosen = [20, 3, 9]
    storms = fields().isel(storm=chosen)
    value = np.zeros((3, 8, 8, 3), "f4")
    value[:, 2, 5, 0] = [0.5, 0.25, 1.0]
    value[:, 6, 1, 1:] = -0.1
    return xr.Dataset(
        {
            "attribution": (("storm", "y", "x", "variable"), value),
            "probability": ("storm", [0.9, 0.03, 0.4]),
            "flattened_probability": (
                ("storm", "flattened"),
                [[0.8, 0.1], [0.02, 0.01], [0.3, 0.6]],
            ),
            "label": ("storm", [1, 0, 0]),
            "index": ("storm", chosen),
            "case": ("storm", [1, 1, 0]),
            "passed": ("storm", [1, 1, 0]),
            "completeness_error": ("storm", [0.001, 0.002, 0.05]),
            "random_weights": ("storm", [0.1, np.nan, 0.2]),
            "seed_agreement": ("storm", [0.6, np.nan, 0.7]),
            "predictors": storms["predictors"],
            "masks": storms["masks"],
        },
        coords={**storms.coords, "flattened": ["REFL_COM_curr", "U10_curr+V10_curr"]},
        attrs={"model": model, "title": "Storms"},
    )


def permutation_rows(model="dropout", seeds=3, **columns):
    """Return the table of permutation importance of one model."""
    named = [str(seed) for seed in range(seeds)] + ["mean"]
    singles = ["REFL_COM_curr", "U10_curr", "V10_curr", "U10_curr+V10_curr"]
    passes = ["U10_curr", "U10_curr+V10_curr", "U10_curr+V10_curr+REFL_COM_curr"]
    rows = [
        {"model": model, "seed": seed, "pass": kind, "predictors": one, "score": score}
        | {"loss": loss, "low": loss - 0.05, "high": loss + 0.05}
        | {"storms": 800, "events": 40, "blocks": 36}
        for kind, sets in (("single", singles), ("multi", passes))
        for one, loss in zip(sets, [0.01, 0.2, 0.1, 0.4], strict=False)
        for score in ("brier_skill_score", "auc", "log_score")
        for seed in named
    ]
    return pd.DataFrame(rows).assign(**columns)


def check_rows(model="dropout"):
    """Return the table of the tests of one model, of which one failed and one was not judged."""
    nan = np.nan
    rows = [
        ("completeness", 0.004, nan, nan, 0.01, "passed"),
        ("random_weights", 0.7, 0.6, 0.8, 0.5, "failed"),
        ("seeds", 0.6, 0.5, 0.7, nan, "not judged"),
        ("vortex", 0.25, 0.2, 0.3, 0.027, "passed"),
        ("random_vortex", 0.04, 0.01, 0.07, 0.027, "passed"),
        ("vortex_positive", 0.31, 0.28, 0.34, 0.06, "passed"),
        ("flat_wind", -0.4, -0.5, -0.3, 0.0, "not judged"),
    ]
    names = ["check", "value", "low", "high", "limit", "verdict"]
    table = pd.DataFrame(rows, columns=names).assign(storms=36, blocks=9)
    table.insert(0, "model", model)
    return table


def observed_file(observed, **attributes):
    """Return which storms have an observed event: 1, 0, or -1 if that is unknown."""
    about = {
        "kinds": "hail wind",
        "distance_km": 40.0,
        "minutes": 30.0,
        "window": [0.0, 60.0],
        "reports_in_time": 321,
        "reports_matched": 123,
    }
    return xr.Dataset({"observed": ("storm", observed)}, attrs=about | attributes)


def event_rows(model="baseline", **numbers):
    """Return how many storms have each combination of the two events, by day and night."""
    day, night = {(1, 1): 30, (1, 0): 10, (0, 1): 20, (0, 0): 400}, {(1, 1): 5, (1, 0): 15}
    counted = {"day": day, "night": {(0, 1): 2, (0, 0): 300} | night} | numbers
    cells = list(day)
    counted["all"] = {cell: sum(part.get(cell, 0) for part in counted.values()) for cell in cells}
    rows = [
        {"part": part, "nwp_event": nwp, "observed_event": observed}
        | {"storms": storms.get((nwp, observed), 0), "mean_probability": 0.1 + nwp / 2}
        for part, storms in counted.items()
        for nwp, observed in cells
    ]
    return pd.DataFrame(rows).assign(model=model, seed=0)


def write_observed(folder, observed, scored=True, **attributes):
    """Write the files of the section on observed events; return them by name."""
    nwp = pd.concat([score_rows(model, truth="nwp") for model in TITLES])
    observed_scores = nwp.assign(truth="observed", value=nwp["value"] - 0.3)
    tables = {
        "scores": pd.concat([nwp, observed_scores]),
        "differences": pd.concat(
            [difference_rows(truth="nwp"), difference_rows(truth="observed", difference=-0.01)]
        ),
        "events": pd.concat([event_rows(model) for model in TITLES]),
    }
    if not scored:
        tables |= {name: tables[name].head(0) for name in ("scores", "differences")}
    files = {name: folder / f"observed_{name}.csv" for name in tables}
    for name, table in tables.items():
        table.to_csv(files[name], index=False)
    files["observations"] = folder / "observations.nc"
    observed_file(observed, **attributes).to_netcdf(files["observations"])
    return files


def write_explanations(folder):
    """Write the explanations of one model; return them as arguments of `ReportInputs`."""
    permutation_rows().to_csv(folder / "permutation.csv", index=False)
    check_rows().to_csv(folder / "checks.csv", index=False)
    explained_file().to_netcdf(folder / "explained.nc")
    tables = {name: folder / f"{name}.csv" for name in ("permutation", "checks")}
    return {"explanations": tables, "explained": [folder / "explained.nc"]}


def write_storms(folder, **coordinates):
    """Write predictions and patches of two batches; return them as arguments of `ReportInputs`.

    `coordinates` replace coordinates of all storms by one value.
    """
    replaced = {name: ("storm", [value] * STORMS) for name, value in coordinates.items()}
    predictions = [folder / f"predictions-{model}.nc" for model in TITLES]
    for model, file in zip(TITLES, predictions, strict=True):
        predicted(model).assign_coords(replaced).to_netcdf(file)
    patches = [folder / "patches-1.nc", folder / "patches-2.nc"]
    stored = fields().assign_coords(replaced)
    write_netcdf(stored.isel(storm=slice(None, 12)), patches[0])
    write_netcdf(stored.isel(storm=slice(12, None)), patches[1])
    return {"predictions": predictions, "patches": patches}


def write_experiment(folder):
    """Write tables and texts; return them as the other arguments of `ReportInputs`."""
    histories = {(model, 0): folder / f"history-{model}.csv" for model in TITLES}
    summaries = {(model, 0): folder / f"summary-{model}.txt" for model in TITLES}
    for history, summary in zip(histories.values(), summaries.values(), strict=True):
        history.write_text("epoch,loss,seconds\n1,0.2,3.0\n2,0.1,2.0\n")
        summary.write_text(SUMMARY, encoding="utf-8")
    scores = pd.concat([score_rows(), score_rows("dropout"), score_rows("dropout", "mc_mean")])
    comparison = compare_models(
        scores,
        TITLES,
        {network: pd.read_csv(file) for network, file in histories.items()},
        dict.fromkeys(summaries, SIZE),
    )
    tables = {
        "scores": scores,
        "comparison": comparison,
        "differences": difference_rows(),
        "inventory": pd.DataFrame(
            {
                "run_date": ["2015-05-01T00:00", "2015-06-01T00:00"],
                "file": ["runs/first.nc", "runs/second.nc"],
                "batch": 2015,
                "storms": [12, 11],
                "rejected": [0, 1],
                "reason": ["", "1 storm: all values are zero"],
                "bytes": 2_000_000,
                "sha256": "ab" * 32,
            }
        ),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "config.yaml").write_text("experiment: {name: demo}\n")
    return {
        "template": TEMPLATE,
        "experiment": "demo",
        "event": event_texts("RVORT1_MAX_future", "storm", 0.005),
        "made_up": False,
        "confidence": 0.95,
        "resamples": 1000,
        "block": "day",
        "shared_storms": SharedStorms(STORMS, 0, 0),
        "config": folder / "config.yaml",
        **{name: folder / f"{name}.csv" for name in tables},
        "summaries": summaries,
        "histories": histories,
        "curves": {},
        "explored": 12,
        "recipe": "fast",
    }
