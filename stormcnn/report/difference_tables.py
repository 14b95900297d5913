"""Tables of differences between forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.report.score_tables import MAIN_SCORES, score_cell
from stormcnn.report.series import (
    FORECASTS,
    compared_names,
    drop_variants,
    select_first_seed,
    select_headline,
    series_of,
)
from stormcnn.report.table_cells import (
    MISSING,
    Cell,
    Table,
    p_value,
    signed,
    text_cell,
)
from stormcnn.verification.difference_claims import CLAIMED
from stormcnn.verification.differences import BOOTSTRAP
from stormcnn.verification.score_registry import score_text
from stormcnn.vocabulary import (
    ALL_SEEDS,
    MC_MEAN,
    METHOD,
    NETWORKS,
    OVER_SEEDS,
    RECALIBRATIONS,
    SEED_MEANS,
    SINGLE,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

FAMILY = (
    "p (Holm) is corrected for all comparisons of networks with each other, of networks with one "
    "opponent, or of a forecast with another one of the same model, with the same kind of "
    "forecast, seed and score."
)
"""The family of Holm's correction."""

CLAIM_WORDS = {METHOD: "method", NETWORKS: "these networks"}
GAINED = ("brier_skill_score", "log_score")
CALIBRATED = ("brier_score", "log_score", "calibration_intercept", "calibration_slope")
ONE_NETWORK = FORECASTS | {
    SINGLE: "one network",
    MC_MEAN: "Monte Carlo mean of one network",
}
GAIN_STEPS = (SINGLE, MC_MEAN, SEED_MEANS[SINGLE], SEED_MEANS[MC_MEAN])


def difference_tables(
    differences: pd.DataFrame, titles: Mapping[str, str], resamples: int
) -> tuple[Table, Table]:
    """Return two tables of differences between forecasts: in the main and in all other scores.

    The first includes DeLong's p-values, which exist for the area under the ROC curve only.
    """
    main: list[list[Cell]] = []
    others: list[list[Cell]] = []
    test = drop_variants(differences[differences["period"] == "test"])
    for row in _one_claim_each(select_headline(test)).to_dict("records"):
        subject, other = compared_names(row, titles)
        score = score_text(row["score"])
        low, high = (signed(row[end], score.decimals) for end in ("low", "high"))
        interval = MISSING if pd.isna(row["low"]) else f"{low} to {high}"
        cells = [
            text_cell(subject),
            text_cell(other),
            text_cell(score.label),
            Cell(signed(row["difference"], score.decimals), float(row["difference"])),
            Cell(interval, float(row["low"])),
            Cell(
                p_value(row["p_value"], at_floor=_at_floor(row, resamples)), float(row["p_value"])
            ),
            _p_holm_cell(row, resamples),
            text_cell(CLAIM_WORDS[row["claim"]]),
        ]
        if row["score"] in MAIN_SCORES:
            delong = row.get("p_delong_independent_storms", np.nan)
            main.append([*cells, Cell(p_value(delong), float(delong))])
        else:
            others.append(cells)
    columns = ["Forecast", "Reference", "Score", "Difference", "Interval", "p", "p (Holm)", "About"]
    numeric = [False, False, False, True, True, True, True, False]
    return (
        Table(
            f"Differences in the main scores, computed on the same resamples. {FAMILY} DeLong's "
            "test assumes independent storms, but storms of one block are correlated, so its "
            "p-values are too small.",
            [*columns, "p (DeLong)"],
            [*numeric, True],
            main,
        ),
        Table(
            f"Differences in the other scores, computed on the same resamples. {FAMILY}",
            columns,
            numeric,
            others,
        ),
    )


def _one_claim_each(differences: pd.DataFrame) -> pd.DataFrame:
    """Return the claim about methods of each difference if there is one, or else about networks."""
    keys = ["model", "reference", "forecast", "reference_forecast", "score"]
    # "method" sorts before "networks".
    ordered = differences.sort_values("claim", kind="stable").drop_duplicates(keys)
    return ordered.sort_index(kind="stable")


def floored_differences(
    differences: pd.DataFrame, resamples: int
) -> frozenset[tuple[str, str, str]]:
    """Return model, reference and forecast of differences with the smallest possible p-value.

    They are those in Brier skill score that the sentences of the report are about.
    """
    rows = differences[(differences["period"] == "test") & (differences["score"] == CLAIMED)]
    rows = _one_claim_each(select_headline(rows))
    floored = rows[[_at_floor(row, resamples) for row in rows.to_dict("records")]]
    return frozenset(zip(floored["model"], floored["reference"], floored["forecast"], strict=True))


def _p_holm_cell(row: Mapping[Hashable, Any], resamples: int) -> Cell:
    """Return a corrected p-value, with `≤` if the uncorrected one is the smallest possible."""
    return Cell(p_value(row["p_holm"], at_floor=_at_floor(row, resamples)), float(row["p_holm"]))


def _at_floor(row: Mapping[Hashable, Any], resamples: int) -> bool:
    """Return whether the p-value of a row is the smallest that resamples can give.

    It is 2 / (resamples + 1). The p-value of a t test has no such limit.
    """
    return row["test"] == BOOTSTRAP and bool(row["p_value"] <= 2 / (resamples + 1) * (1 + 1e-9))


def gain_table(
    scores: pd.DataFrame,
    differences: pd.DataFrame,
    titles: Mapping[str, str],
    resamples: int,
) -> Table | None:
    """Return what averaging over seeds and MC members gains; None with a single seed.

    `scores` are those of the whole test period. Scores and differences of one network are averaged
    over the seeds.
    """
    steps = differences[
        (differences["period"] == "test") & (differences["seed"].astype(str) == OVER_SEEDS)
    ]
    pooled = scores[scores["seed"].astype(str).isin([OVER_SEEDS, ALL_SEEDS])]
    rows = []
    for model, title in titles.items():
        for forecast in GAIN_STEPS:
            own = pooled[(pooled["model"] == model) & (pooled["forecast"] == forecast)]
            if own.empty:
                continue
            compared = steps[(steps["model"] == model) & (steps["forecast"] == forecast)]
            for reference in list(compared["reference"].unique()) or [None]:
                against = f"{titles[reference]}: {ONE_NETWORK[SINGLE]}" if reference else MISSING
                step = compared[compared["reference"] == reference]
                rows.append(
                    [
                        text_cell(f"{title}: {ONE_NETWORK[forecast]}"),
                        *(score_cell(own, name) for name in GAINED),
                        text_cell(against),
                        *(difference_cell(step, name) for name in GAINED),
                        p_holm_cell_of(step, GAINED[0], resamples),
                    ]
                )
    if not rows:
        return None
    labels = [score_text(name).label for name in GAINED]
    return Table(
        "Gains from averaging. The scores of one network are averaged over the seeds.",
        [
            "Forecast",
            *labels,
            "Reference",
            *(f"{label}, difference" for label in labels),
            "p (Holm)",
        ],
        [False, *(True for _ in GAINED), False, *(True for _ in GAINED), True],
        rows,
    )


def recalibration_table(
    scores: pd.DataFrame, differences: pd.DataFrame, titles: Mapping[str, str]
) -> Table | None:
    """Return the scores of one network per model with and without recalibration.

    `scores` are those of the whole test period. None if no forecast was recalibrated.
    """
    chosen = scores["forecast"].isin([SINGLE, *RECALIBRATIONS])
    of_network = select_first_seed(scores[chosen])
    recalibrated = of_network.loc[of_network["forecast"] != SINGLE, "model"]
    if recalibrated.empty:
        return None
    of_network = of_network[of_network["model"].isin(recalibrated)]
    gained = select_first_seed(differences[differences["period"] == "test"])
    rows = []
    for series in series_of(of_network, titles):
        forecast = series.rows["forecast"].iloc[0]
        gain = gained[(gained["model"] == series.model) & (gained["forecast"] == forecast)]
        gain = gain[gain["reference"] == series.model]
        rows.append(
            [
                text_cell(series.label),
                *(score_cell(series.rows, name) for name in CALIBRATED),
                *(difference_cell(gain, name) for name in CALIBRATED[:2]),
            ]
        )
    labels = [score_text(name).label for name in CALIBRATED]
    return Table(
        "Recalibration of the networks of the first seed: scores of the test period, and "
        "differences from the original forecast.",
        ["Forecast", *labels, *(f"{label}, difference" for label in labels[:2])],
        [False, *(True for _ in range(len(labels) + 2))],
        rows,
    )


def difference_cell(rows: pd.DataFrame, name: str) -> Cell:
    """Return a difference with its sign and interval; a dash if the table does not have it."""
    of_score = rows[rows["score"] == name]
    if of_score.empty:
        return Cell(MISSING, float("nan"))
    row, decimals = of_score.iloc[0], score_text(name).decimals
    text = signed(row["difference"], decimals)
    if not pd.isna(row["low"]):
        text += f" ({signed(row['low'], decimals)} to {signed(row['high'], decimals)})"
    return Cell(text, float(row["difference"]))


def p_holm_cell_of(rows: pd.DataFrame, name: str, resamples: int) -> Cell:
    """Return the p-value of a difference after Holm's correction; a dash if there is none."""
    of_score = rows[rows["score"] == name]
    if of_score.empty:
        return Cell(MISSING, float("nan"))
    return _p_holm_cell(of_score.iloc[0].to_dict(), resamples)
