"""What the picture of the report depends on, so that a test notices when it is out of date."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIGEST = ROOT / "docs" / "images" / "report.sha256"

INPUTS = (
    "config/config.yaml",
    "report/macros.html.jinja",
    "report/report.css",
    "report/report.html.jinja",
    "stormcnn/report/*.py",
    "stormcnn/verification/*claim*.py",
)
"""Files that decide what the first screen of the demo's report says and what it looks like."""


def digest_of_inputs(root: Path = ROOT) -> str:
    """Return a digest of the names and contents of all files of `INPUTS`."""
    digest = hashlib.sha256()
    for pattern in INPUTS:
        for file in sorted(root.glob(pattern)):
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
