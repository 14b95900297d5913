"""Who is champion: apply decisions of retrainings, and what people decide, to the registry."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from stormcnn.errors import UserError
from stormcnn.io import replacing, write_text
from stormcnn.models.network_archive import training_storms_path
from stormcnn.operations.registry import (
    Champion,
    Entry,
    Event,
    RecordedNetwork,
    check_network,
    config_of,
    next_number,
    read_entry,
    read_last_entry,
    run_list_of,
    write_entry,
)
from stormcnn.provenance import sha256_of
from stormcnn.vocabulary import StrPath


def enter_decision(
    folder: StrPath,
    last: Entry | None,
    experiment: str,
    decision: Mapping[str, Any],
    now: datetime,
    run_list: str = "",
    config: str = "",
) -> Entry:
    """Record the decision of a retraining; if it is to promote, make the challenger champion.

    `decision` says whether to `promote` and `why`, gives the last run date of the evaluation
    (`scored_until`), and describes the `challenger`, whose file is copied into the registry.
    `experiment` is the name of the retraining's results. The run list and the config on which the
    decision was based are kept as texts, unless they are empty. Raises `UserError` if the
    network's file has changed since it was scored.
    """
    number = next_number(last)
    champion = last.champion if last else None
    if decision["promote"]:
        challenger = RecordedNetwork.model_validate(decision["challenger"])
        champion = _as_champion(folder, challenger, last, experiment, decision["why"], now)
    for text, path in ((run_list, run_list_of), (config, config_of)):
        if text:
            write_text(text, path(folder, number))
    entry = Entry(
        number=number,
        time=now,
        event="promoted" if decision["promote"] else "kept",
        why=decision["why"],
        champion=champion,
        scored_until=decision["scored_until"],
        experiment=experiment,
        decision=dict(decision),
        held=bool(last and last.held),
    )
    write_entry(folder, entry)
    return entry


def appoint(folder: StrPath, number: int, reason: str, now: datetime) -> Entry:
    """Make the network of an entry champion, whatever the decision about it was.

    That is the challenger of a retraining, or the champion that a person chose. Raises `UserError`
    if its file is missing or has changed, or if it is champion already.
    """
    last, entry = read_last_entry(folder), read_entry(folder, number)
    if last is None:
        raise AssertionError("an entry exists, so there is a last one")
    if entry.event == "kept" and entry.decision:
        challenger = RecordedNetwork.model_validate(entry.decision["challenger"])
        _check_other(last, challenger.sha256, number)
        champion = _as_champion(folder, challenger, last, entry.experiment, reason, now)
        with suppress(FileNotFoundError):
            text = run_list_of(folder, number).read_text(encoding="utf-8")
            write_text(text, run_list_of(folder, champion.entry))
    elif entry.champion:
        _check_other(last, entry.champion.sha256, number)
        check_network(folder, entry.champion)
        replaced = last.champion.entry if last.champion else None
        champion = entry.champion.model_copy(update={"replaced": replaced})
    else:
        raise UserError(f"Entry {number} of {folder} names no network. Choose another entry.")
    return _enter(folder, last, "appointed", reason, champion, now)


def roll_back(folder: StrPath, reason: str, now: datetime, to: int | None = None) -> Entry:
    """Make the previous champion, or that of the entry `to`, champion again.

    Raises `UserError` if there is none, or if its network is missing or damaged.
    """
    last = read_last_entry(folder)
    if last is None or last.champion is None:
        raise UserError(
            f"{folder}: there is no champion to roll back. Run ops/retrain until a network has "
            "been promoted."
        )
    number = last.champion.replaced if to is None else to
    if number is None:
        raise UserError(
            f"{folder}: there is no champion before that of {last.champion.experiment}. To replace "
            "it, train another network with ops/retrain, or name an entry with ops/registry "
            "promote."
        )
    previous = read_entry(folder, number).champion
    if previous is None:
        raise UserError(f"Entry {number} of {folder} names no champion. Choose another entry.")
    _check_other(last, previous.sha256, number)
    check_network(folder, previous)
    return _enter(folder, last, "rolled back", reason, previous, now)


def hold(folder: StrPath, reason: str, now: datetime) -> Entry:
    """Keep the champion until it is released. Raises `UserError` if there is none to hold."""
    last = read_last_entry(folder)
    if last is None or last.champion is None:
        raise UserError(f"{folder}: there is no champion to hold.")
    if last.held:
        raise UserError(f"{folder}: the champion of {last.champion.experiment} is held already.")
    return _enter(folder, last, "held", reason, last.champion, now, held=True)


def release(folder: StrPath, reason: str, now: datetime) -> Entry:
    """Let retrainings replace the champion again. Raises `UserError` if it is not held."""
    last = read_last_entry(folder)
    if last is None or not last.held:
        raise UserError(f"{folder}: no champion is held, so there is nothing to release.")
    return _enter(folder, last, "released", reason, last.champion, now, held=False)


def _enter(
    folder: StrPath,
    last: Entry,
    event: Event,
    reason: str,
    champion: Champion | None,
    now: datetime,
    held: bool | None = None,
) -> Entry:
    """Record what a person decided."""
    entry = Entry(
        number=next_number(last),
        time=now,
        event=event,
        why=reason,
        champion=champion,
        scored_until=last.scored_until,
        experiment=champion.experiment if champion else last.experiment,
        decision=None,
        held=last.held if held is None else held,
    )
    write_entry(folder, entry)
    return entry


def _check_other(last: Entry, sha256: str, number: int) -> None:
    if last.champion and last.champion.sha256 == sha256:
        raise UserError(
            f"The network of entry {number} is the champion already. Choose another entry; "
            "ops/registry history lists them."
        )


def _as_champion(
    folder: StrPath,
    network: RecordedNetwork,
    last: Entry | None,
    experiment: str,
    why: str,
    now: datetime,
) -> Champion:
    """Copy a network into the registry, and return it as the champion of the next entry."""
    champion = last.champion if last else None
    return Champion(
        **network.model_dump() | {"network": str(_keep_network(folder, network))},
        experiment=experiment,
        since=now,
        why=why,
        entry=next_number(last),
        replaced=champion.entry if champion else None,
    )


def _keep_network(folder: StrPath, network: RecordedNetwork) -> Path:
    """Copy a network into the registry under the SHA-256 of its content; return the copy."""
    kept = Path(folder, "networks", f"{network.sha256[:16]}.keras")
    if not Path(network.network).is_file():
        raise UserError(f"{network.network} is missing, so the network cannot become champion.")
    with replacing(kept) as temporary:
        shutil.copyfile(network.network, temporary)
        if sha256_of(temporary) != network.sha256:
            raise UserError(
                f"{network.network} has changed since it was scored, so it is not promoted. "
                "Remove it and run ops/retrain again."
            )
    keep_training_storms(network.network, kept)
    return kept


def keep_training_storms(network: StrPath, kept: StrPath) -> None:
    """Copy the training storms of a network, if they are known, next to a copy of the network."""
    source = training_storms_path(network)
    if source.is_file():
        with replacing(training_storms_path(kept)) as temporary:
            shutil.copyfile(source, temporary)
