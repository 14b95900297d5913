"""Pending jobs are called blocked if waiting does not help."""

from __future__ import annotations

from pathlib import Path

import pytest

from stormcnn.operations.blocked_jobs import read_blocked


@pytest.mark.parametrize(
    ("reason", "blocked"),
    [
        ("PartitionTimeLimit", True),
        ("BadConstraints", True),
        ("QOSMaxMemoryPerJob", True),
        ("AssocMaxWallDurationPerJobLimit", True),
        ("Priority", False),
        ("Resources", False),
        ("QOSMaxJobsPerUserLimit", False),
        ("ReqNodeNotAvail, UnavailableNodes:n1", False),
        ("None", False),
    ],
)
def test_reason_decides(reason: str, blocked: bool) -> None:
    queue = f"17\t{reason}\trule_train_network_wildcards_l2\t/data/zoë/my storms\n"
    found = read_blocked(queue, Path("/data/zoë/my storms"))
    assert [job.job for job in found] == (["17"] if blocked else [])
    assert read_blocked(queue, Path("/data/zoë")) == []
