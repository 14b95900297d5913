"""Storms with Monte Carlo members, and their event counts, read from files and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.sampling.members import binary_entropy
from stormcnn.verification.scores import check_forecast
from stormcnn.verification.uncertainty_splits import (
    EntropySplit,
    VarianceSplit,
    split_entropy,
    split_variance,
)
from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class SampledStorms(NamedTuple):
    """Storms of one network with the statistics of their members: arrays (storms,) in float64."""

    mean: Array
    """Mean of the members."""
    without_dropout: Array
    """Probability of the network without dropout."""
    event: Array
    """1 for an event, else 0."""
    std: Array
    """Standard deviation of the members, with divisor members - 1; NaN for one member."""
    variance: VarianceSplit
    entropy: EntropySplit
    members: int
    central: Mapping[str, tuple[Array, Array]]
    """Ends of the members' central intervals, by the size of the interval in percent."""
    truth: Array | None
    """True probability of made-up storms, None for real ones."""

    @property
    def member_factor(self) -> float:
        """Factor that makes the variance of members comparable with squared errors of their mean.

        Source: Fortin et al. (2014).
        """
        return (self.members + 1) / self.members


def read_sampled_storms(
    storms: xr.Dataset, event: ArrayLike, members: int, truth: ArrayLike | None, network: str
) -> SampledStorms:
    """Return the storms of one network, checked.

    `storms` is described in `uncertainty.score_uncertainty`, `network` names the network in
    errors. Raises `UserError` if a value is missing or not allowed.
    """

    def check(name: str, values: ArrayLike) -> tuple[Array, Array]:
        try:
            return check_forecast(values, event)
        except UserError as error:
            raise UserError(
                f"{network}, {name}: {error} Remove the file with these values and run the "
                "workflow again."
            ) from None

    p, y = check("mc_mean", storms["mc_mean"])
    std, mean_entropy = (
        np.full_like(p, np.nan) if members == 1 else storms[name].to_numpy().astype(np.float64)
        for name in ("mc_std", "mc_entropy")
    )
    if members > 1 and not (np.isfinite(std) & np.isfinite(mean_entropy)).all():
        raise UserError(
            f"{network}: mc_std or mc_entropy of some storms is missing. Remove storms.nc of this "
            "network and run the workflow again."
        )
    # Members that are equal carry no information about the event, but rounded files suggest some.
    mean_entropy = np.where(std == 0, binary_entropy(p), mean_entropy)
    quantile = storms["mc_quantile"].transpose("storm", "quantile").sortby("quantile")
    levels = quantile["quantile"].to_numpy()
    ends = quantile.to_numpy()
    central = {
        f"{100 * (high - low):.0f}": (ends[:, k], ends[:, -1 - k])
        for k, (low, high) in enumerate(zip(levels, levels[::-1], strict=True))
        if low < 0.5 and np.isclose(low + high, 1)
    }
    return SampledStorms(
        mean=p,
        without_dropout=check("probability", storms["probability"])[0],
        event=y,
        std=std,
        variance=split_variance(p, std, members),
        entropy=split_entropy(p, mean_entropy),
        members=members,
        central=central,
        truth=None if truth is None else check("true probability", truth)[0],
    )


def match_counts(counts: xr.Dataset, event: Array, run_date: ArrayLike, network: str) -> xr.Dataset:
    """Return the event counts in the order of their run dates.

    Raises `UserError` if they are not for the storms with `event` (storms,) and `run_date`
    (storms,).

    >>> counts = xr.Dataset(
    ...     {"count": (("run", "mc_member"), [[1], [0]]), "observed": ("run", [1, 0])},
    ...     coords={"run_date": ("run", [2, 1])},
    ... )
    >>> match_counts(counts, np.array([1, 0]), [2, 1], "dropout, seed 0")["observed"].values
    array([0, 1])
    """
    ordered = counts.sortby("run_date").transpose("run", "mc_member")
    dates, run = np.unique(run_date, return_inverse=True)
    events = np.bincount(run, event)
    same_dates = np.array_equal(ordered["run_date"].to_numpy(), dates)
    if not same_dates or not np.array_equal(ordered["observed"].to_numpy(), events):
        raise UserError(
            f"{network}: the event counts are not for the same storms as the probabilities, "
            "because run dates or observed events differ. Remove storms.nc and counts.nc of this "
            "network and run the workflow again."
        )
    return ordered
