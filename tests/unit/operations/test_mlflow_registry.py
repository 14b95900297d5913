"""What MLflow has is remembered, and no password is written anywhere."""

from datetime import UTC, datetime

import pytest

from stormcnn.operations.mlflow_registry import is_recorded, note_recorded, without_secrets
from stormcnn.operations.registry import Entry

SQLITE = "sqlite:///registry/mlflow.db"


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


def test_damaged_note_counts_as_missing_and_is_replaced(tmp_path):
    note = tmp_path / "recorded.txt"
    note.write_bytes(b"\xff\xfe")
    assert not is_recorded(note, entry(1), SQLITE)
    note_recorded(note, entry(1), SQLITE)
    assert is_recorded(note, entry(1), SQLITE)


def test_note_that_cannot_be_read_counts_as_missing(tmp_path):
    (tmp_path / "recorded.txt").mkdir()
    assert not is_recorded(tmp_path / "recorded.txt", entry(1), SQLITE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://storm:s3cret@host:5000/api failed", "http://***@host:5000/api failed"),
        ("postgresql+psycopg://u:p@db/x", "postgresql+psycopg://***@db/x"),
        ("http://storm:p@ss@host/x", "http://***@host/x"),
        ("http://storm:p/ss@host/x", "http://***@host/x"),
        ("mail a@b, sqlite:///x.db", "mail a@b, sqlite:///x.db"),
    ],
)
def test_password_is_removed_from_addresses(text, shown):
    assert without_secrets(text) == shown


def test_note_contains_no_password(tmp_path):
    note_recorded(tmp_path / "recorded.txt", entry(1), "http://storm:s3cret@host:5000")
    assert "s3cret" not in (tmp_path / "recorded.txt").read_text()
