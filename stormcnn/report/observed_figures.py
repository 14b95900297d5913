"""The figure of the reliability by both truths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import pandas as pd

from stormcnn.report.figure_style import STYLE, WIDE, make_figure
from stormcnn.report.palette import GRAY
from stormcnn.report.verification_figures import draw_reliability
from stormcnn.verification.observed import NWP, OBSERVED
from stormcnn.vocabulary import SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

NO_RESOLUTION = "No resolution"

PANELS = {NWP: "Event of the NWP model", OBSERVED: "Observed event"}


@matplotlib.rc_context(STYLE)
def observed_figure(
    reliability: pd.DataFrame, titles: Mapping[str, str], made_up: bool = False
) -> Figure:
    """Return attributes diagrams by the NWP and by the observed event, side by side.

    `reliability` is the table of this name with the column `truth`, and seeds as text; it may be
    empty.
    """
    if reliability.empty:
        figure, axes = make_figure(size=(WIDE, 1.5), made_up=made_up)
        axes[0, 0].set_axis_off()
        axes[0, 0].text(0.5, 0.5, "Too few observed events", ha="center", color=GRAY)
        return figure
    single = reliability[reliability["forecast"] == SINGLE]
    size = (WIDE, 4.6 + 0.15 * single["model"].nunique())
    figure, axes = make_figure(1, len(PANELS), size=size, made_up=made_up)
    for panel, (truth, title) in zip(axes[0], PANELS.items(), strict=True):
        draw_reliability(panel, single[single["truth"] == truth], titles)
        panel.set_title(title, fontsize=11)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    # The climatology differs between the panels.
    texts = [NO_RESOLUTION if text.startswith(NO_RESOLUTION) else text for text in labels]
    figure.legend(handles, texts, loc="outside lower center", ncols=2)
    return figure
