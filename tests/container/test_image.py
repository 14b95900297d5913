"""Each variant of the container's image is built from Debian and runs as any user.

It requires root, buildah, debootstrap, 25 GB of disk space and up to an hour.
The base image is replaced by a Debian root file system with Debian's Python. Without a GPU,
TensorFlow's build for GPUs computes on the CPU.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from learning import LEARNING, write_month

ROOT = Path(__file__).parents[2]
PROGRAMS = ("buildah", "debootstrap")
MIRROR = "http://deb.debian.org/debian"
PYTHON = "python3,python3-venv,ca-certificates"
VARIANTS = ("requirements.txt", "requirements-dev.txt", "requirements-gpu.txt")
NOBODY = 12345
PROMOTED = 3


class Builder:
    """Calls buildah with its own storage."""

    def __init__(self, storage: Path) -> None:
        self._options = ["--root", str(storage / "root"), "--runroot", str(storage / "run")]

    def call(self, command: str, *arguments: str, code: int = 0) -> str:
        """Return the output of a command, which must exit with `code`."""
        result = subprocess.run(
            ["buildah", *self._options, command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert result.returncode == code, result.stdout[-5000:]
        return result.stdout.strip()


class Container:
    """A container of the image, with a folder of an unknown user at /work."""

    def __init__(self, builder: Builder, work: Path) -> None:
        self._builder = builder
        self._name = builder.call("from", "stormcnn")
        self.root = Path(builder.call("mount", self._name))
        self.work = work
        work.mkdir()

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run the entry point as the unknown user, as `docker run` does."""
        image = json.loads(self._builder.call("inspect", self._name))["OCIv1"]["config"]
        for path in (self.work, *self.work.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        options = ("--isolation", "chroot", "--user", f"{NOBODY}:{NOBODY}")
        options += ("--volume", f"{self.work}:/work", self._name, "--")
        return self._builder.call("run", *options, *image["Entrypoint"], *arguments, code=code)

    def has_package(self, name: str) -> bool:
        return any(self.root.glob(f"opt/stormcnn/.venv/lib/*/site-packages/{name}"))


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """Return buildah with an image of Debian that has the name of our base image."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"Requires root and {' and '.join(PROGRAMS)} (missing: {missing}).")
    debian = tmp_path_factory.mktemp("debian")
    command = ["debootstrap", "--variant=minbase", f"--include={PYTHON}", "bookworm"]
    subprocess.run([*command, str(debian), MIRROR], check=True, stdout=subprocess.DEVNULL)
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [base] = re.findall(r"^FROM (.+)$", recipe, re.M)
    builder = Builder(tmp_path_factory.mktemp("storage"))
    empty = builder.call("from", "scratch")
    builder.call("add", "--quiet", empty, str(debian), "/")
    builder.call("commit", "--quiet", "--rm", empty, f"docker.io/library/{base}")
    yield builder
    builder.call("rmi", "--all", "--force")


@pytest.fixture(scope="module", params=VARIANTS)
def variant(
    builder: Builder, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Build the image with some requirements; return the name of their file."""
    # Settings of this machine for pip, such as a mirror.
    settings = [f"--env={name}" for name in os.environ if name.startswith("PIP_")]
    context = tmp_path_factory.mktemp("context")
    subprocess.run(f"git archive HEAD | tar -x -C {context}", shell=True, cwd=ROOT, check=True)
    certificates = "/etc/ssl/certs:/etc/ssl/certs:ro"
    options = ("--isolation", "chroot", "--volume", certificates, *settings)
    options += ("--build-arg", f"REQUIREMENTS={request.param}", "--tag", "stormcnn")
    builder.call("build", *options, str(context))
    yield request.param
    builder.call("rm", "--all")
    builder.call("rmi", "stormcnn")


@pytest.fixture
def container(builder: Builder, variant: str, tmp_path: Path) -> Container:
    return Container(builder, tmp_path / "work")


def test_any_user_runs_the_workflow_and_ops(container: Container, variant: str) -> None:
    for month in (4, 5):
        write_month(container.work, month)
    (container.work / "my.yaml").write_text(yaml.safe_dump(LEARNING), encoding="utf-8")
    inventory = "resources/tiny/inventory.csv"
    container.run("--cores", "2", inventory, "--configfile", "my.yaml")
    assert (container.work / inventory).stat().st_uid == NOBODY

    container.run("retrain", "--configfile", "my.yaml", code=PROMOTED)
    assert "dropout" in container.run("registry", "status")
    has_mlflow = variant == "requirements-dev.txt"
    assert container.has_package("mlflow") == has_mlflow
    assert (container.work / "registry/mlflow.db").exists() == has_mlflow
    assert container.has_package("nvidia") == (variant == "requirements-gpu.txt")

    # So the root file system may be read-only.
    written = [path for path in container.root.rglob("*") if path.lstat().st_uid == NOBODY]
    assert {path.relative_to(container.root).parts[0] for path in written} <= {"tmp"}


def test_image_contains_no_caches(container: Container) -> None:
    caches = ["root/.cache", "tmp/.cache", "opt/stormcnn/.venv/tmp", "opt/stormcnn/.git"]
    assert [name for name in caches if (container.root / name).exists()] == []
