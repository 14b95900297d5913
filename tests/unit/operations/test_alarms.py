"""Alarms are told and notified once, and the table of monitored runs keeps earlier champions."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest

from ops import watching
from stormcnn.errors import UserError
from stormcnn.io import write_csv
from stormcnn.operations.alarms import current_alarms, describe_alarms, keep_runs, read_alarms
from stormcnn.operations.journal import Journal
from stormcnn.operations.registry import Champion

CHAMPION = Champion(
    network="registry/networks/a.keras",
    sha256="a" * 64,
    model="dropout",
    seed=0,
    cutoff="2026-03-01",
    event={},
    predictors=["U10"],
    scores={"brier_skill_score_training": {"value": 0.4}},
    experiment="storms-2026-03-01",
    since="2026-04-01T00:00Z",
    why="It is better.",
    entry=1,
    replaced=None,
)


def latest(alarms):
    return {
        "run_date": "2026-04-10T00:00",
        "alarms": alarms,
        "drift": 1.5,
        "skill": 0.1,
        "skill_low": 0.0,
        "skill_high": 0.2,
        "window_blocks": 12,
    }


@pytest.fixture
def tell(tmp_path, monkeypatch):
    """Return a function that tells the alarms of a night, and returns the names of the events."""
    monkeypatch.chdir(tmp_path)

    def tell_night(alarms, command=None):
        journal = Journal(tmp_path / "log.jsonl")
        row = latest(alarms)
        watching.tell_alarms(
            [name for name in alarms.split(";") if name],
            CHAMPION,
            command,
            journal,
            lambda names: " ".join(describe_alarms(names, row, 0.4)),
            run_date=row["run_date"],
        )
        return journal.events

    return tell_night


def notifier(tmp_path, code=0):
    script = f"import sys; open('told.txt', 'a').write(sys.stdin.read()); sys.exit({code})"
    return [sys.executable, "-c", script]


def test_alarm_is_an_event_when_it_begins_and_when_it_ends(tell, tmp_path):
    assert tell("") == []
    assert tell("U10_median") == ["alarm"]
    assert tell("U10_median") == []
    assert tell("U10_median;skill") == ["alarm"]
    assert tell("skill") == ["alarm_ended"]
    assert tell("") == ["alarm_ended"]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").open()]
    assert [line["alarms"] for line in lines] == [
        ["U10_median"],
        ["skill"],
        ["U10_median"],
        ["skill"],
    ]
    assert "0.40" in lines[1]["message"]


def test_value_near_its_limit_gives_one_alarm_until_it_is_quiet_for_seven_blocks():
    alarms = ["U10_median", "", "U10_median;bias", *[""] * 8]
    rows = pd.DataFrame({"alarms": alarms, "run_date": pd.date_range("2026-04-01", periods=11)})
    rows["run_date"] = rows["run_date"].dt.strftime("%Y-%m-%dT%H:%M")
    on, nights = [], []
    for stop in range(1, 12):
        on = current_alarms(rows[:stop], on, "day")
        nights.append(";".join(on))
    assert nights == ["U10_median"] * 2 + ["U10_median;bias"] * 7 + [""] * 2
    assert current_alarms(rows[:3], [], "day") == ["U10_median", "bias"]
    assert current_alarms(rows[:4], [], "day") == []


def test_each_alarm_is_notified_once_with_json_on_standard_input(tell, tmp_path):
    for alarms in ("bias", "bias", "bias;skill", "bias;skill"):
        tell(alarms, notifier(tmp_path))
    told = [json.loads(line) for line in (tmp_path / "told.txt").open()]
    assert [entry["alarms"] for entry in told] == [["bias"], ["skill"]]
    assert all(entry["message"] and entry["host"] and entry["experiment"] for entry in told)


@pytest.mark.parametrize("command", [["/nowhere/mail"], None])
def test_notification_that_fails_is_repeated(tell, tmp_path, command):
    failing = command or notifier(tmp_path, code=1)
    assert tell("bias", failing) == ["alarm", "not_notified"]
    assert tell("bias", failing) == ["not_notified"]
    assert tell("bias", notifier(tmp_path)) == []
    assert json.loads((tmp_path / "told.txt").read_text().splitlines()[-1])["alarms"] == ["bias"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("digits", ["012345678901", "1234567890e1"])
def test_network_whose_name_looks_like_a_number_has_its_own_rows(tmp_path, monkeypatch, digits):
    monkeypatch.chdir(tmp_path)
    event = {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005}
    champion = CHAMPION.model_copy(update={"sha256": digits + 52 * "0", "event": event})
    config = {
        "data": {"target": event["target"], "region": "storm", "predictors": ["U10"]},
        "event": {"threshold": 0.005},
        "experiment": {"name": "storms"},
        "verification": {"block": "day"},
        "monitoring": {"notify": None},
    }

    class Workflow:
        def run(self, experiment, cutoff, targets, start):
            rows = pd.DataFrame([latest("")]).assign(network=digits)
            write_csv(rows, targets[-1])

    for _ in range(2):
        watching.watch(config, Journal(None), Workflow(), champion)
    table = pd.read_csv(tmp_path / "registry/monitoring.csv", dtype={"network": str})
    assert table["network"].tolist() == [digits]


def test_alarms_of_another_champion_are_forgotten(tell, tmp_path):
    tell("bias")
    assert read_alarms(tmp_path / "registry/alarms.json", "a" * 64) == {"bias": False}
    assert read_alarms(tmp_path / "registry/alarms.json", "b" * 64) == {}


def test_damaged_state_is_named(tell, tmp_path):
    tell("bias")
    (tmp_path / "registry/alarms.json").write_text("{")
    with pytest.raises(UserError, match=r"alarms\.json"):
        tell("bias")


def test_table_keeps_the_runs_of_earlier_champions(tmp_path):
    path = tmp_path / "monitoring.csv"
    for network, dates in (("1e10", [1, 2]), ("b", [2, 3]), ("b", [2, 3, 4])):
        runs = [f"2026-04-0{day}T00:00" for day in dates]
        keep_runs(pd.DataFrame({"run_date": runs, "network": network, "alarms": ""}), path)
    table = pd.read_csv(path, dtype={"network": str})
    assert table["network"].tolist() == ["1e10", "1e10", "b", "b", "b"]
    assert table["run_date"].str[8:10].tolist() == ["01", "02", "02", "03", "04"]
    path.write_text("damaged\n1\n")
    with pytest.raises(UserError, match=r"monitoring\.csv"):
        keep_runs(table, path)
