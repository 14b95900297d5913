"""Scores of forecast numbers of events, which treat every run date as one case.

A number of events is a quantity, so the scores of ensembles are valid for it: rank histogram,
coverage of intervals, spread-skill ratio and the continuous ranked probability score.
The probability integral transform (PIT) of a forecast of whole numbers is spread evenly over the
jump of its distribution function at what happened (Gneiting and Ranjan 2013).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scores.probability import crps_for_ensemble

from stormcnn.verification.scores import ratio
from stormcnn.vocabulary import Array

PIT_BINS = 10
COVERAGES = (0.5, 0.8, 0.9, 0.95)


def share_inside(lower: ArrayLike, upper: ArrayLike, edges: ArrayLike) -> Array:
    """Share of each uniform distribution on [lower, upper] between neighbouring `edges`.

    `lower` and `upper` (case,) lie in 0 to 1; gives (case, edges - 1). Equal ends are a point.
    """
    low, high = (np.asarray(end, dtype=np.float64)[:, np.newaxis] for end in (lower, upper))
    limits = np.asarray(edges, dtype=np.float64)
    point = 1e-9
    low = np.minimum(low, 1 - point)
    high = np.maximum(high, low + point)
    inside = np.minimum(high, limits[1:]) - np.maximum(low, limits[:-1])
    return np.maximum(inside, 0) / (high - low)


def pit_terms(lower: Array, upper: Array) -> Array:
    """Histogram, first and second moment of uniform distributions on [lower, upper] (case, terms).

    Averaged over cases they describe the probability integral transform of discrete forecasts,
    which is spread evenly over the jump at what happened. Source: Gneiting and Ranjan (2013).
    """
    histogram = share_inside(lower, upper, np.linspace(0, 1, PIT_BINS + 1))
    moments = (lower + upper) / 2, (lower**2 + lower * upper + upper**2) / 3
    return np.column_stack([histogram, *moments])


def pit_scores(terms: Array) -> dict[str, Array]:
    """Deviation from flat, and variance (1/12 where flat), from averages of `pit_terms`.

    Deviation: root mean square of the histogram's departure from 1/10, which is about
    sqrt(0.09/n) for n independent cases of a calibrated forecast. Source: Haynes et al. (2023).
    """
    deviation = np.sqrt(((terms[..., :PIT_BINS] - 1 / PIT_BINS) ** 2).mean(axis=-1))
    return {
        "pit_deviation": deviation,
        "pit_variance": terms[..., PIT_BINS + 1] - terms[..., PIT_BINS] ** 2,
    }


class CountForecast(NamedTuple):
    """What scores of forecast event counts need, each (run,).

    `lower` and `upper` are the forecast's distribution function just below and at the observed
    number; `variance` is that of the observed number about `mean`.
    """

    mean: Array
    variance: Array
    lower: Array
    upper: Array
    crps: Array


def count_forecast_of_members(count: ArrayLike, observed: ArrayLike) -> CountForecast:
    """Judge the members' numbers of events `count` (run, member) by the `observed` ones (run,).

    An observation that equals k members is spread over the k + 1 ranks it may take, so a
    reliable ensemble of any size has flat ranks. The continuous ranked probability score is the
    fair one, the variance is multiplied by (members + 1) / members: neither depends on the number
    of members on average. All but `mean` is NaN for one member.
    Sources: Ferro (2014), Fortin et al. (2014).
    """
    forecast = np.asarray(count, dtype=np.float64)
    happened = np.asarray(observed, dtype=np.float64)
    members = forecast.shape[1]
    mean = forecast.mean(axis=1)
    if members == 1:
        return CountForecast(mean, *np.full((4, mean.size), np.nan))
    crps = crps_for_ensemble(
        xr.DataArray(forecast, dims=("run", "member")),
        xr.DataArray(happened, dims="run"),
        "member",
        method="fair",
        preserve_dims=["run"],
    )
    below = (forecast < happened[:, np.newaxis]).sum(axis=1)
    equal = (forecast == happened[:, np.newaxis]).sum(axis=1)
    return CountForecast(
        mean,
        forecast.var(axis=1, ddof=1) * (members + 1) / members,
        below / (members + 1),
        (below + equal + 1) / (members + 1),
        crps.to_numpy(),
    )


def count_forecast_of_independent_storms(
    probability: ArrayLike, run: ArrayLike, observed: ArrayLike
) -> CountForecast:
    """Judge the numbers of events that one network gives, its storms taken as independent.

    `probability` (storm,), `run` (storm,) the index of its run in `observed` (run,). The count of
    a run has the Poisson binomial distribution. It is the reference that members must beat.
    Source of the recursion: Barlow and Heidtmann (1984).
    """
    p, of = np.asarray(probability, dtype=np.float64), np.asarray(run)
    rows = []
    for index, happened in enumerate(np.asarray(observed, dtype=np.intp)):
        here = p[of == index]
        # As scipy.stats.poisson_binom, which takes twenty times as long for a thousand storms.
        chance = np.zeros(here.size + 1)
        chance[0] = 1
        for storm, yes in enumerate(here, start=1):
            chance[1 : storm + 1] = chance[1 : storm + 1] * (1 - yes) + chance[:storm] * yes
            chance[0] *= 1 - yes
        at_most = np.cumsum(chance)
        crps = ((at_most - (np.arange(chance.size) >= happened)) ** 2).sum()
        lower = at_most[happened - 1] if happened else 0.0
        upper = lower + chance[happened]
        rows.append((here.sum(), (here * (1 - here)).sum(), lower, upper, crps))
    return CountForecast(*np.array(rows).T)


def count_scores(
    forecast: CountForecast, observed: ArrayLike, weights: ArrayLike | None = None
) -> dict[str, Array]:
    """Scores of event counts, for each row of `weights` (rows, runs), by default one of ones.

    `bias` (forecast - observed), `spread_skill_ratio` (1 is reliable), `crps`, `coverage_50` and
    so on (the share of observations inside the central interval; ties with members count in
    proportion, so that whole numbers do not inflate it), `pit_deviation`, `pit_variance` (1/12 is
    reliable, more is too narrow), `rank_histogram_01` to `_10` (ranks in ten groups; 0.1 is flat).
    Sources: Fortin et al. (2014), Ferro (2014), Hamill (2001), Gneiting and Ranjan (2013).
    """
    happened = np.asarray(observed, dtype=np.float64)
    rows = np.ones((1, happened.size)) if weights is None else np.asarray(weights, np.float64)
    central = [
        share_inside(forecast.lower, forecast.upper, [(1 - level) / 2, (1 + level) / 2])
        for level in COVERAGES
    ]
    error = forecast.mean - happened
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
        **pit_scores(pit),
        **{f"rank_histogram_{k:02d}": pit[:, k - 1] for k in range(1, PIT_BINS + 1)},
    }
