"""Compare the networks of two entries of the registry by what it knows about them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from stormcnn.errors import UserError
from stormcnn.operations.registry import Entry, RecordedNetwork
from stormcnn.texts import counted
from stormcnn.verification.blocks import block_of
from stormcnn.verification.resampling import interval, resample_blocks
from stormcnn.vocabulary import LEAST_BLOCKS, BlockSize

RESAMPLES = 1000


def network_of(entry: Entry) -> RecordedNetwork:
    """Return the network that an entry is about: the challenger, or the champion that was chosen.

    Raises `UserError` if it names none.
    """
    if entry.event == "kept" and entry.decision:
        return RecordedNetwork.model_validate(entry.decision["challenger"])
    if entry.champion is None:
        raise UserError(f"Entry {entry.number} of the registry names no network.")
    return entry.champion


def compare(
    history: Sequence[Entry],
    monitored: pd.DataFrame,
    first: Entry,
    second: Entry,
    block: BlockSize = "day",
    confidence: float = 0.95,
) -> list[str]:
    """Return what is known about the networks of two entries, in lines of text.

    Their scores at their own decisions are of different runs. They are compared where one
    challenged the other, and on monitored runs that both have forecast and by which neither was
    chosen.
    """
    networks = [network_of(first), network_of(second)]
    lines = []
    for entry, network in zip((first, second), networks, strict=True):
        skill = network.scores.get("brier_skill_score_training", {})
        runs = f" on the runs until {entry.scored_until[:10]}" if entry.decision else ""
        lines.append(
            f"Entry {entry.number}: {entry.experiment}, {network.model}, seed {network.seed}, "
            f"cutoff {network.cutoff}, commit {network.commit}; Brier skill score "
            f"{_number(skill.get('value'))} ({_number(skill.get('low'))} to "
            f"{_number(skill.get('high'))}){runs}."
        )
    digests = [network.sha256 for network in networks]
    if digests[0] == digests[1]:
        return [*lines, "Both are the same network."]
    for entry in history:
        decision = entry.decision or {}
        if decision.get("champion") and {
            decision["challenger"]["sha256"],
            decision["champion"]["sha256"],
        } == set(digests):
            lines.append(f"They were compared by entry {entry.number}: {entry.why}")
    return [*lines, _compare_monitored(monitored, (first, second), digests, block, confidence)]


def _compare_monitored(
    monitored: pd.DataFrame,
    entries: tuple[Entry, Entry],
    digests: Sequence[str],
    block: BlockSize,
    confidence: float,
) -> str:
    after = max(entry.scored_until for entry in entries)
    if not monitored.empty:
        unseen = monitored[monitored["run_date"] > after]
        own = [unseen[unseen["network"] == digest[:12]] for digest in digests]
        both = own[0].merge(own[1], on="run_date", suffixes=("_first", "_second"))
        if len(both):
            return _difference(both, entries, block, confidence)
    return (
        f"No monitored run after {after[:10]} was forecast by both, so nothing else is known about "
        "their difference."
    )


def _difference(
    both: pd.DataFrame, entries: tuple[Entry, Entry], block: BlockSize, confidence: float
) -> str:
    """Return the difference of the Brier scores on the runs that both have forecast."""
    storms = both["storms_first"].to_numpy(float)
    error = (both["brier_score_first"] - both["brier_score_second"]).to_numpy() * storms
    draws = resample_blocks(block_of(both["run_date"].to_numpy(str), block), RESAMPLES)
    sums = np.zeros((draws.blocks.size, 2))
    np.add.at(sums, draws.block, np.column_stack([error, storms]))
    value = error.sum() / storms.sum()
    samples = draws.weights @ sums
    low, high = interval(value, samples[:, 0] / samples[:, 1], confidence, draws.blocks.size)
    what = (
        f"Brier score of entry {entries[0].number} minus that of entry {entries[1].number} on "
        f"{counted(len(both), 'run')} in {counted(draws.blocks.size, 'block')} by which neither "
        f"was chosen: {value:+.4f}"
    )
    if draws.blocks.size < LEAST_BLOCKS:
        return f"{what}. Fewer than {LEAST_BLOCKS} blocks do not show which is better."
    return f"{what} ({100 * confidence:g} % interval {low:+.4f} to {high:+.4f})."


def _number(value: float | None) -> str:
    return "unknown" if value is None or math.isnan(value) else f"{value:.3f}"
