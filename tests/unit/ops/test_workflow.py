"""Processes that may still be writing results are recognized."""

from pathlib import Path

import pytest

from ops.workflow import WorkflowFailed, find_reasons, may_belong_to_workflow

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


def test_reason_of_a_failed_job_is_the_last_line_of_its_log(tmp_path):
    log = tmp_path / "prepare_patches" / "tiny.log"
    log.parent.mkdir()
    log.write_text("2026-05-01 10:00:00,123 Read.\n2026-05-01 10:00:01,000 runs/a.nc: truncated.\n")
    done = tmp_path / "done.log"
    done.write_text("8.0 s, peak memory 166 MiB\n")
    output = (
        f"rule merge_inventory:\n    log: {done}\n    jobid: 0\n"
        "Error in rule prepare_patches:\n    jobid: 1\n"
        f"    log: {log} (check log file(s) for error details)\n"
        "Error in rule gone:\n    log: nowhere.log (check log file(s) for error details)\n"
    )
    assert find_reasons((2 * output).encode()) == ["runs/a.nc: truncated."]
    assert find_reasons(b"\xff no job has failed") == []
    assert str(WorkflowFailed(log, ["runs/a.nc: truncated."])).endswith("runs/a.nc: truncated.")
