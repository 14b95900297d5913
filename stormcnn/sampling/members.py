"""What is kept of the members of Monte Carlo dropout: a summary of each storm, counts of each run.

All members of all storms are never held at once: both are made from the members of a few storms
at a time, and depend neither on how the storms are split nor on the other storms.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

from stormcnn.errors import UserError

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LEVELS = xr.Variable(
    "quantile", list(QUANTILES), {"long_name": "level of the quantile", "units": "1"}
)


def binary_entropy(probability: ArrayLike) -> NDArray[np.float64]:
    """Entropy of a yes/no event in nats: 0 where it is certain, ln 2 at 0.5.

    -p ln p - (1 - p) ln(1 - p). Source: Shannon (1948).
    """
    p = np.asarray(probability, dtype=np.float64)
    return entr(p) + entr(1 - p)


def summarise_members(probability: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Mean, spread, mean entropy and quantiles of each storm's members.

    `probability` (storm, member). Gives `mc_mean`, `mc_std` (divided by members - 1; NaN for one
    member), `mc_entropy` (mean over members of each member's entropy, nats), each (storm,), and
    `mc_quantile` (storm, quantile), those of `QUANTILES`. Sums are made in float64.
    """
    # One memory layout, so that the order of summation is the same whatever was given.
    p = np.ascontiguousarray(probability, dtype=np.float64)
    # Departures from the first member, so that equal members have no spread by rounding either.
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
    """Uniform random numbers (storm, member), the same for a storm wherever it is met.

    `run_file` (storm,) is the base name of the storm's run file and `patch` (storm,) its index in
    it. Philox (Salmon et al. 2011) of (seed, run file), with a stretch of its own for each patch;
    more members leave the first ones as they are.
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
    """Number of events that each member gives to each run date, gathered from a few storms at once.

    A member's storms are drawn as yes or no with its probabilities and counted, so the counts
    spread as widely as the member says events do, beside the spread between members. `dataset`
    gives what was gathered. Members must be coherent: one sub-network for all storms.
    """

    def __init__(self, run_dates: ArrayLike, members: int, seed: int) -> None:
        """`run_dates` may hold the date of each storm or each date once."""
        self._run_dates = np.unique(np.asarray(run_dates, dtype="datetime64[ns]"))
        self._seed = seed
        self._expected = np.zeros((self._run_dates.size, members))
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
        """Count the storms of `probability` (storm, member); the others are one value a storm.

        Raises `UserError` where a run date was not announced or members are missing.
        """
        p = np.asarray(probability, dtype=np.float64)
        members = self._count.shape[1]
        if p.ndim != 2 or p.shape[1] != members:
            raise UserError(
                f"Events are counted for {members} members, but the probabilities given have the "
                f"shape {p.shape}. Give all members of a storm at once, as (storm, member)."
            )
        dates = np.asarray(run_date, dtype="datetime64[ns]")
        unknown = dates[~np.isin(dates, self._run_dates)]
        if unknown.size:
            raise UserError(
                f"The run date {unknown[0]} is not among those that events are counted for. "
                "Name all run dates at the start."
            )
        run = np.searchsorted(self._run_dates, dates)
        happens = storm_uniforms(run_file, patch, members, self._seed) < p
        # One storm after the other, so that rounding does not depend on how they are split.
        np.add.at(self._expected, run, p)
        np.add.at(self._count, run, happens)
        np.add.at(self._observed, run, np.asarray(event, dtype=np.int64))

    def dataset(self) -> xr.Dataset:
        """`count` and `expected` (run, member), `observed` (run), with their `run_date`."""
        dims = ("run", "member")

        def about(text: str) -> dict[str, Any]:
            return {"long_name": text, "units": "1"}

        return xr.Dataset(
            {
                "count": (
                    dims,
                    self._count.astype(np.int32),
                    about("number of events, drawn with the member's probabilities"),
                ),
                "expected": (
                    dims,
                    self._expected.astype(np.float32),
                    about("expected number of events: sum of the member's probabilities"),
                ),
                "observed": (
                    "run",
                    self._observed.astype(np.int32),
                    about("number of events that happened"),
                ),
            },
            coords={"run_date": ("run", self._run_dates, {"long_name": "start of the run"})},
        )


def describe_storms(forecast: xr.Dataset, summary: dict[str, NDArray[np.float64]]) -> xr.Dataset:
    """The network's own `probability` of each storm beside the `summary` of its members.

    `forecast` has `probability(storm)`, `label(storm)` and the storms' coordinates, `summary` is
    what `summarise_members` gives.
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
