from __future__ import annotations

from pathlib import Path

import pytest

from stormcnn.report.labels import FIGURES

CAPTIONS = Path(__file__).parents[3] / "report" / "captions"
OF_FIGURES = sorted({path.stem for path in CAPTIONS.glob("*.rst")} & set(FIGURES))


def test_figures_have_captions():
    assert {"roc", "reliability", "counts", "cases", "training_curves"} <= set(OF_FIGURES)


@pytest.mark.parametrize("figure", OF_FIGURES)
def test_both_reports_say_the_same_of_a_figure(figure):
    caption = (CAPTIONS / f"{figure}.rst").read_text(encoding="utf-8")
    assert " ".join(caption.split()) == FIGURES[figure].caption
