"""Tidy tables of scores, curves and differences of models, with intervals from run dates."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stormcnn.errors import UserError
from stormcnn.verification.resampling import (
    FITTED,
    ForecastByDate,
    Resamples,
    centre,
    contingency_by_date,
    holm,
    interval,
    p_value,
    resample_dates,
)
from stormcnn.verification.scores import BINS, bin_of, check_forecast, contingency, delong_test
from stormcnn.vocabulary import Array

logger = logging.getLogger(__name__)

LEAST_EVENTS = 20
"""Strata with fewer events get no scores."""

THRESHOLDS = np.concatenate(
    (
        [0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005],
        np.arange(1, 100) / 100,
        [0.995, 0.998, 0.999, 1],
    )
)
"""Thresholds of the contingency table and the performance diagram, denser where storms are."""

FALSE_DETECTIONS = (np.arange(101) / 100) ** 2
"""POFDs of the ROC points, denser near 0, where the curve of a rare event bends."""

COMPARED = (
    "auc",
    "brier_score",
    "brier_skill_score",
    "brier_skill_score_training",
    "log_score",
    "average_precision",
    "corp_miscalibration",
    "corp_discrimination",
    "murphy_reliability",
    "murphy_resolution",
    "critical_success_index_best",
)
"""Scores whose differences between models are tested."""

REGIONS = ("mountain_west", "great_plains", "midwest_northeast", "southeast")
"""West of 105° W; from there to 90° W; east of it north and south of 37° N."""

SAME_STORM = (
    "run_date",
    "valid_time",
    "forecast_hour",
    "longitude",
    "latitude",
    "label",
    "run_file",
    "patch",
)

DETERMINISTIC = {"mc_mean": "single", "seed_mc_mean": "seed_mean"}
"""The deterministic forecast beside each mean over Monte Carlo members."""

SEED_MEANS = {"single": "seed_mean", "mc_mean": "seed_mc_mean"}
"""The forecast that the mean over the seeds makes of one network's."""

VARIANTS = ("isotonic", "logistic", "own_scaling")
"""What may be done to one network's probabilities: judged against them, as a whole only."""

OVER_SEEDS = "mean"
"""Seed of a score, and of a difference, that is the mean over one network of each seed."""

Predictions = Mapping[tuple[str, int], Mapping[Any, Any]]


class Forecast(NamedTuple):
    """Which probabilities: of one model and `seed` (a number as text, or `all`).

    `kind` is single, seed_mean, mc_mean, seed_mc_mean or one of `VARIANTS`. With seed `mean` it
    stands for several forecasts, whose scores are averaged.
    """

    model: str
    kind: str
    seed: str

    def columns(self) -> dict[str, str]:
        """Name the forecast in the columns of a table."""
        return {"model": self.model, "forecast": self.kind, "seed": self.seed}


class Tables(NamedTuple):
    """The tables of a verification, one observation a row."""

    scores: pd.DataFrame
    differences: pd.DataFrame
    roc: pd.DataFrame
    reliability: pd.DataFrame
    performance: pd.DataFrame
    thresholds: pd.DataFrame


def verify(
    predictions: Predictions,
    *,
    reference: str,
    training_climatology: float,
    monte_carlo: Predictions | None = None,
    recalibrated: Predictions | None = None,
    own_scaling: Predictions | None = None,
    matched: Mapping[str, str] | None = None,
    period: str = "test",
    curves: bool = True,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Tables:
    """Score every forecast of one period's storms and compare each model with `reference`.

    `predictions` gives, for each model and seed, arrays (storms,) by name: `probability`, `label`,
    `run_date`, `valid_time`, `forecast_hour`, `longitude`, `latitude` (a dataset, a table or a
    dict). For any of the models, with the same coordinates, `monte_carlo` gives `mc_mean`,
    `recalibrated` gives `probability_isotonic` and `probability_logistic`, and `own_scaling` the
    `probability` with the predictors scaled by the period's own statistics. `matched` names, for
    a model, another with which it is compared beside the reference. `training_climatology` is the
    events' frequency in the training period. Where a model has several seeds, the mean
    probability over them is a forecast of its own, of seed `all`; and of seed `mean` are the
    scores and differences of one network, averaged over the seeds.

    Intervals hold `confidence` and, as the p-values, come from `resamples` of the run dates drawn
    by `seed`. The tables are

    - scores: each score of `scores.all_scores`, for all storms and by forecast hour, month of the
      valid time and region; strata under `LEAST_EVENTS` events have no value. The bootstrap's
      p-value of `spiegelhalter_z` being 0 stands beside it as `spiegelhalter_p_value`.
    - differences: model minus reference (a Monte Carlo mean is also compared with the
      deterministic forecast of its own model, `VARIANTS` only with what they are variants of),
      `p_holm` corrected over the rows of one forecast, seed and score. Rows of seed `mean` say
      what each kind of forecast gains over one network. `p_delong_independent_storms` is for AUC
      alone and assumes independent storms, which storms of one run are not.
    - roc: POD at the POFDs of `FALSE_DETECTIONS`, after a first row where nothing is forecast;
      `threshold` is the lowest whose POFD is not larger.
    - reliability: ten bins of equal width; a bin holds its lower edge.
    - performance and thresholds: for p >= threshold, at `THRESHOLDS`. The band of POD is that of
      the largest POD whose success ratio is at least the row's.

    Without `curves` the last four, which take as long as the scores, are empty.

    Raises `UserError` where models forecast different storms, a probability is missing, or the
    reference is not among the models.
    """
    given = (
        ("single", "probability", predictions),
        ("mc_mean", "mc_mean", monte_carlo or {}),
        ("isotonic", "probability_isotonic", recalibrated or {}),
        ("logistic", "probability_logistic", recalibrated or {}),
        ("own_scaling", "probability", own_scaling or {}),
    )
    forecasts, storms = _forecasts(given)
    if reference not in {forecast.model for forecast in forecasts}:
        raise UserError(
            f"comparison.reference: {reference} is not among the models verified "
            f"({', '.join(sorted({forecast.model for forecast in forecasts}))})."
        )
    event, run_date = storms["label"], storms["run_date"]
    _say_what_is_undefined(event, run_date, period)

    draws = resample_dates(run_date, _possible(resamples, run_date), seed)
    values: dict[Forecast, dict[str, float]] = {}
    samples: dict[Forecast, dict[str, Array]] = {}
    scores: list[pd.DataFrame] = []
    curve_tables: dict[str, list[pd.DataFrame]] = {name: [] for name in CURVES}
    for forecast, probability in forecasts.items():
        by_date = ForecastByDate(probability, event, draws.date, training_climatology)
        values[forecast] = by_date.values()
        samples[forecast] = by_date.scores(draws.weights)
        table = _score_rows(values[forecast], samples[forecast], confidence)
        scores.append(_stratum(forecast, period, "all", table, storms))
        for name, draw in CURVES.items() if curves else ():
            table = draw(probability, event, by_date, draws, confidence)
            curve_tables[name].append(pd.DataFrame({**forecast.columns(), **table}))
    averages = _over_seeds(forecasts)
    for average, parts in averages.items():
        values[average] = {
            score: float(np.mean([values[part][score] for part in parts]))
            for score in values[parts[0]]
        }
        samples[average] = {
            score: np.mean([samples[part][score] for part in parts], axis=0)
            for score in samples[parts[0]]
        }
        table = _score_rows(values[average], samples[average], confidence)
        scores.append(_stratum(average, period, "all", table, storms))

    for stratum, member in strata(storms):
        part = {name: array[member] for name, array in storms.items()}
        few = part["label"].sum() < LEAST_EVENTS
        possible = 0 if few else _possible(resamples, part["run_date"])
        draws = resample_dates(part["run_date"], possible, seed)
        for forecast, probability in forecasts.items():
            if forecast.kind in VARIANTS:
                continue
            by_date = ForecastByDate(
                probability[member], part["label"], draws.date, training_climatology
            )
            value = dict.fromkeys(values[forecast], np.nan) if few else by_date.values()
            table = _score_rows(value, by_date.scores(draws.weights), confidence)
            scores.append(_stratum(forecast, period, stratum, table, part))

    tables = {
        name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        for name, parts in curve_tables.items()
    }
    pairs = _pairs(forecasts, reference, matched or {})
    pairs += _pairs_over_seeds(averages, forecasts, reference, matched or {})
    differences = _differences(pairs, values, samples, forecasts, event, period, confidence)
    return Tables(pd.concat(scores, ignore_index=True), differences, **tables)


def strata(storms: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    """Name and storms (a mask) of each block of six forecast hours, month and region.

    Hours 12 to 17 are one block, 18 to 23 the next; a region without storms is left out.
    """
    block = np.asarray(storms["forecast_hour"]).astype(np.intp) // 6 * 6
    for hour in np.unique(block):
        yield f"forecast_hour={hour}-{hour + 5}", block == hour
    valid = np.asarray(storms["valid_time"]).astype("datetime64[M]")
    month = valid.astype(np.intp) % 12 + 1
    for number in np.unique(month):
        yield f"month={number}", month == number
    region = region_of(storms["longitude"], storms["latitude"])
    for name in REGIONS:
        if (region == name).any():
            yield f"region={name}", region == name


def region_of(longitude: Any, latitude: Any) -> Array:
    """Name of the box of `REGIONS` that each position (degrees east and north) lies in."""
    east = (np.asarray(longitude, dtype=np.float64) + 180) % 360 - 180
    north = np.asarray(latitude, dtype=np.float64)
    return np.select([east < -105, east < -90, north >= 37], REGIONS[:3], default=REGIONS[3])


def _forecasts(
    given: Iterable[tuple[str, str, Predictions]],
) -> tuple[dict[Forecast, Array], dict[str, Array]]:
    """Probabilities (float64) of every forecast, and the storms that all of them are for.

    `given` holds the kind of forecast, the variable, and the predictions that have it.
    """
    storms: dict[str, Array] = {}
    first = ""
    forecasts: dict[Forecast, Array] = {}
    for kind, variable, predictions in given:
        by_model: dict[str, list[Array]] = {}
        for (model, seed), arrays in predictions.items():
            whose = f"Model {model}, seed {seed}"
            if not first:
                first = f"model {model}, seed {seed}"
                storms = {name: np.asarray(arrays[name]) for name in SAME_STORM if name in arrays}
            _check_same_storms(arrays, storms, whose, first)
            try:
                probability, *_ = check_forecast(arrays[variable], storms["label"])
            except UserError as error:
                raise UserError(f"{whose}, {variable}: {error} Predict again.") from None
            forecasts[Forecast(model, kind, str(seed))] = probability
            by_model.setdefault(model, []).append(probability)
        for model, probabilities in by_model.items():
            if len(probabilities) > 1 and kind in SEED_MEANS:
                joint = Forecast(model, SEED_MEANS[kind], "all")
                forecasts[joint] = np.mean(probabilities, axis=0)
    if not forecasts:
        raise UserError("There are no predictions to verify.")
    return forecasts, storms


def _over_seeds(forecasts: Iterable[Forecast]) -> dict[Forecast, list[Forecast]]:
    """The forecasts of several seeds whose scores are averaged, by the name of their average."""
    found: dict[Forecast, list[Forecast]] = {}
    for forecast in forecasts:
        if forecast.kind in SEED_MEANS:
            found.setdefault(forecast._replace(seed=OVER_SEEDS), []).append(forecast)
    return {average: parts for average, parts in found.items() if len(parts) > 1}


def _check_same_storms(
    arrays: Mapping[str, Any], storms: Mapping[str, Array], whose: str, others: str
) -> None:
    """Raise `UserError` where `arrays` are for other storms than `storms`."""
    advice = "All models must forecast the same storms in the same order: predict again."
    for name in storms:
        if name not in arrays:
            continue
        own = np.asarray(arrays[name])
        if own.shape != storms[name].shape:
            raise UserError(
                f"{whose} forecasts {own.size} storms, but {others} {storms[name].size}. {advice}"
            )
        differs = own != storms[name]
        if differs.any():
            storm = int(differs.argmax())
            raise UserError(
                f"{whose} and {others} forecast different storms: {name} of storm {storm} is "
                f"{own[storm]} and {storms[name][storm]}. {advice}"
            )


def _possible(resamples: int, run_date: Array) -> int:
    """Allow no resamples of a single run date: they would all be alike."""
    return resamples if np.unique(run_date).size > 1 else 0


def _say_what_is_undefined(event: Array, run_date: Array, period: str) -> None:
    """Log why the tables will lack scores or intervals."""
    if event.min() == event.max():
        logger.warning(
            "%s of the %d storms of the %s period is an event, so the scores that set events "
            "against other storms (AUC, Brier skill, ...) have no value.",
            "Each" if event.min() else "None",
            event.size,
            period,
        )
    dates = np.unique(run_date)
    if dates.size == 1:
        logger.warning(
            "All storms of the %s period are of one run date (%s). Intervals and p-values come "
            "from resampling run dates, so none can be given.",
            period,
            dates[0],
        )


def _stratum(
    forecast: Forecast,
    period: str,
    stratum: str,
    table: pd.DataFrame,
    storms: Mapping[str, Array],
) -> pd.DataFrame:
    """Rows of the table of scores for one forecast of the storms of one stratum."""
    return pd.DataFrame(
        {
            **forecast.columns(),
            "period": period,
            "stratum": stratum,
            **table,
            "storms": storms["label"].size,
            "events": int(storms["label"].sum()),
            "runs": np.unique(storms["run_date"]).size,
        }
    )


def _score_rows(
    values: Mapping[str, float], samples: Mapping[str, Array], confidence: float
) -> pd.DataFrame:
    """Score, value, low and high; the p-value of Spiegelhalter's Z after it."""
    rows = []
    for score, value in values.items():
        low, high = interval(centre(score, value, samples[score]), confidence)
        if score in FITTED:
            low, high = np.maximum((low, high), 0)
        rows.append((score, value, float(low), float(high)))
        if score == "spiegelhalter_z":
            rows.append(("spiegelhalter_p_value", p_value(samples[score]), np.nan, np.nan))
    return pd.DataFrame(rows, columns=["score", "value", "low", "high"])


def _roc(
    probability: Array, event: Array, by_date: ForecastByDate, draws: Resamples, confidence: float
) -> pd.DataFrame:
    thresholds = np.unique(probability)[::-1]
    table = contingency(probability, event, thresholds)
    reached = np.searchsorted(table.pofd, FALSE_DETECTIONS, side="right")
    once = np.ones((1, draws.dates.size))
    low, high = interval(by_date.pod_at_pofd(draws.weights, FALSE_DETECTIONS), confidence)
    return pd.DataFrame(
        {
            "threshold": np.concatenate(
                ([np.nan], np.concatenate(([np.nan], thresholds))[reached])
            ),
            "pofd": np.concatenate(([0.0], FALSE_DETECTIONS)),
            "pod": np.concatenate(([0.0], by_date.pod_at_pofd(once, FALSE_DETECTIONS)[0])),
            "pod_low": np.concatenate(([np.nan], low)),
            "pod_high": np.concatenate(([np.nan], high)),
        }
    )


def _reliability(
    probability: Array, event: Array, by_date: ForecastByDate, draws: Resamples, confidence: float
) -> pd.DataFrame:
    number = bin_of(probability)
    forecast_mean, frequency = by_date.reliability(np.ones((1, draws.dates.size)))
    low, high = interval(by_date.reliability(draws.weights)[1], confidence)
    return pd.DataFrame(
        {
            "bin": np.arange(BINS),
            "forecast_mean": forecast_mean[0],
            "observed_frequency": frequency[0],
            "low": low,
            "high": high,
            "storms": np.bincount(number, minlength=BINS),
            "events": np.bincount(number, event, BINS).astype(int),
        }
    )


def _performance(
    probability: Array, event: Array, by_date: ForecastByDate, draws: Resamples, confidence: float
) -> pd.DataFrame:
    table = contingency(probability, event, THRESHOLDS)
    resampled = contingency_by_date(probability, event, draws, THRESHOLDS)
    csi_low, csi_high = interval(resampled.csi, confidence)
    success_ratio = table.success_ratio
    pod = by_date.pod_at_success_ratio(draws.weights, success_ratio)
    pod_low, pod_high = interval(np.where(np.isnan(success_ratio), np.nan, pod), confidence)
    return pd.DataFrame(
        {
            "threshold": THRESHOLDS,
            "success_ratio": success_ratio,
            "pod": table.pod,
            "csi": table.csi,
            "frequency_bias": table.frequency_bias,
            "csi_low": csi_low,
            "csi_high": csi_high,
            "pod_low": pod_low,
            "pod_high": pod_high,
        }
    )


def _thresholds(
    probability: Array, event: Array, by_date: ForecastByDate, draws: Resamples, confidence: float
) -> pd.DataFrame:
    table = contingency(probability, event, THRESHOLDS)
    counts = ("hits", "misses", "false_alarms", "correct_negatives")
    scores = (
        "pod",
        "pofd",
        "success_ratio",
        "csi",
        "frequency_bias",
        "peirce_skill_score",
        "heidke_skill_score",
        "equitable_threat_score",
        "symmetric_extremal_dependence_index",
    )
    return pd.DataFrame(
        {
            "threshold": THRESHOLDS,
            **{name: getattr(table, name).astype(int) for name in counts},
            **{name: getattr(table, name) for name in scores},
        }
    )


CURVES = {
    "roc": _roc,
    "reliability": _reliability,
    "performance": _performance,
    "thresholds": _thresholds,
}


def _pairs(
    forecasts: Mapping[Forecast, Array], reference: str, matched: Mapping[str, str]
) -> list[tuple[Forecast, Forecast]]:
    """Each forecast with those it is compared with.

    That is the same forecast of the reference (its deterministic one where it has no Monte Carlo
    members), of the matched model and, for a Monte Carlo mean, the deterministic forecast of the
    model itself. A variant is compared with what it is a variant of.
    """
    pairs = []
    for forecast in forecasts:
        if forecast.kind in VARIANTS:
            pairs.append((forecast, forecast._replace(kind="single")))
            continue
        own = forecast._replace(kind=DETERMINISTIC.get(forecast.kind, forecast.kind))
        others = dict.fromkeys(
            _same_forecast(forecast, model, forecasts)
            for model in _compared_with(forecast.model, reference, matched)
        )
        for other in others:
            if other not in forecasts:
                logger.warning(
                    "Model %s, seed %s: model %s has no forecast of that seed to be compared with.",
                    forecast.model,
                    forecast.seed,
                    other.model,
                )
        pairs += [(forecast, o) for o in (*others, own) if o != forecast and o in forecasts]
    return pairs


def _compared_with(model: str, reference: str, matched: Mapping[str, str]) -> list[str]:
    """Models that a model is compared with: the reference and, if another, the one matching it."""
    if model == reference:
        return []
    return list(dict.fromkeys((reference, matched.get(model, reference))))


def _same_forecast(forecast: Forecast, model: str, forecasts: Mapping[Forecast, Array]) -> Forecast:
    """The forecast of another model beside `forecast`: deterministic if it has no members."""
    same = forecast._replace(model=model)
    if same in forecasts:
        return same
    return same._replace(kind=DETERMINISTIC.get(forecast.kind, forecast.kind))


def _pairs_over_seeds(
    averages: Mapping[Forecast, Any],
    forecasts: Iterable[Forecast],
    reference: str,
    matched: Mapping[str, str],
) -> list[tuple[Forecast, Forecast]]:
    """What the step from one network, averaged over the seeds, is worth.

    That is the step from one network of the reference or of the matched model to one of the model
    itself; from it to its mean over members; and to both means over the seeds.
    """
    found = [forecast for forecast in forecasts if forecast.seed == "all"]
    pairs = []
    for average in averages:
        if average.kind == "single":
            others = (
                average._replace(model=model)
                for model in _compared_with(average.model, reference, matched)
            )
            pairs += [(average, other) for other in others if other in averages]
            pairs += [(joint, average) for joint in found if joint.model == average.model]
        else:
            pairs.append((average, average._replace(kind="single")))
    return pairs


def _differences(
    pairs: list[tuple[Forecast, Forecast]],
    values: Mapping[Forecast, Mapping[str, float]],
    samples: Mapping[Forecast, Mapping[str, Array]],
    forecasts: Mapping[Forecast, Array],
    event: Array,
    period: str,
    confidence: float,
) -> pd.DataFrame:
    rows = []
    for forecast, other in pairs:
        for score in COMPARED:
            difference = values[forecast][score] - values[other][score]
            resampled = samples[forecast][score] - samples[other][score]
            resampled = centre(score, difference, resampled)
            low, high = interval(resampled, confidence)
            delong = np.nan
            if score == "auc" and {forecast, other} <= forecasts.keys():
                delong = delong_test(forecasts[forecast], forecasts[other], event).p_value
            rows.append(
                (
                    forecast.model,
                    other.model,
                    forecast.kind,
                    other.kind,
                    OVER_SEEDS if other.seed == OVER_SEEDS else forecast.seed,
                    period,
                    score,
                    difference,
                    float(low),
                    float(high),
                    p_value(resampled),
                    delong,
                )
            )
    columns = ["model", "reference", "forecast", "reference_forecast", "seed", "period", "score"]
    columns += ["difference", "low", "high", "p_value", "p_delong_independent_storms"]
    table = pd.DataFrame(rows, columns=columns)
    family = table.groupby(["forecast", "seed", "score"])["p_value"]
    table.insert(columns.index("p_value") + 1, "p_holm", family.transform(holm))
    return table
