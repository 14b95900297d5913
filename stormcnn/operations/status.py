"""What the registry says about the champion, the latest call, and what is expected next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stormcnn.errors import UserError
from stormcnn.operations.alarms import describe_alarms, read_alarms, title_of
from stormcnn.operations.registry import Champion, Entry, read_history, read_last_entry
from stormcnn.vocabulary import StrPath

EVENT_TITLES = {
    "promoted": "Promoted",
    "kept": "Champion kept",
    "appointed": "Appointed",
    "rolled back": "Rolled back",
    "held": "Held",
    "released": "Released",
}


class Status(NamedTuple):
    """The state of the registry.

    `history` are all entries, `monitored` the monitored runs of all champions, and `alarms` those
    of the champion that are on. `last_call` is the content of `last_call.json`; empty if there is
    none.
    """

    history: list[Entry]
    monitored: pd.DataFrame
    alarms: list[str]
    last_call: dict[str, Any]

    @property
    def champion(self) -> Champion | None:
        """Return the champion."""
        return self.history[-1].champion if self.history else None

    @property
    def held(self) -> bool:
        """Return whether a person holds the champion."""
        return bool(self.history and self.history[-1].held)

    @property
    def latest(self) -> dict[str, Any] | None:
        """Return the last monitored run of the champion, or None if it has none."""
        if self.champion is None or self.monitored.empty:
            return None
        own = self.monitored[self.monitored["network"] == self.champion.sha256[:12]]
        return own.iloc[-1].to_dict() if len(own) else None

    @property
    def last_decision(self) -> Entry | None:
        """Return the entry of the latest retraining, or None."""
        return next((entry for entry in reversed(self.history) if entry.decision), None)


def read_status(folder: StrPath) -> Status:
    """Return the state of a registry. Raises `UserError` if one of its files is damaged."""
    read_last_entry(folder)
    history = read_history(folder)
    champion = history[-1].champion if history else None
    monitored, last_call = Path(folder, "monitoring.csv"), Path(folder, "last_call.json")
    try:
        rows = pd.DataFrame()
        if monitored.exists():
            texts = {"network": str, "alarms": str}
            rows = pd.read_csv(monitored, dtype=texts).fillna({"alarms": ""})
            rows = rows.sort_values("run_date", kind="stable", ignore_index=True)
    except (ValueError, KeyError) as error:
        raise UserError(f"{monitored} is damaged ({error}). Remove it; it is made again.") from None
    try:
        call = json.loads(last_call.read_text(encoding="utf-8")) if last_call.exists() else {}
    except ValueError as error:
        raise UserError(f"{last_call} is damaged ({error}). Remove it; it is made again.") from None
    alarms = read_alarms(Path(folder, "alarms.json"), champion.sha256) if champion else {}
    return Status(history, rows, list(alarms), call)


def expected_next(status: Status) -> str:
    """Return in words what the next call will wait for or do."""
    if status.held:
        return (
            "The champion is held: run files are prepared and the champion is monitored, but "
            "nothing is trained until ops/registry release is called."
        )
    events = {line["event"]: line["message"] for line in status.last_call.get("events", [])}
    if "failed" in events:
        return "The next call tries again; the last call says what it needs."
    if "postponed" in events:
        return (
            "The next call tries again with all run files that have arrived by then; the last call "
            "says what it waited for."
        )
    if status.history:
        return (
            "A challenger is trained when enough runs after "
            f"{status.history[-1].scored_until[:10]}, the last day that a decision was based on, "
            "have arrived."
        )
    return "A first network is trained when there are enough run files."


def describe_current_alarms(status: Status) -> list[str]:
    """Return in words what the alarms that are on mean."""
    champion, latest = status.champion, status.latest
    if champion is None:
        return []
    if latest is None:  # monitoring.csv was removed
        return [f"{title_of(name)}." for name in status.alarms]
    skill = champion.scores.get("brier_skill_score_training", {}).get("value")
    return describe_alarms(status.alarms, latest, skill)


def describe(status: Status) -> list[str]:
    """Return the status in lines of text."""
    lines = []
    champion, latest = status.champion, status.latest
    if champion is None:
        lines.append("There is no champion yet.")
    else:
        held = ", held" if status.held else ""
        lines.append(
            f"Champion: {champion.experiment} (entry {champion.entry}, {champion.model}, seed "
            f"{champion.seed}, {period_of(champion)}) since {champion.since:%Y-%m-%d}{held}."
        )
        lines.append(f"Why: {champion.why}")
    if latest:
        lines.append(f"Monitoring until {latest['run_date'][:10]}: {describe_monitoring(latest)}")
    lines.append(f"Alarms: {', '.join(status.alarms) or 'none'}.")
    lines += [f"  {sentence}" for sentence in describe_current_alarms(status)]
    if decision := status.last_decision:
        title = EVENT_TITLES[decision.event].lower()
        lines.append(f"Last decision ({decision.time:%Y-%m-%d}, {title}): {decision.why}")
    if call := status.last_call:
        lines.append(
            f"Last call: {call['time']} on {call['host']}, exit code {call['exit_code']}, "
            f"{call['seconds']:.0f} s."
        )
        lines += [f"  {line['message']}" for line in call["events"]]
    return [*lines, f"Next: {expected_next(status)}"]


def period_of(network: Champion) -> str:
    """Return the training period of a network in words."""
    if network.training_start:
        return f"trained on runs from {network.training_start} until before {network.cutoff}"
    return f"trained on runs before {network.cutoff}"


def describe_monitoring(latest: dict[str, Any]) -> str:
    """Return the drift and the skill in the last monitored run in words."""
    drift = "drift unknown (the training period is too short)"
    if not pd.isna(latest["drift"]):
        drift = f"largest drift {latest['drift']:.2f} times its limit"
    if pd.isna(latest["skill"]):
        return f"{drift}; no runs yet by which the champion was not chosen."
    interval = ""
    if not pd.isna(latest["skill_low"]):
        interval = f" ({latest['skill_low']:.2f} to {latest['skill_high']:.2f})"
    blocks = int(latest["window_blocks"])
    return (
        f"{drift}; Brier skill score {latest['skill']:.2f}{interval} in the latest "
        f"{blocks} {'block' if blocks == 1 else 'blocks'}."
    )


def describe_history(history: Sequence[Entry]) -> list[str]:
    """Return one line for each entry."""
    return [
        f"{entry.number:>4}  {entry.time:%Y-%m-%d %H:%M}  {entry.event:<11}  "
        f"{entry.experiment}  {entry.why}"
        for entry in history
    ]
