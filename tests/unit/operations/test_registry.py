"""The registry never loses its champion, and tells how it came to be."""

import hashlib
import json
import os
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from stormcnn.errors import UserError
from stormcnn.operations import registry
from stormcnn.operations.mlflow_registry import without_secrets
from stormcnn.operations.registry import (
    check_clock,
    enter_decision,
    read_champion,
    read_entry,
    read_history,
    roll_back,
)

START = datetime(2026, 5, 1, 6, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "registry"


def enter(folder, number, promote=True):
    """Enter the decision on a network of its own content."""
    content = f"weights {number}".encode()
    network = folder.parent / f"results-{number}" / "network.keras"
    network.parent.mkdir()
    network.write_bytes(content)
    decision = {
        "promote": promote,
        "why": f"Reason {number}.",
        "scored_until": f"2026-04-{number:02d}T00:00",
        "challenger": {
            "network": str(network),
            "sha256": hashlib.sha256(content).hexdigest(),
            "model": "dropout",
            "seed": 0,
            "cutoff": f"2026-03-{number:02d}",
            "event": {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005},
            "predictors": ["U10_curr"],
            "scores": {"brier_score": {"value": 0.1, "low": 0.05, "high": None}},
        },
    }
    time = START + timedelta(days=number)
    return enter_decision(folder, read_entry(folder), f"storms-{number}", decision, time)


def test_nothing_was_ever_entered(folder):
    assert read_entry(folder) is None
    assert read_champion(folder) is None
    check_clock(None, START)
    assert not folder.exists()


def test_promoted_network_is_kept_in_the_registry(folder):
    enter(folder, 1)
    champion = read_champion(folder)
    assert champion["run"] == "storms-1"
    assert champion["since"] == "2026-05-02T06:00:00Z"
    assert champion["why"] == "Reason 1."
    (folder.parent / "results-1" / "network.keras").unlink()
    with open(read_champion(folder)["network"], "rb") as file:
        assert file.read() == b"weights 1"


def test_network_that_changed_after_it_was_scored_is_not_promoted(folder):
    enter(folder, 1)
    before = (folder / "champion.json").read_text()
    entry = read_entry(folder)
    decision = entry.decision
    decision["challenger"]["sha256"] = "0" * 64
    with pytest.raises(UserError, match=r"network\.keras has changed since it was scored"):
        enter_decision(folder, entry, "storms-2", decision, START + timedelta(days=2))
    assert (folder / "champion.json").read_text() == before
    assert len(list((folder / "networks").iterdir())) == 1


def test_kept_champion_stays_as_it_was_promoted(folder):
    enter(folder, 1)
    champion = read_champion(folder)
    entry = enter(folder, 2, promote=False)
    assert read_champion(folder) == champion
    assert (entry.event, entry.scored_until) == ("kept", "2026-04-02T00:00")
    assert len(list((folder / "networks").iterdir())) == 1


def test_there_may_be_no_champion_after_a_retraining(folder):
    enter(folder, 1, promote=False)
    assert read_champion(folder) is None
    assert read_entry(folder).scored_until == "2026-04-01T00:00"
    with pytest.raises(UserError, match="There is no champion"):
        roll_back(folder, START)


def test_history_is_kept(folder):
    entries = [enter(folder, 1), enter(folder, 2, promote=False), enter(folder, 3)]
    entries.append(roll_back(folder, START + timedelta(days=9)))
    assert read_history(folder) == entries
    assert read_entry(folder) == entries[-1]
    assert [entry.number for entry in entries] == [1, 2, 3, 4]


def test_rollback_goes_back_champion_by_champion(folder):
    enter(folder, 1)
    enter(folder, 2)
    enter(folder, 3, promote=False)
    enter(folder, 4)
    later = START + timedelta(days=9)
    assert roll_back(folder, later).champion.run == "storms-2"
    assert roll_back(folder, later).champion.run == "storms-1"
    with pytest.raises(UserError, match="There was no champion before that of storms-1"):
        roll_back(folder, later)
    # What was judged by stays judged by.
    assert read_entry(folder).scored_until == "2026-04-04T00:00"


def test_rollback_needs_the_network_it_goes_back_to(folder):
    enter(folder, 1)
    network = read_champion(folder)["network"]
    enter(folder, 2)
    with open(network, "wb") as file:
        file.write(b"other weights")
    with pytest.raises(UserError, match="the network of the champion is damaged"):
        roll_back(folder, START + timedelta(days=9))
    assert read_champion(folder)["run"] == "storms-2"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"number": 1}'])
def test_damaged_file_is_refused_with_the_copy_to_take(folder, content):
    enter(folder, 1)
    enter(folder, 2)
    (folder / "champion.json").write_bytes(content)
    remedy = f"cp {folder}/history/000002.json {folder}/champion.json"
    for reading in (read_entry, read_champion):
        with pytest.raises(UserError, match="missing or damaged") as refused:
            reading(folder)
        assert str(refused.value).endswith(remedy)


def test_damaged_history_is_named(folder):
    enter(folder, 1)
    enter(folder, 2)
    (folder / "history" / "000001.json").write_text("{")
    for reading in (read_history, lambda folder: roll_back(folder, START + timedelta(days=9))):
        with pytest.raises(UserError, match=r"history/000001\.json is missing or damaged"):
            reading(folder)


def test_lost_or_old_file_is_no_new_beginning(folder):
    enter(folder, 1)
    (folder / "champion.json").rename(folder / "old.json")
    with pytest.raises(UserError, match="missing or damaged"):
        read_entry(folder)
    (folder / "old.json").rename(folder / "champion.json")
    enter(folder, 2)
    os.replace(folder / "history" / "000001.json", folder / "champion.json")
    with pytest.raises(UserError, match="older than the history"):
        read_entry(folder)


def test_unknown_key_is_a_sign_of_damage(folder):
    enter(folder, 1)
    entry = json.loads((folder / "champion.json").read_text())
    (folder / "champion.json").write_text(json.dumps(entry | {"champoin": None}))
    with pytest.raises(UserError, match="champoin"):
        read_entry(folder)


def test_missing_network_is_refused(folder):
    enter(folder, 1)
    os.remove(read_champion(folder)["network"])
    with pytest.raises(UserError, match=r"the network of the champion is missing\. .*--rollback"):
        read_champion(folder)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_writing_that_breaks_off_leaves_a_champion(folder, monkeypatch, written):
    """The disk fills up before each of the files that a promotion writes."""
    enter(folder, 1)
    enter(folder, 2)
    calls = []

    def fill_up(text, path):
        if len(calls) == written:
            raise OSError(28, "No space left on device")
        calls.append(path)
        write_text(text, path)

    write_text = registry.write_text
    with monkeypatch.context() as patched:
        patched.setattr(registry, "write_text", fill_up)
        # The last one is a copy, without which the entry stands all the same.
        entered = written == 2
        with nullcontext() if entered else pytest.raises(OSError, match="No space"):
            enter(folder, 3)
    assert read_champion(folder)["run"] == ("storms-3" if entered else "storms-2")
    assert read_history(folder)[-1] == read_entry(folder)
    enter(folder, 4)
    assert read_champion(folder)["run"] == "storms-4"
    assert [entry.number for entry in read_history(folder)] == list(
        range(1, read_entry(folder).number + 1)
    )


def test_clock_behind_the_registry_is_refused(folder):
    entry = enter(folder, 1)
    check_clock(entry, entry.time)
    with pytest.raises(UserError, match=r"2026-05-02 05:59 UTC, but .* 2026-05-02 06:00 UTC"):
        check_clock(entry, entry.time - timedelta(seconds=1))


def test_messages_hold_no_password():
    said = "request to http://storm:s3cret@host:5000/api failed, postgresql+psycopg://u:p@db/x too"
    assert without_secrets(said) == (
        "request to http://***@host:5000/api failed, postgresql+psycopg://***@db/x too"
    )
    assert without_secrets("http://storm:p@ss@host/x") == "http://***@host/x"
    assert without_secrets("http://storm:p/ss@host/x") == "http://***@host/x"
    assert without_secrets("mail a@b, sqlite:///x.db") == "mail a@b, sqlite:///x.db"
