"""`ops/forecast` refuses impossible options, and reports a config that it cannot read."""

import json
import shutil

import pytest
from checkout import ROOT

from ops.forecasting import ExitCode, main, parse_arguments


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
