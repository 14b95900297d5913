"""Permutation importance: what networks lose in skill if they cannot use some predictors.

The loss is the difference of a score with intact and with permuted predictors, positive if the
permutation makes the forecast worse. Single-pass: each set of predictors alone (Breiman 2001).
Multi-pass: the predictor without which most is lost is permuted and stays so while the next one is
sought (Lakshmanan et al. 2015; McGovern et al. 2019), which reveals predictors that replace each
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.explanation.means import spread_over_seeds
from stormcnn.verification.multi_bootstrap import draw_seeds
from stormcnn.verification.resampling import Resamples, widened_interval
from stormcnn.verification.scores import log_losses, ratio
from stormcnn.vocabulary import OVER_SEEDS, Array

if TYPE_CHECKING:
    from stormcnn.explanation.predictor_sets import PredictorSet

SCORES = ("brier_skill_score", "auc", "log_score")
"""The scores whose losses are computed, by their names in `score_registry.SCORES`."""

SINGLE_PASS, MULTI_PASS = "single", "multi"
"""Values of the column `pass`."""


@dataclass(frozen=True)
class BlockSums:
    """Sums over the storms of each block from which the scores of any resample follow."""

    storms: Array
    """Number of storms (blocks,)."""
    events: Array
    """Number of events (blocks,)."""
    squared_error: Array
    """Sum of (p - y)^2 (blocks,)."""
    log_loss: Array
    """Sum of `scores.log_losses` (blocks,)."""
    concordant: Array
    """Pairs of an event of one block and a non-event of another, or the same, of which the event
    has the higher probability; ties count half (blocks of events, blocks of non-events)."""


def sum_by_block(probability: Array, event: Array, block: Array, blocks: int) -> BlockSums:
    """Return the sums of the storms of each block, averaged over repetitions.

    `probability` has the shape (repetition, storm); `event`, 0 or 1, and `block`, the index of each
    storm's block, have the shape (storm,).
    """
    is_event = event == 1
    others = [np.flatnonzero(~is_event & (block == index)) for index in range(blocks)]
    squared, log_loss = np.zeros(blocks), np.zeros(blocks)
    concordant = np.zeros((blocks, blocks))
    for p in np.asarray(probability, np.float64):
        squared += np.bincount(block, (p - event) ** 2, blocks)
        log_loss += np.bincount(block, log_losses(p, event), blocks)
        for column, storms in enumerate(others):
            ordered = np.sort(p[storms])
            below = np.searchsorted(ordered, p[is_event], side="left")
            not_above = np.searchsorted(ordered, p[is_event], side="right")
            pairs = (below + not_above) / 2
            concordant[:, column] += np.bincount(block[is_event], pairs, blocks)
    repetitions = len(probability)
    return BlockSums(
        np.bincount(block, minlength=blocks).astype(np.float64),
        np.bincount(block, event, blocks),
        squared / repetitions,
        log_loss / repetitions,
        concordant / repetitions,
    )


def scores_of(sums: BlockSums, weights: Array) -> dict[str, Array]:
    """Return each of `SCORES` (rows,) if the blocks count `weights` (rows, blocks) times."""
    storms, events = weights @ sums.storms, weights @ sums.events
    others = storms - events
    climatology = ratio(events * others, storms)  # sum of (event frequency - y)^2
    concordant = np.einsum("rb,bc,rc->r", weights, sums.concordant, weights, optimize=True)
    return {
        "brier_skill_score": 1 - ratio(weights @ sums.squared_error, climatology),
        "auc": ratio(concordant, events * others),
        "log_score": ratio(weights @ sums.log_loss, storms),
    }


def losses_of(intact: Mapping[str, Array], permuted: Mapping[str, Array]) -> dict[str, Array]:
    """Return by how much each score gets worse; the log score is worse if it is higher."""
    return {
        score: (permuted[score] - intact[score]) * (1 if score == "log_score" else -1)
        for score in SCORES
    }


def importance_rows(
    model: str,
    probability: Mapping[PredictorSet, Mapping[int, Array]],
    event: Array,
    draws: Resamples,
    confidence: float,
) -> dict[PredictorSet, pd.DataFrame]:
    """Return the losses of one model, for each permuted set of predictors.

    Parameters: `probability` (repetition, storm) by permuted set and seed, of which the empty set
    has the intact predictors; `event` (storm,), 0 or 1; `draws` of blocks, which tell the block of
    each storm as well. Storms that are alone in their block cannot be permuted and do not count.

    The tables have the columns `seed`, `score`, `loss`, `low`, `high`, `storms`, `events` and
    `blocks`. Rows with seed `mean` are averages over seeds, whose intervals include the choice of
    seeds if these are at least three. Without permutable storms all losses are NaN.
    """
    blocks = draws.blocks.size
    permutable = np.bincount(draws.block, minlength=blocks)[draws.block] > 1
    y, block = np.asarray(event, np.float64)[permutable], draws.block[permutable]
    weights = np.vstack([np.ones(blocks), draws.weights])  # the first row is the sample itself
    used = np.unique(block).size
    counts = {"storms": y.size, "events": int(y.sum()), "blocks": used}
    undefined = dict.fromkeys(SCORES, np.full(len(weights), np.nan))
    scores = {
        chosen: {
            seed: scores_of(sum_by_block(p[:, permutable], y, block, blocks), weights)
            if used
            else undefined
            for seed, p in by_seed.items()
        }
        for chosen, by_seed in probability.items()
    }
    intact = scores[()]
    tables = {}
    for chosen in probability:
        if not chosen:
            continue
        losses = {seed: losses_of(intact[seed], scores[chosen][seed]) for seed in intact}
        rows = [
            {"seed": seed, "score": score, **ends, **counts}
            for score in SCORES
            for seed, ends in _with_intervals(
                model, {seed: loss[score] for seed, loss in losses.items()}, used, confidence
            ).items()
        ]
        tables[chosen] = pd.DataFrame(rows)
    return tables


def _with_intervals(
    model: str, losses: Mapping[int, Array], blocks: int, confidence: float
) -> dict[str, dict[str, float]]:
    """Return a loss with its interval for each seed, and on average if there are several.

    `losses` (1 + resamples,) by seed begin with the loss itself.
    """
    groups = {str(seed): loss[None] for seed, loss in losses.items()}
    if len(losses) > 1:
        groups[OVER_SEEDS] = np.stack(list(losses.values()))
    found = {}
    for name, group in groups.items():
        values, samples = group[:, 0], group[:, 1:]
        drawn = draw_seeds(model, len(group), samples.shape[1], seed=0)
        spread = spread_over_seeds(values, samples.mean(axis=0), blocks, drawn)
        ends: tuple[Any, Any] = (np.nan, np.nan)
        if spread is not None:
            ends = widened_interval(
                values.mean(), spread.samples, spread.degrees_of_freedom, confidence
            )
        low, high = ends
        found[name] = {"loss": float(values.mean()), "low": float(low), "high": float(high)}
    return found


def importance_table(
    model: str,
    variables: Sequence[str],
    tables: Mapping[PredictorSet, pd.DataFrame],
    singles: Sequence[PredictorSet],
    passes: Sequence[PredictorSet],
) -> pd.DataFrame:
    """Return the table `permutation.csv` of one model.

    `tables` are those of `importance_rows`; `singles` the sets of the single pass; `passes` the
    sets after each pass of the multi-pass, whose predictors are named in the order in which they
    were permuted.
    """
    parts = [
        tables[chosen].assign(predictors="+".join(variables[i] for i in chosen))
        for chosen in singles
    ]
    parts = [part.assign(**{"pass": SINGLE_PASS}) for part in parts]
    order: list[str] = []
    last: PredictorSet = ()
    for chosen in passes:
        order += [variables[index] for index in chosen if index not in last]
        last = chosen
        rows = tables[chosen].assign(predictors="+".join(order))
        parts.append(rows.assign(**{"pass": MULTI_PASS}))
    whole = pd.concat(parts, ignore_index=True)
    whole.insert(0, "model", model)
    names = ["model", "seed", "pass", "predictors", "score", "loss", "low", "high"]
    return whole[[*names, "storms", "events", "blocks"]]
