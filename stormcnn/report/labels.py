"""Titles and captions of figures, names of strata, and the event in words."""

from __future__ import annotations

import calendar
from typing import NamedTuple


class FigureText(NamedTuple):
    """Section of the report that a figure belongs to, its title and its caption."""

    section: str
    title: str
    caption: str


FIGURES = {
    "training_curves": FigureText(
        "training",
        "Training curves",
        "Training loss of each network by epoch. Losses include the weight penalty and are "
        "computed with dropout active, so their levels must not be compared between models. Thin "
        "lines with open symbols are published losses, if there are any.",
    ),
    "scores": FigureText(
        "scores",
        "Scores",
        "Scores of the test period with confidence intervals. Overlapping intervals do not show "
        "whether two models differ: see the table of differences.",
    ),
    "strata": FigureText(
        "scores",
        "Scores by stratum",
        "Brier skill score by month, forecast hour and region. Strata with too few events have no "
        "value.",
    ),
    "roc": FigureText(
        "curves",
        "Relative operating characteristic (ROC)",
        "Probability of detection against probability of false detection for all thresholds, with "
        "interval bands. Grey lines connect points of equal Peirce skill score.",
    ),
    "reliability": FigureText(
        "curves",
        "Attributes diagram",
        "Observed frequency of the event by forecast probability, with intervals. Points in the "
        "grey area contribute to the Brier skill score. The inset shows the number of storms per "
        "bin on a logarithmic scale.",
    ),
    "recalibration": FigureText(
        "recalibration",
        "Recalibrated probabilities",
        "Reliability of the networks of the first seed, with their original probabilities and "
        "with probabilities recalibrated on the training period.",
    ),
    "performance": FigureText(
        "curves",
        "Performance diagram",
        "Probability of detection against success ratio for all thresholds. Grey shading shows "
        "the critical success index, dashed lines the frequency bias.",
    ),
    "counts": FigureText(
        "counts",
        "Events per forecast run",
        "Number of storms with strong rotation in each forecast run: intervals of the MC members, "
        "and the observed number. Each MC member uses the same dropout masks for all storms, so "
        "its probabilities can be added up to a count that can be verified.",
    ),
    "spread_skill": FigureText(
        "uncertainty",
        "Spread and error",
        "Root mean square error by spread. For calibrated forecasts of a binary event, points lie "
        "on the diagonal for the total spread. For the spread of the MC members alone they lie "
        "above it, because the outcome is uncertain even if the probability is right.",
    ),
    "discard": FigureText(
        "uncertainty",
        "Discard test",
        "Brier score of the remaining storms after discarding the most uncertain ones. The control "
        "p(1 − p) needs no MC members, so only a gain over it is evidence that their spread adds "
        "information.",
    ),
    "entropy": FigureText(
        "uncertainty",
        "Entropy decomposition",
        "Entropy of the Monte Carlo mean as the sum of the mean entropy of the MC members and "
        "their disagreement, the mutual information.",
    ),
    "cases": FigureText(
        "cases",
        "Case studies",
        "Fields of the storm, with south at the bottom, and the histogram of the MC members' "
        "probabilities in bins of 0.05.",
    ),
    "dropout_masks": FigureText(
        "dropout",
        "Dropout and spatial dropout of a field of ones",
        "A field of ones after dropout and after spatial dropout, both with rate 0.5. Dropout sets "
        "single values to 0, spatial dropout whole channels. Values that are kept are divided by "
        "1 − rate, so that their expected value is unchanged.",
    ),
    "rate_sweep": FigureText(
        "tuning",
        "Dropout rates",
        "Scores of the MC members by dropout rate, on the held-out part of the training period. "
        "For the log score: the excess over the lowest with one standard error; rates whose bars "
        "reach 0 are as good as the best. The other bars are confidence intervals. Coverage should "
        "be 0.9. The spread-skill ratio of single storms is not a criterion.",
    ),
}
"""Figures by the part of their file name before the first hyphen."""

PUBLISHED_SOURCES = {"lesson": "AMS lesson", "course": "AMS short course"}
"""Names of the sources of published scores and losses."""


def stratum_name(stratum: str) -> str:
    """Return the name of a stratum: May for `month=5`, Hours 12 to 17 for `forecast_hour=12-17`."""
    kind, _, value = stratum.partition("=")
    if kind == "month":
        return calendar.month_name[int(value)]
    if kind == "forecast_hour":
        return f"Hours {value.replace('-', ' to ')}"
    return value.replace("_", " ").title()


def describe_event(target: str, region: str, threshold: float) -> str:
    """Return the event in words."""
    where = {"storm": "inside the storm", "patch": "in the storm's patch"}[region]
    return f"the largest {target} {where} exceeds {threshold:g}"
