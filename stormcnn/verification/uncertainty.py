"""Scores of Monte Carlo dropout that are valid for a yes/no event.

A storm's event is 0 or 1 and its members are probabilities, so most scores of ensembles do not
apply: no probability between 0 and 1 ever equals what happened. Two things can be judged. For a
storm, the forecast is "yes with the mean probability", whose variance p(1 - p) is the members'
spread (epistemic: the members differ) plus what they agree is open (aleatoric). For a run date,
the members forecast numbers of events, where every score of ensembles is valid.

Left out on purpose: the continuous ranked probability score of members against 0 or 1 rewards
members near 0 and 1 whatever is true, their rank histogram has every storm at one of its ends, and
the ensemble Brier score would take each member for a yes or no.

Scores named `..._truth` need the storms' true probabilities, which made-up storms have. There the
true probability takes the place of the event where a distance is measured; where a forecast of
the event itself is judged, the event is averaged over its true chance.

In the code p is the mean of the members, y the event and q the true probability.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from stormcnn.errors import UserError
from stormcnn.sampling.members import binary_entropy
from stormcnn.verification.counts import (
    CountForecast,
    count_forecast_of_independent_storms,
    count_forecast_of_members,
    count_scores,
    pit_scores,
    pit_terms,
)
from stormcnn.verification.resampling import Resamples, interval, resample_dates
from stormcnn.verification.scores import LOG_SCORE_CLIP, check_forecast, ratio
from stormcnn.vocabulary import Array

logger = logging.getLogger(__name__)

BINS = 10
DISCARDED = np.linspace(0, 0.95, 20)
"""Shares of the storms that the discard test sets aside."""
PROBABILITY_GROUPS = 50
"""Groups of like probability, within which the discard test compares spreads."""

SCORE_COLUMNS = [
    "model", "forecast", "seed", "period", "stratum", "score", "value", "low", "high",
    "storms", "events", "runs",
]  # fmt: skip


class VarianceSplit(NamedTuple):
    """Variance of the event under the forecast, and its two parts; they add up exactly."""

    total: Array
    aleatoric: Array
    epistemic: Array


def split_variance(mean: ArrayLike, std: ArrayLike, members: int) -> VarianceSplit:
    """Split the variance p(1 - p) of the event into what members agree is open and their spread.

    `mean` and `std` (divided by members - 1) are of the members, one a storm. Aleatoric is the
    mean over members of p_s(1 - p_s), epistemic the members' variance (divided by members).
    Source: law of total variance; Kwon et al. (2020).
    """
    p = np.asarray(mean, dtype=np.float64)
    total = p * (1 - p)
    epistemic = np.asarray(std, dtype=np.float64) ** 2 * (members - 1) / members
    return VarianceSplit(total, total - epistemic, epistemic)


class EntropySplit(NamedTuple):
    """Entropy of the event under the forecast (nats), and its two parts; they add up."""

    total: Array
    expected: Array
    mutual_information: Array


def split_entropy(mean: ArrayLike, mean_entropy: ArrayLike) -> EntropySplit:
    """Split the entropy of the mean into the members' mean entropy and their mutual information.

    `mean` and `mean_entropy` (nats) are over the members, one a storm. The mutual information of
    event and member is never negative; rounding in files may make it so by a trifle, then it is 0.
    Source: Houlsby et al. (2011).
    """
    total = binary_entropy(mean)
    expected = np.asarray(mean_entropy, dtype=np.float64)
    return EntropySplit(total, expected, np.maximum(total - expected, 0))


def interval_pit(probability: ArrayLike, event: ArrayLike) -> dict[str, Array]:
    """Deviation and variance of the interval PIT of forecasts "yes with this probability".

    Without event the transform is uniform on [0, 1 - p], with event on [1 - p, 1]. It is flat
    where the probabilities are reliable, so it is a check and adds nothing to reliability.
    `event` (storms,) may be a true probability. Source: Gneiting and Ranjan (2013).
    """
    p, y = np.asarray(probability, np.float64), np.asarray(event, np.float64)
    return pit_scores(_interval_pit_terms(p, y).mean(axis=0))


def _interval_pit_terms(p: Array, y: Array) -> Array:
    happened, not_happened = y[:, np.newaxis], 1 - y[:, np.newaxis]
    with_event, without = pit_terms(1 - p, np.ones_like(p)), pit_terms(np.zeros_like(p), 1 - p)
    return happened * with_event + not_happened * without


def _bins_of_equal_count(values: Array, bins: int) -> Array:
    """Bin of each value, counted from 0; equal values share a bin, so there may be fewer."""
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return np.unique(np.searchsorted(edges, values), return_inverse=True)[1]


def _bins_of_equal_width(values: Array, bins: int) -> Array:
    """Filled bin of each value, counted from 0, of bins between 0 and the largest value."""
    edges = np.linspace(0, values.max(), bins + 1)[1:-1]
    return np.unique(np.searchsorted(edges, values), return_inverse=True)[1]


def _sums_in_bins(term: Array, bins: Array, date: Array, weights: Array) -> Array:
    """Weighted sums (rows, bins) of `term` (storms,)."""
    number = int(bins.max()) + 1
    by_date = np.bincount(date * number + bins, term, weights.shape[1] * number)
    return weights @ by_date.reshape(-1, number)


def discard_curves(uncertainty: ArrayLike, terms: ArrayLike, date: Array, weights: Array) -> Array:
    """Averages over the storms that remain when the most uncertain are set aside.

    `uncertainty` (storms,), `terms` (terms, storms) what to average, `date` (storms,) the number
    of each storm's run date, `weights` (rows, dates). Gives (rows, terms, len(DISCARDED)).
    Equally uncertain storms are set aside in proportion, not in the order of the file; so equal
    uncertainty everywhere gives what random order gives on average: a flat curve. Storms between
    two of a thousand quantiles count as equally uncertain.
    NaN where an uncertainty is NaN. Source: Barnes and Barnes (2021).
    """
    uncertain = np.asarray(uncertainty, dtype=np.float64)
    averaged = [np.ones_like(uncertain), *np.asarray(terms, dtype=np.float64)]
    curves = np.full((len(weights), len(averaged) - 1, DISCARDED.size), np.nan)
    if np.isnan(uncertain).any():
        return curves
    groups = _bins_of_equal_count(uncertain, 1000)
    storms, *sums = (
        np.cumsum(_sums_in_bins(term, groups, date, weights), axis=1) for term in averaged
    )
    for row, number in enumerate(storms):
        kept = (1 - DISCARDED) * number[-1]
        up_to = np.concatenate(([0], number))
        for term, total in enumerate(sums):
            curves[row, term] = np.interp(kept, up_to, np.concatenate(([0], total[row]))) / kept
    return curves


def monotonicity_fraction(curve: ArrayLike) -> Array:
    """Share of the steps of a discard curve (..., fraction) at which the error falls.

    Rare events give values near 1 without any information in the spread: compare with the control
    p(1 - p). Source: Haynes et al. (2023).
    """
    steps = -np.diff(np.asarray(curve, dtype=np.float64), axis=-1)
    share = (steps > 1e-12).mean(axis=-1)
    return np.where(np.isnan(steps).any(axis=-1), np.nan, share)


def discard_improvement(curve: ArrayLike) -> Array:
    """Mean fall of the error for each step of a discard curve (..., fraction).

    To be compared with the control p(1 - p), as the monotonicity fraction.
    Source: Haynes et al. (2023).
    """
    return -np.diff(np.asarray(curve, dtype=np.float64), axis=-1).mean(axis=-1)


def discard_gain(control: ArrayLike, curve: ArrayLike) -> Array:
    """Area between a control's discard curve and a curve (..., fraction), over `DISCARDED`.

    Positive where the curve's order finds errors better than the control's. With the control
    p(1 - p) it is what the spread knows beyond the probability itself: where the probability is
    wrong. Of a forecast that is reliable whatever its spread it is not positive, since its
    expected Brier score is p(1 - p).
    """
    return np.trapezoid(np.asarray(control) - np.asarray(curve), DISCARDED, axis=-1)


class _Storms(NamedTuple):
    """The storms as arrays (storm,) in float64.

    `central` holds the ends of the members' central intervals by their size in percent; `truth`
    is None for real storms.
    """

    mean: Array
    deterministic: Array
    event: Array
    std: Array
    variance: VarianceSplit
    entropy: EntropySplit
    members: int
    central: Mapping[str, tuple[Array, Array]]
    truth: Array | None

    @property
    def member_factor(self) -> float:
        """What a variance of members is multiplied by to compare with errors of their mean.

        Source: Fortin et al. (2014).
        """
        return (self.members + 1) / self.members


def _storm_scores(storms: _Storms, resamples: Resamples) -> dict[str, Array]:
    """Scores that are functions of averages over storms, for each row of the weights.

    - `members_brier_score` is the mean Brier score of single members: that of their mean plus the
      epistemic variance (Krogh and Vedelsby 1995). `averaging_benefit` is what the mean gains over
      the network without dropout.
    - `spread_skill_ratio` is the members' spread over the error of their mean (Fortin et al.
      2014). Of reliable yes/no forecasts it is 1 only where members are sure of 0 or 1: its square
      is the `epistemic_share`. `ssrat_mean_sd` is the same by the mean standard deviation (Haynes
      et al. 2023). With `_truth` the error is that of the probability, and 1 is right.
    - `total_spread_skill_ratio` takes all the spread, sqrt(p(1 - p)): 1 is reliable, less is too
      sure (the condition of Spiegelhalter 1986).
    - `quantile_coverage_90_truth` is the share of storms whose true probability lies between the
      members' 5 and 95 % quantiles.
    """
    p, y, q = storms.mean, storms.event, storms.truth
    terms: dict[str, Array] = {
        "brier": (p - y) ** 2,
        "deterministic": (storms.deterministic - y) ** 2,
        "std": storms.std,
        "variance": storms.std**2,
        **storms.variance._asdict(),
        "entropy": storms.entropy.total,
        "expected": storms.entropy.expected,
        "information": storms.entropy.mutual_information,
    }
    blocks = {"pit": _interval_pit_terms(p, y)}
    if q is not None:
        terms |= {
            "distance": (p - q) ** 2,
            "deterministic_distance": (storms.deterministic - q) ** 2,
            "expected_brier": (p - q) ** 2 + q * (1 - q),
        }
        terms |= {
            f"coverage_{percent}": (low <= q) & (q <= high)
            for percent, (low, high) in storms.central.items()
        }
        blocks["pit_truth"] = _interval_pit_terms(p, q)
    mean = _averages(terms, resamples)
    pit = {name: _block_averages(block, resamples) for name, block in blocks.items()}

    spread_squared = storms.member_factor * mean["variance"]
    scores = {
        "brier_score": mean["brier"],
        "members_brier_score": mean["brier"] + mean["epistemic"],
        "averaging_benefit": mean["deterministic"] - mean["brier"],
        "total_variance": mean["total"],
        "aleatoric_variance": mean["aleatoric"],
        "epistemic_variance": mean["epistemic"],
        "spread_skill_ratio": np.sqrt(ratio(spread_squared, mean["brier"])),
        "epistemic_share": ratio(spread_squared, mean["brier"]),
        "ssrat_mean_sd": ratio(mean["std"], np.sqrt(mean["brier"])),
        "total_spread_skill_ratio": np.sqrt(ratio(mean["total"], mean["brier"])),
        "total_entropy": mean["entropy"],
        "expected_entropy": mean["expected"],
        "mutual_information": mean["information"],
        **{f"interval_{name}": value for name, value in pit_scores(pit["pit"]).items()},
    }
    if q is None:
        return scores
    return scores | {
        "brier_score_truth": mean["distance"],
        "members_brier_score_truth": mean["distance"] + mean["epistemic"],
        "averaging_benefit_truth": mean["deterministic_distance"] - mean["distance"],
        "spread_skill_ratio_truth": np.sqrt(ratio(spread_squared, mean["distance"])),
        "ssrat_mean_sd_truth": ratio(mean["std"], np.sqrt(mean["distance"])),
        "total_spread_skill_ratio_truth": np.sqrt(ratio(mean["total"], mean["expected_brier"])),
        **{f"interval_{n}_truth": value for n, value in pit_scores(pit["pit_truth"]).items()},
        **{f"quantile_{n}_truth": v for n, v in mean.items() if n.startswith("coverage_")},
    }


def _block_averages(terms: Array, resamples: Resamples) -> Array:
    """Weighted averages (rows, terms) of terms (storm, terms)."""
    summed = [np.ones(len(terms)), *terms.T]
    by_date = [np.bincount(resamples.date, term, resamples.dates.size) for term in summed]
    sums = resamples.weights @ np.stack(by_date, axis=1)
    return sums[:, 1:] / sums[:, :1]


def _averages(terms: Mapping[str, Array], resamples: Resamples) -> dict[str, Array]:
    """Weighted averages (rows,) of named terms (storm,)."""
    averages = _block_averages(np.column_stack(list(terms.values())), resamples)
    return dict(zip(terms, averages.T, strict=True))


class _SpreadSkill(NamedTuple):
    """A spread-skill diagram: its bins and, for each row of the weights, what is in them."""

    storms: Array
    spread: Array
    error: Array
    error_truth: Array
    mean: Array
    frequency: Array
    reliability: Array
    reliability_truth: Array


def _spread_skill(
    storms: _Storms, variance: Array, noise: Array | float, bins: Array, resamples: Resamples
) -> _SpreadSkill:
    """Spread and error of the mean in bins of spread.

    Reliability is the mean departure of error from spread, weighted by the bins' storms; 0 is
    perfect. `noise` is what the event adds to the squared distance of forecast and true
    probability. Sources: Delle Monache et al. (2013), Haynes et al. (2023).
    """
    p, y = storms.mean, storms.event
    terms = [np.ones_like(p), variance, (p - y) ** 2, p, y]
    if storms.truth is not None:
        terms.append((p - storms.truth) ** 2 + noise)
    count, *sums = (_sums_in_bins(term, bins, resamples.date, resamples.weights) for term in terms)
    spread, error, mean, frequency, *rest = (ratio(total, count) for total in sums)
    spread, error = np.sqrt(spread), np.sqrt(error)
    error_truth = np.sqrt(rest[0]) if rest else np.full_like(error, np.nan)
    share = count / count.sum(axis=1, keepdims=True)

    def departure(of: Array) -> Array:
        return np.where(count > 0, share * np.abs(of - spread), 0).sum(axis=1)

    return _SpreadSkill(
        count, spread, error, error_truth, mean, frequency, departure(error), departure(error_truth)
    )


def _spread_skill_diagrams(storms: _Storms, resamples: Resamples) -> dict[str, _SpreadSkill]:
    """Spread-skill diagrams by kind: of the members' and of the total spread, in two binnings."""
    q = storms.truth
    kinds = {
        "epistemic": (storms.std**2 * storms.member_factor, 0.0),
        "total": (storms.variance.total, 0.0 if q is None else q * (1 - q)),
    }
    diagrams = {}
    for kind, (variance, noise) in kinds.items():
        if np.isnan(variance).any():
            continue
        spread = np.sqrt(variance)
        for suffix, split in (("", _bins_of_equal_count), ("_equal_width", _bins_of_equal_width)):
            bins = split(spread, BINS)
            diagrams[kind + suffix] = _spread_skill(storms, variance, noise, bins, resamples)
    return diagrams


def _discard_test(storms: _Storms, resamples: Resamples) -> dict[str, dict[str, Array]]:
    """Discard curves (rows, fraction) by order and score."""
    p, y = storms.mean, storms.event
    clipped = np.clip(p, LOG_SCORE_CLIP, 1 - LOG_SCORE_CLIP)
    terms = {
        "brier_score": (p - y) ** 2,
        "log_score": -np.log(np.where(y == 1, clipped, 1 - clipped)),
        "event_frequency": y,
    }
    if storms.truth is not None:
        terms["brier_score_truth"] = (p - storms.truth) ** 2
    group = _bins_of_equal_count(p, PROBABILITY_GROUPS)
    orders = {
        "spread": storms.std,
        "mutual_information": storms.entropy.mutual_information,
        "total": storms.variance.total,
        "spread_given_probability": _rank_in_group(storms.std, group),
        "random": np.zeros_like(p),
    }
    tests = {}
    for order, uncertainty in orders.items():
        curves = discard_curves(
            uncertainty, list(terms.values()), resamples.date, resamples.weights
        )
        scores = dict(zip(terms, curves.swapaxes(0, 1), strict=True))
        frequency = scores["event_frequency"]
        climatology = frequency * (1 - frequency)
        scores["brier_skill_score"] = 1 - ratio(scores["brier_score"], climatology)
        tests[order] = scores
    return tests


def _rank_in_group(values: Array, group: Array) -> Array:
    """Where each value lies among those of its group, between 0 and 1; NaN stays NaN."""
    grouped = pd.Series(values).groupby(group)
    return ((grouped.rank() - 0.5) / grouped.transform("size")).to_numpy()


def _discard_scores(tests: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
    scores = {}
    for order, curves in tests.items():
        if order != "random":
            brier = curves["brier_score"]
            scores[f"monotonicity_fraction_{order}"] = monotonicity_fraction(brier)
            scores[f"discard_improvement_{order}"] = discard_improvement(brier)
    for name, control, order in (
        ("discard_gain", "total", "spread"),
        ("discard_gain_mutual_information", "total", "mutual_information"),
        ("discard_gain_given_probability", "random", "spread_given_probability"),
    ):
        for suffix in ("", "_truth"):
            if (score := "brier_score" + suffix) in tests[order]:
                scores[name + suffix] = discard_gain(tests[control][score], tests[order][score])
    return scores


class UncertaintyTables(NamedTuple):
    """Tidy tables of one network: scores, spread-skill diagrams, discard curves, event counts."""

    scores: pd.DataFrame
    spread_skill: pd.DataFrame
    discard: pd.DataFrame
    counts: pd.DataFrame


def score_uncertainty(
    storms: xr.Dataset,
    event: ArrayLike,
    counts: xr.Dataset,
    *,
    model: str,
    seed: int,
    resamples: int,
    confidence: float = 0.95,
    truth: ArrayLike | None = None,
) -> UncertaintyTables:
    """Every score of the Monte Carlo members of one network, with intervals over run dates.

    `storms` has `probability`, `mc_mean`, `mc_std`, `mc_entropy` (storm), `mc_quantile` (storm,
    quantile) and `run_date`; `event` (storm,) is 0 or 1; `counts` has `count` and `expected` (run,
    member), `observed` (run) and `run_date`; `truth` (storm,) is the true probability of made-up
    storms. Scores of the network without dropout in the same tables have `forecast` single.
    A value that is undefined (no event, one member, one run date for an interval) is left empty,
    and the log says why. Raises `UserError` where the two files are not of the same storms.
    """
    network = f"{model}, seed {seed}"
    draws = resample_dates(storms["run_date"].to_numpy(), resamples)
    checked = _read_storms(storms, event, counts.sizes["member"], truth, network)
    counts = _matching_counts(counts, checked.event, draws, network)
    _explain_what_is_undefined(network, checked, draws)
    if draws.dates.size == 1:
        draws = draws._replace(weights=draws.weights[:0])
    # The sample itself is the first row, so that values and intervals come from one formula.
    rows = draws._replace(weights=np.vstack([np.ones(draws.dates.size), draws.weights]))

    diagrams = _spread_skill_diagrams(checked, rows)
    tests = _discard_test(checked, rows)
    observed = counts["observed"].to_numpy()
    single = count_forecast_of_independent_storms(checked.deterministic, rows.date, observed)
    members = count_forecast_of_members(counts["count"].to_numpy(), observed)
    scores = {
        "mc_mean": _storm_scores(checked, rows)
        | _reliabilities(diagrams, checked.truth is not None)
        | _discard_scores(tests)
        | _named("count_{}", count_scores(members, observed, rows.weights)),
        "single": _named("count_{}", count_scores(single, observed, rows.weights)),
    }
    true_count = np.full(observed.size, np.nan)
    if checked.truth is not None:
        true_count = np.bincount(rows.date, checked.truth)
        expected = count_forecast_of_members(counts["expected"].to_numpy(), true_count)
        scores["mc_mean"] |= _named(
            "count_{}_truth", count_scores(expected, true_count, rows.weights)
        )
    identity = {"model": model, "seed": seed}
    size = {
        "storms": checked.event.size,
        "events": int(checked.event.sum()),
        "runs": draws.dates.size,
    }
    return UncertaintyTables(
        _score_table(scores, identity | size, confidence),
        _spread_skill_table(diagrams, identity, confidence),
        _discard_table(tests, identity, confidence),
        _count_table(counts, single, true_count, identity),
    )


def _named(pattern: str, scores: Mapping[str, Array]) -> dict[str, Array]:
    return {pattern.format(name): value for name, value in scores.items()}


def _reliabilities(diagrams: Mapping[str, _SpreadSkill], with_truth: bool) -> dict[str, Array]:
    """Spread-skill reliability of each diagram; NaN where the members have no spread to bin."""
    scores = {}
    some = next(iter(diagrams.values())).reliability
    for kind, prefix in (("epistemic", ""), ("total", "total_")):
        for binning in ("", "_equal_width"):
            diagram = diagrams.get(kind + binning)
            name = f"{prefix}spread_skill_reliability{binning}"
            undefined = np.full_like(some, np.nan)
            scores[name] = diagram.reliability if diagram else undefined
            if with_truth:
                scores[f"{name}_truth"] = diagram.reliability_truth if diagram else undefined
    return scores


def _matching_counts(
    counts: xr.Dataset, event: Array, draws: Resamples, network: str
) -> xr.Dataset:
    """The counts in the order of the resampled run dates; they must be of the same storms."""
    ordered = counts.sortby("run_date").transpose("run", "member")
    events = np.bincount(draws.date, event, draws.dates.size)
    same_dates = np.array_equal(ordered["run_date"].to_numpy(), draws.dates)
    if not same_dates or not np.array_equal(ordered["observed"].to_numpy(), events):
        raise UserError(
            f"{network}: the storms and the event counts by run date are not of the same storms, "
            "for their run dates or observed events differ. Sample the members again."
        )
    return ordered


def _read_storms(
    storms: xr.Dataset, event: ArrayLike, members: int, truth: ArrayLike | None, network: str
) -> _Storms:

    def check(name: str, values: ArrayLike) -> tuple[Array, Array]:
        try:
            probability, happened, _ = check_forecast(values, event)
        except UserError as error:
            raise UserError(f"{network}, {name}: {error}") from None
        return probability, happened

    p, y = check("mc_mean", storms["mc_mean"])
    std, mean_entropy = (
        np.full_like(p, np.nan) if members == 1 else storms[name].to_numpy().astype(np.float64)
        for name in ("mc_std", "mc_entropy")
    )
    if members > 1 and not (np.isfinite(std) & np.isfinite(mean_entropy)).all():
        raise UserError(
            f"{network}: mc_std or mc_entropy of some storms is missing. Sample the members again."
        )
    # Members that do not differ tell nothing about the event; rounding in the file might.
    mean_entropy = np.where(std == 0, binary_entropy(p), mean_entropy)
    quantile = storms["mc_quantile"].transpose("storm", "quantile").sortby("quantile")
    levels = quantile["quantile"].to_numpy()
    ends = quantile.to_numpy()
    central = {
        f"{100 * (high - low):.0f}": (ends[:, k], ends[:, -1 - k])
        for k, (low, high) in enumerate(zip(levels, levels[::-1], strict=True))
        if low < 0.5 and np.isclose(low + high, 1)
    }
    return _Storms(
        mean=p,
        deterministic=check("probability", storms["probability"])[0],
        event=y,
        std=std,
        variance=split_variance(p, std, members),
        entropy=split_entropy(p, mean_entropy),
        members=members,
        central=central,
        truth=None if truth is None else check("true probability", truth)[0],
    )


def _explain_what_is_undefined(network: str, storms: _Storms, draws: Resamples) -> None:
    if storms.members == 1:
        logger.warning(
            "%s has one member, so there is no spread: its scores are left empty. "
            "Set uncertainty.members to 2 or more.",
            network,
        )
    if storms.event.min() == storms.event.max():
        logger.warning(
            "%s: %s storm had the event, so Brier skill scores are left empty.",
            network,
            "every" if storms.event[0] else "no",
        )
    if draws.dates.size == 1:
        logger.warning(
            "%s: all storms are of the run date %s, so no interval can be given.",
            network,
            draws.dates[0],
        )


def _columns_with_interval(samples: Array, confidence: float) -> dict[str, Array]:
    """`value`, `low` and `high` of samples (rows, ...) whose first row is the sample itself."""
    low, high = interval(samples[1:], confidence)
    return {"value": samples[0], "low": low, "high": high}


def _score_table(
    scores: Mapping[str, Mapping[str, Array]], identity: Mapping[str, Any], confidence: float
) -> pd.DataFrame:
    parts = []
    for forecast, values in scores.items():
        columns = _columns_with_interval(np.column_stack(list(values.values())), confidence)
        table = pd.DataFrame({"forecast": forecast, "score": list(values), **columns})
        # As `bootstrap.centre` does for other departures from reliability.
        departure = table["score"].str.contains("pit_deviation|reliability")
        reflected = 2 * table["value"].to_numpy()[:, np.newaxis] - table[["high", "low"]]
        table.loc[departure, ["low", "high"]] = reflected[departure].clip(lower=0).to_numpy()
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    return table.assign(period="test", stratum="all", **identity)[SCORE_COLUMNS]


def _spread_skill_table(
    diagrams: Mapping[str, _SpreadSkill], identity: Mapping[str, Any], confidence: float
) -> pd.DataFrame:
    parts = []
    for kind, diagram in diagrams.items():
        error = _columns_with_interval(diagram.error, confidence)
        parts.append(
            pd.DataFrame(
                {
                    **identity,
                    "kind": kind,
                    "bin": np.arange(error["value"].size),
                    "spread": diagram.spread[0],
                    "error": error["value"],
                    "low": error["low"],
                    "high": error["high"],
                    "storms": diagram.storms[0].astype(int),
                    "forecast_mean": diagram.mean[0],
                    "observed_frequency": diagram.frequency[0],
                    "error_truth": diagram.error_truth[0],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _discard_table(
    tests: Mapping[str, Mapping[str, Array]], identity: Mapping[str, Any], confidence: float
) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                **identity,
                "order": order,
                "fraction": DISCARDED.round(2),
                "score": score,
                **_columns_with_interval(curve, confidence),
            }
        )
        for order, curves in tests.items()
        for score, curve in curves.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _count_table(
    counts: xr.Dataset, single: CountForecast, true_count: Array, identity: Mapping[str, Any]
) -> pd.DataFrame:
    """Forecast and observed number of events of each run date.

    The quantiles are those between which an observation from the same distribution as the members
    falls with the stated chance (Weibull's plotting position).
    """
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    quantiles = np.quantile(counts["count"].to_numpy(), levels, axis=1, method="weibull")
    return pd.DataFrame(
        {
            **identity,
            "run_date": np.datetime_as_string(counts["run_date"].to_numpy(), unit="m"),
            "observed": counts["observed"].to_numpy(),
            "mean": counts["expected"].to_numpy().mean(axis=1, dtype=np.float64),
            **{
                f"q{100 * level:02.0f}": quantile
                for level, quantile in zip(levels, quantiles, strict=True)
            },
            "deterministic": single.mean,
            "truth": true_count,
        }
    )
