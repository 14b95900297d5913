"""Reduce the probabilities of MC members to a summary per storm and event counts per forecast run.

Both are computed from the members of a few storms at a time, so the members of all storms are
never in memory together. The results depend neither on how the storms are split nor on the other
storms.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LEVELS = xr.Variable(
    "quantile", list(QUANTILES), {"long_name": "level of the quantile", "units": "1"}
)


def number_members(members: int) -> xr.Variable:
    """Return the coordinate `mc_member`, which numbers the MC members from 0.

    >>> number_members(3).values.tolist()
    [0, 1, 2]
    """
    attributes = {"long_name": "number of the Monte Carlo member", "units": "1"}
    return xr.Variable("mc_member", np.arange(members, dtype=np.int32), attributes)


def binary_entropy(probability: ArrayLike) -> NDArray[np.float64]:
    """Return the entropy of a binary event in nats: -p ln p - (1 - p) ln(1 - p).

    `probability` lies in [0, 1] and may have any shape; the result has the same shape. The entropy
    is 0 for a certain event and ln 2 for p = 0.5. Source: Shannon (1948).

    >>> binary_entropy([0.0, 0.5, 1.0]).round(3).tolist()
    [0.0, 0.693, 0.0]
    """
    p = np.asarray(probability, dtype=np.float64)
    return entr(p) + entr(1 - p)


def summarize_members(probability: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Return statistics of the MC members of each storm.

    `probability` has shape (storm, mc_member). The result holds, with shape (storm,), `mc_mean`,
    `mc_std` (divided by the number of members - 1; NaN for one member) and `mc_entropy` (the mean
    of the entropies of the members, in nats), and `mc_quantile`, shape (storm, quantile), for the
    levels `QUANTILES`. Sums are computed in float64.

    >>> summary = summarize_members([[0.25, 0.75]])
    >>> {name: float(summary[name].round(3)[0]) for name in ("mc_mean", "mc_std", "mc_entropy")}
    {'mc_mean': 0.5, 'mc_std': 0.354, 'mc_entropy': 0.562}
    """
    # Use one memory layout, so that the order of summation does not depend on that of the input.
    p = np.ascontiguousarray(probability, dtype=np.float64)
    # Take differences to the first member, so that rounding gives equal members no spread.
    departure = p - p[:, :1]
    alone = p.shape[1] == 1
    return {
        "mc_mean": p[:, 0] + departure.mean(axis=1),
        "mc_std": np.full(len(p), np.nan) if alone else departure.std(axis=1, ddof=1),
        "mc_entropy": binary_entropy(p).mean(axis=1),
        "mc_quantile": np.quantile(p, QUANTILES, axis=1).T,
    }


def storm_uniforms(
    run_file: ArrayLike, patch: ArrayLike, members: int, seed: int
) -> NDArray[np.float64]:
    """Return uniform random numbers, shape (storm, mc_member), that are fixed for each storm.

    A storm is identified by `run_file`, the base name of its run file, and `patch`, its index in
    that file, both of shape (storm,). With more members, the numbers of the first ones stay the
    same. Each run file and seed has its own Philox generator (Salmon et al. 2011), in which each
    patch has its own range of the counter.

    >>> numbers = storm_uniforms(["a.nc", "b.nc"], [0, 4], members=3, seed=1)
    >>> same_storm = storm_uniforms(["b.nc"], [4], members=3, seed=1)
    >>> bool((numbers[1] == same_storm[0]).all())
    True
    """
    files = np.asarray(run_file, dtype=str)
    keys = {
        name: int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:16], "little")
        for name in np.unique(files).tolist()
    }
    uniforms = np.empty((files.size, members))
    for row, name, number in zip(uniforms, files.tolist(), np.asarray(patch), strict=True):
        stream = np.random.Philox(key=keys[name], counter=[0, 0, int(number), 0])
        np.random.Generator(stream).random(out=row)
    return uniforms


class EventCounts:
    """What each MC member forecasts for each run date: sums over its storms.

    For each member, every storm is drawn as event or non-event with the member's probability.
    The counts therefore include the randomness of the events as well as the spread between the
    members. The members must use the same masks for all storms, as those of `MemberSampler` do.

    The members' errors are therefore shared by all storms, too, and do not cancel in scores of
    their mean. `brier_influence`, the sum over storms of (mean - label)(probability - mean), says
    how much the Brier score of the mean owes to the drawing of each member: half of its derivative
    with respect to the member's weight, times the number of storms.

    Parameters: `run_dates`, which may contain repeated dates; the number of MC `members`; the
    `seed` of the draws.

    >>> date = np.array(["2011-04-27"], "datetime64[ns]")
    >>> counts = EventCounts(date, members=2, seed=0)
    >>> counts.add([[1.0, 0.0]], event=[1], run_date=date, run_file=["a.nc"], patch=[0])
    >>> counts.dataset()["count"].values.tolist()
    [[1, 0]]
    """

    def __init__(self, run_dates: ArrayLike, members: int, seed: int) -> None:
        self._run_dates = np.unique(np.asarray(run_dates, dtype="datetime64[ns]"))
        self._seed = seed
        self._expected = np.zeros((self._run_dates.size, members))
        self._influence = np.zeros((self._run_dates.size, members))
        self._count = np.zeros((self._run_dates.size, members), dtype=np.int64)
        self._observed = np.zeros(self._run_dates.size, dtype=np.int64)

    def add(
        self,
        probability: ArrayLike,
        event: ArrayLike,
        run_date: ArrayLike,
        run_file: ArrayLike,
        patch: ArrayLike,
    ) -> None:
        """Add storms with their probabilities, shape (storm, mc_member), to the counts.

        The other arguments have shape (storm,); `event` is 0 or 1.
        Raises `ValueError` if a run date is unknown or the number of members is wrong.
        """
        p = np.asarray(probability, dtype=np.float64)
        members = self._count.shape[1]
        if p.ndim != 2 or p.shape[1] != members:
            raise ValueError(
                f"probability must have the shape (storm, {members}) (got {p.shape}). "
                "Add all MC members of a storm together."
            )
        dates = np.asarray(run_date, dtype="datetime64[ns]")
        unknown = dates[~np.isin(dates, self._run_dates)]
        if unknown.size:
            raise ValueError(
                f"run_date: {unknown[0]} is not one of the run dates of these event counts. "
                "Pass all run dates when creating them."
            )
        run = np.searchsorted(self._run_dates, dates)
        label = np.asarray(event, dtype=np.int64)
        mean = p.mean(axis=1, keepdims=True)
        is_drawn = storm_uniforms(run_file, patch, members, self._seed) < p
        # Add one storm after the other, so that rounding does not depend on how they are split.
        np.add.at(self._expected, run, p)
        np.add.at(self._influence, run, (mean - label[:, np.newaxis]) * (p - mean))
        np.add.at(self._count, run, is_drawn)
        np.add.at(self._observed, run, label)

    def dataset(self) -> xr.Dataset:
        """Return the sums: `observed` (run), the others (run, mc_member)."""
        dims = ("run", "mc_member")

        def attributes(long_name: str) -> dict[str, Any]:
            return {"long_name": long_name, "units": "1"}

        return xr.Dataset(
            {
                "count": (
                    dims,
                    self._count.astype(np.int32),
                    attributes("number of events, drawn with the probabilities of the MC member"),
                ),
                "expected": (
                    dims,
                    self._expected.astype(np.float32),
                    attributes("expected number of events: sum of the MC member's probabilities"),
                ),
                "brier_influence": (
                    dims,
                    self._influence.astype(np.float32),
                    attributes("influence of the MC member on the Brier score of the mean"),
                ),
                "observed": (
                    "run",
                    self._observed.astype(np.int32),
                    attributes("number of observed events"),
                ),
            },
            coords={
                "run_date": ("run", self._run_dates, {"long_name": "initialization time"}),
                "mc_member": number_members(self._count.shape[1]),
            },
        )


def describe_storms(forecast: xr.Dataset, summary: dict[str, NDArray[np.float64]]) -> xr.Dataset:
    """Return the probabilities without dropout together with the statistics of the MC members.

    `forecast` has `probability` (storm), `label` (storm) and the coordinates of the storms;
    `summary` is the result of `summarize_members`.
    """
    meaning = {
        "mc_mean": ("mean of the members' probabilities", "1"),
        "mc_std": ("standard deviation of the members' probabilities", "1"),
        "mc_entropy": ("mean of the members' entropies", "nat"),
        "mc_quantile": ("quantile of the members' probabilities", "1"),
    }
    described = forecast[["probability", "label"]].drop_attrs(deep=False)
    for name, (long_name, units) in meaning.items():
        dims = ("storm", "quantile")[: summary[name].ndim]
        values = summary[name].astype(np.float32)
        described[name] = (dims, values, {"long_name": long_name, "units": units})
    return described.assign_coords(quantile=LEVELS)
