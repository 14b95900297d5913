"""Write the tables of the documentation that say how often verdicts are wrong."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.claim_outcomes import COVERED, FALSE_ALARM, RIGHT, WRONG, Results
from benchmark.claims import COVERAGE, DAILY, HOURLY, Setting
from benchmark.markdown import table

BEGIN = "<!-- The following tables are written by make benchmark SIZE=full. -->"
END = "<!-- End of the tables. -->"

LIMIT = 0.08
"""Highest acceptable rate of false alarms."""

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


def by_setting(parts: Mapping[str, Results]) -> Results:
    """Return the results of all parts together."""
    together: Results = {}
    for results in parts.values():
        for setting, counted in results.items():
            own = together.setdefault(setting, {})
            for question, cases in counted.items():
                own.setdefault(question, {}).update(cases)
    return together


def outcomes(results: Results, setting: Setting, question: str, case: str) -> dict[str, int]:
    """Return how often each outcome came up, nothing if the setting was not simulated."""
    return results.get(setting.name, {}).get(question, {}).get(case, {})


def measured(results: Results, settings: Sequence[Setting]) -> list[Setting]:
    """Return the settings that have results."""
    return [setting for setting in settings if setting.name in results]


def summarize(counted: Mapping[str, int]) -> tuple[int, int, int]:
    """Return the number of data sets, of findings, and of findings in the right direction.

    >>> summarize({"none": 5, "right": 3, "wrong": 1})
    (9, 4, 3)
    """
    found = sum(counted.get(one, 0) for one in (FALSE_ALARM, RIGHT, WRONG))
    return sum(counted.values()), found, counted.get(RIGHT, 0)


def rate(counted: Mapping[str, int]) -> str:
    """Return how often something was found (%), and in parentheses how often rightly (%).

    Without a fault, all findings are false alarms and there is nothing in parentheses.

    >>> rate({"none": 1, "right": 3, "wrong": 1}), rate({"none": 9, "false alarm": 1})
    ('80 (75)', '10')
    """
    data_sets, found, right = summarize(counted)
    rightly = f" ({percent(right, found)})" if found and FALSE_ALARM not in counted else ""
    return percent(found, data_sets) + rightly


def overall_rate(settings: Sequence[Mapping[str, int]]) -> str:
    """Return the rate of all settings together with its standard error (percentage points).

    If nothing was found, it is given with the upper 95 % limit instead (rule of three).

    >>> overall_rate([{"none": 90, "false alarm": 10}, {"none": 100}])
    '5 ± 1.5'
    >>> overall_rate([{"none": 100}])
    '0 (< 3.0)'
    """
    data_sets, found, _ = (sum(numbers) for numbers in zip(*map(summarize, settings), strict=True))
    if not found:
        return f"0 (< {300 / data_sets:.1f})"
    share = found / data_sets
    return f"{percent(found, data_sets)} ± {100 * math.sqrt(share * (1 - share) / data_sets):.1f}"


def above_limit(rows: Mapping[str, Sequence[Mapping[str, int]]]) -> str:
    """Return sentences on rates of false alarms above the limit, and on directions of findings.

    `rows` are the outcomes in each setting, by verdict and forecasts.
    """
    totals = {
        name: tuple(sum(numbers) for numbers in zip(*map(summarize, settings), strict=True))
        for name, settings in rows.items()
    }
    faults = [name for name, settings in rows.items() if any(RIGHT in one for one in settings)]
    above, clearly = [], []
    for name, (data_sets, alarms, _) in totals.items():
        share = alarms / data_sets
        if name in faults or share <= LIMIT:
            continue
        above.append(f"{name}: {overall_rate(rows[name])} %")
        if share - 2 * math.sqrt(share * (1 - share) / data_sets) > LIMIT:
            clearly.append(name)
    found, right = (sum(totals[name][place] for name in faults) for place in (1, 2))
    alarms = f"No rate of false alarms over all settings exceeds {100 * LIMIT:g} %."
    if above:
        alarms = (
            f"Over all settings, false alarms exceed {100 * LIMIT:g} % for {'; '.join(above)}; by "
            f"more than two standard errors for {', '.join(clearly) or 'none of them'}."
        )
    return (
        f"{alarms} Of {found:,} faults and differences that were found where they exist, "
        f"{right:,} have the right direction."
    )


def number_range(numbers: Sequence[int]) -> str:
    """Return the smallest and the largest of some numbers.

    >>> number_range([40, 48, 40]), number_range([40, 40])
    ('40 to 48', '40')
    """
    least, most = min(numbers), max(numbers)
    return f"{least}" if least == most else f"{least} to {most}"


def not_measured(results: Results) -> str:
    """Return a sentence on the settings of the full benchmark that have no results."""
    planned = dict.fromkeys(one.name for one in (*SETTINGS, *COVERAGE))
    missing = [name for name in planned if name not in results]
    return f" Not measured: {'; '.join(missing)}." if missing else ""


def lines(results: Results) -> list[str]:
    """Return the tables: false alarms, faults that were found, and coverage of intervals."""
    questions = dict.fromkeys(
        (question, case)
        for setting in measured(results, SETTINGS)
        for question, cases in results[setting.name].items()
        for case in cases
        if question != "interval"
    )
    settings = measured(results, SETTINGS)
    rows: dict[str, Sequence[Mapping[str, int]]] = {}
    alarms: list[tuple[str, ...]] = []
    faults: list[tuple[str, ...]] = []
    for question, case in questions:
        counted = [outcomes(results, setting, question, case) for setting in settings]
        simulated = [one for one in counted if one]
        rows[f"{question} ({case})"] = simulated
        row = (
            question,
            case,
            number_range([sum(one.values()) for one in simulated]),
            *(rate(one) for one in counted),
            overall_rate(simulated),
        )
        (faults if any(RIGHT in one for one in counted) else alarms).append(row)
    header = (
        "Verdict",
        "Forecasts",
        "Data sets",
        *(setting.name for setting in settings),
        "All settings",
    )
    with_intervals = measured(results, COVERAGE)
    coverage = []
    for score, label in SCORES.items():
        of_score = [outcomes(results, setting, "interval", score) for setting in with_intervals]
        numbers = [sum(one.values()) for one in of_score]
        shares = (
            percent(one.get(COVERED, 0), number)
            for one, number in zip(of_score, numbers, strict=True)
        )
        coverage.append((label, number_range(numbers), *shares))
    return [
        *textwrap.wrap(
            "“Data sets” is the number of data sets for each setting. A rate of 5 % from 100 of "
            "them has a standard error of 2.2 percentage points, one of 50 % of 5. The last column "
            "is the rate of all settings together with its standard error, or after 0 the upper "
            "95 % limit." + not_measured(results),
            105,
        ),
        "",
        *textwrap.wrap(above_limit(rows), 105),
        "",
        "False alarms (%): the forecasts do not have the fault, or do not differ.",
        "",
        *table(header, alarms),
        "",
        "Faults and differences that exist: how often they are found (%), and in parentheses how "
        "often the direction is right if one is given (%).",
        "",
        *table(header, faults),
        "",
        "Coverage (%) of the 95 % intervals:",
        "",
        *table(("Score", "Data sets", *(setting.name for setting in with_intervals)), coverage),
    ]


def write_claims(parts: Mapping[str, Results], path: Path) -> None:
    """Write the tables between two markers of a page of the documentation.

    `parts` are the results of `claims.measure` by part.
    """
    page = path.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    body = "\n".join(lines(by_setting(parts)))
    path.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
