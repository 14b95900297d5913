"""Which forecast runs storms come from, as a title and as attributes of what is trained on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from stormcnn.provenance import digest
from stormcnn.storms.titles import MADE_UP
from stormcnn.vocabulary import Array

TRAINING_ATTRIBUTES = (
    "trained_on",
    "trained_from",
    "trained_until",
    "training_runs",
    "training_storms",
    "training_run_list",
)
"""What networks and their forecasts say about the storms that they were trained on."""


def runs_title(run_dates: Array, made_up: bool) -> str:
    """Return a title with the first and last of `run_dates`, one per storm, shape (storm,).

    >>> runs_title(np.array(["2011-04-25", "2010-10-24T12"], "M8[ns]"), made_up=False)
    'Storm patches of the forecast runs from 2010-10-24T12:00 to 2011-04-25T00:00'
    """
    patches = f"{MADE_UP} storm patches" if made_up else "Storm patches"
    if not run_dates.size:
        return f"{patches} of no forecast run"
    first, last = as_text(run_dates.min()), as_text(run_dates.max())
    runs = f"run of {first}" if first == last else f"runs from {first} to {last}"
    return f"{patches} of the forecast {runs}"


def describe_training(storms: xr.Dataset) -> dict[str, Any]:
    """Return the `TRAINING_ATTRIBUTES` of a model trained on storms.

    `storms` is a dataset of `open_patches`. `training_run_list` is a digest of the run dates and
    file names of all runs with storms, and `trained_on` has everything in words.
    """
    run_dates = storms["run_date"].values
    runs = sorted({*zip(map(as_text, run_dates), storms["run_file"].values.tolist(), strict=True)})
    run_list = digest(runs)
    counts = f"{len(runs):,} runs with {run_dates.size:,} storms"
    values = (
        f"{storms.attrs['title']}: {counts}, run list {run_list}",
        as_text(run_dates.min()),
        as_text(run_dates.max()),
        len(runs),
        run_dates.size,
        run_list,
    )
    return dict(zip(TRAINING_ATTRIBUTES, values, strict=True))


def as_text(run_date: np.datetime64) -> str:
    """Return a run date as in run lists, such as `2010-10-24T00:00`."""
    return str(run_date.astype("datetime64[m]"))
