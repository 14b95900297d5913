"""The registry of scores: one entry per score, in the order in which the report shows them.

To add a score of probability forecasts, write its function in `scores.py` and its entry here; it
is then computed for every forecast, with an interval, and shown in the report. If it needs a sum
over storms that `StormTotals` lacks, add the sum in `storm_totals.py`. Entries without a function
are computed elsewhere: those of Monte Carlo members and event counts in `uncertainty.py` and the
modules that it imports, p-values in `score_rows.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from stormcnn.verification import scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from stormcnn.verification.storm_totals import StormTotals
    from stormcnn.vocabulary import Array


COVERAGES = (0.5, 0.8, 0.9, 0.95)
"""Nominal coverages of the central intervals of event counts."""

PIT_BINS = 10
"""Bins of the rank histogram of event counts."""


UNIT, NOT_NEGATIVE = (0.0, 1.0), (0.0, math.inf)
"""Bounds of scores."""


class Score(NamedTuple):
    """Metadata of a score."""

    label: str
    """Name in tables."""
    meaning: str
    """Explanation in the report's tables."""
    reference: str
    """Paper that defines the score."""
    decimals: int
    """Decimals that the report shows."""
    function: Callable[[StormTotals], Array] | None = None
    """Function of `scores.py`, None if the score is computed elsewhere."""
    compared: bool = False
    """Whether its difference between models is tested."""
    departure: bool = False
    """Whether it measures a departure from reliability, see `resampling.reflect`."""
    bounds: tuple[float, float] = (-math.inf, math.inf)
    """Least and largest possible value."""
    short: str = ""
    """Name on the axes of figures, if it differs from `label`."""

    @property
    def axis_label(self) -> str:
        """Name on the axes of figures."""
        return self.short or self.label


SCORES = {
    "auc": Score(
        "Area under the ROC curve",
        "chance that a storm with the event has a higher probability than one without; 0.5 "
        "without discrimination",
        "Mason and Graham (2002)",
        decimals=3,
        function=scores.auc,
        compared=True,
        short="AUC",
        bounds=UNIT,
    ),
    "brier_score": Score(
        "Brier score",
        "mean squared error of the probability",
        "Brier (1950)",
        decimals=4,
        function=scores.brier_score,
        compared=True,
        bounds=UNIT,
    ),
    "brier_score_climatology": Score(
        "Brier score of climatology",
        "of a constant forecast of the event frequency of the test period",
        "Murphy (1973)",
        decimals=4,
        function=scores.brier_score_climatology,
        bounds=UNIT,
    ),
    "brier_skill_score": Score(
        "Brier skill score",
        "relative improvement of the Brier score over the climatology of the test period",
        "Wilks (2011)",
        decimals=3,
        function=scores.brier_skill_score,
        compared=True,
        bounds=(-math.inf, 1),
    ),
    "brier_score_climatology_training": Score(
        "Brier score of the training climatology",
        "of a constant forecast of the event frequency of the training period",
        "Brier (1950)",
        decimals=4,
        function=scores.brier_score_climatology_training,
        bounds=UNIT,
    ),
    "brier_skill_score_training": Score(
        "Brier skill score against the training climatology",
        "relative improvement over the event frequency of the training period, which is known "
        "beforehand",
        "Wilks (2011)",
        decimals=3,
        function=scores.brier_skill_score_training,
        compared=True,
        bounds=(-math.inf, 1),
    ),
    "log_score": Score(
        "Log score",
        "mean of −ln(probability of the outcome), in nats",
        "Good (1952)",
        decimals=4,
        function=scores.log_score,
        compared=True,
        short="Log score (nats)",
        bounds=NOT_NEGATIVE,
    ),
    "average_precision": Score(
        "Average precision",
        "mean success ratio over the detected events",
        "Davis and Goadrich (2006)",
        decimals=3,
        function=scores.average_precision,
        compared=True,
        bounds=UNIT,
    ),
    # A closer fit than ten bins: even after reflection, the interval of a reliable forecast
    # excludes 0 in up to one case in five, so it alone does not show a lack of reliability.
    "corp_miscalibration": Score(
        "Miscalibration (CORP)",
        "part of the Brier score that a monotone recalibration would remove",
        "Dimitriadis, Gneiting and Jordan (2021)",
        decimals=5,
        function=scores.corp_miscalibration,
        compared=True,
        departure=True,
        bounds=NOT_NEGATIVE,
    ),
    "corp_discrimination": Score(
        "Discrimination (CORP)",
        "improvement of the recalibrated forecast over climatology",
        "Dimitriadis, Gneiting and Jordan (2021)",
        decimals=5,
        function=scores.corp_discrimination,
        compared=True,
        bounds=NOT_NEGATIVE,
    ),
    "corp_uncertainty": Score(
        "Uncertainty (CORP)",
        "Brier score of climatology",
        "Dimitriadis, Gneiting and Jordan (2021)",
        decimals=5,
        function=scores.brier_score_climatology,
        bounds=NOT_NEGATIVE,
    ),
    "murphy_reliability": Score(
        "Reliability (Murphy)",
        "mean squared distance of frequency and probability, in ten bins",
        "Murphy (1973)",
        decimals=5,
        function=scores.murphy_reliability,
        compared=True,
        departure=True,
        bounds=NOT_NEGATIVE,
    ),
    "murphy_resolution": Score(
        "Resolution (Murphy)",
        "mean squared distance of the bins' frequencies from climatology",
        "Murphy (1973)",
        decimals=5,
        function=scores.murphy_resolution,
        compared=True,
        bounds=NOT_NEGATIVE,
    ),
    "murphy_uncertainty": Score(
        "Uncertainty (Murphy)",
        "Brier score of climatology",
        "Murphy (1973)",
        decimals=5,
        function=scores.brier_score_climatology,
        bounds=NOT_NEGATIVE,
    ),
    "murphy_within_bin_variance": Score(
        "Within-bin variance",
        "effect of the bins; needed for the parts to add up to the Brier score",
        "Stephenson, Coelho and Jolliffe (2008)",
        decimals=5,
        function=scores.murphy_within_bin_variance,
        bounds=NOT_NEGATIVE,
    ),
    "murphy_within_bin_covariance": Score(
        "Within-bin covariance",
        "effect of the bins; needed for the parts to add up to the Brier score",
        "Stephenson, Coelho and Jolliffe (2008)",
        decimals=5,
        function=scores.murphy_within_bin_covariance,
    ),
    "critical_success_index_best": Score(
        "Best critical success index",
        "largest over all thresholds of the same storms, so it is optimistic",
        "Schaefer (1990)",
        decimals=3,
        function=scores.critical_success_index_best,
        compared=True,
        bounds=UNIT,
    ),
    "spiegelhalter_z": Score(
        "Spiegelhalter's Z",
        "about 0 if calibrated; its sign mixes bias and slope, which are tested apart",
        "Spiegelhalter (1986)",
        decimals=2,
        function=scores.spiegelhalter_z,
    ),
    "spiegelhalter_p_value": Score(
        "p-value of Spiegelhalter's Z",
        "of the hypothesis Z = 0, from resampled blocks",
        "Davison and Hinkley (1997)",
        decimals=3,
    ),
    "calibration_intercept": Score(
        "Calibration intercept",
        "bias on the scale of log odds: > 0 if events are more frequent than forecast, < 0 if less",
        "Cox (1958)",
        decimals=3,
        function=scores.calibration_intercept,
    ),
    "calibration_bias_p_value": Score(
        "p-value of the bias",
        "of the hypothesis that the calibration intercept is 0, from sums by block",
        "Cox (1958)",
        decimals=3,
    ),
    "calibration_slope": Score(
        "Calibration slope",
        "1 if calibrated, < 1 if the probabilities are too sharp, > 1 if they are too flat",
        "Cox (1958)",
        decimals=3,
        function=scores.calibration_slope,
    ),
    "calibration_slope_p_value": Score(
        "p-value of the slope",
        "of the hypothesis that the calibration slope is 1, from sums by block",
        "Cox (1958)",
        decimals=3,
    ),
    "mean_probability": Score(
        "Mean probability",
        "should equal the event frequency",
        "Wilks (2011)",
        decimals=4,
        function=scores.mean_probability,
        bounds=UNIT,
    ),
    "event_frequency": Score(
        "Event frequency",
        "share of the storms with the event",
        "Wilks (2011)",
        decimals=4,
        function=scores.event_frequency,
        bounds=UNIT,
    ),
    "averaging_benefit": Score(
        "Benefit of averaging MC members",
        "Brier score without dropout minus that of the mean of the MC members",
        "Krogh and Vedelsby (1995)",
        decimals=5,
    ),
    "averaging_benefit_noise_share": Score(
        "Noise share of the benefit of averaging",
        "share of the variance of the benefit that other MC members would change; more members "
        "help if it exceeds 0.1",
        "Efron and Tibshirani (1993)",
        decimals=2,
    ),
    "members_brier_score": Score(
        "Mean Brier score of the MC members",
        "Brier score of each single MC member, averaged",
        "Krogh and Vedelsby (1995)",
        decimals=4,
    ),
    "total_variance": Score(
        "Total variance",
        "mean of p(1 − p), where p is the mean of the MC members",
        "Kwon et al. (2020)",
        decimals=4,
    ),
    "aleatoric_variance": Score(
        "Aleatoric variance",
        "mean of p(1 − p) over the MC members: what the MC members agree on; it is not "
        "irreducible, because their common errors count too",
        "Kwon et al. (2020)",
        decimals=4,
    ),
    "epistemic_variance": Score(
        "Epistemic variance", "variance between the MC members", "Kwon et al. (2020)", decimals=5
    ),
    "epistemic_share": Score(
        "Epistemic share",
        "squared spread-skill ratio of the MC members; no test of calibration for a binary event",
        "Fortin et al. (2014)",
        decimals=3,
    ),
    "spread_skill_ratio": Score(
        "Spread-skill ratio of the MC members",
        "well below 1 for a binary event, even if the forecast is perfect",
        "Fortin et al. (2014)",
        decimals=3,
        short="Spread-skill ratio",
    ),
    "spread_skill_reliability": Score(
        "Spread-skill reliability of the MC members",
        "mean distance of error and spread; not 0 for a binary event, even if the forecast is "
        "perfect",
        "Haynes et al. (2023)",
        decimals=4,
        departure=True,
    ),
    "total_spread_skill_ratio": Score(
        "Spread-skill ratio of the total spread",
        "1 if the mean probabilities are calibrated",
        "Spiegelhalter (1986)",
        decimals=3,
    ),
    "total_spread_skill_reliability": Score(
        "Spread-skill reliability of the total spread",
        "mean distance of error and spread; 0 if the mean probabilities are calibrated",
        "Haynes et al. (2023)",
        decimals=4,
        departure=True,
    ),
    "quantile_coverage_50": Score(
        "Coverage of the MC members' 50 % interval",
        "share of the storms whose true probability it contains; should be 0.5",
        "Gneiting, Balabdaoui and Raftery (2007)",
        decimals=3,
    ),
    "quantile_coverage_90": Score(
        "Coverage of the MC members' 90 % interval",
        "share of the storms whose true probability it contains; should be 0.9",
        "Gneiting, Balabdaoui and Raftery (2007)",
        decimals=3,
    ),
    "total_entropy": Score("Entropy of the mean", "in nats", "Houlsby et al. (2011)", decimals=4),
    "expected_entropy": Score(
        "Mean entropy of the MC members",
        "what the MC members agree on, in nats; it is not irreducible, because their common errors "
        "count too",
        "Houlsby et al. (2011)",
        decimals=4,
    ),
    "mutual_information": Score(
        "Mutual information",
        "disagreement between the MC members, in nats",
        "Houlsby et al. (2011)",
        decimals=5,
    ),
    "discard_gain": Score(
        "Discard gain of the spread",
        "> 0 if the spread finds errors better than p(1 − p) does",
        "Barnes and Barnes (2021)",
        decimals=5,
    ),
    "discard_gain_mutual_information": Score(
        "Discard gain of the mutual information",
        "> 0 if the mutual information finds errors better than p(1 − p) does",
        "Barnes and Barnes (2021)",
        decimals=5,
    ),
    "discard_gain_given_probability": Score(
        "Discard gain among similar probabilities",
        "> 0 if the spread finds errors among storms of similar probability",
        "Barnes and Barnes (2021)",
        decimals=5,
    ),
    "count_bias": Score(
        "Bias of the event counts",
        "mean of forecast minus observed events per forecast run",
        "Wilks (2011)",
        decimals=2,
    ),
    "count_bias_p_value": Score(
        "p-value of the bias of the event counts",
        "of the hypothesis that the bias is 0, from sums by block",
        "Hall (1992)",
        decimals=3,
    ),
    "count_crps": Score(
        "CRPS of the event counts",
        "fair continuous ranked probability score of the number of events per forecast run",
        "Ferro (2014)",
        decimals=3,
        short="CRPS of event counts",
    ),
    "count_spread_skill_ratio": Score(
        "Spread-skill ratio of the event counts",
        "1 if reliable, < 1 if the spread is too small",
        "Fortin et al. (2014)",
        decimals=3,
    ),
    **{
        f"count_coverage_{100 * level:.0f}": Score(
            f"Coverage of the {100 * level:.0f} % interval of event counts",
            f"should be {level:g}",
            "Gneiting and Ranjan (2013)",
            decimals=3,
            short=f"Coverage of {100 * level:.0f} % of counts",
        )
        for level in COVERAGES
    },
    "count_pit_variance": Score(
        "PIT variance of the event counts without their bias",
        "0.083 if the spread is right, more if it is too small",
        "Gneiting and Ranjan (2013)",
        decimals=4,
    ),
    "count_width_p_value": Score(
        "p-value of the spread of the event counts",
        "of the hypothesis that the PIT variance without the bias is 1/12, from sums by block",
        "Hall (1992)",
        decimals=3,
    ),
    "count_pit_deviation": Score(
        "Deviation of the rank histogram of event counts from flat",
        "root mean square over ten groups of ranks; 0 if reliable",
        "Haynes et al. (2023)",
        decimals=4,
        departure=True,
    ),
    **{
        f"count_rank_histogram_{group:02d}": Score(
            f"Rank histogram of event counts, group {group} of {PIT_BINS}",
            f"share of the observed counts; should be {1 / PIT_BINS:g}",
            "Hamill (2001)",
            decimals=3,
        )
        for group in range(1, PIT_BINS + 1)
    },
}
"""Scores by their name in tables. With the suffix `_truth` it is the score against the storms'
true probabilities instead of their events."""


def score_text(name: str) -> Score:
    """Return the entry of a score; its label says so if `name` ends in `_truth`.

    Raises `KeyError` for names that are not in `SCORES`.

    >>> score_text("brier_score_truth").label
    'Brier score, against the true probability'
    """
    plain = name.removesuffix("_truth")
    score = SCORES[plain]
    if plain == name:
        return score
    return score._replace(label=f"{score.label}, against the true probability")
