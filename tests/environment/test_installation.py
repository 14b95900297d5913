"""`make` installs only packages whose hashes are those of the pinned requirements."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stormcnn.provenance import sha256_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("tampered", [False, True])
def test_package_with_wrong_hash_is_not_installed(tmp_path, tampered):
    shutil.copy(ROOT / "Makefile", tmp_path)
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        about = "tiny-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    line = f"./{wheel.name} --hash=sha256:{sha256_of(wheel)}\n"
    for lock in ("requirements-build.txt", "requirements-dev.txt", "requirements.txt"):
        (tmp_path / lock).write_text(line)
    if tampered:
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr("evil.py", "")
    made = subprocess.run(
        ["make", "install-runtime", f"PYTHON={sys.executable}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    installed = list(tmp_path.glob(".venv/lib/*/site-packages/tiny.py"))
    if tampered:
        assert "DO NOT MATCH THE HASHES" in made.stderr
        assert made.returncode != 0
        assert installed == []
    else:
        assert made.returncode == 0, made.stderr
        assert len(installed) == 1
