"""The workflow runs in folders with any name, from a read-only checkout, and as a module."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from checkout import RUN_TIMEOUT_SECONDS, SETTINGS, Checkout, copy_code, read_plan, write_runs

PLACE = "Zoë's storms $1 (new)"
INVENTORY = "resources/tiny/inventory.csv"
MODULE = """\
module storms:
    snakefile: "../shared/Snakefile"
    config: config["storms"]


use rule * from storms as storms_*


rule all:
    default_target: True
    input:
        "resources/tiny/inventory.csv",
"""
# Root may write to any file. Without this capability, the permissions of files count.
OBEYING_PERMISSIONS = (
    ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]
    if os.geteuid() == 0
    else []
)


class Place:
    """A folder with a read-only checkout and an environment, and another folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "shared"
        self.work = folder / "my work"
        copy_code(self.checkout)
        # The environment has the libraries of the one in which the tests run.
        venv.create(self.checkout / ".venv", symlinks=True)
        (libraries,) = (self.checkout / ".venv").glob("lib/*/site-packages")
        own = [path for path in sys.path if path.endswith("site-packages")]
        (libraries / "libraries.pth").write_text("\n".join(own))
        write_runs(self.work / "runs")
        self.configure(SETTINGS)
        self.set_writable(False)

    def configure(self, settings: object) -> None:
        (self.work / "tiny.yaml").write_text(yaml.safe_dump(settings))

    def set_writable(self, writable: bool) -> None:
        for path in [self.checkout, *self.checkout.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755 if writable else 0o555)

    def call(self, *arguments: str) -> str:
        """Call Python in the working folder; return its output."""
        result = subprocess.run(
            [*OBEYING_PERMISSIONS, str(self.checkout / ".venv" / "bin" / "python"), *arguments],
            cwd=self.work,
            env=Checkout(self.work).environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_TIMEOUT_SECONDS,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout

    def snakemake(self, snakefile: Path, *arguments: str) -> str:
        command = ("-m", "snakemake", "--snakefile", str(snakefile), "--cores", "2")
        return self.call(*command, *arguments, "--configfile", "tiny.yaml")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / PLACE)
    yield place
    place.set_writable(True)


def test_read_only_checkout_serves_another_folder(place: Place) -> None:
    before = sorted(place.checkout.rglob("*"))
    snakefile = place.checkout / "Snakefile"
    place.snakemake(snakefile, INVENTORY)
    assert (place.work / INVENTORY).exists()
    assert (place.work / "logs/prepare_patches/tiny-2014-04.log").exists()
    # Templates and default settings are found as well.
    planned = read_plan(place.snakemake(snakefile, "--dry-run"))
    assert "prepare_patches 2014-04" not in planned
    assert str(place.checkout / "report/report.html.jinja") in planned["write_report"].inputs
    assert sorted(place.checkout.rglob("*")) == before

    retrain = str(place.checkout / "ops" / "retrain")
    assert "NCARSTORM_20140401" in place.call(retrain, "--configfile", "tiny.yaml", "--dry-run")


def test_workflow_is_used_as_a_module(place: Place) -> None:
    place.configure({"storms": SETTINGS})
    snakefile = place.work / "Snakefile"
    snakefile.write_text(MODULE)
    place.snakemake(snakefile)
    assert (place.work / INVENTORY).exists()
    planned = read_plan(place.snakemake(snakefile, "storms_all", "--dry-run"))
    assert "storms_write_report" in planned
    assert "storms_prepare_patches 2014-04" not in planned
