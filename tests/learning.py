"""A small network that learns within seconds, and run files in which wind predicts rotation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from checkout import SETTINGS, merged
from run_files import Values, run_file_name, run_values, write_run_file

# Trained on April and evaluated on May, the network becomes the first champion.
LEARNING: dict[str, Any] = merged(
    SETTINGS,
    {
        "models": {"baseline": None},
        "comparison": {"reference": "dropout"},
        "split": {"test_start": "2014-05-01"},
        "training": {"epochs": 3, "learning_rate": 0.01},
        "verification": {"resamples": 200},
        "retraining": {"models": ["dropout"], "seeds": [3]},
        "forecast": {"network": "champion", "runs": [f"new/{run_file_name()}"], "members": 0},
    },
)


def learnable_values(seed: int) -> Values:
    """Return the variables of a run with 12 storms in which wind predicts rotation."""
    values = run_values(12, seed=seed)
    values["U10_curr"] += np.linspace(-25, 25, 12, dtype="f4")[:, None, None]
    return values


def write_month(work: Path, month: int, runs: int = 10) -> None:
    """Write a run file for each of the first days of a month to the folder `runs` of `work`."""
    for day in range(1, runs + 1):
        run_date = datetime(2014, month, day)
        values = learnable_values(int(f"{run_date:%Y%m%d}"))
        write_run_file(work / "runs", values, run_date=run_date)
