"""The section of the report in which forecasts are judged by observed events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.io import read_netcdf
from stormcnn.report import verdicts
from stormcnn.report.difference_tables import difference_cell, floored_differences, p_holm_cell_of
from stormcnn.report.reading import read_table
from stormcnn.report.score_tables import score_cell
from stormcnn.report.series import compared_names, drop_variants, select_headline, series_of
from stormcnn.report.table_cells import Cell, Table, number, percentage, text_cell
from stormcnn.report.words import join
from stormcnn.storms.events import LEAST_STORMS_PER_CLASS
from stormcnn.storms.observed_events import UNKNOWN, YES
from stormcnn.texts import counted
from stormcnn.verification.claims import judge
from stormcnn.verification.difference_claims import CLAIMED
from stormcnn.verification.observed import NWP, OBSERVED
from stormcnn.verification.score_registry import score_text
from stormcnn.vocabulary import SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from stormcnn.vocabulary import StrPath

OBSERVATIONS = "observations"
"""Name of the file with the observed event of each storm."""

BOTH_SCORES = ("auc", "brier_skill_score", "calibration_intercept", "calibration_slope")
TRUTHS = {NWP: "NWP event", OBSERVED: "observed event"}
PARTS = {"all": "All storms", "day": "By day", "night": "At night"}
CELLS = {
    (1, 1): "Both events",
    (0, 1): "Only the observed event",
    (1, 0): "Only the NWP event",
    (0, 0): "Neither",
}


def observed_content(
    files: Mapping[str, StrPath], wording: verdicts.Wording
) -> dict[str, Any] | None:
    """Return the variables of the section; None without reports.

    `files` has the paths of `observations` and of the tables `scores`, `differences` and `events`.
    Of `wording`, the titles and the settings of the verification are used.
    """
    if not files:
        return None
    observations = read_netcdf(files[OBSERVATIONS])
    scores, differences, events = (
        read_table(files[name]) for name in ("scores", "differences", "events")
    )
    titles = wording.titles
    content: dict[str, Any] = {
        "facts": describe_reports(observations, events),
        "truths": truth_table(events),
        "probabilities": probability_table(events, titles),
        "claims": [],
    }
    if scores.empty:
        return content | {"scores": None, "differences": None}
    of_observed = differences[differences["truth"] == OBSERVED]
    wording = wording._replace(floored=floored_differences(of_observed, wording.resamples))
    claims = judge(
        scores[scores["truth"] == OBSERVED],
        of_observed,
        confidence=wording.confidence,
        resamples=wording.resamples,
    )
    statements = [
        *(verdicts.describe_difference(one, wording) for one in claims.differences),
        *(
            verdicts.describe_calibration(one, wording)
            for one in claims.calibration
            if one.forecast == SINGLE
        ),
    ]
    return content | {
        "claims": statements,
        "scores": both_scores_table(scores, titles),
        "differences": both_differences_table(differences, titles, wording.resamples),
    }


def describe_reports(observations: xr.Dataset, events: pd.DataFrame) -> list[str]:
    """Return what counts as an observed event, how many there are, and what is missing."""
    about = observations.attrs
    observed = observations["observed"].values
    known, event = int((observed != UNKNOWN).sum()), int((observed == YES).sum())
    matched, in_time = (int(about[f"reports_{name}"]) for name in ("matched", "in_time"))
    kinds = f" of {join(str(about['kinds']).split(), 'or')}" if about["kinds"] else ""
    facts = [
        f"A storm has an observed event if a report{kinds} is at most {about['distance_km']:g} km "
        f"from the center of its patch and at most {about['minutes']:g} minutes earlier or later "
        f"than the event, which {_describe_window(*about['window'])}.",
        f"{event:,} of {counted(known, 'storm')} {_verb(event, 'has', 'have')} one "
        f"({percentage(event / known)}).",
        f"{matched:,} of the {counted(in_time, 'report')} at the time of a storm "
        f"{_verb(matched, 'is', 'are')} near one.",
    ]
    if known < observed.size:
        unknown = observed.size - known
        facts.append(
            f"The reports do not cover the months of {counted(unknown, 'other storm')}, which "
            f"{_verb(unknown, 'is', 'are')} left out of this section, also from the scores by the "
            "NWP event."
        )
    if min(event, known - event) < LEAST_STORMS_PER_CLASS:
        facts.append(
            f"There are no scores by the observed event: at least {LEAST_STORMS_PER_CLASS} storms "
            "with and without it are needed."
        )
    return [*facts, _describe_night(events)]


def _verb(number: int, singular: str, plural: str) -> str:
    return singular if number == 1 else plural


def _describe_window(begin: float, end: float) -> str:
    """Return when the event happens, in minutes after the valid time."""
    if begin == end == 0:
        return "happens at the valid time"
    if begin == end:
        return f"happens {abs(begin):g} minutes {'before' if begin < 0 else 'after'} the valid time"
    first, last = (f"{minute:g}".replace("-", "−") for minute in (begin, end))
    return f"lasts from {first} to {last} minutes after the valid time"


def _describe_night(events: pd.DataFrame) -> str:
    """Return that reports are incomplete, with the shares of the NWP events by day and night.

    The NWP events show it best, because other storms seldom have a report at any time.
    """
    text = (
        "Reports are incomplete at night and where few people live, so some storms without an "
        "observed event may have had one."
    )
    shares = {part: _share_reported(events, part) for part in ("day", "night")}
    if any(np.isnan(share) for share in shares.values()):
        return text
    return (
        f"{text} Of the storms with the NWP event, {percentage(shares['day'])} have a report "
        f"by day (6 to 18 hours of local solar time) and {percentage(shares['night'])} at night."
    )


def _share_reported(events: pd.DataFrame, part: str) -> float:
    """Return the share of the storms with the NWP event that have an observed one."""
    storms = _storms(events, part)
    both, all_events = storms[1, 1], storms[1, 1] + storms[1, 0]
    return both / all_events if all_events else float("nan")


def _storms(events: pd.DataFrame, part: str) -> dict[tuple[int, int], int]:
    """Return the number of storms by NWP and observed event."""
    rows = events[events["part"] == part].drop_duplicates(["nwp_event", "observed_event"])
    return {(row.nwp_event, row.observed_event): int(row.storms) for row in rows.itertuples()}


def truth_table(events: pd.DataFrame) -> Table:
    """Return the number of storms with each combination of the two events."""
    rows = []
    for part, name in PARTS.items():
        storms = _storms(events, part)
        share = _share_reported(events, part)
        counts = [sum(storms.values()), *(storms[cell] for cell in CELLS)]
        rows.append(
            [
                text_cell(name),
                *(Cell(f"{count:,}", float(count)) for count in counts),
                Cell(percentage(share), share),
            ]
        )
    return Table(
        "Storms by the NWP event and the observed event.",
        ["Part", "Storms", *CELLS.values(), "NWP events with a report"],
        [False, *[True] * 6],
        rows,
    )


def probability_table(events: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Return the mean probability of each model for each combination of the two events."""
    mean = (
        events[events["part"] == "all"]
        .groupby(["model", "nwp_event", "observed_event"])["mean_probability"]
        .mean()
    )
    rows = [
        [
            text_cell(title),
            *(
                Cell(number(value, 3), float(value))
                for value in (mean.get((model, *cell), np.nan) for cell in CELLS)
            ),
        ]
        for model, title in titles.items()
    ]
    return Table(
        "Mean probability by the two events, averaged over the seeds.",
        ["Model", *CELLS.values()],
        [False, *(True for _ in CELLS)],
        rows,
    )


def both_scores_table(scores: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Return scores by both truths, with one row per forecast and two columns per score."""
    whole = drop_variants(scores[scores["stratum"] == "all"])
    rows = [
        [
            text_cell(series.label),
            *(
                score_cell(series.rows[series.rows["truth"] == truth], score)
                for score in BOTH_SCORES
                for truth in TRUTHS
            ),
        ]
        for series in series_of(select_headline(whole), titles)
    ]
    return Table(
        "Scores by both truths for the same storms, averaged over the seeds, with confidence "
        "intervals.",
        [
            "Forecast",
            *(f"{score_text(score).label}, {name}" for score in BOTH_SCORES
              for name in TRUTHS.values()),
        ],
        [False, *[True] * (len(BOTH_SCORES) * len(TRUTHS))],
        rows,
    )  # fmt: skip


def both_differences_table(
    differences: pd.DataFrame, titles: Mapping[str, str], resamples: int
) -> Table:
    """Return differences in Brier skill score by both truths, with one row per comparison."""
    chosen = select_headline(drop_variants(differences))
    chosen = chosen[(chosen["score"] == CLAIMED) & (chosen["forecast"] == SINGLE)]
    rows = []
    for _, pair in chosen.groupby(["model", "reference"], sort=False):
        by_truth = {truth: pair[pair["truth"] == truth].head(1) for truth in TRUTHS}
        subject, other = compared_names(pair.iloc[0].to_dict(), titles)
        rows.append(
            [
                text_cell(subject),
                text_cell(other),
                *(
                    cell
                    for one in by_truth.values()
                    for cell in (
                        difference_cell(one, CLAIMED),
                        p_holm_cell_of(one, CLAIMED, resamples),
                    )
                ),
            ]
        )
    label = score_text(CLAIMED).label
    return Table(
        f"Differences in {label} by both truths for the same storms. p (Holm) is corrected for the "
        "comparisons by the same truth.",
        [
            "Forecast",
            "Reference",
            *(
                column
                for name in TRUTHS.values()
                for column in (f"Difference, {name}", f"p (Holm), {name}")
            ),
        ],
        [False, False, *[True] * 4],
        rows,
    )
