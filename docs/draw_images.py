"""Draw the images of the guide from a finished demo. Needs Chromium and Graphviz.

Run `make images`, which runs the demo first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from image_inputs import DIGEST, ROOT, digest_of_inputs
from playwright.sync_api import sync_playwright

IMAGES = ROOT / "docs" / "images"
RESULTS = ROOT / "results" / "demo"


def draw_report() -> None:
    """Take a screenshot of the first screen of the report, and note what it was made from."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        page = browser.new_page(viewport={"width": 1100, "height": 1000})
        page.goto((RESULTS / "report.html").as_uri())
        page.screenshot(path=IMAGES / "report.png")
        browser.close()
    DIGEST.write_text(f"{digest_of_inputs()}\n", encoding="ascii")


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
