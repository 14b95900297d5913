"""The commands for schedulers agree with their manuals and with the examples."""

import re
import shlex

import pytest
import yaml
from checkout import ROOT

from ops import command, forecasting, retraining

EXAMPLES = ROOT / "ops" / "examples"
PROGRAMS = [
    (retraining, command.ExitCode, "operations.md"),
    (forecasting, forecasting.ExitCode, "forecasts.md"),
]
NO_FAILURES = {
    "retrain": {
        command.ExitCode.PROMOTED,
        command.ExitCode.POSTPONED,
        command.ExitCode.LOCKED,
    },
    "forecast": {forecasting.ExitCode.NO_STORMS, forecasting.ExitCode.LOCKED},
}


@pytest.mark.parametrize(
    ("name", "program"),
    [
        *((name, retraining) for name in ("crontab", "scrontab", "stormcnn-retrain.service")),
        ("github-actions.yml", retraining),
        *((f"forecast-{name}", forecasting) for name in ("crontab", "scrontab")),
        ("stormcnn-forecast.service", forecasting),
    ],
)
def test_example_calls_the_command_as_it_is(name, program):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    (called,) = re.findall(r"^[^#\n]*\.venv/bin/python (.*?)(?: \|\|? .*)?$", text, re.M)
    path, *arguments = shlex.split(called)
    assert (ROOT / path.removeprefix("/srv/stormcnn/")).is_file()
    options = program.parse_arguments(arguments)
    assert options.configfile == ["my.yaml", "ops/examples/settle.yaml"]


@pytest.mark.parametrize("name", NO_FAILURES)
def test_service_accepts_exit_codes_that_are_no_failures(name):
    service = (EXAMPLES / f"stormcnn-{name}.service").read_text(encoding="utf-8")
    (codes,) = re.findall(r"^SuccessExitStatus=(.*)$", service, re.M)
    assert {int(code) for code in codes.split()} == NO_FAILURES[name]


def test_github_workflow_accepts_exit_codes_that_are_no_failures():
    job = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
    (step,) = job["jobs"]["retrain"]["steps"]
    (codes,) = re.findall(r"^ *([\d| ]+)\) ;;$", step["run"], re.M)
    assert {int(code) for code in codes.split("|")} == {0, *NO_FAILURES["retrain"]}


@pytest.mark.parametrize(("program", "exit_codes", "manual"), PROGRAMS)
def test_manual_and_help_list_the_exit_codes(program, exit_codes, manual, capsys):
    text = (ROOT / "docs" / manual).read_text(encoding="utf-8")
    table = text.partition("| Exit code |")[2].partition("\n\n")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == set(exit_codes)
    with pytest.raises(SystemExit):
        program.parse_arguments(["--help"])
    codes = re.findall(r"^  (\d+) ", capsys.readouterr().out, re.M)
    assert [int(code) for code in codes] == list(exit_codes)
