"""What each figure shows, in a sentence: the alternative texts of the report's pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.report.series import (
    forecast_name,
    select_headline,
    select_main_scores,
    select_test_period,
)
from stormcnn.report.table_cells import number
from stormcnn.report.words import join
from stormcnn.verification.claim_types import Bias, Slope
from stormcnn.verification.score_registry import score_text
from stormcnn.vocabulary import MC_MEAN, SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stormcnn.verification.claim_types import Claims

SHOWN = {
    "scores": "brier_skill_score",
    "roc": "auc",
    "performance": "critical_success_index_best",
}
"""The score that sums up a figure of the verification."""

SHOWN_OF_MEMBERS = {
    "counts": "count_coverage_90",
    "spread_skill": "total_spread_skill_ratio",
    "discard": "discard_gain",
}
"""The score that sums up a figure of Monte Carlo dropout."""


def find_findings(
    claims: Claims,
    verdict: str,
    scores: pd.DataFrame,
    uncertainty: pd.DataFrame | None,
    titles: Mapping[str, str],
) -> dict[str, str]:
    """Return what the figures show, by their key in `FIGURES`.

    `verdict` is the first sentence of the report; `scores` and `uncertainty` are the tables of
    these names. Figures without an entry show nothing that can be summed up.
    """
    main = select_main_scores(scores)
    found = {
        kind: _values(main[main["score"] == score], score, titles) for kind, score in SHOWN.items()
    }
    found["differences"] = verdict
    found["regularization"] = _overfitting(scores, titles)
    found["reliability"] = _calibration(claims, titles)
    found["recalibration"] = found["reliability"]
    if uncertainty is not None:
        members = select_headline(uncertainty[uncertainty["forecast"] == MC_MEAN])
        for kind, score in SHOWN_OF_MEMBERS.items():
            found[kind] = _values(members[members["score"] == score], score, titles)
        found["entropy"] = _values(
            members[members["score"] == "mutual_information"], "mutual_information", titles
        )
    return {kind: text for kind, text in found.items() if text}


def _values(rows: pd.DataFrame, score: str, titles: Mapping[str, str]) -> str:
    """Return the value of one score for each model, or an empty text."""
    text = score_text(score)
    values = [
        f"{forecast_name(titles[row.model], row.forecast)} {number(row.value, text.decimals)}"
        for row in rows.itertuples()
        if row.model in titles
    ]
    return f"{text.label}: {join(values)}." if values else ""


def _overfitting(scores: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return the skill of each model in both periods."""
    score = "brier_skill_score_training"
    rows = scores[(scores["score"] == score) & (scores["forecast"] == SINGLE)]
    test = select_headline(select_test_period(rows)).set_index("model")["value"]
    fitted = select_headline(rows[(rows["period"] == "train") & (rows["stratum"] == "all")])
    parts = [
        f"{titles[row.model]} {number(row.value, 2)} in training and "
        f"{number(test[row.model], 2)} in the test period"
        for row in fitted.itertuples()
        if row.model in test and row.model in titles
    ]
    return f"Mean Brier skill score: {'; '.join(parts)}." if parts else ""


def _calibration(claims: Claims, titles: Mapping[str, str]) -> str:
    """Return which models are found to have a wrong bias or slope, and which are not."""
    biases = {
        Bias.OVER: "Over-forecasting",
        Bias.UNDER: "Under-forecasting",
        Bias.NONE: "No bias found",
        Bias.UNKNOWN: "Bias not known",
    }
    slopes = {
        Slope.SHARP: "Too sharp",
        Slope.FLAT: "Too flat",
        Slope.NONE: "Not found to be too sharp or too flat",
        Slope.UNKNOWN: "Not known whether too sharp or too flat",
    }
    original = [one for one in claims.calibration if one.forecast == SINGLE]
    found = [
        (text, [titles[one.model] for one in original if one.bias is bias])
        for bias, text in biases.items()
    ] + [
        (text, [titles[one.model] for one in original if one.slope is slope])
        for slope, text in slopes.items()
    ]
    return " ".join(f"{text}: {join(names)}." for text, names in found if names)
