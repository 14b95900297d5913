"""The registry: which network forecasts, why and since when, and how that came about.

`champion.json` is the last entry; `history/` holds a copy of every entry, `networks/` the file of
every network that was ever champion, named by its SHA-256. Files are written whole or not at all,
so whatever breaks off leaves a champion. Who writes must see to it that nobody else does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from stormcnn.errors import UserError
from stormcnn.io import replacing, write_text
from stormcnn.provenance import sha256_of

CHAMPION = "champion"
"""In the config: the network that the registry names."""

Folder = str | os.PathLike[str]
Event = Literal["promoted", "kept", "rolled back"]


class Record(BaseModel):
    """A part of a registry's file; a key that it does not know is a sign of damage."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Network(Record):
    """A trained network, and what it was trained for."""

    network: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    model: str
    seed: int
    cutoff: str
    event: dict[str, str | float]
    predictors: list[str]
    scores: dict[str, dict[str, float | None]]


class Champion(Network):
    """A network that was promoted: by which retraining and entry, since when, and why.

    `replaced` is the entry that had promoted the champion before it.
    """

    run: str
    since: AwareDatetime
    why: str
    entry: int
    replaced: int | None


class Entry(Record):
    """What one retraining, or one step back, did; and who is champion since."""

    number: Annotated[int, Field(ge=1)]
    time: AwareDatetime
    event: Event
    why: str
    champion: Champion | None
    scored_until: str
    run: str
    decision: dict[str, Any] | None


def read_entry(folder: Folder) -> Entry | None:
    """The last entry, or None where nothing was ever entered.

    Raises `UserError` where `champion.json` is missing, damaged or older than the history.
    """
    path, copies = Path(folder, "champion.json"), _copies(folder)
    if not copies and not path.exists():
        return None
    remedy = f"Put a good one in its place: cp {copies[-1]} {path}" if copies else "Remove it."
    try:
        entry = _read(path)
    except UserError as error:
        raise UserError(f"{error} {remedy}") from None
    if copies and entry.number < int(copies[-1].stem):
        raise UserError(f"{path} is older than the history beside it. {remedy}")
    return entry


def read_champion(folder: Folder) -> dict[str, Any] | None:
    """The champion as plain values, or None where no network has been promoted.

    Raises `UserError` as `read_entry` does, and where the network's file is not the one that was
    promoted.
    """
    entry = read_entry(folder)
    if entry is None or entry.champion is None:
        return None
    check_network(entry.champion)
    return entry.champion.model_dump(mode="json")


def read_history(folder: Folder) -> list[Entry]:
    """Every entry, the first one first. Raises `UserError` where one is damaged."""
    copies, last = _copies(folder), read_entry(folder)
    entries = [_read(path) for path in copies]
    if last is not None and _copy(folder, last.number) not in copies:  # the disk was full
        entries.append(last)
    return entries


def check_network(network: Network) -> None:
    """Raise `UserError` where a network's file is missing or is not the one it was."""
    path = Path(network.network)
    if not path.exists():
        raise UserError(
            f"{path}: the network of the champion is missing. Bring the file back, or take the "
            "champion before it: ops/retrain --rollback."
        )
    if sha256_of(path) != network.sha256:
        raise UserError(
            f"{path}: the network of the champion is damaged; its SHA-256 is not "
            f"{network.sha256}. Bring the file back, or take the champion before it: "
            "ops/retrain --rollback."
        )


def check_clock(entry: Entry | None, now: datetime) -> None:
    """Raise `UserError` where the clock is behind the last entry."""
    if entry is not None and now < entry.time:
        raise UserError(
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, but the last entry of the registry was made "
            f"on {entry.time:%Y-%m-%d %H:%M} UTC. Set the clock."
        )


def enter_decision(
    folder: Folder, last: Entry | None, run: str, decision: Mapping[str, Any], now: datetime
) -> Entry:
    """Enter what came of a retraining; a challenger that is promoted is the champion from then on.

    `decision` says whether to `promote`, `why`, the run date it has `scored_until`, and describes
    the `challenger`. Its file is copied into the registry. Raises `UserError` where that file is
    not the one that was scored.
    """
    number = _next_number(last)
    champion = last.champion if last else None
    if decision["promote"]:
        challenger = Network.model_validate(decision["challenger"])
        kept = _keep_network(folder, challenger)
        champion = Champion(
            **challenger.model_dump() | {"network": str(kept)},
            run=run,
            since=now,
            why=decision["why"],
            entry=number,
            replaced=champion.entry if champion else None,
        )
    entry = Entry(
        number=number,
        time=now,
        event="promoted" if decision["promote"] else "kept",
        why=decision["why"],
        champion=champion,
        scored_until=decision["scored_until"],
        run=run,
        decision=dict(decision),
    )
    _write(folder, last, entry)
    return entry


def roll_back(folder: Folder, now: datetime) -> Entry:
    """Make the champion before the present one champion again.

    Raises `UserError` where there was none, or its network is missing or damaged.
    """
    last = read_entry(folder)
    if last is None or last.champion is None:
        raise UserError(f"There is no champion in {folder} to roll back.")
    if last.champion.replaced is None:
        raise UserError(f"There was no champion before that of {last.champion.run}.")
    earlier = _read(_copy(folder, last.champion.replaced)).champion
    if earlier is None:
        raise UserError(f"{_copy(folder, last.champion.replaced)} names no champion.")
    check_network(earlier)
    entry = Entry(
        number=_next_number(last),
        time=now,
        event="rolled back",
        why=f"Rolled back from {last.champion.run} to {earlier.run}.",
        champion=earlier,
        scored_until=last.scored_until,
        run=earlier.run,
        decision=None,
    )
    _write(folder, last, entry)
    return entry


def _keep_network(folder: Folder, network: Network) -> Path:
    """Copy a network into the registry, where nothing but its content gives it its name."""
    kept = Path(folder, "networks", f"{network.sha256[:16]}.keras")
    with replacing(kept) as temporary:
        shutil.copyfile(network.network, temporary)
        if sha256_of(temporary) != network.sha256:
            raise UserError(
                f"{network.network} has changed since it was scored, so it is not promoted. "
                "Retrain again."
            )
    return kept


def _write(folder: Folder, last: Entry | None, entry: Entry) -> None:
    if last is not None:
        write_text(_text(last), _copy(folder, last.number))
    write_text(_text(entry), Path(folder, "champion.json"))
    # It is entered now, copy or not; the next entry makes up for a copy that is missing.
    with suppress(OSError):
        write_text(_text(entry), _copy(folder, entry.number))


def _next_number(last: Entry | None) -> int:
    return last.number + 1 if last else 1


def _copies(folder: Folder) -> list[Path]:
    return sorted(Path(folder, "history").glob("[0-9]*.json"))


def _copy(folder: Folder, number: int) -> Path:
    return Path(folder, "history", f"{number:06d}.json")


def _text(entry: Entry) -> str:
    return entry.model_dump_json(indent=2) + "\n"


def _read(path: Path) -> Entry:
    try:
        return Entry.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        fault = error.errors()[0]
        reason = f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
    except (OSError, UnicodeDecodeError) as error:
        reason = str(error)
    raise UserError(f"{path} is missing or damaged ({reason}).")
