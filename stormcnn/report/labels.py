"""Names of scores and figures: what tables, axes and captions call them."""

from __future__ import annotations

import calendar
from typing import NamedTuple


class Score(NamedTuple):
    """How a score is called, with how many decimals it is shown, which way is better, what it is.

    `better` is 1 where larger is better, -1 where smaller is, 0 where neither.
    """

    label: str
    decimals: int
    better: int
    meaning: str


class FigureText(NamedTuple):
    """Title and caption of a figure, and the section of the report that it belongs to."""

    section: str
    title: str
    caption: str


SCORES = {
    "auc": Score(
        "Area under the ROC curve",
        3,
        1,
        "chance that an event got the higher probability; 0.5 without discrimination",
    ),
    "brier_score": Score("Brier score", 4, -1, "mean squared error of the probability"),
    "brier_score_climatology": Score(
        "Brier score of climatology",
        4,
        0,
        "of a forecast that always gives the frequency of the test period",
    ),
    "brier_skill_score": Score(
        "Brier skill score",
        3,
        1,
        "share of climatology's Brier score that is saved; the climatology is that of the test "
        "period",
    ),
    "brier_score_climatology_training": Score(
        "Brier score of the training climatology",
        4,
        0,
        "of a forecast that always gives the frequency of the training period",
    ),
    "brier_skill_score_training": Score(
        "Brier skill score against the training climatology",
        3,
        1,
        "as the Brier skill score, against the frequency known beforehand",
    ),
    "log_score": Score(
        "Log score",
        4,
        -1,
        "mean of −ln(probability given to what happened), in nats",
    ),
    "average_precision": Score(
        "Average precision",
        3,
        1,
        "mean success ratio over the detected events",
    ),
    "corp_miscalibration": Score(
        "Miscalibration (CORP)",
        5,
        -1,
        "part of the Brier score that a monotone recalibration would save",
    ),
    "corp_discrimination": Score(
        "Discrimination (CORP)",
        5,
        1,
        "what the recalibrated forecast gains over climatology",
    ),
    "corp_uncertainty": Score("Uncertainty (CORP)", 5, 0, "Brier score of climatology"),
    "murphy_reliability": Score(
        "Reliability (Murphy)",
        5,
        -1,
        "departure of frequencies from probabilities, in ten bins",
    ),
    "murphy_resolution": Score(
        "Resolution (Murphy)",
        5,
        1,
        "departure of the bins' frequencies from climatology",
    ),
    "murphy_uncertainty": Score("Uncertainty (Murphy)", 5, 0, "Brier score of climatology"),
    "murphy_within_bin_variance": Score(
        "Within-bin variance",
        5,
        0,
        "what binning hides; needed for the parts to add up",
    ),
    "murphy_within_bin_covariance": Score(
        "Within-bin covariance",
        5,
        0,
        "what binning hides; needed for the parts to add up",
    ),
    "critical_success_index_best": Score(
        "Best critical success index",
        3,
        1,
        "largest over all thresholds, so it flatters",
    ),
    "best_threshold": Score(
        "Threshold of the best critical success index",
        3,
        0,
        "forecast the event from this probability on",
    ),
    "spiegelhalter_z": Score(
        "Spiegelhalter's Z",
        2,
        0,
        "above 0 where the forecast is too sure of itself, below 0 where it is not sure enough",
    ),
    "spiegelhalter_p_value": Score(
        "p-value of Spiegelhalter's Z being 0",
        3,
        0,
        "from resampled run dates",
    ),
    "mean_probability": Score("Mean probability", 4, 0, "should equal the event frequency"),
    "event_frequency": Score("Event frequency", 4, 0, "share of the storms with strong rotation"),
    "averaging_benefit": Score(
        "Gain of averaging members",
        5,
        1,
        "Brier score without dropout minus that of the members' mean",
    ),
    "members_brier_score": Score(
        "Mean Brier score of the members",
        4,
        -1,
        "of each member alone, averaged",
    ),
    "total_variance": Score("Total variance", 4, 0, "mean of p(1 − p) of the members' mean p"),
    "aleatoric_variance": Score("Aleatoric variance", 4, 0, "what the members agree is open"),
    "epistemic_variance": Score("Epistemic variance", 5, 0, "variance between the members"),
    "epistemic_share": Score(
        "Epistemic share",
        3,
        0,
        "squared spread-skill ratio of the members: no test of calibration for a yes/no event",
    ),
    "spread_skill_ratio": Score(
        "Spread-skill ratio of the members",
        3,
        0,
        "well below 1 also for perfect forecasts of a yes/no event",
    ),
    "total_spread_skill_ratio": Score(
        "Spread-skill ratio of the total spread",
        3,
        0,
        "1 where the mean probabilities are calibrated",
    ),
    "total_entropy": Score("Entropy of the mean", 4, 0, "in nats"),
    "expected_entropy": Score(
        "Mean entropy of the members",
        4,
        0,
        "what the members agree is open, in nats",
    ),
    "mutual_information": Score("Mutual information", 5, 0, "where the members disagree, in nats"),
    "discard_gain": Score(
        "Discard gain of the spread",
        5,
        1,
        "above 0 where the spread finds errors better than p(1 − p) does",
    ),
    "discard_gain_given_probability": Score(
        "Discard gain among like probabilities",
        5,
        1,
        "above 0 where the spread finds errors among storms of like probability",
    ),
    "count_bias": Score("Bias of the event counts", 2, 0, "forecast minus observed events a run"),
    "count_crps": Score(
        "CRPS of the event counts",
        3,
        -1,
        "fair continuous ranked probability score of the number of events a run",
    ),
    "count_spread_skill_ratio": Score(
        "Spread-skill ratio of the event counts",
        3,
        0,
        "1 is reliable, below 1 is too narrow",
    ),
    "count_coverage_50": Score("Coverage of the 50 % interval of counts", 3, 0, "should be 0.5"),
    "count_coverage_80": Score("Coverage of the 80 % interval of counts", 3, 0, "should be 0.8"),
    "count_coverage_90": Score("Coverage of the 90 % interval of counts", 3, 0, "should be 0.9"),
    "count_coverage_95": Score("Coverage of the 95 % interval of counts", 3, 0, "should be 0.95"),
    "count_pit_variance": Score(
        "PIT variance of the event counts",
        4,
        0,
        "0.083 is reliable, more is too narrow",
    ),
}
"""Scores in the order in which the report shows them."""

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


def score_text(name: str) -> Score:
    """How a score is shown; one that is not in `SCORES` under its own name.

    Names that end in `_truth` are those of scores against the true probability.
    """
    plain = name.removesuffix("_truth")
    score = SCORES.get(plain, Score(plain.replace("_", " ").capitalize(), 4, 0, ""))
    if plain == name:
        return score
    return score._replace(label=f"{score.label}, against the true probability")


def stratum_name(stratum: str) -> str:
    """Name of a part of the test period: `month=5` is May, `forecast_hour=12-17` Hours 12 to 17."""
    kind, _, value = stratum.partition("=")
    if kind == "month":
        return calendar.month_name[int(value)]
    if kind == "forecast_hour":
        return f"Hours {value.replace('-', ' to ')}"
    return value.replace("_", " ").capitalize()
