"""What MLflow has is remembered, and no password is written anywhere."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stormcnn.operations.mlflow_registry import (
    NotRecorded,
    is_recorded,
    note_recorded,
    record_history,
)
from stormcnn.operations.registry import Entry

SQLITE = "sqlite:///registry/mlflow.db"


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """An SQLite file in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "registry" / "mlflow.db"
    path.parent.mkdir()
    path.touch()
    return path


def entry(number):
    return Entry(
        number=number,
        time=datetime(2026, 5, 1, tzinfo=UTC),
        event="kept",
        why="The champion is better.",
        champion=None,
        scored_until="2026-04-10T00:00",
        experiment="storms-2026-03-01",
        decision=None,
    )


def test_note_is_valid_for_its_entry_and_address(tmp_path):
    note = tmp_path / "recorded.txt"
    assert not is_recorded(note, entry(1), SQLITE)
    note_recorded(note, entry(1), SQLITE)
    assert is_recorded(note, entry(1), SQLITE)
    assert not is_recorded(note, entry(2), SQLITE)
    assert not is_recorded(note, entry(1), "http://localhost:5000")


def test_nothing_is_recorded_in_a_missing_file_or_a_moved_folder(tmp_path, store):
    note_recorded(tmp_path / "recorded.txt", entry(1), SQLITE)
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copy(tmp_path / "recorded.txt", tmp_path / "elsewhere")
    assert not is_recorded(Path(moved), entry(1), SQLITE)
    store.unlink()
    assert not is_recorded(tmp_path / "recorded.txt", entry(1), SQLITE)


def test_damaged_note_counts_as_missing_and_is_replaced(tmp_path):
    note = tmp_path / "recorded.txt"
    note.write_bytes(b"\xff\xfe")
    assert not is_recorded(note, entry(1), SQLITE)
    note_recorded(note, entry(1), SQLITE)
    assert is_recorded(note, entry(1), SQLITE)


def test_note_that_cannot_be_read_counts_as_missing(tmp_path):
    (tmp_path / "recorded.txt").mkdir()
    assert not is_recorded(tmp_path / "recorded.txt", entry(1), SQLITE)


SECRET = "mar-ker"
ADDRESSES = [
    f"http://storm:{SECRET}@127.0.0.1:1/api",
    f"postgresql+nodriver://storm:{SECRET}@host/db",
    f"postgresql+nodriver://host/db?user=storm&password={SECRET}",
    f"mssql+nodriver:///?odbc_connect=PWD%3D{SECRET}",
    f"nodriver://host/db;token={SECRET}",
    f"nodriver://host/db#{SECRET}",
    f"nodriver://[host/{SECRET}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_note_contains_no_secret(tmp_path, address):
    note_recorded(tmp_path / "recorded.txt", entry(1), address)
    assert SECRET not in (tmp_path / "recorded.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_message_contains_no_secret(tmp_path, monkeypatch, address):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(NotRecorded) as error:
        record_history(tmp_path, address, "storms", tmp_path)
    assert SECRET not in str(error.value)
