"""Probabilities at which to act: chosen in the training period, judged in the test period.

A threshold that is chosen on the storms that it is judged by looks better than it is. It is
therefore chosen on the held-out end of the training period, as forecast by a model fitted without
it. If there is none, it is chosen on the storms that the model was fitted to, which look easier
than others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from stormcnn.storms.events import has_enough_storms
from stormcnn.verification.contingency import Contingency, contingency, contingency_by_block
from stormcnn.verification.economic_value import COST_LOSS_RATIOS, relative_economic_value
from stormcnn.verification.forecasts import Forecast, Predictions, read_forecasts
from stormcnn.verification.multi_bootstrap import draw_seeds, multi_bootstrap
from stormcnn.verification.reading import opened, read_storms
from stormcnn.verification.resampling import Resamples, draw_blocks, interval, widened_interval
from stormcnn.vocabulary import (
    ALL_SEEDS,
    LEAST_SEEDS,
    MC_MEAN,
    OVER_SEEDS,
    RECALIBRATIONS,
    SINGLE,
    Array,
    BlockSize,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stormcnn.verification.calibration import Judged

logger = logging.getLogger(__name__)

HELD_OUT, FITTED = "held_out", "training"
"""Where a threshold was chosen: held-out storms, or those that the model was fitted to."""

LARGEST_CSI, UNBIASED, COST_LOSS = "largest_csi", "unbiased", "cost_loss="
"""Names of aims; that of the largest economic value is followed by the cost-loss ratio."""

ECONOMIC_VALUE = "economic_value"
LIMITS = {
    "pod": (0.0, 1.0),
    "false_alarm_ratio": (0.0, 1.0),
    "csi": (0.0, 1.0),
    "frequency_bias": (0.0, np.inf),
    ECONOMIC_VALUE: (-np.inf, 1.0),
}
"""Scores by which decisions are judged, and their possible values."""


class Aim(NamedTuple):
    """What a threshold is chosen for."""

    quality: Callable[[Contingency], Array]
    """The quantity that it maximizes."""
    cost_loss: float | None = None


def _closeness_of_counts(table: Contingency) -> Array:
    bias = table.frequency_bias
    return -np.abs(np.log(np.where(bias > 0, bias, np.nan)))


def aims_for(cost_loss: Iterable[float]) -> dict[str, Aim]:
    """Return the aims by name.

    They are the largest critical success index, as many warnings as events, and the largest
    economic value for each cost-loss ratio.

    >>> list(aims_for([0.05]))
    ['largest_csi', 'unbiased', 'cost_loss=0.05']
    """
    return {
        LARGEST_CSI: Aim(lambda table: table.csi),
        UNBIASED: Aim(_closeness_of_counts),
        **{
            f"{COST_LOSS}{value!r}": Aim(partial(relative_economic_value, cost_loss=value), value)
            for value in cost_loss
        },
    }


def cost_loss_of(aim: str) -> float | None:
    """Return the cost-loss ratio of an aim by its name, None if it has none.

    >>> cost_loss_of("cost_loss=0.05"), cost_loss_of("unbiased")
    (0.05, None)
    """
    return float(aim.removeprefix(COST_LOSS)) if aim.startswith(COST_LOSS) else None


class Points(NamedTuple):
    """Numbers about one forecast (points,), and their resamples (resamples, points)."""

    values: Array
    samples: Array


def choose_threshold(probability: ArrayLike, event: ArrayLike, aim: Aim) -> float:
    """Return the threshold with the best quality for an aim; the highest of several.

    `probability` and `event` (0 or 1) have the shape (storm,). Acting on all storms is the
    threshold 0, and never acting the threshold infinity.

    >>> aims = aims_for([0.02])
    >>> choose_threshold([0.9, 0.7, 0.4, 0.1], [1, 0, 1, 0], aims["largest_csi"])
    0.4
    """
    thresholds = np.append(np.inf, np.unique(np.asarray(probability, np.float64))[::-1])
    quality = aim.quality(contingency(probability, event, thresholds))
    best = int(np.where(np.isnan(quality), -np.inf, quality).argmax())
    return 0.0 if best == thresholds.size - 1 else float(thresholds[best])


def choose_thresholds(
    probability: ArrayLike, event: ArrayLike, cost_loss: Iterable[float]
) -> dict[str, float | None]:
    """Return the threshold of each aim of `aims_for`, and None for never acting.

    There are none if the storms have too few events or others. Parameters as in
    `choose_threshold`.

    >>> choose_thresholds([0.9] * 10 + [0.4] * 10, [1] * 10 + [0] * 10, [0.5])
    {'largest_csi': 0.9, 'unbiased': 0.9, 'cost_loss=0.5': 0.9}
    """
    if not has_enough_storms(np.asarray(event) == 1):
        return {}
    chosen = {
        name: choose_threshold(probability, event, aim) for name, aim in aims_for(cost_loss).items()
    }
    return {name: value if np.isfinite(value) else None for name, value in chosen.items()}


def judge_decisions(
    predictions: Predictions,
    training: Predictions,
    held_out: Predictions,
    *,
    monte_carlo: Predictions,
    recalibrations: Mapping[str, Sequence[Judged]],
    cost_loss: Iterable[float],
    resamples: int,
    confidence: float,
    block: BlockSize,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Return the tables `decisions` and `economic_value` of the test period.

    Parameters
    ----------
    predictions, monte_carlo
        Those of the test period, as in `tables.verify`.
    training
        `probability` and `label` of the storms that each model was fitted to.
    held_out
        `probability` and `label` of held-out storms, for some models with any seed. With too few
        events or others, `training` is used instead.
    recalibrations
        Those of each network, which are applied to its forecasts.
    cost_loss
        Ratios for which a threshold is chosen, see `aims_for`.
    resamples, confidence, block, seed
        As in `tables.verify`.

    The Monte Carlo mean is judged at the thresholds of the same network without dropout, because
    the training period has no members. Rows with seed `mean` average over the seeds; with at least
    `LEAST_SEEDS` of them, their intervals include the choice of seeds.
    """
    forecasts, storms = read_forecasts(
        ((SINGLE, "probability", predictions), (MC_MEAN, "mc_mean", monte_carlo))
    )
    event, aims = storms.event, aims_for(cost_loss)
    blocks, storm_block = storms.block(block)
    draws = Resamples(blocks, storm_block, draw_blocks(blocks.size, resamples, seed))
    functions = {
        (model, one.method): one.function
        for model, judged in recalibrations.items()
        for one in judged
        if one.function
    }
    tables: dict[str, list[dict[str, Any]]] = {"decisions": [], ECONOMIC_VALUE: []}
    decided: dict[Forecast, tuple[str, Array, Points]] = {}
    valued: dict[Forecast, Points] = {}
    for forecast, source in forecasts.items():
        if forecast.seed == ALL_SEEDS:
            continue
        original = source.read()
        chosen_on, known_event, known = _known_storms(forecast, training, held_out)
        methods = RECALIBRATIONS if forecast.kind == SINGLE else ()
        for method in (None, *methods):
            function = functions.get((forecast.model, method)) if method else None
            if method and not function:
                continue
            own = forecast._replace(kind=method) if method else forecast
            probability, of_known = original, known
            if function:
                probability, of_known = function.apply(probability), function.apply(of_known)
            thresholds = np.array(
                [choose_threshold(of_known, known_event, aim) for aim in aims.values()]
            )
            points = _judge_thresholds(probability, event, draws, thresholds, aims)
            decided[own] = chosen_on, thresholds, points
            valued[own] = value_curve(probability, event, draws)
    for name, seeds in _by_average(decided).items():
        chosen_on = decided[seeds[0]][0]
        thresholds = np.mean([decided[one][1] for one in seeds], axis=0)
        points, ends = _summarize(
            name, [decided[one][2] for one in seeds], draws, confidence, resamples, seed
        )
        thresholds_by_aim = dict(zip(aims, thresholds, strict=True))
        tables["decisions"] += _decision_rows(name, chosen_on, thresholds_by_aim, points, ends)
        curve, ends = _summarize(
            name, [valued[one] for one in seeds], draws, confidence, resamples, seed
        )
        low, high = np.minimum(ends, 1)
        tables[ECONOMIC_VALUE] += [
            {**name.columns(), "cost_loss": r, "value": value, "low": low[i], "high": high[i]}
            for i, (r, value) in enumerate(zip(COST_LOSS_RATIOS, curve.values, strict=True))
        ]
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


def value_curve(probability: Array, event: Array, draws: Resamples) -> Points:
    """Return the economic value at each of `COST_LOSS_RATIOS` of acting at that probability.

    Whoever trusts a calibrated probability acts if it reaches the ratio of cost and loss.
    """
    table = contingency(probability, event, COST_LOSS_RATIOS)
    resampled = contingency_by_block(probability, event, draws, COST_LOSS_RATIOS)
    return Points(
        relative_economic_value(table, COST_LOSS_RATIOS),
        relative_economic_value(resampled, COST_LOSS_RATIOS),
    )


def _known_storms(
    forecast: Forecast, training: Predictions, held_out: Predictions
) -> tuple[str, Array, Array]:
    """Return where the thresholds of a forecast are chosen, and the event and probability there."""
    for (model, _), stored in held_out.items():
        if model == forecast.model:
            with opened(stored) as variables:
                event = read_storms(variables, "label")
                if has_enough_storms(event == 1):
                    return HELD_OUT, event, read_storms(variables, "probability")
    logger.warning(
        "Model %s, seed %s: the thresholds are chosen on the storms that it was fitted to, because "
        "too few were held out.",
        forecast.model,
        forecast.seed,
    )
    with opened(training[forecast.model, int(forecast.seed)]) as variables:
        return FITTED, read_storms(variables, "label"), read_storms(variables, "probability")


def _judge_thresholds(
    probability: Array,
    event: Array,
    draws: Resamples,
    thresholds: Array,
    aims: Mapping[str, Aim],
) -> Points:
    """Return the scores of decisions: points are aims, and for each of these `LIMITS`."""
    order = np.argsort(thresholds)
    ascending = thresholds[order]
    ratios = [aim.cost_loss for aim in aims.values()]
    tables = (
        contingency(probability, event, ascending),
        contingency_by_block(probability, event, draws, ascending),
    )
    values = []
    for table in tables:
        scores = np.empty((*table.hits.shape, len(LIMITS)))
        for place, number in enumerate(order):
            scores[..., number, :] = np.stack(_scores_of(table, place, ratios[number]), axis=-1)
        values.append(scores.reshape(*table.hits.shape[:-1], -1))
    return Points(*values)


def _scores_of(table: Contingency, place: int, cost_loss: float | None) -> list[Array]:
    """Return each of `LIMITS` at the threshold at `place`, the last one for a cost-loss ratio."""
    one = Contingency(
        table.hits[..., place],
        table.misses[..., place],
        table.false_alarms[..., place],
        table.correct_negatives[..., place],
    )
    value = (
        np.full(one.hits.shape, np.nan)
        if cost_loss is None
        else relative_economic_value(one, cost_loss)
    )
    return [one.pod, 1 - one.success_ratio, one.csi, one.frequency_bias, value]


def _by_average(forecasts: Iterable[Forecast]) -> dict[Forecast, list[Forecast]]:
    """Return each forecast by itself, followed by the mean over several seeds of a model."""
    groups: dict[Forecast, list[Forecast]] = {}
    alone: dict[Forecast, list[Forecast]] = {}
    for forecast in forecasts:
        alone[forecast] = [forecast]
        groups.setdefault(forecast._replace(seed=OVER_SEEDS), []).append(forecast)
    return alone | {mean: seeds for mean, seeds in groups.items() if len(seeds) > 1}


def _summarize(
    name: Forecast,
    parts: Sequence[Points],
    draws: Resamples,
    confidence: float,
    resamples: int,
    seed: int,
) -> tuple[Points, tuple[Array, Array]]:
    """Return the mean over forecasts of several seeds, and the ends of its intervals (points,)."""
    mean = Points(*(np.mean(arrays, axis=0) for arrays in zip(*parts, strict=True)))
    blocks = draws.blocks.size
    if len(parts) < LEAST_SEEDS or blocks < 2:
        return mean, interval(mean.values, mean.samples, confidence, blocks)
    drawn = draw_seeds(name.model, len(parts), resamples, seed)
    by_seed = np.stack([part.values for part in parts])
    ends = np.array(
        [
            widened_interval(
                value, *multi_bootstrap(value, samples, blocks, [(own, drawn)]), confidence
            )
            for value, samples, own in zip(mean.values, mean.samples.T, by_seed.T, strict=True)
        ]
    )
    return mean, (ends[:, 0], ends[:, 1])


def _decision_rows(
    name: Forecast,
    chosen_on: str,
    thresholds: Mapping[str, float],
    points: Points,
    ends: tuple[Array, Array],
) -> list[dict[str, Any]]:
    """Return a row per aim and score; the economic value only if the aim has a cost-loss ratio."""
    rows = []
    for number, (aim, threshold) in enumerate(thresholds.items()):
        for place, (score, limits) in enumerate(LIMITS.items(), number * len(LIMITS)):
            if score == ECONOMIC_VALUE and cost_loss_of(aim) is None:
                continue
            rows.append(
                {
                    **name.columns(),
                    "aim": aim,
                    "chosen_on": chosen_on,
                    "threshold": threshold,
                    "score": score,
                    "value": points.values[place],
                    "low": np.clip(ends[0][place], *limits),
                    "high": np.clip(ends[1][place], *limits),
                }
            )
    return rows
