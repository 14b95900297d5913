"""The SQLite file of MLflow: create it whole, recognize its faults, and let it be moved."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from stormcnn.errors import UserError
from stormcnn.io import replacing

SQLITE = "sqlite:///"
LOCK_SECONDS = 10
"""How long to wait for another process that writes to the file."""

ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)
"""Tables and columns in which MLflow stores where artifacts lie."""

AGAIN = "move it to another place: the next call records all entries in a new file"


class BadStore(UserError):
    """The file cannot be used. The message names it and the remedy."""


def sqlite_file(address: str) -> Path | None:
    """Return the path of the SQLite file of an address, or None if that is no such file.

    >>> sqlite_file("sqlite:///registry/mlflow.db"), sqlite_file("https://mlflow.example.org")
    (PosixPath('registry/mlflow.db'), None)
    """
    if not address.startswith(SQLITE):
        return None
    return Path(address.removeprefix(SQLITE).partition("?")[0])


def prepare_store(path: Path, artifacts: str, experiment: str) -> None:
    """Create the file if it is missing, and let it refer to the present folder of artifacts.

    `artifacts` is the URI of that folder for the MLflow `experiment`. Raises `BadStore` if the file
    is half-made, damaged, locked, or was made by another version of MLflow.
    """
    if not path.exists():
        _create(path, artifacts)
    with _writing(path) as connection:
        _check_version(path, connection)
        _move(connection, artifacts, experiment)


def _create(path: Path, artifacts: str) -> None:
    """Create the file with all tables, or not at all."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with replacing(path) as temporary:
        SqlAlchemyStore(f"{SQLITE}{temporary}", artifacts).engine.dispose()


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection with a transaction, which is committed at the end of the block."""
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise BadStore(f"{path} cannot be used ({error}). Repair it, or {AGAIN}.") from None
        raise BadStore(
            f"{path} is locked by another process, such as an MLflow server or a backup. The next "
            "call tries again; if it fails as well, find the process with: fuser "
            f"{path}"
        ) from None
    except sqlite3.DatabaseError as error:
        raise BadStore(
            f"{path} is damaged ({error}). Restore it from a backup, or {AGAIN}."
        ) from None


def _check_version(path: Path, connection: sqlite3.Connection) -> None:
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    newest = scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}
    tables = _names(connection, "SELECT name FROM sqlite_master WHERE type = 'table'")
    versions = (
        _names(connection, "SELECT version_num FROM alembic_version")
        if "alembic_version" in tables
        else []
    )
    if not versions:
        raise BadStore(f"{path} was not completed when it was created. To repair it, {AGAIN}.")
    if versions[0] not in known:
        raise BadStore(
            f"{path} was made by a later version than MLflow {mlflow.__version__}. Install that "
            f"version, or {AGAIN}."
        )
    if versions[0] != newest:
        raise BadStore(
            f"{path} was made by an earlier version than MLflow {mlflow.__version__}, or was not "
            f"completed. Make a copy and call: mlflow db upgrade {SQLITE}{path} (this needs the "
            f"full MLflow package). If that fails, {AGAIN}."
        )


def _move(connection: sqlite3.Connection, artifacts: str, experiment: str) -> None:
    """Replace the folder of artifacts of an experiment wherever MLflow has stored it."""
    query = "SELECT artifact_location FROM experiments WHERE name = ?"
    before = next((row[0] for row in connection.execute(query, [experiment])), artifacts)
    if before == artifacts:
        return
    tables = _names(connection, "SELECT name FROM sqlite_master WHERE type = 'table'")
    for table, column in ADDRESSES:
        if table in tables:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - constants
                f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                [artifacts, len(before) + 1, before, len(before) + 1, f"{before}/"],
            )


def _names(connection: sqlite3.Connection, query: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(query)]
