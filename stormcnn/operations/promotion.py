"""Decide whether a newly trained network, the challenger, replaces the champion."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from stormcnn.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

RECORDED_SCORES = ("brier_score", "brier_skill_score_training", "log_score", "auc")
"""Scores of the challenger and of the champion that the registry keeps."""


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


def judge_first(skill: Estimate, confidence: float) -> Verdict:
    """Decide whether a network becomes the first champion: it must be better than climatology.

    `skill` is its Brier skill score against the base rate of its training period. The lower bound
    of the interval must be above 0.
    """
    evidence = f"Brier skill score {skill.value:.3f}, {_format_interval(skill, confidence)}"
    if skill.low > 0:
        return Verdict(True, f"First champion: better than climatology ({evidence}).")
    return Verdict(
        False,
        f"No champion yet: the network is not significantly better than climatology ({evidence}).",
    )


def judge_challenge(difference: Difference, confidence: float) -> Verdict:
    """Decide whether a challenger replaces the champion: it must be significantly better.

    `difference` is its Brier score minus the champion's on the same storms. It must be negative
    with a p-value below 1 - confidence; without a p-value the champion stays. The test is about
    these two networks, one of which will be used, and not about how they were trained.
    """
    evidence = (
        f"Brier score of the challenger minus that of the champion {difference.value:+.4f}, "
        f"{_format_interval(difference, confidence)}, p = {difference.p_value:.3f}"
    )
    significant = difference.p_value < 1 - confidence
    if significant and difference.value < 0:
        return Verdict(True, f"The challenger is better ({evidence}).")
    if significant and difference.value > 0:
        return Verdict(False, f"The champion is better ({evidence}).")
    return Verdict(False, f"No significant difference, so the champion stays ({evidence}).")


def _format_interval(estimate: Estimate | Difference, confidence: float) -> str:
    return f"{100 * confidence:g} % interval {estimate.low:.4f} to {estimate.high:.4f}"


def _as_json(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}
