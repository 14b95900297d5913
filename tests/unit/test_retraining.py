"""The schedulers' examples and the manual agree with the command, and its lock with itself."""

import re
import shlex

import pytest
import yaml
from checkout import ROOT

from ops import retraining
from ops.retraining import Busy, Lock, parse_arguments

EXAMPLES = ROOT / "ops" / "examples"
MANUAL = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CODES = {"DONE", "FAILED", "PROMOTED", "POSTPONED", "LOCKED"}
FINE = {retraining.PROMOTED, retraining.POSTPONED, retraining.LOCKED}


@pytest.mark.parametrize(
    "name", ["crontab", "scrontab", "stormcnn-retrain.service", "github-actions.yml"]
)
def test_example_calls_the_command_as_it_is(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    (called,) = re.findall(r"^[^#\n]*\.venv/bin/python (.*?)(?: \|\| .*)?$", text, re.M)
    program, *arguments = shlex.split(called)
    assert (ROOT / program.removeprefix("/srv/stormcnn/")).is_file()
    assert parse_arguments(arguments).configfile == ["my.yaml"]


def test_examples_take_no_outcome_for_a_failure():
    service = (EXAMPLES / "stormcnn-retrain.service").read_text(encoding="utf-8")
    (codes,) = re.findall(r"^SuccessExitStatus=(.*)$", service, re.M)
    assert {int(code) for code in codes.split()} == FINE
    job = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
    (step,) = job["jobs"]["retrain"]["steps"]
    (codes,) = re.findall(r"^ *([\d| ]+)\) ;;$", step["run"], re.M)
    assert {int(code) for code in codes.split("|")} == {retraining.DONE, *FINE}


def test_manual_and_help_list_the_exit_codes():
    codes = {str(getattr(retraining, name)) for name in CODES} | {"2"}
    manual = MANUAL.partition("| exit code |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| (\d+) \|", manual, re.M)) == codes
    assert set(re.findall(r"^  (\d+) ", retraining.EXIT_CODES, re.M)) == codes


def test_manual_names_every_event_of_the_log():
    source = (ROOT / "ops" / "retraining.py").read_text(encoding="utf-8")
    logged = source.replace(source[source.index("def explain") : source.index("def roll_back")], "")
    events = set(re.findall(r"journal\.say\(\s*\"(\w+)\"", logged)) | {"promoted", "kept"}
    table = MANUAL.partition("| `event` |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.M)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == events


def test_lock_has_one_holder(tmp_path):
    with Lock.hold(tmp_path / "lock"), pytest.raises(Busy), Lock.hold(tmp_path / "lock"):
        pass
    with Lock.hold(tmp_path / "lock"):
        pass


def test_mark_survives_its_process_until_it_is_cleared(tmp_path):
    with Lock.hold(tmp_path / "lock") as lock:
        assert not lock.is_marked()
        lock.mark()
    with Lock.hold(tmp_path / "lock") as lock:
        assert lock.is_marked()
        lock.clear()
    with Lock.hold(tmp_path / "lock") as lock:
        assert not lock.is_marked()
