"""Scores of the forecast number of events per forecast run.

A number of events is a quantity, so the scores of ensembles are valid for it: rank histogram,
coverage of intervals, spread-skill ratio, and the continuous ranked probability score (CRPS).
The forecast distribution of a whole number has jumps, so its probability integral transform (PIT)
is spread evenly over the jump at the observation (Gneiting and Ranjan 2013).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scores.probability import crps_for_ensemble

from stormcnn.verification.score_registry import COVERAGES, PIT_BINS
from stormcnn.verification.scores import ratio
from stormcnn.vocabulary import Array


def share_inside(lower: ArrayLike, upper: ArrayLike, edges: ArrayLike) -> Array:
    """Return the share of uniform distributions between neighboring `edges` (runs, edges - 1).

    The distributions have the ends `lower` and `upper` (runs,), both in [0, 1]; equal ends are a
    point.

    >>> share_inside([0.2], [0.4], edges=[0, 0.25, 1])
    array([[0.25, 0.75]])
    """
    low, high = (np.asarray(end, dtype=np.float64)[:, np.newaxis] for end in (lower, upper))
    limits = np.asarray(edges, dtype=np.float64)
    point = 1e-9
    low = np.minimum(low, 1 - point)
    high = np.maximum(high, low + point)
    inside = np.minimum(high, limits[1:]) - np.maximum(low, limits[:-1])
    return np.maximum(inside, 0) / (high - low)


def pit_terms(lower: Array, upper: Array) -> Array:
    """Return ten bins and two moments of uniform distributions (runs, 12).

    `lower` and `upper` (runs,) are the ends of the distributions. Averages of the terms over
    runs describe the PIT of discrete forecasts. Source: Gneiting and Ranjan (2013).

    >>> pit_terms(np.array([0.0]), np.array([0.2]))[0, [0, 1, 2, 10]]
    array([0.5, 0.5, 0. , 0.1])
    """
    histogram = share_inside(lower, upper, np.linspace(0, 1, PIT_BINS + 1))
    moments = (lower + upper) / 2, (lower**2 + lower * upper + upper**2) / 3
    return np.column_stack([histogram, *moments])


def pit_deviation(terms: Array) -> Array:
    """Return the deviation of the PIT from flat (...), from averages of `pit_terms` (..., 12).

    It is the root mean square of the bins' departure from 1/10. For n independent runs of a
    calibrated forecast it is about sqrt(0.09 / n). Source: Haynes et al. (2023).

    >>> pit_deviation(pit_terms(np.array([0.0]), np.array([1.0]))).round(3)
    array([0.])
    """
    return np.sqrt(((terms[..., :PIT_BINS] - 1 / PIT_BINS) ** 2).mean(axis=-1))


class CountForecast(NamedTuple):
    """What the scores of forecast numbers of events need: arrays (runs,).

    `lower` and `upper` are the forecast's distribution function just below and at the observed
    number; `variance` is that of the observed number about `mean`.
    """

    mean: Array
    variance: Array
    lower: Array
    upper: Array
    crps: Array


def ranks_among_members(count: ArrayLike, observed: ArrayLike) -> tuple[Array, Array]:
    """Return the members' distribution function below and at the observed numbers (runs,) each.

    Parameters are the members' numbers of events (runs, members) and the observed ones (runs,).
    An observation that equals k members is spread over the k + 1 ranks that it may have, so a
    reliable ensemble of any size has a flat rank histogram.

    >>> ranks_among_members([[1, 2, 3]], observed=[2])
    (array([0.25]), array([0.75]))
    """
    forecast, observation = np.asarray(count), np.asarray(observed)[:, np.newaxis]
    ranks = forecast.shape[1] + 1
    below = (forecast < observation).sum(axis=1)
    equal = (forecast == observation).sum(axis=1)
    return below / ranks, (below + equal + 1) / ranks


def count_forecast_of_members(count: ArrayLike, observed: ArrayLike) -> CountForecast:
    """Return the forecast that members make of the numbers of events.

    Parameters are those of `ranks_among_members`. The CRPS is the fair one, and the variance is
    multiplied by (members + 1) / members, so on average neither depends on the number of members.
    All but `mean` is NaN for a single member.
    Sources: Ferro (2014), Fortin et al. (2014).

    >>> forecast = count_forecast_of_members([[1, 2, 3]], observed=[2])
    >>> forecast.mean, forecast.lower, forecast.upper
    (array([2.]), array([0.25]), array([0.75]))
    """
    forecast = np.asarray(count, dtype=np.float64)
    observation = np.asarray(observed, dtype=np.float64)
    members = forecast.shape[1]
    mean = forecast.mean(axis=1)
    if members == 1:
        return CountForecast(mean, *np.full((4, mean.size), np.nan))
    crps = crps_for_ensemble(
        xr.DataArray(forecast, dims=("run", "mc_member")),
        xr.DataArray(observation, dims="run"),
        "mc_member",
        method="fair",
        preserve_dims=["run"],
    )
    return CountForecast(
        mean,
        forecast.var(axis=1, ddof=1) * (members + 1) / members,
        *ranks_among_members(count, observed),
        crps.to_numpy(),
    )


def count_forecast_of_independent_storms(
    probability: ArrayLike, run: ArrayLike, observed: ArrayLike
) -> CountForecast:
    """Return the forecast of the numbers of events by one network, with independent storms.

    Parameters are the probabilities (storms,), the index of each storm's run in `observed`
    (storms,), and the observed numbers of events (runs,). The number of events of a run has the
    Poisson binomial distribution. Members must beat this reference.
    Source of the recursion: Barlow and Heidtmann (1984).

    >>> forecast = count_forecast_of_independent_storms([0.5, 0.5], run=[0, 0], observed=[0])
    >>> forecast.mean, forecast.variance, forecast.upper
    (array([1.]), array([0.5]), array([0.25]))
    """
    p, run_of_storm = np.asarray(probability, dtype=np.float64), np.asarray(run)
    rows = []
    for index, observation in enumerate(np.asarray(observed, dtype=np.intp)):
        own = p[run_of_storm == index]
        # Equal to scipy.stats.poisson_binom, which takes 20 times as long for 1,000 storms.
        chance = np.zeros(own.size + 1)
        chance[0] = 1
        for storm, yes in enumerate(own, start=1):
            chance[1 : storm + 1] = chance[1 : storm + 1] * (1 - yes) + chance[:storm] * yes
            chance[0] *= 1 - yes
        at_most = np.cumsum(chance)
        crps = ((at_most - (np.arange(chance.size) >= observation)) ** 2).sum()
        lower = at_most[observation - 1] if observation else 0.0
        upper = lower + chance[observation]
        rows.append((own.sum(), (own * (1 - own)).sum(), lower, upper, crps))
    return CountForecast(*np.array(rows).T)


def count_scores(
    forecast: CountForecast, observed: ArrayLike, weights: ArrayLike | None = None
) -> dict[str, Array]:
    """Return scores of forecast numbers of events (rows,), by name.

    `observed` (runs,) are the observed numbers, `weights` (rows, runs) the weights of the runs
    (default: one row of ones). The scores are

    - `bias`: forecast minus observation.
    - `spread_skill_ratio`: 1 is reliable.
    - `crps`: smaller is better.
    - `coverage_50` and so on: share of observations inside the central interval. Ties with members
      count in proportion, so that whole numbers do not inflate it.
    - `pit_deviation`: 0 is reliable.
    - `rank_histogram_01` to `_10`: share of observations in ten groups of ranks; 0.1 is reliable.

    Sources: Fortin et al. (2014), Ferro (2014), Hamill (2001), Gneiting and Ranjan (2013).

    >>> forecast = count_forecast_of_members([[1, 2, 3], [0, 1, 5]], observed=[2, 1])
    >>> scores = count_scores(forecast, observed=[2, 1])
    >>> scores["bias"], scores["coverage_50"]
    (array([0.5]), array([1.]))
    """
    observation = np.asarray(observed, dtype=np.float64)
    rows = np.ones((1, observation.size)) if weights is None else np.asarray(weights, np.float64)
    central = [
        share_inside(forecast.lower, forecast.upper, [(1 - level) / 2, (1 + level) / 2])
        for level in COVERAGES
    ]
    error = forecast.mean - observation
    pit = pit_terms(forecast.lower, forecast.upper)
    terms = np.column_stack([error, error**2, forecast.variance, forecast.crps, *central, pit])
    average = rows @ terms / rows.sum(axis=1, keepdims=True)
    bias, squared, variance, crps = average[:, :4].T
    coverage, pit = np.split(average[:, 4:], [len(COVERAGES)], axis=1)
    return {
        "bias": bias,
        "spread_skill_ratio": np.sqrt(ratio(variance, squared)),
        "crps": crps,
        **{
            f"coverage_{100 * level:.0f}": c for level, c in zip(COVERAGES, coverage.T, strict=True)
        },
        "pit_deviation": pit_deviation(pit),
        **{f"rank_histogram_{k:02d}": pit[:, k - 1] for k in range(1, PIT_BINS + 1)},
    }
