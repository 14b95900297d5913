"""Tables of the scores of the test period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stormcnn.report.labels import PUBLISHED_SOURCES
from stormcnn.report.series import drop_variants, select_headline, series_of
from stormcnn.report.table_cells import MISSING, Cell, Table, number, text_cell, with_interval
from stormcnn.report.words import stratum_name
from stormcnn.verification.score_registry import SCORES, score_text

if TYPE_CHECKING:
    from collections.abc import Mapping

MAIN_SCORES = ("auc", "brier_score", "brier_skill_score", "log_score", "average_precision")
PUBLISHED_SCORES = ("auc", "brier_score", "brier_score_climatology", "brier_skill_score")


def main_score_table(scores: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Return the main scores, with one row per forecast and one column per score."""
    names = [name for name in MAIN_SCORES if (scores["score"] == name).any()]
    rows = [
        [
            text_cell(series.label),
            *(score_cell(series.rows, name) for name in names),
        ]
        for series in series_of(select_headline(drop_variants(scores)), titles)
    ]
    return Table(
        "Main scores of the test period, averaged over the seeds, with confidence intervals.",
        ["Forecast", *(score_text(name).label for name in names)],
        [False] + [True] * len(names),
        rows,
    )


def all_score_table(scores: pd.DataFrame, titles: Mapping[str, str], caption: str) -> Table:
    """Return all scores, with one row per score, its meaning, and one column per forecast."""
    forecasts = list(series_of(select_headline(drop_variants(scores)), titles))
    present = scores["score"].unique()
    names = [name for name in SCORES if name in present]
    names += [name for name in present if name not in SCORES]
    rows = [
        [
            text_cell(score_text(name).label),
            *(score_cell(series.rows, name) for series in forecasts),
            text_cell(score_text(name).meaning),
        ]
        for name in names
    ]
    return Table(
        f"{caption}, averaged over the seeds, with confidence intervals.",
        ["Score", *(series.label for series in forecasts), "Meaning"],
        [False, *(True for _ in forecasts), False],
        rows,
    )


def strata_table(scores: pd.DataFrame, titles: Mapping[str, str]) -> Table | None:
    """Return the Brier skill score by stratum, with one row per stratum; None without strata."""
    strata = scores[
        (scores["period"] == "test")
        & (scores["stratum"] != "all")
        & (scores["score"] == "brier_skill_score")
    ]
    if strata.empty:
        return None
    forecasts = list(series_of(select_headline(strata), titles))
    rows = []
    for stratum, group in strata.groupby("stratum", sort=False):
        kind, _, value = str(stratum).partition("=")
        name = stratum_name(str(stratum))
        first = group.iloc[0]
        rows.append(
            [
                Cell(name, f"{kind} {value:>8}"),
                *(
                    Cell(f"{int(first[n]):,}", float(first[n]))
                    for n in ("storms", "events", "runs")
                ),
                *(
                    score_cell(series.rows[series.rows["stratum"] == stratum], "brier_skill_score")
                    for series in forecasts
                ),
            ]
        )
    return Table(
        "Brier skill score by stratum of the test period, averaged over the seeds. A dash marks "
        "strata with too few events.",
        ["Stratum", "Storms", "Events", "Forecast runs", *(series.label for series in forecasts)],
        [False] + [True] * (3 + len(forecasts)),
        rows,
    )


def published_table(comparison: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Return our and the published scores, with one row per model and score."""
    sources = list(published["source"].unique())
    rows = []
    for model in comparison.to_dict("records"):
        for name in PUBLISHED_SCORES:
            score = score_text(name)
            same = published[(published["model"] == model["model"]) & (published["score"] == name)]
            values = same.set_index("source")["value"]
            if values.empty or name not in model:
                continue
            ours = with_interval(
                model[name], model[f"{name}_low"], model[f"{name}_high"], score.decimals
            )
            others = (values.get(source, np.nan) for source in sources)
            rows.append(
                [
                    text_cell(str(model["title"])),
                    text_cell(score.label),
                    ours,
                    *(Cell(number(value, 3), float(value)) for value in others),
                ]
            )
    references = published.drop_duplicates("source")
    cited = "; ".join(
        f"{PUBLISHED_SOURCES[row.source]}: {row.reference}" for row in references.itertuples()
    )
    return Table(
        f"Scores of this experiment and published scores. {cited}.",
        ["Model", "Score", "This experiment", *(PUBLISHED_SOURCES[source] for source in sources)],
        [False, False, True, *(True for _ in sources)],
        rows,
    )


def select_forecasts(table: pd.DataFrame, *forecasts: str) -> pd.DataFrame:
    """Return the rows of some kinds of forecasts that stand for each model."""
    return select_headline(table[table["forecast"].isin(forecasts)])


def score_cell(rows: pd.DataFrame, name: str) -> Cell:
    """Return one score of one forecast; a dash if the table does not have it."""
    values = rows.loc[rows["score"] == name, ["value", "low", "high"]].to_numpy()
    if not len(values):
        return Cell(MISSING, float("nan"))
    value, low, high = values[0]
    return with_interval(value, low, high, score_text(name).decimals)
