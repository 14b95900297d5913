"""Titles and captions of the figures, and the sections of the report that they belong to."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from stormcnn.vocabulary import LEAST_SEEDS


class Intervals(Enum):
    """The intervals that a figure shows, so that the report can say how they were computed."""

    NONE = auto()
    """None, of the test period."""
    OTHER_STORMS = auto()
    """None, or those of other storms than the whole test period; the text next to the figure says
    of which."""
    NETWORKS = auto()
    """Those of single networks, perhaps averaged."""
    AVERAGES = auto()
    """Those of scores averaged over the seeds."""
    DIFFERENCES = auto()


class FigureText(NamedTuple):
    """Section of the report that a figure belongs to, its title and its caption."""

    section: str
    title: str
    caption: str
    intervals: Intervals = Intervals.NETWORKS
    shape: str = "narrow"
    """`narrow` if it can be read at the width of a phone, `wide` if not, `fields` if its colors
    must not be changed in the dark."""


BANDS = (
    "Bands: interval over blocks of storms, mean over the networks; it does not include the choice "
    "of seeds."
)
"""What the bands of curves are."""

FIGURES = {
    "differences": FigureText(
        "summary",
        "Differences between models",
        "Difference in Brier skill score in the test period; to the right is better. Of the "
        "networks that are compared with an opponent, the best one is shown. Symbol and bar: mean "
        "over the seeds, with an interval over blocks of storms and, with at least "
        f"{LEAST_SEEDS} seeds, over seeds. Circles: single seeds.",
        intervals=Intervals.DIFFERENCES,
    ),
    "scores": FigureText(
        "scores",
        "Scores",
        "Scores of the test period, averaged over the seeds, with intervals. Overlapping intervals "
        "do not show whether two models differ, because both were verified with the same storms.",
        intervals=Intervals.AVERAGES,
        shape="wide",
    ),
    "strata": FigureText(
        "strata",
        "Scores by stratum",
        "Brier skill score by month, forecast hour and region, averaged over the seeds. Strata "
        "with too few events have no value; kinds of strata of which most have none are left out.",
        intervals=Intervals.AVERAGES,
        shape="wide",
    ),
    "roc": FigureText(
        "diagrams",
        "Relative operating characteristic (ROC)",
        "Probability of detection against probability of false detection for all thresholds. Thin "
        "lines: single seeds; thick lines: their mean. " + BANDS + " Gray lines connect points of "
        "equal Peirce skill score.",
    ),
    "reliability": FigureText(
        "diagrams",
        "Attributes diagram",
        "Observed frequency of the event by forecast probability. Thin lines: single seeds; thick "
        "lines: their mean. " + BANDS + " Points in the gray area contribute to the Brier skill "
        "score. The inset shows the number of storms per bin on a logarithmic scale.",
    ),
    "performance": FigureText(
        "diagrams",
        "Performance diagram",
        "Probability of detection against success ratio for all thresholds. Thin lines: single "
        "seeds; thick lines: their mean. " + BANDS + " Gray shading: critical success index; "
        "dashed lines: frequency bias.",
    ),
    "recalibration": FigureText(
        "calibration",
        "Recalibrated probabilities",
        "Reliability in the test period of the networks of the first seed, with original and "
        "recalibrated probabilities.",
        shape="wide",
    ),
    "observed": FigureText(
        "observed",
        "Reliability by both truths",
        "Observed frequency by forecast probability, where the event is that of the NWP model "
        "(left) or the one that was reported (right), for the same storms. Thin lines: single "
        "seeds; thick lines: their mean. " + BANDS + " The networks forecast the event of the NWP "
        "model.",
        intervals=Intervals.OTHER_STORMS,
        shape="wide",
    ),
    "economic_value": FigureText(
        "decisions",
        "Relative economic value",
        "What is saved by acting if the probability reaches the ratio of cost and loss, relative "
        "to a perfect forecast (1) and to always or never acting, whichever is cheaper (0), by "
        "that ratio. Averaged over the seeds, with intervals.",
        intervals=Intervals.AVERAGES,
    ),
    "decisions": FigureText(
        "decisions",
        "Decisions at the chosen thresholds",
        "Detected share of the events, share of false alarms among the warnings, and critical "
        "success index in the test period, if one acts at the thresholds that were chosen in the "
        "training period. One row per aim.",
        intervals=Intervals.AVERAGES,
        shape="wide",
    ),
    "regularization": FigureText(
        "regularization",
        "What regularization did",
        "Upper left: skill of each network in the two periods; the distance below the diagonal is "
        "overfitting. Upper right: size of the kernel weights; regularization shifts it to the "
        "left. Lower left: skill of each seed in the test period. Lower right: standard deviation "
        "of the mean over the seeds that is due to the seeds and to the blocks: if seeds dominate, "
        "train more of them; if blocks dominate, collect more days. The reference of the skill is "
        "the event frequency of the training period.",
        intervals=Intervals.NONE,
        shape="wide",
    ),
    "training_curves": FigureText(
        "training",
        "Training curves",
        "Training loss of each network by epoch: mean over the seeds, and single seeds as thin "
        "lines. Losses include the weight penalty and are computed with dropout active, so their "
        "levels must not be compared between models. Lines with open symbols are published losses, "
        "if there are any.",
        intervals=Intervals.OTHER_STORMS,
    ),
    "counts": FigureText(
        "counts",
        "Events per forecast run",
        "Number of events in each forecast run, for the network of the first seed: intervals of "
        "the MC members, and the observed number. Each MC member uses the same dropout masks for "
        "all storms, so its probabilities can be added up to a count that can be verified.",
        intervals=Intervals.NONE,
        shape="wide",
    ),
    "spread_skill": FigureText(
        "uncertainty",
        "Spread and error",
        "Root mean square error by spread, for the network of the first seed. For calibrated "
        "forecasts of a binary event, points lie on the diagonal for the total spread. For the "
        "spread of the MC members alone they lie above it, because the outcome is uncertain even "
        "if the probability is right.",
    ),
    "discard": FigureText(
        "uncertainty",
        "Discard test",
        "Brier score of the remaining storms after discarding the most uncertain ones, for the "
        "network of the first seed. The control p(1 − p) needs no MC members, so only a gain over "
        "it is evidence that their spread adds information.",
    ),
    "entropy": FigureText(
        "uncertainty",
        "Entropy decomposition",
        "Entropy of the Monte Carlo mean as the sum of what the MC members agree on, the mean of "
        "their entropies, and their disagreement, the mutual information. What they agree on is "
        "not an irreducible uncertainty: better networks may lower it.",
        intervals=Intervals.NONE,
    ),
    "cases": FigureText(
        "cases",
        "Case studies",
        "Fields of the storm, with south at the bottom and the outline of the storm, and the "
        "histogram of the MC members' probabilities in bins of 0.05.",
        intervals=Intervals.OTHER_STORMS,
        shape="fields",
    ),
    "dropout_masks": FigureText(
        "dropout",
        "Dropout and spatial dropout of a field of ones",
        "A field of ones after dropout and after spatial dropout, both with rate 0.5. Dropout sets "
        "single values to 0, spatial dropout whole channels. Values that are kept are divided by "
        "1 − rate, so that their expected value is unchanged.",
        intervals=Intervals.OTHER_STORMS,
        shape="fields",
    ),
    "importance": FigureText(
        "importance",
        "Permutation importance",
        "Brier skill score that is lost if predictors are exchanged among storms of the same "
        "block, each alone (above) and one after the other, the most important first (below). "
        "Large symbol: mean over the seeds; line: interval over blocks and, with at least three "
        "seeds, over seeds; small circles: single seeds. It shows on what these networks rely, not "
        "what causes the event: predictors that replace each other can both seem unimportant.",
        intervals=Intervals.OTHER_STORMS,
    ),
    "attributions": FigureText(
        "attributions",
        "Attributions",
        "Fields of the case studies, and the contribution of each grid point to the log odds of "
        "the event, by integrated gradients from the mean of each predictor to the storm: orange "
        "raises the probability, purple lowers it. The numbers above the maps are the probability, "
        "and that with this predictor flattened to its mean over the patch; all are means over the "
        "seeds. A map shows where the networks look in this storm, compared with a storm without "
        "any structure. It does not show causes in the atmosphere, whether the forecast is right, "
        "or what the network would do with other storms.",
        intervals=Intervals.OTHER_STORMS,
        shape="fields",
    ),
    "rate_sweep": FigureText(
        "tuning",
        "Dropout rates",
        "Scores of the MC members by dropout rate, on the held-out part of the training period. "
        "For the log score: the excess over the lowest with one standard error; rates whose bars "
        "reach 0 are as good as the best. The other bars are confidence intervals. Coverage should "
        "be 0.9. The spread-skill ratio of single storms is not a criterion.",
        intervals=Intervals.OTHER_STORMS,
        shape="wide",
    ),
}
"""Figures by the part of their file name before the first hyphen."""

PUBLISHED_SOURCES = {"lesson": "AMS lesson", "course": "AMS short course"}
"""Names of the sources of published scores and losses."""
