"""The registry never loses its champion and keeps the history of all decisions."""

import errno
import hashlib
import json
import os
import re
import shlex
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from made_up_registry import START, decide

from stormcnn.errors import UserError
from stormcnn.models.network_archive import training_storms_path
from stormcnn.operations.registry import (
    check_clock,
    config_of,
    read_champion,
    read_history,
    read_last_entry,
    run_list_of,
)
from stormcnn.operations.succession import appoint, enter_decision, hold, release, roll_back

REASON = "It forecasts too much."


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "registry"


def test_training_storms_of_a_champion_are_kept_with_its_network(folder):
    (folder.parent / "results-1").mkdir()
    (folder.parent / "results-1/training_storms.nc").write_bytes(b"storms")
    network = Path(decide(folder, 1).champion.network)
    kept = training_storms_path(network)
    assert kept.parent == network.parent
    assert kept.read_bytes() == b"storms"
    decide(folder, 2)
    assert len(list(kept.parent.iterdir())) == 3


def test_empty_registry_has_no_champion(folder):
    assert read_last_entry(folder) is None
    assert read_champion(folder) is None
    check_clock(None, START)
    assert not folder.exists()


def test_promoted_network_is_kept_in_the_registry(folder):
    decide(folder, 1)
    champion = read_champion(folder)
    assert champion["experiment"] == "storms-1"
    assert champion["since"] == "2026-05-02T06:00:00Z"
    assert champion["why"] == "Reason 1."
    assert champion["commit"] == "c0ffee"
    (folder.parent / "results-1" / "network.keras").unlink()
    with open(read_champion(folder)["network"], "rb") as file:
        assert file.read() == b"weights 1"


def test_network_that_changed_after_it_was_scored_is_not_promoted(folder):
    decide(folder, 1)
    before = (folder / "champion.json").read_text()
    entry = read_last_entry(folder)
    decision = entry.decision
    decision["challenger"]["sha256"] = "0" * 64
    with pytest.raises(UserError, match=r"network\.keras has changed since it was scored"):
        enter_decision(folder, entry, "storms-2", decision, START + timedelta(days=2))
    assert (folder / "champion.json").read_text() == before
    assert len(list((folder / "networks").iterdir())) == 1


def test_kept_champion_is_unchanged(folder):
    decide(folder, 1)
    champion = read_champion(folder)
    entry = decide(folder, 2, promote=False)
    assert read_champion(folder) == champion
    assert (entry.event, entry.scored_until) == ("kept", "2026-04-02T00:00")
    assert len(list((folder / "networks").iterdir())) == 1


def test_there_may_be_no_champion_after_a_retraining(folder):
    decide(folder, 1, promote=False)
    assert read_champion(folder) is None
    assert read_last_entry(folder).scored_until == "2026-04-01T00:00"
    with pytest.raises(UserError, match=f"^{re.escape(str(folder))}: "):
        roll_back(folder, REASON, START)


def test_history_is_kept(folder):
    entries = [decide(folder, 1), decide(folder, 2, promote=False), decide(folder, 3)]
    entries.append(roll_back(folder, REASON, START + timedelta(days=9)))
    assert read_history(folder) == entries
    assert read_last_entry(folder) == entries[-1]
    assert [entry.number for entry in entries] == [1, 2, 3, 4]


def test_each_rollback_returns_to_the_champion_before(folder):
    decide(folder, 1)
    decide(folder, 2)
    decide(folder, 3, promote=False)
    decide(folder, 4)
    later = START + timedelta(days=9)
    assert roll_back(folder, REASON, later).champion.experiment == "storms-2"
    assert roll_back(folder, REASON, later).champion.experiment == "storms-1"
    with pytest.raises(UserError, match="storms-1"):
        roll_back(folder, REASON, later)
    # A rollback does not make the runs of earlier decisions available again.
    assert read_last_entry(folder).scored_until == "2026-04-04T00:00"


def test_champion_goes_back_and_forward_to_any_entry(folder):
    first, second, kept, third = (decide(folder, n, promote=n != 3) for n in (1, 2, 3, 4))
    later = START + timedelta(days=9)
    entry = roll_back(folder, REASON, later, to=first.number)
    assert (entry.event, entry.why, entry.champion) == ("rolled back", REASON, first.champion)
    entry = appoint(folder, third.number, "It was better.", later)
    assert entry.event == "appointed"
    assert entry.champion.sha256 == third.champion.sha256
    # Going back leads to the champion before, not to that of the first promotion.
    assert roll_back(folder, REASON, later).champion == first.champion
    assert read_champion(folder)["entry"] == first.number
    assert read_last_entry(folder).scored_until == third.scored_until
    assert kept.champion == second.champion
    for number in (0, 99):
        with pytest.raises(UserError, match=f"entry {number}"):
            appoint(folder, number, REASON, later)
    with pytest.raises(UserError, match="already"):
        roll_back(folder, REASON, later, to=first.number)


def test_challenger_that_lost_can_be_appointed(folder):
    decide(folder, 1)
    lost = decide(folder, 2, promote=False)
    later = START + timedelta(days=9)
    entry = appoint(folder, lost.number, REASON, later)
    assert read_champion(folder)["sha256"] == lost.decision["challenger"]["sha256"]
    assert read_champion(folder)["entry"] == entry.number == 3
    assert run_list_of(folder, 3).read_text() == "runs of 2"
    roll_back(folder, REASON, later)
    (folder.parent / "results-2" / "network.keras").unlink()
    with pytest.raises(UserError, match=r"results-2/network\.keras"):
        appoint(folder, lost.number, REASON, later)


def test_hold_lasts_until_it_is_released(folder):
    with pytest.raises(UserError, match="no champion"):
        hold(folder, REASON, START)
    decide(folder, 1)
    decide(folder, 2)
    later = START + timedelta(days=9)
    assert hold(folder, REASON, later).held
    with pytest.raises(UserError, match="already"):
        hold(folder, REASON, later)
    assert roll_back(folder, REASON, later).held
    released = release(folder, "", later)
    assert (released.held, released.champion.experiment) == (False, "storms-1")
    with pytest.raises(UserError, match="release"):
        release(folder, "", later)


def test_decision_keeps_its_run_list_and_config(folder):
    decision = decide(folder, 1).decision
    last = read_last_entry(folder)
    enter_decision(folder, last, "storms-2", decision | {"promote": False}, START, "runs", "config")
    assert run_list_of(folder, 2).read_text() == "runs"
    assert config_of(folder, 2).read_text() == "config"


def test_rollback_to_a_damaged_network_is_refused(folder):
    decide(folder, 1)
    network = read_champion(folder)["network"]
    decide(folder, 2)
    with open(network, "wb") as file:
        file.write(b"other weights")
    with pytest.raises(UserError, match=f"^{re.escape(network)}: .*damaged"):
        roll_back(folder, REASON, START + timedelta(days=9))
    assert read_champion(folder)["experiment"] == "storms-2"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"number": 1}'])
def test_damaged_file_is_refused_with_the_command_that_restores_it(folder, content):
    decide(folder, 1)
    decide(folder, 2)
    (folder / "champion.json").write_bytes(content)
    command = shlex.join(["cp", f"{folder}/history/000002.json", f"{folder}/champion.json"])
    for read in (read_last_entry, read_champion):
        with pytest.raises(UserError, match=f"{re.escape(command)}$"):
            read(folder)


def test_damaged_history_is_named(folder):
    decide(folder, 1)
    decide(folder, 2)
    (folder / "history" / "000001.json").write_text("{")
    for read in (read_history, lambda folder: roll_back(folder, REASON, START + timedelta(days=9))):
        with pytest.raises(UserError, match=r"history/000001\.json"):
            read(folder)


def test_lost_file_is_not_taken_for_an_empty_registry(folder):
    decide(folder, 1)
    decide(folder, 2)
    (folder / "champion.json").unlink()
    with pytest.raises(UserError, match=f"^{re.escape(str(folder))}/champion.json"):
        read_last_entry(folder)


def test_kill_between_history_and_champion_loses_nothing(folder):
    first = decide(folder, 1)
    (folder / "champion.json").unlink()
    assert read_last_entry(folder) == first
    assert read_champion(folder)["experiment"] == "storms-1"
    decide(folder, 2)
    before = (folder / "champion.json").read_text()
    entry = decide(folder, 3)
    (folder / "champion.json").write_text(before)
    assert read_last_entry(folder) == entry
    assert read_champion(folder)["experiment"] == "storms-3"
    decide(folder, 4)
    assert len(read_history(folder)) == 4


def test_unknown_key_is_named(folder):
    decide(folder, 1)
    entry = json.loads((folder / "champion.json").read_text())
    (folder / "champion.json").write_text(json.dumps(entry | {"champoin": None}))
    with pytest.raises(UserError, match="champoin"):
        read_last_entry(folder)


def test_missing_network_is_refused(folder):
    decide(folder, 1)
    network = read_champion(folder)["network"]
    os.remove(network)
    with pytest.raises(UserError, match=f"^{re.escape(network)}: .*registry rollback"):
        read_champion(folder)


@pytest.mark.parametrize("last_file", ["networks", "history/000003.json", "champion.json"])
def test_full_disk_during_a_promotion_leaves_a_champion(folder, monkeypatch, last_file):
    """The disk fills up when one of the files that a promotion writes is put in place."""
    decide(folder, 1)
    decide(folder, 2)
    replace = os.replace

    def fill_up(source, target):
        if str(target).startswith(str(folder / last_file)):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fill_up)
        with pytest.raises(OSError, match="No space"):
            decide(folder, 3)
    assert read_champion(folder)["experiment"] == "storms-2"
    assert read_history(folder)[-1] == read_last_entry(folder)
    decide(folder, 4)
    assert read_champion(folder)["experiment"] == "storms-4"
    assert [entry.number for entry in read_history(folder)] == list(
        range(1, read_last_entry(folder).number + 1)
    )


def test_clock_behind_the_registry_is_refused(folder):
    entry = decide(folder, 1)
    check_clock(entry, entry.time)
    with pytest.raises(UserError, match=r"2026-05-02 06:00 UTC.*2026-05-02 05:59 UTC"):
        check_clock(entry, entry.time - timedelta(seconds=1))


def change_champion(folder, **changes):
    entry = json.loads((folder / "champion.json").read_text())
    entry["champion"] |= changes
    write_entry(folder, entry)


def write_entry(folder, entry):
    """Write an entry like the registry does."""
    for name in ("champion.json", f"history/{entry['number']:06d}.json"):
        (folder / name).write_text(json.dumps(entry))


@pytest.mark.parametrize("place", ["outside", "parent", "link"])
def test_champion_outside_of_the_registry_is_refused(folder, place):
    decide(folder, 1)
    other = folder.parent / "other.keras"
    shutil.copyfile(read_champion(folder)["network"], other)
    link = folder / "networks" / "link.keras"
    link.symlink_to(other)
    network = {
        "outside": other,
        "parent": folder / "networks" / ".." / ".." / "other.keras",
        "link": link,
    }[place]
    change_champion(folder, network=str(network))
    with pytest.raises(UserError, match=re.escape(str(network))):
        read_champion(folder)


def replace_champion(folder, **changes):
    """Make another file in the registry the champion, with the SHA-256 of that file."""
    content = b"other weights"
    other = folder / "networks" / "other.keras"
    other.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    change_champion(folder, network=str(other), sha256=sha256, **changes)


@pytest.mark.parametrize("promote", [True, False])
@pytest.mark.parametrize("entry", [0, 1, 999])
def test_champion_that_is_not_the_promoted_network_is_refused(folder, promote, entry):
    decide(folder, 1)
    decide(folder, 2, promote=promote)
    replace_champion(folder, entry=entry)
    with pytest.raises(UserError, match=rf"{entry:06d}\.json"):
        read_champion(folder)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_last_entry_that_is_not_in_the_history_is_refused(folder, number):
    """Nothing but the history tells which networks were promoted."""
    decide(folder, 1)
    decide(folder, 2)
    history = {path: path.read_text() for path in (folder / "history").iterdir()}
    entry = json.loads((folder / "champion.json").read_text())
    replace_champion(folder, entry=number)
    forged = json.loads((folder / "champion.json").read_text())
    (folder / "champion.json").write_text(json.dumps(forged | {"number": number}))
    for path, text in history.items():
        path.write_text(text)
    assert forged["champion"]["sha256"] != entry["champion"]["sha256"]
    for read in (read_last_entry, read_champion):
        with pytest.raises(UserError, match=rf"{number:06d}\.json"):
            read(folder)


@pytest.mark.parametrize("number", [1, 2])
def test_missing_entry_is_refused(folder, number):
    decide(folder, 1)
    decide(folder, 2, promote=False)
    (folder / "history" / f"{number:06d}.json").unlink()
    with pytest.raises(UserError, match=rf"{number:06d}\.json"):
        read_champion(folder)
