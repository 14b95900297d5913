"""Snakemake's own report of a finished run: results with captions, labels and provenance."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import PurePath

import pytest
from checkout import Checkout

from stormcnn.report.labels import FIGURES

CATEGORIES = {
    "Comparison": ["comparison.csv", "report.html"],
    "Training": ["dropout_masks.png", "training_curves.svg"],
    "Verification": [
        "performance.svg",
        "recalibration.svg",
        "reliability.svg",
        "roc.svg",
        "scores.svg",
        "strata.svg",
    ],
    "Uncertainty": [
        "cases-dropout-0.png",
        "counts.svg",
        "discard.svg",
        "entropy.svg",
        "spread_skill.svg",
    ],
}


@pytest.fixture(scope="module")
def packed(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    path = tmp_path_factory.mktemp("snakemake") / "report.zip"
    finished.run("--report", str(path))
    with zipfile.ZipFile(path) as file:
        yield file


@pytest.fixture(scope="module")
def page(packed: zipfile.ZipFile) -> str:
    return packed.read("report/report.html").decode()


@pytest.fixture(scope="module")
def results(page: str) -> dict[str, dict]:
    """What the page knows of each result, by the name of its file."""
    (given,) = re.findall(r"^ *var results = (\{.*\});$", page, re.MULTILINE)
    return {PurePath(path).name: result for path, result in json.loads(given).items()}


def test_report_holds_every_result_once(packed, results):
    stored = [PurePath(name).name for name in packed.namelist() if "/data/raw/" in name]
    expected = [name for names in CATEGORIES.values() for name in names]
    assert sorted(stored) == sorted(results) == sorted(expected)


def test_results_are_sorted_into_categories(page):
    (given,) = re.findall(r"^ *var categories = (\{.*\});$", page, re.MULTILINE)
    found = {
        category: sorted(PurePath(path).name for paths in parts.values() for path in paths)
        for category, parts in json.loads(given).items()
    }
    assert found == CATEGORIES


def test_figures_have_the_title_and_the_caption_of_our_report(results):
    for category in ("Training", "Verification", "Uncertainty"):
        for name in CATEGORIES[category]:
            text = FIGURES[PurePath(name).stem.partition("-")[0]]
            assert results[name]["labels"]["figure"] == text.title
            assert " ".join(results[name]["caption"].split()) == f"<p>{text.caption}</p>"
    assert results["cases-dropout-0.png"]["labels"] == {
        "figure": "Cases",
        "model": "dropout",
        "seed": "0",
    }


def test_results_come_with_the_rule_that_made_them(results):
    assert {name: result["job_properties"]["rule"] for name, result in results.items()} == {
        **dict.fromkeys(CATEGORIES["Verification"], "draw_verification"),
        **dict.fromkeys(CATEGORIES["Uncertainty"], "draw_uncertainty"),
        "cases-dropout-0.png": "draw_cases",
        "dropout_masks.png": "draw_dropout",
        "training_curves.svg": "draw_training",
        "comparison.csv": "compare_models",
        "report.html": "write_report",
    }


def test_report_says_what_is_forecast(page):
    assert "Run <strong>tiny</strong>: the probability" in page
    assert "RVORT1_MAX_future" in page
    # The data of this run come from a folder.
    assert "Made-up data." not in page
