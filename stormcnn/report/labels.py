"""Titles and captions of figures, and names of strata."""

from __future__ import annotations

import calendar
from typing import NamedTuple


class FigureText(NamedTuple):
    """Title and caption of a figure, and the section of the report that it belongs to."""

    section: str
    title: str
    caption: str


FIGURES = {
    "training_curves": FigureText(
        "training",
        "Training curves",
        "Loss by epoch of each network. Losses hold the weight penalty, and dropout is at work in "
        "them, so their levels cannot be compared between models. Printed losses, where there "
        "are any, are thin with open symbols.",
    ),
    "scores": FigureText(
        "scores",
        "Scores with intervals",
        "Scores of the test period with their intervals. Overlapping intervals do not settle "
        "whether two models differ: see the table of differences.",
    ),
    "strata": FigureText(
        "scores",
        "Scores by part of the test period",
        "Brier skill score of parts of the test period. Parts with too few events have no value.",
    ),
    "roc": FigureText(
        "curves",
        "Relative operating characteristic",
        "Detected events against falsely alarmed non-events over all thresholds, with interval "
        "bands. Grey lines join points of equal Peirce skill score.",
    ),
    "reliability": FigureText(
        "curves",
        "Attributes diagram",
        "Observed frequency of the event by forecast probability, with intervals. Points in the "
        "grey area add to the Brier skill score. The inset counts storms on a logarithmic scale.",
    ),
    "recalibration": FigureText(
        "recalibration",
        "Recalibrated probabilities",
        "Attributes diagrams of the networks of the first seed: their probabilities as they are, "
        "and recalibrated by what they said of the training period.",
    ),
    "performance": FigureText(
        "curves",
        "Performance diagram",
        "Detected events against the share of alarms that came true, over all thresholds. Grey "
        "levels are the critical success index, dashed lines the frequency bias.",
    ),
    "counts": FigureText(
        "counts",
        "Events of each run",
        "Number of storms with strong rotation in each run: what the members forecast and what "
        "happened. Members are coherent (one sub-network for all storms), so this can be tested.",
    ),
    "spread_skill": FigureText(
        "uncertainty",
        "Spread and error",
        "Root mean square error by spread. Calibrated forecasts of a yes/no event lie on the line "
        "by their total spread; by the members' spread alone they lie above it, because the event "
        "itself is open.",
    ),
    "discard": FigureText(
        "uncertainty",
        "Discard test",
        "Score of the storms that remain when the most uncertain are set aside. The control p(1 − "
        "p) needs no members: only a gain over it is evidence that the spread adds something.",
    ),
    "entropy": FigureText(
        "uncertainty",
        "Entropy split",
        "Entropy of the forecast probability: what the members share, and where they disagree.",
    ),
    "cases": FigureText(
        "cases",
        "Cases",
        "Fields of the storm (south at the bottom) and the distribution of the members' "
        "probabilities in bins of 0.05.",
    ),
    "dropout_masks": FigureText(
        "dropout",
        "Dropout and spatial dropout of a field of ones",
        "A field of ones after dropout and after spatial dropout with rate 0.5. Dropout drops "
        "values, spatial dropout whole channels; what is kept is divided by 1 − rate, so that the "
        "mean stays.",
    ),
    "rate_sweep": FigureText(
        "tuning",
        "Dropout rates",
        "Scores of the members by dropout rate, on the held-out part of the training period. Log "
        "score: how far above the lowest, with one standard error; bars that reach 0 are as good. "
        "The other bars are intervals. Coverage should be 0.9; the spread-skill ratio of single "
        "storms is no test and decided nothing.",
    ),
}
"""Figures by the part of their file name before the first hyphen."""


def stratum_name(stratum: str) -> str:
    """Name of a part of the test period: `month=5` is May, `forecast_hour=12-17` Hours 12 to 17."""
    kind, _, value = stratum.partition("=")
    if kind == "month":
        return calendar.month_name[int(value)]
    if kind == "forecast_hour":
        return f"Hours {value.replace('-', ' to ')}"
    return value.replace("_", " ").capitalize()
