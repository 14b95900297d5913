"""The discard test: scores of the storms that remain when the most uncertain are set aside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.verification.binning import bins_of_equal_count, sums_in_bins
from stormcnn.verification.resampling import Resamples, interval
from stormcnn.verification.sampled_storms import SampledStorms
from stormcnn.verification.scores import LOG_SCORE_CLIP, ratio
from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DISCARDED = np.linspace(0, 0.95, 20)
"""Shares of the storms that are set aside."""

UNCERTAINTY_GROUPS = 1000
"""Groups of uncertainty, in quantiles; within a group storms count as equally uncertain."""

PROBABILITY_GROUPS = 50
"""Groups of similar probability, within which spreads are compared."""


def discard_curves(uncertainty: ArrayLike, terms: ArrayLike, resamples: Resamples) -> Array:
    """Return averages over the remaining storms (resamples, terms, len(DISCARDED)).

    `uncertainty` (storms,) gives the order in which storms are set aside, `terms` (terms, storms)
    what is averaged. Equally uncertain storms are set aside in proportion, not in the order of the
    file, so equal uncertainty of all storms gives a flat curve: the expectation of a random order.
    NaN if an uncertainty is NaN. Source: Barnes and Barnes (2021).

    >>> from stormcnn.verification.resampling import Resamples
    >>> once = Resamples(np.array(["1 May"]), np.zeros(20, int), np.ones((1, 1)))
    >>> squared_error = np.arange(20.0)
    >>> discard_curves(squared_error, [squared_error], once)[0, 0, :3]
    array([9.5, 9. , 8.5])
    """
    uncertain = np.asarray(uncertainty, dtype=np.float64)
    averaged = [np.ones_like(uncertain), *np.asarray(terms, dtype=np.float64)]
    curves = np.full((len(resamples.weights), len(averaged) - 1, DISCARDED.size), np.nan)
    if np.isnan(uncertain).any():
        return curves
    groups = bins_of_equal_count(uncertain, UNCERTAINTY_GROUPS)
    storms, *sums = (np.cumsum(sums_in_bins(term, groups, resamples), axis=1) for term in averaged)
    for row, number in enumerate(storms):
        kept = (1 - DISCARDED) * number[-1]
        up_to = np.concatenate(([0], number))
        for term, total in enumerate(sums):
            curves[row, term] = np.interp(kept, up_to, np.concatenate(([0], total[row]))) / kept
    return curves


def discard_gain(control: ArrayLike, curve: ArrayLike) -> Array:
    """Return the area between the discard curve of a control and `curve`.

    Curves have the shape (..., len(DISCARDED)), the result (...). It is positive if the order of
    `curve` finds errors better than that of the control. With p(1 - p) as the control, it shows
    whether the spread adds information to the probability. For a reliable forecast it is not
    positive, whatever the spread.

    >>> float(discard_gain(np.ones(20), np.zeros(20)).round(3))
    0.95
    """
    return np.trapezoid(np.asarray(control) - np.asarray(curve), DISCARDED, axis=-1)


def discard_test(storms: SampledStorms, resamples: Resamples) -> dict[str, dict[str, Array]]:
    """Return discard curves (resamples, DISCARDED) by order and score.

    Orders are the members' `spread` and `mutual_information`; the controls `total`, p(1 - p), and
    `random`; and `spread_given_probability`, the rank of the spread among storms of similar
    probability.
    """
    p, y = storms.mean, storms.event
    clipped = np.clip(p, LOG_SCORE_CLIP, 1 - LOG_SCORE_CLIP)
    terms = {
        "brier_score": (p - y) ** 2,
        "log_score": -np.log(np.where(y == 1, clipped, 1 - clipped)),
        "event_frequency": y,
    }
    if storms.truth is not None:
        terms["brier_score_truth"] = (p - storms.truth) ** 2
    group = bins_of_equal_count(p, PROBABILITY_GROUPS)
    orders = {
        "spread": storms.std,
        "mutual_information": storms.entropy.mutual_information,
        "total": storms.variance.total,
        "spread_given_probability": _rank_in_group(storms.std, group),
        "random": np.zeros_like(p),
    }
    tests = {}
    for order, uncertainty in orders.items():
        curves = discard_curves(uncertainty, list(terms.values()), resamples)
        scores = dict(zip(terms, curves.swapaxes(0, 1), strict=True))
        frequency = scores["event_frequency"]
        climatology = frequency * (1 - frequency)
        scores["brier_skill_score"] = 1 - ratio(scores["brier_score"], climatology)
        tests[order] = scores
    return tests


def _rank_in_group(values: Array, group: Array) -> Array:
    """Return the relative rank (0 to 1) of each value in its group; NaN stays NaN."""
    grouped = pd.Series(values).groupby(group)
    return ((grouped.rank() - 0.5) / grouped.transform("size")).to_numpy()


def discard_scores(tests: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
    """Return the discard gains (resamples,) of the curves that `discard_test` gives, by name.

    >>> orders = ("total", "random", "mutual_information", "spread_given_probability")
    >>> tests = {order: {"brier_score": np.ones((1, 20))} for order in orders}
    >>> tests["spread"] = {"brier_score": np.zeros((1, 20))}
    >>> discard_scores(tests)["discard_gain"]
    array([0.95])
    """
    scores = {}
    for name, control, order in (
        ("discard_gain", "total", "spread"),
        ("discard_gain_mutual_information", "total", "mutual_information"),
        ("discard_gain_given_probability", "random", "spread_given_probability"),
    ):
        for suffix in ("", "_truth"):
            if (score := "brier_score" + suffix) in tests[order]:
                scores[name + suffix] = discard_gain(tests[control][score], tests[order][score])
    return scores


def discard_table(
    tests: Mapping[str, Mapping[str, Array]],
    identity: Mapping[str, Any],
    confidence: float,
    blocks: int,
) -> pd.DataFrame:
    """Return the curves as a table with one row per share; `identity` gives its first columns.

    The first row of each curve is that of the storms, the others are those of the resamples
    of that many `blocks`.
    """
    parts = []
    for order, curves in tests.items():
        for score, curve in curves.items():
            low, high = interval(curve[0], curve[1:], confidence, blocks)
            columns = {"order": order, "fraction": DISCARDED.round(2), "score": score}
            values = {"value": curve[0], "low": low, "high": high}
            parts.append(pd.DataFrame({**identity, **columns, **values}))
    return pd.concat(parts, ignore_index=True)
