"""Processes that may still be writing results are recognized."""

from pathlib import Path

import pytest

from ops.workflow import may_belong_to_workflow

FOLDER = Path("/srv/stormcnn")


@pytest.mark.parametrize("cwd", [str(FOLDER), None])
@pytest.mark.parametrize(
    "command",
    [
        ["python", "/usr/bin/snakemake", "-n"],
        ["python", "-m", "snakemake"],
        ["python", "/srv/stormcnn/.snakemake/scripts/tmp1.train_network.py"],
    ],
)
def test_workflow_or_job_here_or_in_an_unknown_folder_is_recognized(cwd, command):
    assert may_belong_to_workflow(cwd, command, FOLDER)


@pytest.mark.parametrize(
    ("cwd", "command"),
    [
        ("/elsewhere", ["snakemake"]),
        (str(FOLDER), ["python", "-m", "http.server"]),
        (str(FOLDER), None),
        (None, []),
    ],
)
def test_other_process_is_not_taken_for_a_workflow(cwd, command):
    assert not may_belong_to_workflow(cwd, command, FOLDER)
