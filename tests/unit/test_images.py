"""The picture of the report in README.md is made by the present code."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def images():
    """The module `docs/image_inputs.py`, which is not part of a package."""
    spec = importlib.util.spec_from_file_location("image_inputs", ROOT / "docs/image_inputs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_picture_of_the_report_is_up_to_date(images):
    assert (ROOT / "docs/images/report.png").exists()
    stored = images.DIGEST.read_text(encoding="ascii").strip()
    assert stored == images.digest_of_inputs(), "The report has changed: run `make images`."


def test_every_input_of_the_picture_counts(images, tmp_path):
    files = [file for pattern in images.INPUTS for file in ROOT.glob(pattern)]
    for file in files:
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    assert images.digest_of_inputs(tmp_path) == images.digest_of_inputs()
    for pattern in images.INPUTS:
        before = images.digest_of_inputs(tmp_path)
        with next(tmp_path.glob(pattern)).open("a") as stream:
            stream.write(" ")
        assert images.digest_of_inputs(tmp_path) != before, pattern
