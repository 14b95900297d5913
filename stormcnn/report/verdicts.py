"""Sentences of the report that say what the results support."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from stormcnn.report.series import (
    compared_names,
    drop_variants,
    select_first_seed,
    select_headline,
    select_main_scores,
    select_test_period,
)
from stormcnn.report.table_cells import p_value, signed, with_interval
from stormcnn.verification.score_registry import score_text
from stormcnn.vocabulary import COUNT_COVERAGE, MC_MEAN, OWN_SCALING, RECALIBRATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

CLAIMED = "brier_skill_score"
"""The score by which models are compared in words; larger is better."""


class Claim(NamedTuple):
    """What the difference between two forecasts supports; `verdict` is better, worse or none."""

    verdict: str
    text: str


def judge_differences(
    differences: pd.DataFrame, titles: Mapping[str, str], confidence: float
) -> list[Claim]:
    """Return what the differences in Brier skill score between the models support.

    `differences` is the table `differences.csv`; each model is represented by its headline
    forecast. A difference is claimed only if its interval excludes 0 and its p-value after Holm's
    correction, if there is one, is below 1 - confidence.
    """
    compared = select_headline(drop_variants(differences[differences["period"] == "test"]))
    return _judge(compared, titles, confidence)


def judge_own_scaling(
    differences: pd.DataFrame, titles: Mapping[str, str], confidence: float
) -> list[Claim]:
    """Return what scaling the test storms by their own statistics changes."""
    own_scaling = differences["forecast"] == OWN_SCALING
    return _judge(differences[own_scaling & (differences["period"] == "test")], titles, confidence)


def _judge(differences: pd.DataFrame, titles: Mapping[str, str], confidence: float) -> list[Claim]:
    """Return one claim per difference in Brier skill score."""
    score = score_text(CLAIMED)
    claims = []
    for row in differences[differences["score"] == CLAIMED].to_dict("records"):
        subject, other = compared_names(row, titles)
        if pd.isna(row["difference"]):
            text = f"{subject} and {other} cannot be compared: the {score.label} is undefined."
            claims.append(Claim("none", text))
            continue
        difference, low, high = (
            signed(row[name], score.decimals) for name in ("difference", "low", "high")
        )
        evidence = f"difference in {score.label} {difference}"
        if pd.isna(row["low"]):
            evidence += "; an interval cannot be computed"
        else:
            corrected = f", p = {p_value(row['p_holm'])} after Holm's correction"
            evidence += (
                f" ({100 * confidence:g} % interval {low} to {high}"
                f"{'' if pd.isna(row['p_holm']) else corrected})"
            )
        # Comparisons with NaN are false, so an unknown difference is never claimed.
        excludes_zero = row["low"] > 0 or row["high"] < 0
        if not excludes_zero or 1 - row["p_holm"] <= confidence:
            text = f"No clear difference between {subject} and {other}: {evidence}."
            claims.append(Claim("none", text))
        elif row["difference"] > 0:
            claims.append(Claim("better", f"{subject} is better than {other}: {evidence}."))
        else:
            claims.append(Claim("worse", f"{subject} is worse than {other}: {evidence}."))
    return claims


def describe_skill(scores: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Return a sentence per model on whether it is more skilful than climatology."""
    main = select_main_scores(scores)
    sentences = []
    for row in main[main["score"] == "brier_skill_score"].itertuples():
        cell = with_interval(row.value, row.low, row.high, 3).text
        if pd.isna(row.value):
            verdict = "has no defined skill, because the test period has no events or no non-events"
        elif pd.isna(row.low):
            verdict = f"has a Brier skill score of {cell}; an interval cannot be computed"
        elif row.low > 0:
            verdict = f"is more skilful than climatology: Brier skill score {cell}"
        elif row.high < 0:
            verdict = f"is less skilful than climatology: Brier skill score {cell}"
        else:
            verdict = f"shows no clear skill over climatology: Brier skill score {cell}"
        sentences.append(f"{titles[row.model]} {verdict}.")
    return sentences


def describe_calibration(
    scores: pd.DataFrame, titles: Mapping[str, str], confidence: float
) -> list[str]:
    """Return a sentence per model on whether it is calibrated, before and after recalibration.

    A forecast is called calibrated only if the interval of Murphy's reliability includes 0 and
    Spiegelhalter's Z does not differ from 0 at the level 1 - confidence. The interval of CORP's
    miscalibration excludes 0 too often to be a criterion.
    """
    whole = select_test_period(scores)
    main = select_main_scores(scores)
    methods = choose_recalibrations(scores)
    sentences = []
    judged = main.loc[main["score"] == "spiegelhalter_p_value", "model"]
    for model in (name for name in titles if (judged == name).any()):
        verdict = _judge_calibration(main[main["model"] == model], confidence)
        sentence = f"{titles[model]} {verdict}."
        if model in methods:
            variant = whole[(whole["model"] == model) & (whole["forecast"] == methods[model])]
            first = select_first_seed(variant)
            several = variant["seed"].astype(str).nunique() > 1
            network = f" of the network with seed {first['seed'].iloc[0]}" if several else ""
            verdict = _judge_calibration(first, confidence)
            sentence += f" After {methods[model]} recalibration{network}, it {verdict}."
        sentences.append(sentence)
    return sentences


def choose_recalibrations(scores: pd.DataFrame) -> dict[str, str]:
    """Return for each model the recalibration with the lower log score in the training period.

    It is the one of `probability_calibrated`, chosen by the network of the first seed.
    """
    training = scores[
        (scores["period"] == "train")
        & (scores["stratum"] == "all")
        & (scores["score"] == "log_score")
        & scores["forecast"].isin(RECALIBRATIONS)
    ]
    best = select_first_seed(training).sort_values("value", kind="stable").drop_duplicates("model")
    return dict(zip(best["model"], best["forecast"], strict=True))


def _judge_calibration(rows: pd.DataFrame, confidence: float) -> str:
    """Return whether one forecast is calibrated, and the evidence, as the end of a sentence."""
    by_score = rows.set_index("score")
    reliability = by_score.loc["murphy_reliability"]
    p = by_score.loc["spiegelhalter_p_value", "value"]
    if pd.isna(reliability["low"]) or pd.isna(p):
        return "cannot be checked for calibration, because an interval cannot be computed"
    cell = with_interval(reliability["value"], reliability["low"], reliability["high"], 5).text
    evidence = f"(Murphy's reliability {cell}; Spiegelhalter's Z, p = {p_value(p)})"
    z_is_zero = 1 - p < confidence
    if reliability["low"] <= 0 and z_is_zero:
        return f"is calibrated as far as these forecast runs show {evidence}"
    if z_is_zero:
        return f"is not calibrated {evidence}"
    overconfident = by_score.loc["spiegelhalter_z", "value"] > 0
    fault = "overconfident" if overconfident else "underconfident"
    return f"is not calibrated: it is {fault} {evidence}"


def describe_counts(uncertainty: pd.DataFrame | None, titles: Mapping[str, str]) -> list[str]:
    """Return a sentence per model on whether intervals of event counts have nominal coverage."""
    if uncertainty is None:
        return []
    coverage = select_headline(
        uncertainty[
            (uncertainty["score"] == "count_coverage_90") & (uncertainty["forecast"] == MC_MEAN)
        ]
    )
    sentences = []
    for row in coverage.itertuples():
        if pd.isna(row.low):
            continue
        share, low, high = (f"{100 * value:.0f} %" for value in (row.value, row.low, row.high))
        verdict = (
            "too narrow"
            if row.high < COUNT_COVERAGE
            else "too wide"
            if row.low > COUNT_COVERAGE
            else "consistent with their nominal coverage"
        )
        sentences.append(
            f"{titles[row.model]}: the 90 % intervals of the number of events per forecast run, "
            f"from the MC members, contain {share} of the observed numbers ({low} to {high}), so "
            f"they are {verdict}."
        )
    return sentences


def describe_rate_choice(choice: pd.DataFrame) -> list[str]:
    """Return which rate was chosen and why, and whether to change the current one, in words."""
    chosen = choice[choice["chosen"]].iloc[0]
    sentences = [
        f"Of the {len(choice)} dropout rates tried, {chosen['rate']:g} was chosen: "
        f"{chosen['reason']}."
    ]
    current = choice[choice["own"]]
    if current.empty:
        sentences.append("The current rate of the network was not among them.")
    elif current["chosen"].all():
        sentences.append("This is the current rate of the network, which need not be changed.")
    elif current["as_good"].all():
        sentences.append(
            f"The current rate of the network, {current['rate'].iloc[0]:g}, gives probabilities "
            "that are as good, so the choice rests on the event counts alone."
        )
    else:
        sentences.append(
            f"The current rate of the network, {current['rate'].iloc[0]:g}, should be changed: "
            f"{current['reason'].iloc[0]}."
        )
    return sentences
