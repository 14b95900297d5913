"""`make` installs pinned packages so that they work anywhere, or says what is missing."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stormcnn.provenance import sha256_of

ROOT = Path(__file__).parents[2]
WHEEL = "tiny-1.0-py3-none-any.whl"
LOCKS = ("requirements-build.txt", "requirements-dev.txt", "requirements.txt")


def make(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Install the runtime, independently of pip's settings on this machine."""
    others = {key: text for key, text in os.environ.items() if not key.startswith("PIP_")}
    command = ["make", "install-runtime"]
    if "PYTHON" not in variables:
        command += [f"PYTHON={sys.executable}"]
    return subprocess.run(
        command,
        cwd=folder,
        env=others | {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1"} | variables,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with what `make` needs and a package with a program to be installed."""
    folder = tmp_path / 'Zoë\'s "storm" data $1'
    (folder / "envs").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "envs" / "install", folder / "envs")
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        archive.writestr("tiny.py", "def main(): print('Hello from', __file__)")
        about = "tiny-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{about}/entry_points.txt", "[console_scripts]\ntiny = tiny:main\n")
        archive.writestr(f"{about}/RECORD", "")
    for lock in LOCKS:
        line = f"./{WHEEL} --hash=sha256:{sha256_of(folder / WHEEL)}\n"
        (folder / lock).write_text(f"# {lock}\n{line}")
    return folder


def require_from_index(folder: Path) -> None:
    """Make the package available only from a package index."""
    for lock in LOCKS:
        line = (folder / lock).read_text().replace(f"./{WHEEL}", "tiny==1.0")
        (folder / lock).write_text(line)


def test_package_with_wrong_hash_is_not_installed(folder: Path) -> None:
    with zipfile.ZipFile(folder / WHEEL, "a") as archive:
        archive.writestr("evil.py", "")
    made = make(folder)
    assert made.returncode != 0
    assert "DO NOT MATCH THE HASHES" in made.stderr
    assert not list(folder.glob(".venv/lib/*/site-packages/tiny.py"))


def test_moved_environment_works_and_one_without_its_python_is_created_anew(folder: Path) -> None:
    made = make(folder)
    assert made.returncode == 0, made.stderr
    assert re.search(r"\d MB", made.stdout)
    moved = folder.with_name("moved")
    folder.rename(moved)
    said = subprocess.run([".venv/bin/tiny"], cwd=moved, capture_output=True, text=True)
    assert said.stdout.startswith(f"Hello from {moved}"), said.stderr
    assert "Creating" not in make(moved).stdout

    python = moved / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    made = make(moved)
    assert made.returncode == 0, made.stderr
    assert "Creating" in made.stdout
    subprocess.run([".venv/bin/tiny"], cwd=moved, check=True)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("3.14 with", "Python 3.14"),
        ("3.12 without", "3.12-venv|ensurepip"),
        (None, "not installed"),
    ],
)
def test_reason_why_python_is_not_suitable_is_named(
    folder: Path, found: str | None, expected: str
) -> None:
    python = folder.parent / "python3.12"
    if found:
        python.write_text(f"#!/bin/sh\necho {found}\n")
        python.chmod(0o755)
    made = make(folder, PYTHON=str(python))
    assert made.returncode != 0
    assert str(python) in made.stderr
    assert re.search(expected, made.stderr)
    assert not (folder / ".venv").exists()


def behind(proxy: str, index: str) -> dict[str, str]:
    """Return environment variables for a package index behind a proxy, or without one ("")."""
    names = ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")
    proxies = dict(zip(names, (proxy, proxy, "", ""), strict=True))
    return proxies | {"PIP_INDEX_URL": index, "PIP_TRUSTED_HOST": "packages.invalid"}


class Proxy(http.server.BaseHTTPRequestHandler):
    """A proxy behind which there is a package index with one package."""

    wheel: Path

    def do_GET(self) -> None:
        is_file = self.path.endswith(".whl")
        link = f'<a href="http://packages.invalid/{WHEEL}">{WHEEL}</a>'
        content = self.wheel.read_bytes() if is_file else link.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/zip" if is_file else "text/html")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy(folder: Path) -> Iterator[str]:
    """Return the address of a running proxy."""
    handler = type("ProxyOfFolder", (Proxy,), {"wheel": folder / WHEEL})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_packages_are_installed_through_a_proxy(folder: Path, proxy: str) -> None:
    require_from_index(folder)
    made = make(folder, **behind(proxy, "http://packages.invalid/"))
    assert made.returncode == 0, made.stderr
    assert list(folder.glob(".venv/lib/*/site-packages/tiny.py"))


@pytest.mark.parametrize(
    ("index", "proxy", "expected"),
    [
        ("http://127.0.0.1:9/", "", "No network"),
        ("http://packages.invalid/", "http://127.0.0.1:9", "HTTP_PROXY"),
    ],
)
def test_missing_network_or_proxy_is_named(
    folder: Path, index: str, proxy: str, expected: str
) -> None:
    require_from_index(folder)
    made = make(folder, **behind(proxy, index))
    assert made.returncode != 0
    assert expected in made.stderr
