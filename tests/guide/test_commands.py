"""Every command in the README and the guide works as it is printed, in a fresh clone.

Commands after a paragraph in italics that begins with “Not run by `make try-guide`” are left out.
The configs of the guide are used as they are printed, with smaller networks and made-up run files
instead of the user's. It takes about half an hour. Commands for clusters run on a SLURM with one
node, if its packages are installed and the user is root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, SETTINGS, merged, write_runs
from guide_pages import PAGES, Command, commands_of, configs_of
from slurm import PATH, Slurm, why_unavailable

NEW_RUN = datetime(2024, 5, 20)


class Guide:
    """A fresh clone with the files that the guide assumes, in which its commands run."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "fresh clone" / "stormcnn"
        self.data = folder / "data"
        self.cache = folder / "cache"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        (self.clone / ".venv").symlink_to(sys.prefix)
        # Enough days for a decision about a champion in a month of its own.
        months = [(2023, 5), (2023, 6), (2024, 5), (2024, 6)]
        dates = [datetime(year, month, day) for year, month in months for day in range(1, 13)]
        write_runs(self.data / "patches", dates)
        write_runs(self.data / "new", [NEW_RUN])
        write_runs(self.data / "later", [NEW_RUN])
        (self.data / "networks").mkdir()
        for page in PAGES:
            for name, text in configs_of(page):
                self._write_config(name, text)

    def _write_config(self, name: str, text: str) -> None:
        settings = yaml.safe_load(self._in_place(text))
        if name == "my.yaml":
            models = {key: SETTINGS[key] for key in ("models", "training", "uncertainty")}
            settings = merged(merged(models, SETTINGS), settings)
        (self.clone / name).write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")

    def _in_place(self, text: str) -> str:
        """Return a text of the guide with the paths and names of this machine."""
        for place, path in (
            ("/data/", f"{self.data}/"),
            ("/shared/stormcnn-cache", str(self.cache)),
            ("/opt/stormcnn", f"{str(self.clone).replace(' ', chr(92) + ' ')}"),
            ("--account=ACCOUNT --partition=PARTITION", "--wait --partition=main"),
            ("slurm_account=ACCOUNT slurm_partition=PARTITION", "slurm_partition=main"),
        ):
            text = text.replace(place, path)
        return text

    def run(self, command: Command) -> None:
        network = (
            self.clone / "results" / "spring" / "models" / "dropout" / "seed-0" / "network.keras"
        )
        if network.exists():
            shutil.copy(network, self.data / "networks" / "spring.keras")
        variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SNAKEMAKE_", "PYTEST_", "PYTHON"))
        }
        variables |= {"PATH": PATH, "SNAKEMAKE_OUTPUT_CACHE": str(self.cache)}
        done = subprocess.run(
            ["bash", "-euc", self._in_place(command.text)],
            cwd=self.clone,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3600,
        )
        assert done.returncode == 0, f"{command.text}\n{done.stdout[-5000:]}"


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    return Guide(tmp_path_factory.mktemp("guide"))


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    if reason := why_unavailable():
        pytest.skip(reason)
    # As many as the commands request.
    with Slurm(tmp_path_factory.mktemp("slurm"), cpus=16) as slurm:
        yield slurm


@pytest.mark.parametrize(
    "command",
    [command for page in PAGES for command in commands_of(page)],
    ids=lambda command: f"{command.page}:{command.line} {command.text}",
)
def test_command_of_the_guide(
    command: Command, guide: Guide, request: pytest.FixtureRequest
) -> None:
    if re.search(r"\b(slurm|sbatch|recover)\b", command.text):
        request.getfixturevalue("slurm")
    guide.run(command)
