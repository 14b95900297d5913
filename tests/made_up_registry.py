"""A registry with several champions, monitored runs and a last call."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stormcnn.operations.registry import Entry, read_last_entry
from stormcnn.operations.succession import enter_decision

START = datetime(2026, 5, 1, 6, tzinfo=UTC)


def made_up_decision(
    folder: Path, number: int, promote: bool = True, why: str = "", skill: float = 0.4
) -> dict[str, Any]:
    """Write the network of one retraining, which depends on `number`, and return its decision."""
    content = f"weights {number}".encode()
    network = folder.parent / f"results-{number}" / "network.keras"
    network.parent.mkdir(parents=True, exist_ok=True)
    network.write_bytes(content)
    last = read_last_entry(folder)
    champion = last.champion if last else None
    sha256 = hashlib.sha256(content).hexdigest()
    scores = {
        "brier_skill_score_training": {"value": skill, "low": skill - 0.1, "high": skill + 0.1},
        "brier_score": {"value": 0.1, "low": 0.05, "high": None},
    }
    tried = {"model": "dropout", "seed": 0, "sha256": sha256, "scores": scores}
    return {
        "promote": promote,
        "why": why or f"Reason {number}.",
        "scored_from": "2026-04-01T00:00",
        "scored_until": f"2026-04-{number:02d}T00:00",
        **dict.fromkeys(("blocks", "runs", "storms", "events"), 20),
        "confidence": 0.95,
        "difference": None,
        "challenger": {
            **tried,
            "network": str(network),
            "commit": "c0ffee",
            "cutoff": f"2026-03-{number:02d}",
            "event": {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005},
            "predictors": ["U10_curr"],
        },
        "champion": champion and {"sha256": champion.sha256, "scores": {}},
        "candidates": [{**tried, "difference": None}],
    }


def decide(
    folder: Path, number: int, promote: bool = True, why: str = "", skill: float = 0.4
) -> Entry:
    """Enter the decision of one retraining, see `made_up_decision`."""
    decision = made_up_decision(folder, number, promote, why, skill)
    time, runs = START + timedelta(days=number), f"runs of {number}"
    last = read_last_entry(folder)
    return enter_decision(folder, last, f"storms-{number}", decision, time, run_list=runs)


def monitored_runs(network: str, first: str, days: int, skill: float = 0.4) -> pd.DataFrame:
    """Return monitored runs of a network with a skill that falls to zero at the end."""
    dates = np.datetime64(first, "m") + np.arange(days) * np.timedelta64(1, "D")
    value = skill * np.minimum(1, np.linspace(2, 0, days))
    return pd.DataFrame(
        {
            "run_date": dates.astype(str),
            "network": network[:12],
            "storms": 100,
            "brier_score": 0.1 - 0.05 * value,
            "drift": np.linspace(0.2, 1.8, days),
            "window_blocks": np.arange(1, days + 1),
            "skill": value,
            "skill_low": value - 0.1,
            "skill_high": value + 0.1,
            "alarms": ["bias" if share < 0.2 else "" for share in value],
        }
    )


def write_registry(folder: Path, why: str = "") -> None:
    """Write a registry with two champions, the second of which is losing its skill."""
    first = decide(folder, 1, why=why)
    second = decide(folder, 5)
    decide(folder, 20, promote=False)
    assert first.champion
    assert second.champion
    rows = pd.concat(
        [
            monitored_runs(first.champion.sha256, "2026-03-01T00:00", 35),
            monitored_runs(second.champion.sha256, "2026-04-01T00:00", 40),
        ]
    )
    rows.to_csv(folder / "monitoring.csv", index=False)
    (folder / "alarms.json").write_text(
        json.dumps({"network": second.champion.sha256, "alarms": {"bias": True}})
    )
    bad = "runs/a.nc: the file is truncated."
    call = {
        "time": "2026-05-11T03:17:00+00:00",
        "host": "nightly",
        "exit_code": 4,
        "seconds": 81.5,
        "left_out": {"runs/a.nc": f"{bad} {why}"},
        "events": [
            {"event": "found", "message": "Of 60 run files: 1 new."},
            {"event": "postponed", "message": f"Postponed. 3 runs are too few. {why}"},
        ],
    }
    (folder / "last_call.json").write_text(json.dumps(call))
