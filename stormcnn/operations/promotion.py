"""Choose the challenger among newly trained networks, and decide if it replaces the champion.

The candidates are compared on the runs that also decide, so the best one may be the best by chance.
The decision is corrected for their number, see `corrected_confidence`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stormcnn.errors import UserError
from stormcnn.operations.registry import CHAMPION
from stormcnn.texts import counted

if TYPE_CHECKING:
    import pandas as pd

RECORDED_SCORES = ("brier_score", "brier_skill_score_training", "log_score", "auc")
"""Scores of the challenger and of the champion that the registry keeps."""

DIFFERENCE_COLUMNS = ["difference", "low", "high", "p_value"]
"""Columns of the table of differences that make a `Difference`."""


class Estimate(NamedTuple):
    """A value with its confidence interval; the bounds are NaN if there is none."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float | None]:
        """Return the numbers by name; None stands for NaN, which JSON lacks."""
        return _as_json(self._asdict())


class Difference(NamedTuple):
    """A difference with its confidence interval and p-value; all but the value may be NaN."""

    value: float
    low: float
    high: float
    p_value: float

    def as_json(self) -> dict[str, float | None]:
        """Return the numbers by name; None stands for NaN, which JSON lacks."""
        return _as_json(self._asdict())


class Verdict(NamedTuple):
    """Whether the challenger is promoted, and the reason in words."""

    promote: bool
    why: str


class Judgement(NamedTuple):
    """The challenger among the candidates, and the verdict about it.

    `estimates` are the `RECORDED_SCORES` of each network, also of the champion, and `differences`
    those of the Brier scores between each candidate and the champion, if there is one.
    """

    challenger: str
    verdict: Verdict
    estimates: dict[str, dict[str, Estimate]]
    differences: dict[str, Difference]

    def scores_as_json(self, name: str) -> dict[str, dict[str, float | None]]:
        """Return the recorded scores of a network."""
        return {score: estimate.as_json() for score, estimate in self.estimates[name].items()}

    def difference_as_json(self, name: str) -> dict[str, float | None] | None:
        """Return the difference between a candidate and the champion; None if there is none."""
        return self.differences[name].as_json() if name in self.differences else None


def corrected_confidence(confidence: float, candidates: int) -> float:
    """Return the confidence with which each of some candidates is judged.

    It is 1 - (1 - c) / K for the confidence c and K candidates (Bonferroni's correction, Dunn
    1961): the probability that any of K networks seems better than the champion but is not is at
    most 1 - c, however similar they are.

    >>> corrected_confidence(0.95, 1), corrected_confidence(0.95, 5)
    (0.95, 0.99)
    """
    return 1 - (1 - confidence) / candidates


def check_same_question(champion: Mapping[str, Any], challenger: Mapping[str, Any]) -> None:
    """Raise `UserError` if two networks forecast different events or use other predictors."""
    for name in ("event", "predictors"):
        if champion[name] != challenger[name]:
            raise UserError(
                f"The champion and the challenger cannot be compared: their {name} differ "
                f"({champion[name]} and {challenger[name]}). Restore the settings in the config, "
                "or move the folder registry/ away to start a new registry."
            )


def check_unseen(run_dates: Iterable[str], cutoff: str) -> None:
    """Raise `UserError` if the champion may have been trained on one of the runs.

    `cutoff` is the day from which on no run was used to train it.
    """
    if seen := sorted(run_date for run_date in run_dates if run_date < cutoff):
        raise UserError(
            f"The champion was trained on runs before {cutoff}, so it cannot be evaluated on the "
            f"run of {seen[0]}. Set split.test_start to {cutoff} or later."
        )


def select_estimates(scores: pd.DataFrame) -> dict[str, Estimate]:
    """Return the `RECORDED_SCORES` from the table of one network's scores, indexed by score."""
    table = scores.loc[list(RECORDED_SCORES), list(Estimate._fields)].astype(float)
    return {str(row[0]): Estimate(*row[1:]) for row in table.itertuples()}


def judge(
    scores: pd.DataFrame, differences: pd.DataFrame, candidates: Sequence[str], confidence: float
) -> Judgement:
    """Choose the candidate with the lowest Brier score, and judge whether it becomes champion.

    `scores` and `differences` are tables of `verification.tables.verify` with the models
    `candidates` and, unless there is none yet, `CHAMPION` as the reference. `confidence` is that of
    the tables, see `corrected_confidence`.
    """
    rows = scores[scores["stratum"] == "all"].set_index(["model", "score"])
    estimates = {name: select_estimates(rows.loc[name]) for name in rows.index.unique("model")}
    challenger = min(candidates, key=lambda name: estimates[name]["brier_score"].value)
    compared = {}
    if CHAMPION in estimates:
        pairs = differences[differences["score"] == "brier_score"].set_index("model")
        table = pairs.loc[list(candidates), DIFFERENCE_COLUMNS].astype(float)
        compared = {str(row[0]): Difference(*row[1:]) for row in table.itertuples()}
        verdict = judge_challenge(compared[challenger], confidence, len(candidates))
    else:
        skill = estimates[challenger]["brier_skill_score_training"]
        verdict = judge_first(skill, confidence, len(candidates))
    return Judgement(challenger, verdict, estimates, compared)


def judge_first(skill: Estimate, confidence: float, candidates: int = 1) -> Verdict:
    """Decide whether a network becomes the first champion: it must be better than climatology.

    `skill` is its Brier skill score against the base rate of its training period. The lower bound
    of the interval must be above 0.
    """
    evidence = f"Brier skill score {skill.value:.3f}, {_format_interval(skill, confidence)}"
    evidence += _among(candidates)
    if skill.low > 0:
        return Verdict(True, f"First champion: better than climatology ({evidence}).")
    return Verdict(
        False,
        f"No champion yet: the network is not significantly better than climatology ({evidence}).",
    )


def judge_challenge(difference: Difference, confidence: float, candidates: int = 1) -> Verdict:
    """Decide whether a challenger replaces the champion: it must be significantly better.

    `difference` is its Brier score minus the champion's on the same storms. It must be negative
    with a p-value below 1 - confidence; without a p-value the champion stays. The test is about
    these two networks, one of which will be used, and not about how they were trained.
    """
    evidence = (
        f"Brier score of the challenger minus that of the champion {difference.value:+.4f}, "
        f"{_format_interval(difference, confidence)}, p = {difference.p_value:.3f}"
        f"{_among(candidates)}"
    )
    significant = difference.p_value < 1 - confidence
    if significant and difference.value < 0:
        return Verdict(True, f"The challenger is better ({evidence}).")
    if significant and difference.value > 0:
        return Verdict(False, f"The champion is better ({evidence}).")
    return Verdict(False, f"No significant difference, so the champion stays ({evidence}).")


def _among(candidates: int) -> str:
    return "" if candidates == 1 else f", the best of {counted(candidates, 'candidate')}"


def _format_interval(estimate: Estimate | Difference, confidence: float) -> str:
    return f"{100 * confidence:.4g} % interval {estimate.low:.4f} to {estimate.high:.4f}"


def _as_json(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}
