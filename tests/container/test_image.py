"""The image of the container is built from Debian and runs as any user.

It requires root, buildah, debootstrap, 10 GB of disk space and several minutes.
The base image is replaced by a Debian root file system with Debian's Python.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("buildah", "debootstrap")
MIRROR = "http://deb.debian.org/debian"
PYTHON = "python3,python3-venv,ca-certificates"
NOBODY = "12345:12345"


class Builder:
    """Calls buildah with its own storage."""

    def __init__(self, storage: Path) -> None:
        self.options = ["--root", str(storage / "root"), "--runroot", str(storage / "run")]
        self.options += ["--storage-driver", "vfs"]

    def call(self, command: str, *arguments: str) -> str:
        result = subprocess.run(
            ["buildah", *self.options, command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert result.returncode == 0, result.stdout[-5000:]
        return result.stdout.strip()

    def run(self, container: str, work: Path, *arguments: str) -> str:
        """Run the entry point of a container as its user, with a folder at /work."""
        mounted = ("--isolation", "chroot", "--user", NOBODY, "--volume", f"{work}:/work")
        return self.call(
            "run", *mounted, container, "--", "/opt/stormcnn/ops/entrypoint", *arguments
        )


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"Requires root and {' and '.join(PROGRAMS)} (missing: {missing}).")
    return Builder(tmp_path_factory.mktemp("storage"))


@pytest.fixture(scope="module")
def container(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a container of the image, built on Debian under the name of its base image."""
    debian = tmp_path_factory.mktemp("debian")
    command = ["debootstrap", "--variant=minbase", f"--include={PYTHON}", "bookworm"]
    subprocess.run([*command, str(debian), MIRROR], check=True, stdout=subprocess.DEVNULL)
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [base] = re.findall(r"^FROM (.+)$", recipe, re.M)
    empty = builder.call("from", "scratch")
    builder.call("add", "--quiet", empty, str(debian), "/")
    builder.call("commit", "--quiet", empty, f"docker.io/library/{base}")
    # Settings of this machine for pip, such as a mirror.
    settings = [f"--env={name}" for name in os.environ if name.startswith("PIP_")]
    context = tmp_path_factory.mktemp("context")
    subprocess.run(f"git archive HEAD | tar -x -C {context}", shell=True, cwd=ROOT, check=True)
    certificates = "/etc/ssl/certs:/etc/ssl/certs:ro"
    options = ("--isolation", "chroot", "--volume", certificates, *settings)
    builder.call("build", *options, "--tag", "stormcnn", str(context))
    return builder.call("from", "stormcnn")


def test_any_user_runs_the_workflow_and_ops(
    builder: Builder, container: str, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    os.chown(work, *map(int, NOBODY.split(":")))
    builder.run(container, work, "--cores", "2", "resources/demo/inventory.csv")
    assert (work / "resources/demo/inventory.csv").stat().st_uid == int(NOBODY.split(":")[0])
    assert "--configfile" in builder.run(container, work, "retrain", "--help")


def test_image_contains_no_caches(builder: Builder, container: str) -> None:
    # In the other container the workflow has written caches to /tmp.
    unused = builder.call("from", "stormcnn")
    mounted = Path(builder.call("mount", unused))
    caches = ["root/.cache", "tmp/.cache", "opt/stormcnn/.venv/tmp", "opt/stormcnn/.git"]
    assert [name for name in caches if (mounted / name).exists()] == []
