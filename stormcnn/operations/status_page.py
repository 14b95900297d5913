"""The page `registry/status.html`: skill and drift over time, decisions, and what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from stormcnn.io import write_text
from stormcnn.operations.status import (
    EVENT_TITLES,
    Status,
    describe_current_alarms,
    describe_monitoring,
    expected_next,
    period_of,
)
from stormcnn.report.downloads import data_uri
from stormcnn.report.figure_style import STYLE, make_figure, svg_of
from stormcnn.report.palette import COLORS, GRAY
from stormcnn.report.table_cells import Cell, Table, number, text_cell, with_interval
from stormcnn.report.templates import open_template
from stormcnn.vocabulary import LEAST_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stormcnn.operations.registry import Entry
    from stormcnn.vocabulary import StrPath

SIZE = (5.0, 3.4)
"""Size of a figure in inches; its text can be read on a phone."""


def write_status_page(status: Status, template: StrPath, path: StrPath) -> None:
    """Write the page, one file that needs no network."""
    write_text(open_template(Path(template), ("tables.js",)).render(_content(status)), path)


def _content(status: Status) -> dict[str, Any]:
    champion, latest = status.champion, status.latest
    return {
        "champion": champion,
        "period": champion and period_of(champion),
        "held": status.held,
        "alarms": describe_current_alarms(status),
        "monitoring": latest and describe_monitoring(latest),
        "monitored_until": latest and latest["run_date"][:10],
        "decision": status.last_decision,
        "decision_title": status.last_decision and EVENT_TITLES[status.last_decision.event],
        "call": status.last_call,
        "expected": expected_next(status),
        "figures": {"monitoring": _figures(status)},
        "history": _history_table(status.history),
    }


def _history_table(history: Sequence[Entry]) -> Table:
    """Return a table of all entries, the latest first."""
    rows = []
    for entry in reversed(history):
        scores = (entry.decision or {}).get("challenger", {}).get("scores", {})
        skill = scores.get("brier_skill_score_training", {})
        numbers = (skill.get(part) for part in ("value", "low", "high"))
        value, low, high = (np.nan if one is None else one for one in numbers)
        rows.append(
            [
                Cell(number(entry.number, 0), entry.number),
                text_cell(f"{entry.time:%Y-%m-%d}"),
                text_cell(EVENT_TITLES[entry.event]),
                text_cell(entry.experiment),
                with_interval(value, low, high, 2),
                text_cell(entry.why),
            ]
        )
    return Table(
        "All entries of the registry. The Brier skill score is that of the challenger in the runs "
        "by which it was judged.",
        ["Entry", "Date", "What happened", "Network", "Brier skill score", "Why"],
        [False, False, False, False, True, False],
        rows,
    )


def _figures(status: Status) -> list[dict[str, str]]:
    rows = status.monitored
    figures = []
    if len(rows) and rows["skill"].notna().any():
        figures.append(
            _entry(
                _skill_figure(status),
                "Skill",
                "Brier skill score of each champion in its latest blocks, with its interval from "
                f"{LEAST_BLOCKS} blocks on. Vertical lines are changes of the champion; the dashed "
                "line is the skill at promotion.",
            )
        )
    if len(rows) and rows["drift"].notna().any():
        figures.append(
            _entry(
                _drift_figure(status),
                "Drift",
                "Largest deviation of the latest blocks from the training period, relative to the "
                "limit for an alarm (1).",
            )
        )
    return figures


def _entry(figure: Figure, title: str, caption: str) -> dict[str, str]:
    return {
        "source": data_uri(svg_of(figure), "image/svg+xml"),
        "title": title,
        "shape": "narrow",
        "caption": caption,
        "finding": f"{title}. {caption}",
    }


def _skill_figure(status: Status) -> Figure:
    figure, axes = make_figure(size=SIZE)
    place = axes[0, 0]
    for index, (digest, runs) in enumerate(_by_network(status)):
        color = COLORS[index % len(COLORS)]
        known = runs[runs["skill"].notna()]
        times = _times(known)
        place.plot(times, known["skill"], color=color, marker=".", label=_name_of(status, digest))
        enough = known["window_blocks"] >= LEAST_BLOCKS
        low, high = (known[bound].where(enough) for bound in ("skill_low", "skill_high"))
        place.fill_between(times, low, high, color=color, alpha=0.18, linewidth=0)
    champion = status.champion
    at_promotion = champion and champion.scores.get("brier_skill_score_training", {}).get("value")
    if at_promotion is not None:
        place.axhline(at_promotion, color=GRAY, linestyle="--", linewidth=1)
    place.set_ylabel("Brier skill score")
    _finish(place, status)
    return figure


def _drift_figure(status: Status) -> Figure:
    figure, axes = make_figure(size=SIZE)
    place = axes[0, 0]
    for index, (digest, runs) in enumerate(_by_network(status)):
        color = COLORS[index % len(COLORS)]
        label = _name_of(status, digest)
        place.plot(_times(runs), runs["drift"], color=color, marker=".", label=label)
    place.axhline(1, color=COLORS[1], linestyle="--", linewidth=1)
    place.set_ylim(bottom=0)
    place.set_ylabel("Drift relative to its limit")
    _finish(place, status)
    return figure


def _by_network(status: Status) -> list[tuple[str, pd.DataFrame]]:
    """Return the monitored runs of each network, in the order in which they became champion."""
    groups = status.monitored.groupby("network", sort=False)
    order = [entry.champion.sha256[:12] for entry in status.history if entry.champion]
    return sorted(groups, key=lambda group: order.index(group[0]) if group[0] in order else -1)


def _name_of(status: Status, digest: str) -> str:
    named = (entry.champion for entry in status.history if entry.champion)
    return next((one.experiment for one in named if one.sha256.startswith(digest)), digest)


def _times(runs: pd.DataFrame) -> np.ndarray:
    return runs["run_date"].to_numpy("datetime64[m]")


def _finish(axes: Axes, status: Status) -> None:
    """Mark the changes of the champion, and write dates and the legend."""
    before = None
    first, last = status.monitored["run_date"].iloc[[0, -1]]
    for entry in status.history:
        digest = entry.champion and entry.champion.sha256
        if digest != before and first <= entry.scored_until <= last:
            axes.axvline(date2num(np.datetime64(entry.scored_until)), color=GRAY, linewidth=1)
        before = digest
    with matplotlib.rc_context(STYLE):
        locator = AutoDateLocator(maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.set_xlabel("Run date")
        axes.legend(loc="best")
