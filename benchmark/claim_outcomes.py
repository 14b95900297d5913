"""What a verdict is worth if the truth is known: right, wrong or a false alarm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from stormcnn.verification.claim_types import Change, Claims

NONE, UNKNOWN = "none", "unknown"
RIGHT, WRONG, FALSE_ALARM = "right", "wrong", "false alarm"
COVERED, MISSED = "covered", "missed"

Question = tuple[str, str]
"""What is judged, and the case."""

Outcomes = dict[Question, str]
"""What became of each verdict on one data set."""

Counted = dict[str, dict[str, dict[str, int]]]
"""How often each outcome came up, by question and case."""

Results = dict[str, Counted]
"""What was counted, by the name of the setting."""


def outcome(verdict: str, truth: str) -> str:
    """Return what a verdict is worth if the truth is known.

    >>> [outcome("over", truth) for truth in ("none", "under", "over")]
    ['false alarm', 'wrong', 'right']
    >>> outcome("unknown", "over")
    'unknown'
    """
    if verdict in (NONE, UNKNOWN):
        return str(verdict)
    if truth == NONE:
        return FALSE_ALARM
    return RIGHT if verdict == truth else WRONG


def worst(outcomes: Iterable[str]) -> str:
    """Return one outcome for several verdicts: the one that matters most."""
    given = set(outcomes)
    return next(one for one in (FALSE_ALARM, WRONG, RIGHT, UNKNOWN, NONE) if one in given)


def choice_outcome(claims: Claims, best: Iterable[str]) -> str:
    """Return what the choice of a model is worth; `best` are the best ones, if any has skill.

    It is wrong if it prefers a model to one of the best, or recommends a model without skill.
    """
    chosen, truth = set(claims.choice.models), set(best)
    if not chosen:
        return UNKNOWN if claims.choice.verdict is Change.UNKNOWN else NONE
    skillful = {one.model for one in claims.skill if one.verdict is Change.BETTER}
    preferred = claims.choice.verdict is Change.BETTER
    error = FALSE_ALARM if len(truth) in (0, len(claims.skill)) else WRONG
    if not truth or truth & skillful - chosen or (preferred and not chosen <= truth):
        return error
    if len(truth) == len(claims.skill):
        return error if preferred else NONE
    return RIGHT if preferred else NONE


def compare(case: str, truth: str, claims: Claims) -> Outcomes:
    """Return what becomes of the differences: in the claimed score, and in others."""
    others = [change for one in claims.differences for _, change in one.others]
    return {
        ("difference", case): worst(outcome(one.verdict, truth) for one in claims.differences),
        ("difference in other scores", case): worst(
            (NONE, *(outcome(change, truth) for change in others))
        ),
    }


def count_outcomes(all_outcomes: Iterable[Outcomes]) -> Counted:
    """Return how often each outcome came up, by question and case."""
    counted: Counted = {}
    for outcomes in all_outcomes:
        for (question, case), one in outcomes.items():
            counted.setdefault(question, {}).setdefault(case, Counter())[one] += 1
    return counted
