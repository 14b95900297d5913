"""Compare the champion's latest runs with its training period, and find what has changed.

Each run has a summary (`run_summaries`). Drift compares the mean over the latest blocks with the
means that as many blocks of the training period have by chance; loss of skill compares the skill in
the latest blocks with the skill at promotion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stormcnn.operations.run_summaries import LOG_ODDS, bin_columns, quantile_columns
from stormcnn.verification.blocks import block_of
from stormcnn.verification.logistic_fit import fit_intercept, fit_slope
from stormcnn.verification.resampling import interval, resample_blocks, widening
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_EVENTS, Array, BlockSize

DRIFT_BLOCKS = (7, 3)
"""Numbers of latest blocks whose mean is compared with the training period.

A small change shows in seven blocks only, a large one as soon as it fills three.
"""

FALSE_ALARM = 1 / 1000
"""Probability that any value deviates beyond its limit in one night without a change."""

LEAST_TRAINING_BLOCKS = 30
"""Fewest blocks of the training period with which drift is judged."""

OF_UNSEEN_STORMS = ("probability_distance", "bias")
"""Watched values that differ between storms that a network was trained on and others."""

RESAMPLES = 20_000
"""Number of means that are drawn from the training period."""

SKILL = "skill"
"""Name of the alarm that the champion has lost skill. Other alarms have the names of values."""


class Skill(NamedTuple):
    """How skill is judged.

    `climatology` is the event frequency of the training period, `at_promotion` the Brier skill
    score with which the network was promoted, and `after` the last run date (ISO 8601) of that
    decision. `window` is the number of latest blocks that are scored.
    """

    climatology: float
    at_promotion: float
    after: str
    window: int
    confidence: float
    resamples: int


def monitor(
    training: pd.DataFrame,
    recent: pd.DataFrame,
    predictors: Sequence[str],
    block: BlockSize,
    skill: Skill,
) -> pd.DataFrame:
    """Return one row for each recent run, in order of run date.

    `training` and `recent` are tables of `summarize_runs`. Columns: the sizes and scores of the
    run; of each predictor the quantiles 5, 50 and 95 %, the share outside of the training range,
    and the distance of its distribution from that of the training period (`distances`), also that
    of the probability; `drift`, the largest deviation of a value relative to its limit;
    over the latest blocks up to the run `window_blocks`, `skill` with `skill_low` and `skill_high`,
    `calibration_intercept` and `calibration_slope`; and `alarms`, names joined by `;`.
    """
    reference = reference_quantiles(training, [*predictors, "probability"])
    training, recent = (
        table.assign(**distances(table, reference)).sort_values("run_date", ignore_index=True)
        for table in (training, recent)
    )
    drift = find_drift(training, recent, predictors, block, skill.after)
    scores = score_windows(recent, block, skill)
    lost = (
        (scores["window_blocks"] >= LEAST_BLOCKS)
        & (scores["window_events"] >= LEAST_EVENTS)
        & (scores["skill_high"] < skill.at_promotion)
    )
    alarms = [
        ";".join([*names, *([SKILL] if is_lost else [])])
        for names, is_lost in zip(drift["alarms"], lost, strict=True)
    ]
    shown = ["run_date", "storms", "events", "probability"]
    described = recent[shown].assign(
        event_frequency=recent["events"] / recent["storms"], brier_score=recent["brier_score"]
    )
    for name in predictors:
        columns = [f"{name}_{part}" for part in ("q05", "q50", "q95", "outside", "distance")]
        described[columns] = recent[columns]
    described["probability_distance"] = recent["probability_distance"]
    described["drift"] = drift["drift"]
    return described.join(scores).assign(alarms=alarms)


def reference_quantiles(training: pd.DataFrame, names: Sequence[str]) -> dict[str, Array]:
    """Return the mean quantiles of each distribution over all runs, weighted by their storms."""
    weight = training["storms"].to_numpy(float)
    return {name: np.average(training[quantile_columns(name)], 0, weight) for name in names}


def distances(runs: pd.DataFrame, reference: dict[str, Array]) -> pd.DataFrame:
    """Return the distance of each run's distributions from the reference, in columns `*_distance`.

    It is the mean absolute difference of the quantiles, an estimate of the Wasserstein distance
    between the distributions, in units of the variable.
    """
    return pd.DataFrame(
        {
            f"{name}_distance": np.abs(runs[quantile_columns(name)] - quantiles).mean(axis=1)
            for name, quantiles in reference.items()
        }
    )


def find_drift(
    training: pd.DataFrame,
    recent: pd.DataFrame,
    predictors: Sequence[str],
    block: BlockSize,
    judged_until: str,
) -> pd.DataFrame:
    """Return how far the latest blocks deviate from the training period, for each recent run.

    Watched are the median, the spread (from the 5 to the 95 % quantile) and the distance of each
    predictor, mean and distance of the probability, the event frequency and the bias (mean
    probability minus event frequency).
    Their means over the latest blocks (`DRIFT_BLOCKS`), weighted by storms, are standardized by the
    means of as many blocks that are drawn from the training period. If consecutive blocks vary
    more than drawn ones, because weather persists, the standard deviation is that of consecutive
    blocks. The limit is the quantile of the largest standardized deviation among all values and
    both numbers of blocks that is exceeded with probability `FALSE_ALARM`, widened because the
    training period is finite: it has D blocks, so the mean of m others deviates by sqrt(1 + m / D)
    more, with a t distribution.

    A network fits its training storms better than others. Therefore the values `OF_UNSEEN_STORMS`
    are compared with their mean over the runs until `judged_until` (ISO 8601), by which the network
    was chosen, if these have at least `LEAST_BLOCKS` blocks; they vary at least as much as there.

    Columns: `drift`, the largest deviation divided by its limit (NaN with fewer than
    `LEAST_TRAINING_BLOCKS` blocks), and `alarms`, the names of the values that exceed it.
    """
    watched = _watched(predictors)
    weight, values = _by_block(training, watched, block)
    labels = block_of(recent["run_date"].to_numpy(str), block)
    blocks = np.unique(labels)
    new_weight, new_values = _by_block(recent, watched, block)
    nothing = pd.DataFrame({"drift": np.nan, "alarms": [[] for _ in range(len(recent))]})
    if len(weight) < LEAST_TRAINING_BLOCKS:
        return nothing
    center = np.average(values, 0, weight)
    is_judged = blocks <= block_of([judged_until], block)[0]
    of_unseen = [watched.index(name) for name in OF_UNSEEN_STORMS]
    has_judged = is_judged.sum() >= LEAST_BLOCKS
    if has_judged:
        judged = new_values[is_judged][:, of_unseen]
        center[of_unseen] = np.average(judged, 0, new_weight[is_judged])
    limits: dict[tuple[int, ...], tuple[Array, float]] = {}
    drift, alarms = [], []
    for stop in range(1, len(blocks) + 1):
        sizes = tuple(min(size, stop) for size in DRIFT_BLOCKS)
        if sizes not in limits:
            limits[sizes] = _limit(weight, values, sizes)
            if has_judged:
                spread, size = limits[sizes][0], np.array(sizes)[:, None]
                of_judged = judged.std(axis=0, ddof=1) / np.sqrt(size)
                widest = np.maximum(spread[:, of_unseen], of_judged)
                spread[:, of_unseen] = widest * np.sqrt(1 + size / len(judged))
        spread, limit = limits[sizes]
        latest = [slice(stop - size, stop) for size in sizes]
        means = np.array([np.average(new_values[part], 0, new_weight[part]) for part in latest])
        deviation = (np.abs(means - center) / spread / limit).max(axis=0)
        drift.append(deviation.max())
        alarms.append([name for name, high in zip(watched, deviation > 1, strict=True) if high])
    position = np.searchsorted(blocks, labels)
    return pd.DataFrame(
        {"drift": np.array(drift)[position], "alarms": [alarms[index] for index in position]}
    )


def score_windows(recent: pd.DataFrame, block: BlockSize, skill: Skill) -> pd.DataFrame:
    """Return the scores of the latest blocks up to each recent run.

    Only runs after `skill.after` are scored, since the network was chosen by the others. Columns:
    `window_blocks`, `window_events`, `skill` (Brier skill score relative to the event frequency of
    the training period) with its interval, and `calibration_intercept` and `calibration_slope`
    (from log odds grouped in bins).
    """
    labels = block_of(recent["run_date"].to_numpy(str), block)
    blocks, index = np.unique(labels, return_inverse=True)
    unseen = (recent["run_date"] > skill.after).to_numpy()
    storms, events = (recent[name].to_numpy(float) for name in ("storms", "events"))
    error = recent["brier_score"].to_numpy() * storms
    climatology = events * (1 - 2 * skill.climatology) + storms * skill.climatology**2
    counts = recent[[*bin_columns("storms"), *bin_columns("events")]].to_numpy(float)
    sums = np.zeros((len(blocks), 4 + counts.shape[1]))
    columns = np.column_stack([storms, events, error, climatology, counts])
    np.add.at(sums, index[unseen], columns[unseen])
    windows = [
        _with_storms(sums[max(0, last + 1 - skill.window) : last + 1])
        for last in range(len(blocks))
    ]
    total = np.array([window.sum(axis=0) for window in windows])
    sizes = set(map(len, windows)) - {0}
    weights = {size: resample_blocks(range(size), skill.resamples).weights for size in sizes}
    skills = [_skill_of(window[:, 2:4], weights, skill) for window in windows]
    bins = total[:, 4:].reshape(len(windows), 2, LOG_ODDS.size).swapaxes(0, 1)
    rows = pd.DataFrame(skills, columns=["skill", "skill_low", "skill_high"])
    rows["calibration_intercept"] = fit_intercept(LOG_ODDS, *bins)
    rows["calibration_slope"] = fit_slope(LOG_ODDS, *bins)
    rows.insert(0, "window_events", total[:, 1].astype(int))
    rows.insert(0, "window_blocks", [len(window) for window in windows])
    return rows.iloc[index].reset_index(drop=True)


def _with_storms(window: Array) -> Array:
    return window[window[:, 0] > 0]


def _skill_of(
    sums: Array, weights: Mapping[int, Array], skill: Skill
) -> tuple[float, float, float]:
    """Return the skill with its interval from the sums of both scores by block (blocks, 2).

    `weights` are those of the resamples by number of blocks.
    """
    if not len(sums):
        return np.nan, np.nan, np.nan
    value = 1 - np.divide(*sums.sum(axis=0))
    error, climatology = (weights[len(sums)] @ sums).T
    low, high = interval(value, 1 - error / climatology, skill.confidence, len(sums))
    return value, float(low), float(high)


def _watched(predictors: Sequence[str]) -> list[str]:
    parts = ("median", "spread", "distance")
    values = [f"{name}_{part}" for name in predictors for part in parts]
    return [*values, "probability", "probability_distance", "event_frequency", "bias"]


def _by_block(runs: pd.DataFrame, watched: Sequence[str], block: BlockSize) -> tuple[Array, Array]:
    """Return storms (blocks,) and means over storms (blocks, values) of each block in order."""
    frequency = runs["events"] / runs["storms"]
    values = {"event_frequency": frequency, "bias": runs["probability"] - frequency}
    for name in watched:
        predictor, _, part = name.rpartition("_")
        if part == "median":
            values[name] = runs[f"{predictor}_q50"]
        elif part == "spread":
            values[name] = runs[f"{predictor}_q95"] - runs[f"{predictor}_q05"]
    weighted = runs.assign(**values)[list(watched)].mul(runs["storms"], axis=0)
    blocks = block_of(runs["run_date"].to_numpy(str), block)
    storms = runs["storms"].groupby(blocks).sum().to_numpy(float)
    return storms, weighted.groupby(blocks).sum().to_numpy() / storms[:, None]


def _limit(weight: Array, values: Array, sizes: Sequence[int]) -> tuple[Array, float]:
    """Return the spread of means of some numbers of blocks (sizes, values), and the limit.

    `weight` (blocks,) and `values` (blocks, values) are those of the training period.
    """
    blocks = len(weight)
    draw = np.random.Generator(np.random.Philox(0))
    chosen = draw.integers(blocks, size=(RESAMPLES, max(sizes)))
    in_sequence = np.arange(blocks - max(sizes) + 1)[:, None] + np.arange(max(sizes))
    center = np.average(values, 0, weight)
    spreads, largest = [], np.zeros(RESAMPLES)
    for size in sizes:
        deviation = np.abs(_means(weight, values, chosen[:, -size:]) - center)
        # A value that never varied gives an alarm as soon as it varies.
        spread = np.sqrt(np.mean(deviation**2, axis=0)) + 1e-9 * (1 + np.abs(center))
        largest = np.maximum(largest, (deviation / spread).max(axis=1))
        consecutive = _means(weight, values, in_sequence[:, -size:]) - center
        spreads.append(np.maximum(spread, np.sqrt(np.mean(consecutive**2, axis=0))))
    limit = np.quantile(largest, 1 - FALSE_ALARM)
    limit *= np.sqrt(1 + max(sizes) / blocks) * widening(FALSE_ALARM / 2, blocks - 1)
    return np.array(spreads), float(limit)


def _means(weight: Array, values: Array, chosen: Array) -> Array:
    """Return the weighted means (rows, values) of the blocks with the indices `chosen` in rows."""
    sums = np.einsum("rb,rbv->rv", weight[chosen], values[chosen])
    return sums / weight[chosen].sum(axis=1)[:, None]
