"""Decisions in words and as a table: at which probability to act, and what then happens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.report.score_tables import select_forecasts
from stormcnn.report.series import series_of
from stormcnn.report.table_cells import MISSING, Cell, Table, text_cell, with_interval
from stormcnn.verification.decisions import (
    ECONOMIC_VALUE,
    FITTED,
    LARGEST_CSI,
    LIMITS,
    UNBIASED,
    cost_loss_of,
)
from stormcnn.vocabulary import SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SCORE_LABELS = {
    "pod": "Probability of detection",
    "false_alarm_ratio": "False alarm ratio",
    "csi": "Critical success index",
    "frequency_bias": "Frequency bias",
    ECONOMIC_VALUE: "Economic value",
}


def aim_label(aim: str) -> str:
    """Return the name of an aim, see `decisions.aims_for`.

    >>> aim_label("unbiased"), aim_label("cost_loss=0.05")
    ('As many warnings as events', 'Cost 5 % of the loss')
    """
    if (cost_loss := cost_loss_of(aim)) is not None:
        return f"Cost {100 * cost_loss:g} % of the loss"
    return {LARGEST_CSI: "Largest CSI", UNBIASED: "As many warnings as events"}[aim]


def threshold_text(threshold: float) -> str:
    """Return a threshold as a percentage with two significant digits, or what it amounts to.

    >>> threshold_text(0.1834), threshold_text(0.0), threshold_text(math.inf)
    ('18 %', 'always', 'never')
    """
    if math.isinf(threshold):
        return "never"
    two_digits = float(f"{100 * threshold:.2g}")
    return f"{two_digits:g} %" if threshold > 0 else "always"


def describe_decisions(decisions: pd.DataFrame, model: str, title: str) -> list[str]:
    """Return what happens if one acts on the forecasts of a model, one sentence or two per aim.

    `decisions` is the table of this name.
    """
    own = select_forecasts(decisions, SINGLE)
    own = own[own["model"] == model]
    return [
        _describe(rows.set_index("score"), str(aim), title)
        for aim, rows in own.groupby("aim", sort=False)
    ]


def _describe(scores: pd.DataFrame, aim: str, title: str) -> str:
    """Return the sentences about one aim; `scores` has a row per score."""
    threshold = float(scores["threshold"].iloc[0])
    cost_loss = cost_loss_of(aim)
    goal = {
        LARGEST_CSI: "For the largest critical success index",
        UNBIASED: "For as many warnings as events",
    }.get(aim, f"If protection costs {100 * (cost_loss or 0):g} % of the loss that it prevents")
    if _warn_in_part(scores):
        warn = f"only some seeds of {title} ever warn"
    elif math.isinf(threshold):
        return f"{goal}, no probability of {title} is high enough to act."
    elif threshold == 0:
        warn = "always warn"
    else:
        warn = f"warn if {title} reaches {threshold_text(threshold)}"
    if math.isnan(scores.loc["pod", "value"]):
        return f"{goal}, {warn}. The test period has no events by which this could be judged."
    text = f"{goal}, {warn}: this detects {_percent(scores.loc['pod'])} of the events"
    ratio = scores.loc["false_alarm_ratio"]
    if not math.isnan(ratio["value"]):
        text += f"; {_come_true(ratio)}"
    text += "."
    if cost_loss is not None:
        value = scores.loc[ECONOMIC_VALUE]
        text += (
            " It saves "
            if value["low"] > 0
            else " It costs more than climatology: it saves "
            if value["high"] < 0
            else " It is not shown to save anything: "
        ) + f"{_percent(value)} of what a perfect forecast would save."
    return text


def _warn_in_part(scores: pd.DataFrame) -> bool:
    """Return whether some seeds never warn, so that the mean threshold is infinite, but others do.

    `scores` has a row per score.
    """
    return bool(math.isinf(scores["threshold"].iloc[0]) and scores.loc["pod", "value"] > 0)


def _come_true(false_alarm_ratio: pd.Series) -> str:
    """Return how many of ten warnings come true, or the percentage if these are none."""
    ends = {"value": "value", "low": "high", "high": "low"}
    row = pd.Series({name: 1 - false_alarm_ratio[end] for name, end in ends.items()})
    value, low, high = (_of_ten(share) for share in row)
    if value == NUMBERS[0]:
        return f"{_percent(row)} of the warnings come true"
    between = f" ({low} to {high})" if low else ""
    return f"of ten warnings {value}{between} {'comes' if value == NUMBERS[1] else 'come'} true"


def _of_ten(share: float) -> str:
    """Return how many of ten a share is, in words; an empty text if it is missing.

    >>> _of_ten(0.43)
    'four'
    """
    return "" if math.isnan(share) else NUMBERS[round(10 * share)]


def _percent(row: pd.Series) -> str:
    """Return a share with its interval: `71 % (63 to 78)`.

    If all resamples are equal, for instance because every event was detected, they tell nothing
    about the uncertainty, and there is no interval.
    """
    value, low, high = (100 * row[name] for name in ("value", "low", "high"))
    text = f"{value:.0f} %"
    return (
        text
        if math.isnan(low) or low == high
        else f"{text} ({low:.0f} to {high:.0f})".replace("-", "−")
    )


def fitted_models(decisions: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Return the titles of models whose thresholds were chosen on the storms of the fit."""
    fitted = set(decisions.loc[decisions["chosen_on"] == FITTED, "model"])
    return [title for model, title in titles.items() if model in fitted]


def _score_cell(scores: pd.DataFrame, score: str) -> Cell:
    """Return a score with its interval; a dash if the aim has no such score."""
    if score not in scores.index:
        return text_cell(MISSING)
    row = scores.loc[score]
    return with_interval(row["value"], row["low"], row["high"], decimals=2)


def decision_table(decisions: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Return the decisions of all models, with one row per forecast and aim."""
    rows = []
    for series in series_of(select_forecasts(decisions, *decisions["forecast"].unique()), titles):
        for aim, own in series.rows.groupby("aim", sort=False):
            scores = own.set_index("score")
            threshold = float(own["threshold"].iloc[0])
            at = "some seeds never" if _warn_in_part(scores) else threshold_text(threshold)
            cells = [_score_cell(scores, score) for score in LIMITS]
            rows.append(
                [
                    text_cell(series.label),
                    text_cell(aim_label(str(aim))),
                    Cell(at, threshold),
                    *cells,
                ]
            )
    return Table(
        "Decisions in the test period, averaged over the seeds, with confidence intervals. "
        "Thresholds were chosen in the training period.",
        ["Forecast", "Aim", "Threshold", *SCORE_LABELS.values()],
        [False, False, True, *(True for _ in LIMITS)],
        rows,
    )
