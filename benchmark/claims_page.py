"""Write the tables of the documentation that say how often verdicts are wrong."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.claims import COVERAGE, COVERED, DAILY, FALSE_ALARM, HOURLY, RIGHT, WRONG, Setting
from benchmark.page import table

BEGIN = "<!-- The following tables are written by make benchmark SIZE=full. -->"
END = "<!-- End of the tables. -->"

SETTINGS = [*DAILY, *HOURLY]
SCORES = {
    "brier_score": "Brier score",
    "brier_skill_score_training": "Brier skill score against the training climatology",
    "auc": "AUC",
}


def percent(part: int, whole: int) -> str:
    """Return a share in percent, or nothing if there is nothing to share.

    >>> percent(1, 3), percent(1, 4), percent(0, 0)
    ('33.3', '25', '')
    """
    return f"{100 * part / whole:.1f}".removesuffix(".0") if whole else ""


def outcomes(
    results: Mapping[str, Any], setting: Setting, question: str, case: str
) -> dict[str, int]:
    """Return how often each outcome came up, nothing if the setting was not simulated."""
    return results.get(setting.name, {}).get(question, {}).get(case, {})


def measured(results: Mapping[str, Any], settings: Sequence[Setting]) -> list[Setting]:
    """Return the settings that have results."""
    return [setting for setting in settings if setting.name in results]


def rates(results: Mapping[str, Any], question: str, case: str) -> tuple[list[str], list[str]]:
    """Return for each setting how often a fault was found, and how often the direction was right.

    If there is no fault, the first is the share of false alarms and the second is empty.
    """
    found, right = [], []
    for setting in measured(results, SETTINGS):
        counted = outcomes(results, setting, question, case)
        given = sum(counted.get(one, 0) for one in (FALSE_ALARM, RIGHT, WRONG))
        found.append(percent(given, sum(counted.values())))
        right.append(percent(counted.get(RIGHT, 0), given) if RIGHT in counted else "")
    return found, right


def largest_error(data_sets: int) -> float:
    """Return the standard error (percentage points) of a rate of one half.

    >>> largest_error(100)
    5.0
    """
    return 50 / math.sqrt(data_sets)


def about_rates(sizes: Sequence[int]) -> str:
    """Return from how many data sets the rates come, and how exact that makes them."""
    few, many = min(sizes), max(sizes)
    return (
        f"Each rate comes from {few} to {many} data sets, and the share of right directions from "
        f"those of them that have a finding. Rates from {few} data sets have a standard error of "
        f"up to {largest_error(few):.0f} percentage points, rates from {many} of up to "
        f"{largest_error(many):.0f}."
    )


def not_measured(results: Mapping[str, Any]) -> str:
    """Return a sentence on the settings of the full benchmark that have no results."""
    planned = dict.fromkeys(one.name for one in (*SETTINGS, *COVERAGE))
    missing = [name for name in planned if name not in results]
    return f" Not measured: {'; '.join(missing)}." if missing else ""


def lines(results: Mapping[str, Any]) -> list[str]:
    """Return the tables: false alarms, faults that were found, and coverage of intervals."""
    questions = dict.fromkeys(
        (question, case)
        for setting in measured(results, SETTINGS)
        for question, cases in results[setting.name].items()
        for case in cases
        if question != "interval"
    )
    alarms, faults = [], []
    for question, case in questions:
        found, right = rates(results, question, case)
        if any(right):
            faults.append((question, case, *found, *right))
        else:
            alarms.append((question, case, *found))
    names = [setting.name for setting in measured(results, SETTINGS)]
    with_intervals = measured(results, COVERAGE)
    coverage = []
    for score, label in SCORES.items():
        of_score = [outcomes(results, setting, "interval", score) for setting in with_intervals]
        coverage.append(
            (label, *(percent(one.get(COVERED, 0), sum(one.values())) for one in of_score))
        )
    sizes = [
        sum(counted.values())
        for questions in results.values()
        for cases in questions.values()
        for counted in cases.values()
    ]
    return [
        *textwrap.wrap(about_rates(sizes) + not_measured(results), 105),
        "",
        "False alarms (%): the forecasts do not have the fault, or do not differ.",
        "",
        *table(("Verdict", "Forecasts", *names), alarms),
        "",
        "Faults and differences that exist: how often they are found (%), and how often the "
        "direction is right if one is given (%).",
        "",
        *table(
            (
                "Verdict",
                "Forecasts",
                *(f"Found: {name}" for name in names),
                *(f"Right: {name}" for name in names),
            ),
            faults,
        ),
        "",
        "Coverage (%) of the 95 % intervals:",
        "",
        *table(("Score", *(setting.name for setting in with_intervals)), coverage),
    ]


def write_claims(results: Mapping[str, Any], path: Path) -> None:
    """Write the tables between two markers of a page of the documentation."""
    page = path.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    body = "\n".join(lines(results))
    path.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
