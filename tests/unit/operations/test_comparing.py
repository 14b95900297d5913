"""Networks are compared only on runs by which neither was chosen."""

import numpy as np
import pandas as pd
import pytest
from made_up_registry import START, decide, monitored_runs

from stormcnn.operations.comparing import compare
from stormcnn.operations.registry import read_history
from stormcnn.operations.succession import roll_back


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "registry"


def test_decision_between_two_networks_is_found(folder):
    first, lost = decide(folder, 1), decide(folder, 2, promote=False)
    lines = compare(read_history(folder), pd.DataFrame(), first, lost)
    assert any("entry 2: Reason 2." in line for line in lines)
    assert "No monitored run after 2026-04-02" in lines[-1]
    assert "same network" in compare(read_history(folder), pd.DataFrame(), first, first)[-1]


@pytest.mark.parametrize("days", [5, 30])
def test_difference_on_unseen_runs_has_an_interval_if_there_are_enough_blocks(folder, days):
    first, second = decide(folder, 1), decide(folder, 2)
    back = roll_back(folder, "A test.", START)
    rows = [
        monitored_runs(entry.champion.sha256, "2026-03-20T00:00", 14 + days)
        for entry in (first, second)
    ]
    unseen = rows[1]["run_date"] > "2026-04-02T00:00"
    assert unseen.sum() == days
    rng = np.random.default_rng(0)
    rows[1].loc[unseen, "brier_score"] -= 0.01 + 0.001 * rng.normal(size=days)
    # The runs by which the second one was chosen do not count.
    rows[1].loc[~unseen, "brier_score"] += 1
    lines = compare(read_history(folder), pd.concat(rows), back, second)
    assert f"{days} runs in {days} blocks" in lines[-1]
    assert "+0.010" in lines[-1]
    assert ("interval" in lines[-1]) == (days == 30)
