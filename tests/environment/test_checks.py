"""`make check` looks at the files of the project only."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from checkout import ROOT


def test_scripts_of_interrupted_jobs_are_not_checked_without_git(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("scripts/train_network.py", ".snakemake/scripts/tmp1.train_network.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("import os\n")
    command = [Path(sys.executable).with_name("ruff"), "check", "--show-files", "."]
    files = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    names = {str(Path(file).relative_to(tmp_path)) for file in files.splitlines()}
    assert names == {"pyproject.toml", "scripts/train_network.py"}
