"""Storms with Monte Carlo members, as a sampling job leaves them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.sampling.members import QUANTILES, summarize_members
from stormcnn.verification.uncertainty import ScoredMembers, UncertaintyTables, score_uncertainty


class Sampled(NamedTuple):
    """Storms of one network, their events, event counts and true probabilities."""

    storms: xr.Dataset
    event: np.ndarray
    counts: xr.Dataset
    truth: np.ndarray
    members: np.ndarray

    def scored(self, resamples: int = 0, **others) -> ScoredMembers:
        return score_uncertainty(
            self.storms, self.event, self.counts,
            model="dropout", seed=0, resamples=resamples, **others,
        )  # fmt: skip

    def tables(self, resamples: int = 0, **others) -> UncertaintyTables:
        return self.scored(resamples, **others).tables

    def values(self, forecast: str = "mc_mean") -> pd.Series:
        table = self.tables(truth=self.truth).scores
        return table[table["forecast"] == forecast].set_index("score")["value"]


def sampled(
    members: np.ndarray, event, truth=None, runs: int = 4, without_dropout=None, date=None
) -> Sampled:
    """Distribute storms over `runs` runs in turn; `members` has the shape (storms, members).

    The runs are of successive days, unless the `date` of each storm's run is given.
    """
    event = np.asarray(event)
    if date is None:
        run = np.arange(event.size) % runs
        date = np.datetime64("2015-04-01", "ns") + run * np.timedelta64(1, "D")
    members = np.asarray(members, dtype=np.float64)
    summary = summarize_members(members)
    single = summary["mc_mean"] if without_dropout is None else without_dropout
    storms = xr.Dataset(
        {
            "probability": ("storm", single),
            **{name: ("storm", summary[name]) for name in ("mc_mean", "mc_std", "mc_entropy")},
            "mc_quantile": (("storm", "quantile"), summary["mc_quantile"]),
        },
        coords={"quantile": list(QUANTILES), "run_date": ("storm", date)},
    )
    truth = summary["mc_mean"] if truth is None else truth
    return Sampled(storms, event, event_counts(members, event, date), truth, members)


def event_counts(members: np.ndarray, event: np.ndarray, date: np.ndarray) -> xr.Dataset:
    """Draw the event of every storm and member, and count the events of each run date."""
    dates, run = np.unique(date, return_inverse=True)
    drawn = np.random.default_rng(2015).random(members.shape) < members
    mean = members.mean(axis=1, keepdims=True)

    def by_run(values: np.ndarray) -> np.ndarray:
        sums = np.zeros((dates.size, *values.shape[1:]))
        np.add.at(sums, run, values)
        return sums

    return xr.Dataset(
        {
            "count": (("run", "mc_member"), by_run(drawn).astype(int)),
            "expected": (("run", "mc_member"), by_run(members)),
            "brier_influence": (
                ("run", "mc_member"),
                by_run((mean - event[:, np.newaxis]) * (members - mean)),
            ),
            "observed": ("run", by_run(event).astype(int)),
        },
        coords={"run_date": ("run", dates)},
    )


def logistic(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))
