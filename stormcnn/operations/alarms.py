"""Keep the table of monitored runs, and tell each alarm once."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stormcnn.config.wording import listed
from stormcnn.errors import UserError
from stormcnn.io import write_csv, write_text
from stormcnn.operations.monitoring import DRIFT_BLOCKS, SKILL
from stormcnn.verification.blocks import block_of
from stormcnn.vocabulary import BlockSize, StrPath

NOTIFY_SECONDS = 60
"""Time limit of the command `monitoring.notify`."""

TRAINING_FILES = "training_files"
"""Name of the alarm that run files with which the champion was trained have changed."""

TITLES = {
    "probability": "the mean probability",
    "probability_distance": "the distribution of the probability",
    "event_frequency": "the event frequency",
    "bias": "the bias (mean probability minus event frequency)",
}
"""What alarms about probabilities and events are about; those about predictors end in `PARTS`."""

PARTS = {"median": "median", "spread": "spread", "distance": "distribution"}


def keep_runs(rows: pd.DataFrame, path: StrPath) -> None:
    """Replace the rows of one network in the table of monitored runs, and keep all others.

    `rows` has the columns `run_date` and `network` (one network). Raises `UserError` if the table
    cannot be read.
    """
    table = rows
    if Path(path).exists():
        try:
            kept = pd.read_csv(path, dtype={"network": str})
            table = pd.concat([kept[kept["network"] != rows["network"].iloc[0]], rows])
        except (ValueError, KeyError) as error:
            raise UserError(f"{path} is damaged ({error}). Remove it; it is made again.") from None
    write_csv(table.sort_values(["run_date", "network"], kind="stable"), path)


def read_alarms(path: StrPath, network: str) -> dict[str, bool]:
    """Return the alarms of a network that are on, and whether each was notified.

    `network` is the SHA-256 of its file. Raises `UserError` if the file is damaged.
    """
    if not Path(path).exists():
        return {}
    try:
        state = json.loads(Path(path).read_text(encoding="utf-8"))
        return dict(state["alarms"]) if state["network"] == network else {}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error!r}). Remove it.") from None


def write_alarms(network: str, alarms: Mapping[str, bool], path: StrPath) -> None:
    """Write the alarms of a network that are on, and whether each was notified."""
    text = json.dumps({"network": network, "alarms": dict(alarms)}, indent=2)
    write_text(text + "\n", path)


def current_alarms(rows: pd.DataFrame, before: Collection[str], block: BlockSize) -> list[str]:
    """Return the names of the alarms that are on after the last of the monitored runs.

    `rows` are those of the champion in order of time. An alarm of `before` stays on until its value
    has been within its limit for `DRIFT_BLOCKS[0]` blocks. Otherwise, a value near its limit would
    give a new alarm every few nights.
    """
    labels = block_of(rows["run_date"].to_numpy(str), block)
    latest = labels >= np.unique(labels)[-DRIFT_BLOCKS[0] :][0]
    on = _names(rows["alarms"].iloc[-1:])
    return on + [
        name for name in _names(rows["alarms"][latest]) if name in before and name not in on
    ]


def _names(alarms: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for text in alarms for name in text.split(";") if name))


def title_of(name: str) -> str:
    """Return in words what an alarm about drift is about.

    >>> title_of("REFL_COM_curr_median")
    'the median of REFL_COM_curr'
    """
    predictor, _, part = name.rpartition("_")
    if name in TITLES or part not in PARTS:
        return TITLES.get(name, name)
    return f"the {PARTS[part]} of {predictor}"


def describe_alarms(
    names: Sequence[str], latest: Mapping[str, Any], at_promotion: float | None
) -> list[str]:
    """Return in words what the alarms `names` mean, from the latest row of the monitored runs.

    `at_promotion` is the Brier skill score with which the champion was promoted.
    """
    sentences = []
    if drifted := [title_of(name) for name in names if name not in (SKILL, TRAINING_FILES)]:
        sentences.append(
            f"Drift: {listed(drifted)} {'has' if len(drifted) == 1 else 'have'} changed since the "
            f"training of the champion. The latest blocks deviate {latest['drift']:.1f} times as "
            "far as chance allows. Check where the run files come from, and their units; a season "
            "that the training period lacks is drift, too."
        )
    if SKILL in names:
        sentences.append(
            f"The champion has lost skill: its Brier skill score is {latest['skill']:.2f} "
            f"(interval {latest['skill_low']:.2f} to {latest['skill_high']:.2f}) in the latest "
            f"{latest['window_blocks']:.0f} blocks and was {at_promotion:.2f} at its promotion."
        )
    if TRAINING_FILES in names:
        sentences.append(
            "Run files with which the champion was trained have been replaced or removed since, so "
            "the network cannot be trained again as it was."
        )
    return sentences


def notify(command: Sequence[str], alarm: Mapping[str, Any]) -> None:
    """Call a command with an alarm and the `host` as JSON on its standard input.

    Raises `UserError` if the command is missing, fails, or takes longer than `NOTIFY_SECONDS`.
    """
    text = json.dumps({**alarm, "host": socket.gethostname()}) + "\n"
    try:
        subprocess.run(  # noqa: S603 - the command is the user's
            command,
            input=text,
            text=True,
            check=True,
            timeout=NOTIFY_SECONDS,
            capture_output=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"monitoring.notify: {error}. Correct the command.") from None
