"""Draw the images of the guide from a finished demo. Needs Chromium and Graphviz.

Run `make images`, which runs the demo first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
RESULTS = ROOT / "results" / "demo"


def draw_report() -> None:
    """Take a screenshot of the top of the report."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.goto((RESULTS / "report.html").as_uri())
        page.screenshot(path=IMAGES / "report.png")
        browser.close()


def draw_rules() -> None:
    """Draw the graph of rules without arrows that others imply."""
    snakemake = [sys.executable, "-m", "snakemake", "--rulegraph", "--forceall", "--quiet"]
    graph = subprocess.run(snakemake, cwd=ROOT, check=True, capture_output=True).stdout
    reduced = subprocess.run(["tred"], input=graph, check=True, capture_output=True).stdout
    subprocess.run(
        ["dot", "-Tpng", "-Gdpi=80", "-Gmargin=0.1", "-o", IMAGES / "rules.png"],
        input=reduced,
        check=True,
    )


if __name__ == "__main__":
    draw_report()
    draw_rules()
    shutil.copy(RESULTS / "figures" / "dropout_masks.png", IMAGES / "dropout.png")
