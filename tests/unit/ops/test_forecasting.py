"""The command of `ops/forecast` agrees with its manual and with the examples for schedulers."""

import json
import re
import shlex
import shutil

import pytest
from checkout import ROOT

from ops.forecasting import ExitCode, main, parse_arguments

EXAMPLES = ROOT / "ops" / "examples"
MANUAL = (ROOT / "docs" / "forecasts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["forecast-crontab", "forecast-scrontab", "stormcnn-forecast.service"]
)
def test_example_calls_the_command_as_it_is(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    (command,) = re.findall(r"^[^#\n]*\.venv/bin/python (.*?)(?: \| .*)?$", text, re.M)
    program, *arguments = shlex.split(command)
    assert (ROOT / program).is_file()
    options = parse_arguments(arguments)
    assert options.configfile == ["my.yaml", "ops/examples/settle.yaml"]
    assert options.folder == "/data/new"


def test_service_accepts_exit_codes_that_are_no_failures():
    service = (EXAMPLES / "stormcnn-forecast.service").read_text(encoding="utf-8")
    (codes,) = re.findall(r"^SuccessExitStatus=(.*)$", service, re.M)
    assert {int(code) for code in codes.split()} == {ExitCode.NO_STORMS, ExitCode.LOCKED}


def test_manual_lists_the_exit_codes():
    table = MANUAL.partition("| Exit code |")[2].partition("\n\n")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == set(ExitCode)


def test_help_lists_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    codes = re.findall(r"^  (\d+) ", capsys.readouterr().out, re.M)
    assert [int(code) for code in codes] == list(ExitCode)


@pytest.mark.parametrize("seconds", ["0", "-1", "1e9", "soon"])
def test_impossible_interval_is_refused(seconds):
    with pytest.raises(SystemExit) as end:
        parse_arguments(["--folder", "new", "--configfile", "my.yaml", "--watch", seconds])
    assert end.value.code == ExitCode.WRONG_COMMAND_LINE


def test_config_that_cannot_be_read_is_named_in_the_log(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    assert main(["--folder", "new", "--configfile", "my.yaml"]) == ExitCode.FAILED
    (line,) = (tmp_path / "logs/forecast/forecast.jsonl").read_text().splitlines()
    assert json.loads(line)["event"] == "failed"
    assert "my.yaml" in json.loads(line)["message"]
