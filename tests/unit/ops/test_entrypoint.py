"""The command of the container runs the workflow, or any program in ops/."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OPS = ROOT / "ops"
PROGRAMS = sorted(
    path.name
    for path in OPS.iterdir()
    if path.is_file() and not path.suffix and path.name != "entrypoint" and os.access(path, os.X_OK)
)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a folder like that of the image, with programs that print their arguments."""
    image = tmp_path / "opt stormcnn"
    for program in ("ops/" + name for name in PROGRAMS):
        write_program(image / program)
    write_program(image / ".venv" / "bin" / "snakemake")
    shutil.copy(OPS / "entrypoint", image / "ops")
    return image


def write_program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n')
    path.chmod(0o755)


def called(image: Path, *arguments: str) -> list[str]:
    command = [str(image / "ops" / "entrypoint"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_of_ops_is_run_by_its_name(image: Path, program: str) -> None:
    expected = [f"{image}/ops/{program}", "--help", "a b"]
    assert called(image, program, "--help", "a b") == expected


def test_all_other_arguments_are_those_of_snakemake(image: Path) -> None:
    snakemake = [f"{image}/.venv/bin/snakemake", "--snakefile", f"{image}/Snakefile"]
    assert called(image, "forecasts/a b.nc", "-n") == [*snakemake, "forecasts/a b.nc", "-n"]
    assert called(image) == snakemake
