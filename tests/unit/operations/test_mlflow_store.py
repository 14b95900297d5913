"""The SQLite file of MLflow is whole, its faults are named, and it can be moved (real MLflow)."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkout import ROOT
from made_up_registry import decide
from mlflow import MlflowClient

from stormcnn.operations import mlflow_store
from stormcnn.operations.mlflow_registry import NotRecorded, forget_networks, record_history
from stormcnn.operations.mlflow_store import BadStore, prepare_store
from stormcnn.operations.registry import read_history

pytestmark = pytest.mark.slow

NAME = "stormcnn-storms"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with a registry that is recorded: two champions and a challenger that lost."""
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        for number, promote in ((1, True), (2, True), (3, False)):
            decide(folder / "registry", number, promote)
        record()
    return folder


def address():
    """Return the address of the store; MLflow keeps connections open by address."""
    return f"sqlite:///{Path.cwd()}/registry/mlflow.db"


def record():
    record_history(Path("registry"), address(), NAME, Path("results"))


@pytest.fixture
def here(recorded, tmp_path, monkeypatch):
    """A copy of the folder in another place, as the working directory."""
    shutil.copytree(recorded, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def client_here(here):
    return MlflowClient(f"sqlite:///{here}/registry/mlflow.db")


def versions(client):
    return {version.version: version for version in client.search_model_versions()}


def test_every_decision_is_recorded_once_with_its_data_and_user(recorded):
    client = client_here(recorded)
    assert {int(version) for version in versions(client)} == {1, 2, 3}
    run = client.get_run(client.get_model_version_by_alias(NAME, "champion").run_id)
    assert run.data.params["cutoff"] == "2026-03-02"
    assert run.data.tags["mlflow.user"]
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.name == "run files"


def test_artifacts_are_found_after_the_folder_was_moved(here, tmp_path):
    (here.parent / "elsewhere").mkdir()
    moved = here.rename(here.parent / "elsewhere" / "storms")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(moved)
        record()
    client = client_here(moved)
    for version in versions(client).values():
        (tmp_path / "files" / str(version.version)).mkdir(parents=True)
        folder = str(tmp_path / "files" / str(version.version))
        network = client.download_artifacts(version.run_id, "network/network.keras", folder)
        assert Path(network).read_text() == f"weights {version.version}"
        assert str(moved) in client.get_run(version.run_id).info.artifact_uri
    assert len(versions(client)) == 3


def test_kill_while_recording_leaves_no_run_and_no_duplicate(here):
    client = client_here(here)
    lost = client.get_model_version_by_alias(NAME, "challenger")
    client.update_run(lost.run_id, status="RUNNING")  # as before its end was recorded
    record()
    experiment = client.get_experiment_by_name(NAME).experiment_id
    assert not client.search_runs([experiment], "attributes.status = 'RUNNING'")
    assert len(client.search_runs([experiment])) == 3
    assert len(versions(client)) == 3
    assert client.get_model_version_by_alias(NAME, "challenger").run_id != lost.run_id


def test_networks_that_lost_are_forgotten_except_the_latest(here):
    record()
    history = read_history("registry")
    assert forget_networks(address(), NAME, history, history[-1:], dry_run=False) == []
    client = client_here(here)
    client.delete_registered_model_alias(NAME, "challenger")
    (folder,) = forget_networks(address(), NAME, history, history[-1:], dry_run=True)
    assert (folder / "network.keras").read_text() == "weights 3"
    assert len(versions(client)) == 3
    forget_networks(address(), NAME, history, history[-1:], dry_run=False)
    assert len(versions(client)) == 2


def change(path, statement):
    with sqlite3.connect(path) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        ("DELETE FROM alembic_version", "was not completed"),
        ("DROP TABLE alembic_version", "was not completed"),
        ("UPDATE alembic_version SET version_num = '451aebb31d03'", "mlflow db upgrade"),
        ("UPDATE alembic_version SET version_num = 'ffffffffffff'", "later version"),
    ],
)
def test_store_of_another_version_is_named_with_its_remedy(here, statement, remedy):
    change("registry/mlflow.db", statement)
    before = Path("registry/mlflow.db").read_bytes()
    with pytest.raises(NotRecorded, match=rf"registry/mlflow\.db .*{remedy}"):
        record()
    assert Path("registry/mlflow.db").read_bytes() == before


def test_damaged_or_locked_store_is_named(here, monkeypatch):
    monkeypatch.setattr(mlflow_store, "LOCK_SECONDS", 0.1)
    with sqlite3.connect("registry/mlflow.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(NotRecorded, match=r"registry/mlflow\.db is locked"):
            record()
        other.rollback()
    Path("registry/mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(NotRecorded, match=r"registry/mlflow\.db is damaged"):
        record()


def test_kill_while_the_store_is_created_leaves_none(tmp_path):
    path = tmp_path / "mlflow.db"
    create = (
        "import sys; from pathlib import Path; from stormcnn.operations.mlflow_store import "
        "prepare_store; prepare_store(Path(sys.argv[1]), 'file:///tmp', 'storms')"
    )
    with subprocess.Popen([sys.executable, "-c", create, str(path)], cwd=ROOT) as process:
        while not any(file.stat().st_size > 10_000 for file in tmp_path.glob(".mlflow-*.db")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not path.exists()


def test_group_may_write_to_the_store(recorded):
    mode = (recorded / "registry" / "mlflow.db").stat().st_mode
    assert mode & 0o020 == (recorded / "registry" / "champion.json").stat().st_mode & 0o020


def test_file_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(BadStore, match=r"mlflow\.db"):
        prepare_store(tmp_path / "mlflow.db", "file:///tmp", "storms")
