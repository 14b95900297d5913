"""The status says who is champion, what the last call did, and what comes next."""

import json

import pytest
from checkout import ROOT
from made_up_registry import START, decide, write_registry
from report_files import HOSTILE

from stormcnn.errors import UserError
from stormcnn.operations.status import describe, describe_history, expected_next, read_status
from stormcnn.operations.status_page import write_status_page
from stormcnn.operations.succession import hold

TEMPLATE = ROOT / "report" / "status.html.jinja"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "registry"


def test_status_names_champion_alarms_and_the_last_call(folder):
    write_registry(folder)
    status = read_status(folder)
    assert status.champion.experiment == "storms-5"
    assert status.alarms == ["bias"]
    assert status.latest["run_date"] == "2026-05-10T00:00"
    assert status.last_decision.number == 3
    text = "\n".join(describe(status))
    for part in ("storms-5", "2026-03-05", "1.80", "bias", "exit code 4", "Reason 20"):
        assert part in text
    assert [line.split()[0] for line in describe_history(status.history)] == ["1", "2", "3"]


def test_what_comes_next_depends_on_the_hold_and_on_the_last_call(folder):
    assert "first network" in expected_next(read_status(folder))
    decide(folder, 1)
    assert "2026-04-01" in expected_next(read_status(folder))
    hold(folder, "A test.", START)
    assert read_status(folder).held
    assert "release" in expected_next(read_status(folder))


def test_page_of_an_empty_registry_and_of_a_first_night(folder):
    write_status_page(read_status(folder), TEMPLATE, folder / "status.html")
    assert "No champion" in (folder / "status.html").read_text()
    decide(folder, 1)
    write_status_page(read_status(folder), TEMPLATE, folder / "status.html")
    assert "storms-1" in (folder / "status.html").read_text()


@pytest.mark.slow
def test_texts_are_escaped(folder):
    write_registry(folder, why=HOSTILE)
    write_status_page(read_status(folder), TEMPLATE, folder / "status.html")
    page = (folder / "status.html").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(" in page


@pytest.mark.parametrize("name", ["monitoring.csv", "last_call.json", "alarms.json"])
def test_damaged_file_is_named(folder, name):
    write_registry(folder)
    (folder / name).write_text("{damaged\n1\n2,3,4\n")
    with pytest.raises(UserError, match=name):
        read_status(folder)


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (0.0, "0.00")])
def test_skill_that_is_null_is_shown_as_unknown_and_zero_as_zero(folder, value, shown):
    entry = decide(folder, 1)
    path = folder / "champion.json"
    content = json.loads(path.read_text())
    skill = dict.fromkeys(("value", "low", "high"), value)
    content["decision"]["challenger"]["scores"]["brier_skill_score_training"] = skill
    for file in (path, folder / "history" / f"{entry.number:06d}.json"):
        file.write_text(json.dumps(content))
    write_status_page(read_status(folder), TEMPLATE, folder / "status.html")
    assert f">{shown}" in (folder / "status.html").read_text()
