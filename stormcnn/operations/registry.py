"""Store which network is champion, since when and why, with the history of all decisions.

`history/` holds every entry, `champion.json` is a copy of the last one, `networks/` holds the file
of every network that was ever champion, named by its SHA-256, and `decisions/` holds what the
decisions were based on. Writes are atomic, so an
interruption never loses the champion. Callers that write must hold the lock.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from stormcnn.errors import UserError
from stormcnn.io import write_text
from stormcnn.provenance import sha256_of
from stormcnn.vocabulary import StrPath

REGISTRY = "registry"
"""Folder of the registry, relative to the working directory."""

CHAMPION = "champion"
"""Value of `forecast.network` in the config that stands for the champion of the registry."""

FROM_BACKUP = "Restore it from a backup."

Event = Literal["promoted", "kept", "appointed", "rolled back", "held", "released"]
"""What happened to the champion. `appointed`, and all after it, are what a person decided."""


class Record(BaseModel):
    """Part of a registry file. Unknown keys are refused, because they indicate damage."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RecordedNetwork(Record):
    """A trained network, and what it was trained for.

    `commit` is that of the code by which it was trained, or the version of an installed stormcnn.
    `training_start` is the first day of its training period, or None if that had no first day.
    """

    network: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    commit: str | None = None
    model: str
    seed: int
    training_start: str | None = None
    cutoff: str
    event: dict[str, str | float]
    predictors: list[str]
    scores: dict[str, dict[str, float | None]]


class Champion(RecordedNetwork):
    """A promoted network.

    `experiment` and `entry` are the retraining that promoted it and its entry. `replaced` is the
    entry that had promoted the previous champion.
    """

    experiment: str
    since: AwareDatetime
    why: str
    entry: int
    replaced: int | None


class Entry(Record):
    """The result of a retraining, or what a person decided, with the champion since then.

    While the champion is `held`, no challenger is trained.
    """

    number: Annotated[int, Field(ge=1)]
    time: AwareDatetime
    event: Event
    why: str
    champion: Champion | None
    scored_until: str
    experiment: str
    decision: dict[str, Any] | None
    held: bool = False


def read_last_entry(folder: StrPath) -> Entry | None:
    """Return the last entry, or None if the registry is empty.

    If writing was interrupted, `champion.json` may be older than the history, and missing if that
    has one entry. Raises `UserError` if it is missing otherwise, if it is damaged, or if it differs
    from its entry in the history.
    """
    path, history = Path(folder, "champion.json"), _history_paths(folder)
    if len(history) < 2 and not path.exists():
        return _read(history[0]) if history else None
    remedy = FROM_BACKUP
    if history:
        remedy = f"Restore the last copy: {shlex.join(['cp', str(history[-1]), str(path)])}"
    entry = _read(path, remedy)
    copy = _history_path(folder, entry.number)
    if _read(copy) != entry:
        raise UserError(f"{path} differs from {copy}. {remedy}")
    return entry if copy == history[-1] else _read(history[-1])


def read_champion(folder: StrPath, number: int | None = None) -> dict[str, Any] | None:
    """Return the champion as plain values, or None if no network has been promoted.

    It is that of the last entry, or of the entry `number`; before the first one, 0, there is none.
    Raises `UserError` like `read_last_entry`, `read_entry` and `check_network`.
    """
    if number == 0:
        return None
    entry = read_last_entry(folder) if number is None else read_entry(folder, number)
    if entry is None or entry.champion is None:
        return None
    check_network(folder, entry.champion)
    return entry.champion.model_dump(mode="json")


def scored_until(folder: StrPath, champion: Mapping[str, Any]) -> str:
    """Return the last run date that the decision to promote a champion was based on."""
    last, path = read_last_entry(folder), _history_path(folder, champion["entry"])
    if last is not None and last.number == champion["entry"]:
        return last.scored_until
    return _read(path).scored_until


def read_history(folder: StrPath) -> list[Entry]:
    """Return all entries in order of time. Raises `UserError` if one of them is damaged."""
    return [_read(path) for path in _history_paths(folder)]


def read_entry(folder: StrPath, number: int) -> Entry:
    """Return one entry. Raises `UserError` if it does not exist or is damaged."""
    numbers = [int(path.stem) for path in _history_paths(folder)]
    if number not in numbers:
        known = f"1 to {numbers[-1]}" if numbers else "none so far"
        raise UserError(f"{Path(folder, 'history')} has no entry {number}. Entries: {known}.")
    return _read(_history_path(folder, number))


def run_list_of(folder: StrPath, number: int) -> Path:
    """Return the path of the run list, with SHA-256, that the decision of an entry was based on."""
    return Path(folder, "decisions", f"{number:06d}-runs.csv")


def config_of(folder: StrPath, number: int) -> Path:
    """Return the path of the config with which the decision of an entry was made."""
    return Path(folder, "decisions", f"{number:06d}-config.yaml")


def check_network(folder: StrPath, network: Champion) -> None:
    """Raise `UserError` unless a champion is the file that the registry kept when it was promoted.

    The file must lie in the registry and have the SHA-256 that is recorded, in the history as well.
    """
    path = Path(network.network)
    remedy = "Restore the file, or return to the previous champion with ops/registry rollback."
    if path.resolve().parent != Path(folder, "networks").resolve():
        raise UserError(
            f"{Path(folder, 'champion.json')}: the network {path} of the champion does not lie in "
            f"{Path(folder, 'networks')}. {FROM_BACKUP}"
        )
    promotion = _history_path(folder, network.entry)
    promoted = _read(promotion).champion
    if promoted is None or promoted.sha256 != network.sha256:
        raise UserError(
            f"{Path(folder, 'champion.json')}: the SHA-256 of the champion is not the one in "
            f"{promotion}, which promoted it. {FROM_BACKUP}"
        )
    if not path.is_file():
        raise UserError(f"{path}: the network of the champion is missing. {remedy}")
    if sha256_of(path) != network.sha256:
        raise UserError(
            f"{path}: the network of the champion is damaged; its SHA-256 is not "
            f"{network.sha256}. {remedy}"
        )


def check_clock(last: Entry | None, now: datetime) -> None:
    """Raise `UserError` if the clock is behind the time of the last entry."""
    if last is not None and now < last.time:
        raise UserError(
            f"The last entry of the registry was made on {last.time:%Y-%m-%d %H:%M} UTC, but it is "
            f"{now:%Y-%m-%d %H:%M} UTC by the clock. Correct the clock."
        )


def write_entry(folder: StrPath, entry: Entry) -> None:
    """Write an entry to the history and to `champion.json`, or to none of them."""
    path = _history_path(folder, entry.number)
    write_text(_text(entry), path)
    try:
        write_text(_text(entry), Path(folder, "champion.json"))
    except BaseException:
        path.unlink()
        raise


def next_number(last: Entry | None) -> int:
    """Return the number of the entry after the last one."""
    return last.number + 1 if last else 1


def _history_paths(folder: StrPath) -> list[Path]:
    return sorted(Path(folder, "history").glob("[0-9]*.json"))


def _history_path(folder: StrPath, number: int) -> Path:
    return Path(folder, "history", f"{number:06d}.json")


def _text(entry: Entry) -> str:
    return entry.model_dump_json(indent=2) + "\n"


def _read(path: Path, remedy: str = FROM_BACKUP) -> Entry:
    try:
        return Entry.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        fault = error.errors()[0]
        reason = f"{'.'.join(map(str, fault['loc'])) or 'whole file'}: {fault['msg']}"
    except (OSError, UnicodeDecodeError) as error:
        reason = str(error)
    raise UserError(f"{path} is missing or damaged ({reason}). {remedy}")
