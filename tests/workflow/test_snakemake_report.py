"""Snakemake's own report of a finished workflow: results with captions, labels and rules."""

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
    "Training": ["dropout_masks.png", "regularization.svg", "training_curves.svg"],
    "Verification": [
        "decisions.svg",
        "differences.svg",
        "economic_value.svg",
        "performance.svg",
        "recalibration.svg",
        "reliability.svg",
        "roc.svg",
        "scores.svg",
        "strata.svg",
    ],
    "Explanation": ["attributions-dropout.png", "importance.svg"],
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
    """Return the properties of each result in the page, by the name of its file."""
    (text,) = re.findall(r"^ *var results = (\{.*\});$", page, re.MULTILINE)
    return {PurePath(path).name: result for path, result in json.loads(text).items()}


def test_report_has_every_result_once(packed, results):
    stored = [PurePath(name).name for name in packed.namelist() if "/data/raw/" in name]
    expected = [name for names in CATEGORIES.values() for name in names]
    assert sorted(stored) == sorted(results) == sorted(expected)


def test_results_are_sorted_into_categories(page):
    (text,) = re.findall(r"^ *var categories = (\{.*\});$", page, re.MULTILINE)
    categories = {
        category: sorted(PurePath(path).name for paths in parts.values() for path in paths)
        for category, parts in json.loads(text).items()
    }
    assert categories == CATEGORIES


def test_figures_have_the_title_and_caption_of_the_registry(results):
    for category in ("Training", "Verification", "Explanation", "Uncertainty"):
        for name in CATEGORIES[category]:
            text = FIGURES[PurePath(name).stem.partition("-")[0]]
            assert results[name]["labels"]["figure"] == text.title
            assert " ".join(results[name]["caption"].split()) == f"<p>{text.caption}</p>"
    assert results["cases-dropout-0.png"]["labels"] == {
        "figure": FIGURES["cases"].title,
        "model": "dropout",
        "seed": "0",
    }


def test_results_name_the_rule_that_made_them(results):
    assert {name: result["job_properties"]["rule"] for name, result in results.items()} == {
        **dict.fromkeys(CATEGORIES["Verification"], "draw_verification"),
        **dict.fromkeys(CATEGORIES["Explanation"], "draw_explanations"),
        **dict.fromkeys(CATEGORIES["Uncertainty"], "draw_uncertainty"),
        "cases-dropout-0.png": "draw_cases",
        "dropout_masks.png": "draw_dropout",
        "regularization.svg": "draw_regularization",
        "training_curves.svg": "draw_training",
        "comparison.csv": "compare_models",
        "report.html": "write_report",
    }


def test_report_names_experiment_and_event(page):
    assert "<strong>tiny</strong>" in page
    assert "RVORT1_MAX_future" in page
    # The data of this experiment come from a folder, so they count as real.
    assert "Made-up data." not in page
