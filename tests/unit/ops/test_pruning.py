"""`ops/prune` removes what it lists, and nothing that the registry needs."""

import shutil
from pathlib import Path

import pytest
from checkout import ROOT
from made_up_registry import decide

from ops.command import ExitCode
from ops.pruning import main, parse_arguments
from stormcnn.operations.registry import read_champion

CONFIG = """\
experiment: {name: storms}
data: {name: spring, source: folder, folder: runs}
registry: {mlflow: MLFLOW}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with three decisions, of which the first has a champion and results."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    Path("my.yaml").write_text(CONFIG.replace("MLFLOW", "null"))
    for number, promote in ((1, True), (2, True), (3, False)):
        decide(tmp_path / "registry", number, promote)
        Path(f"results/storms-{number}").mkdir(parents=True)
        Path(f"results/storms-{number}/report.html").write_text("12345")
    Path("logs/fit_scaling").mkdir(parents=True)
    Path("logs/fit_scaling/storms-1.log").write_text("12345")
    return tmp_path


def contents(folder):
    return {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".jsonl"}


def test_listed_files_are_removed_and_the_registry_stays(here, capsys):
    before = contents(here)
    options = ["--configfile", "my.yaml", "--keep", "1"]
    assert main([*options, "--dry-run"]) == ExitCode.DONE
    listed = capsys.readouterr().out
    assert contents(here) - {here / "registry/retrain.lock"} == before
    assert main(options) == ExitCode.DONE
    removed = before - contents(here)
    assert {str(path.relative_to(here)) for path in removed} == {
        "results/storms-1/report.html",
        "logs/fit_scaling/storms-1.log",
    }
    for path in ("results/storms-1", "logs/fit_scaling/storms-1.log"):
        assert path in listed
    assert read_champion("registry")["experiment"] == "storms-2"
    assert main(options) == ExitCode.DONE
    assert "Removed 0 paths" in capsys.readouterr().out


def test_results_that_mlflow_lacks_stay(here):
    Path("my.yaml").write_text(CONFIG.replace("MLFLOW", "'sqlite:///registry/mlflow.db'"))
    before = contents(here)
    assert main(["--configfile", "my.yaml", "--keep", "1"]) == ExitCode.FAILED
    assert contents(here) - {here / "registry/retrain.lock"} == before


def test_nothing_is_pruned_after_a_killed_workflow(here):
    Path("registry/retrain.lock").write_text(".")
    assert main(["--configfile", "my.yaml", "--keep", "1"]) == ExitCode.FAILED
    assert Path("results/storms-1").exists()


@pytest.mark.parametrize("keep", ["0", "-1", "all"])
def test_at_least_one_retraining_is_kept(keep):
    with pytest.raises(SystemExit):
        parse_arguments(["--configfile", "my.yaml", "--keep", keep])
