"""The words for what the results support; `verification.claims` decides what that is.

"As a method" begins sentences that rest on several seeds of each model, "as trained here" those
about the trained models of this experiment only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from stormcnn.report.series import forecast_name
from stormcnn.report.table_cells import number, p_value, signed
from stormcnn.report.words import RECALIBRATION_WORDS, block_name, join
from stormcnn.verification.claim_types import (
    Bias,
    Calibration,
    Change,
    Counts,
    Difference,
    Estimate,
    Level,
    Need,
    Recalibration,
    Skill,
    Slope,
    Support,
    Width,
)
from stormcnn.verification.claims import RELEVANT_SKILL, RELEVANT_SLOPES
from stormcnn.verification.difference_claims import CLAIMED, RELEVANT_DIFFERENCE
from stormcnn.verification.score_registry import score_text
from stormcnn.vocabulary import (
    LEAST_BLOCKS,
    LEAST_SEEDS,
    OVER_SEEDS,
    OWN_SCALING,
    SINGLE,
    BlockSize,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

ABOUT = {
    Level.METHOD: "As a method",
    Level.NETWORKS: "As trained here",
    Level.NOTHING: "As trained here",
}


class Statement(NamedTuple):
    """A sentence or two, and whether it is good news; `verdict` is better, worse or none."""

    verdict: str
    text: str


class Wording(NamedTuple):
    """What the words for a verdict depend on, in addition to the verdict."""

    titles: Mapping[str, str]
    confidence: float
    resamples: int
    block: BlockSize
    parameters: Mapping[str, float]
    """Number of trainable parameters of each model, NaN if it is unknown."""
    floored: frozenset[tuple[str, str, str]]
    """Model, reference and forecast of differences whose p-value is the smallest possible."""

    def interval(self, estimate: Estimate, decimals: int, *, sign: bool = False) -> str:
        """Return `+0.020 (95 % interval +0.004 to +0.036)`."""
        write = signed if sign else number
        value, low, high = (write(part, decimals) for part in estimate)
        if math.isnan(estimate.low):
            return f"{value} (no interval can be computed)"
        return f"{value} ({100 * self.confidence:g} % interval {low} to {high})"

    def p_holm(self, one: Difference) -> str:
        """Return `p = 0.012`, or `p ≤ 0.006` if more resamples could give a smaller p-value."""
        floored = (one.model, one.reference, one.forecast) in self.floored
        text = p_value(one.p_holm, at_floor=floored)
        return f"p {text}" if text.startswith(("<", "≤")) else f"p = {text}"

    def blocks(self, count: int) -> str:
        """Return a number of blocks in words: `36 days`."""
        return f"{count:,} {block_name(self.block, count)}"

    def need(self, need: Need) -> str:
        """Return what would do as the beginning of a sentence; an empty text if that is unknown."""
        parts = [self.blocks(round_up(need.blocks))] if need.blocks else []
        parts += [f"{need.seeds:,} seeds of each network"] if need.seeds else []
        parts += (
            [f"{need.resamples:,} resamples (verification.resamples)"] if need.resamples else []
        )
        return join(parts)

    @property
    def held_out(self) -> str:
        """How networks are trained whose held-out storms a recalibration is fitted to."""
        return f"once without the last {block_name(self.block)} of the training period"

    def would_show(self, need: Need, level: Level, effect: str) -> str:
        """Return a sentence with a leading space on what would show `effect`; empty if unknown."""
        if not (needed := self.need(need)):
            return ""
        if need.resamples or level is Level.NOTHING:
            return f" At least {needed} are needed."
        return f" About {needed} would show {effect}."


def round_up(count: int) -> int:
    """Return the next number with two significant digits, because estimates are not more precise.

    >>> round_up(36), round_up(228)
    (36, 230)
    """
    step = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step


def describe_scope(support: Support, wording: Wording) -> str:
    """Return what the statements of the report are about, and what is missing for more."""
    if support.level is Level.METHOD:
        return (
            "This is about the methods, not only about the networks trained here: each was trained "
            f"with {support.seeds} seeds, and the test period has {wording.blocks(support.blocks)}."
        )
    if support.level is Level.NOTHING:
        return (
            f"No claim is possible, neither about methods nor about these trained networks: the "
            f"test period has {wording.blocks(support.blocks)}, and at least "
            f"{LEAST_BLOCKS} are needed."
        )
    seeds = "only one seed" if support.seeds == 1 else f"only {support.seeds} seeds"
    return (
        "This is about these trained networks only. No claim about a method is possible, because "
        f"a network was trained with {seeds}; at least {LEAST_SEEDS} are needed (training.seeds)."
    )


def describe_difference(one: Difference, wording: Wording) -> Statement:
    """Return how two forecasts compare, with the evidence and everything that qualifies it."""
    subject = forecast_name(wording.titles[one.model], one.forecast)
    other = forecast_name(wording.titles[one.reference], one.reference_forecast)
    about = ABOUT[one.support.level]
    score = score_text(CLAIMED)
    evidence = wording.interval(one.difference, score.decimals, sign=True)
    if not math.isnan(one.p_holm):
        evidence = evidence[:-1] + f", {wording.p_holm(one)} after Holm's correction)"
    evidence = f"difference in {score.label} {evidence}"
    if math.isnan(one.difference.value):
        return Statement("none", f"{subject} and {other} cannot be compared: no score is defined.")
    if one.verdict in (Change.BETTER, Change.WORSE):
        text = f"{about}, {subject} is {one.verdict} than {other}: {evidence}."
    elif one.verdict is Change.NONE:
        text = (
            f"{about}, {subject} and {other} differ by less than {RELEVANT_DIFFERENCE:g}: "
            f"{evidence}."
        )
    else:
        text = f"{about}, it is not known whether {subject} is better than {other}: {evidence}."
        if one.support.level is Level.NOTHING:
            verb = "is" if one.support.blocks == 1 else "are"
            text += f" {wording.blocks(one.support.blocks)} {verb} too few to tell."
        effect = f"a difference of {RELEVANT_DIFFERENCE:g}"
        text += wording.would_show(one.need, one.support.level, effect)
    text += _other_scores(one, subject) + _sizes(one, wording)
    verdict = one.verdict.value if one.verdict in (Change.BETTER, Change.WORSE) else "none"
    return Statement(verdict, text)


def _other_scores(one: Difference, subject: str) -> str:
    """Return the other scores that differ, as a sentence with a leading space.

    `subject` is the forecast that is compared; the sentence before may have another subject.
    """
    parts = differing_scores(one, (Change.BETTER, Change.WORSE))
    if not parts:
        return ""
    agrees = one.verdict in (Change.BETTER, Change.WORSE) and all(
        change is one.verdict for _, change in one.others
    )
    return f" {'It is also' if agrees else f'{subject} is'} significantly {' and '.join(parts)}."


def differing_scores(one: Difference, changes: Sequence[Change]) -> list[str]:
    """Return the other scores that differ in these directions: `worse in log score`."""
    return [
        f"{change} in {join(names)}"
        for change in changes
        if (names := [score_in_text(name) for name, found in one.others if found is change])
    ]


def score_in_text(score: str) -> str:
    """Return the name of a score within a sentence: `area under the ROC curve`."""
    label = score_text(score).label
    return label if label.startswith("Brier") else label[0].lower() + label[1:]


def _sizes(one: Difference, wording: Wording) -> str:
    """Return that two models differ in size, as a sentence with a leading space."""
    own, other = (wording.parameters.get(name, math.nan) for name in (one.model, one.reference))
    if own == other or math.isnan(own) or math.isnan(other):
        return ""
    return (
        f" They differ in size: {wording.titles[one.model]} has {own:,.0f} trainable parameters, "
        f"{wording.titles[one.reference]} {other:,.0f}."
    )


def describe_skill(one: Skill, wording: Wording) -> Statement:
    """Return whether a model is more skillful than the event frequency of the training period."""
    about, title = ABOUT[one.support.level], wording.titles[one.model]
    score = wording.interval(one.score, 3)
    if math.isnan(one.score.value):
        return Statement("none", f"{about}, {title} has no defined skill.")
    climatology = f"the event frequency of the training period: Brier skill score {score}"
    if one.verdict in (Change.BETTER, Change.WORSE):
        more = "more" if one.verdict is Change.BETTER else "less"
        return Statement(
            one.verdict.value, f"{about}, {title} is {more} skillful than {climatology}."
        )
    text = f"{about}, it is not known whether {title} is more skillful than {climatology}."
    if one.verdict is Change.NONE:
        text += f" A skill of {RELEVANT_SKILL:g} is excluded."
    else:
        effect = f"a skill of {RELEVANT_SKILL:g}"
        text += wording.would_show(one.need, one.support.level, effect)
    return Statement("none", text)


def describe_calibration(one: Calibration, wording: Wording) -> Statement:
    """Return whether a forecast is calibrated: its bias and its slope."""
    title = wording.titles[one.model]
    if one.forecast != SINGLE:
        title += f" with {RECALIBRATION_WORDS[one.forecast]}"
    about = ABOUT[one.support.level]
    value, low, high = one.intercept
    if math.isnan(value):
        return Statement(
            "none",
            f"{about}, it is not known whether {title} is calibrated: its bias is not defined, "
            "for instance because all storms are events, or none.",
        )
    too_high = Estimate(math.exp(-value), math.exp(-high), math.exp(-low))
    odds = f"the odds that it forecasts are {wording.interval(too_high, 2)} times those observed"
    slope = f"calibration slope {wording.interval(one.slope_estimate, 2)}"
    # The tests are at half the level of the intervals.
    doubtful_bias = one.bias is Bias.NONE and one.intercept.excludes(0)
    doubtful_slope = one.slope is Slope.NONE and one.slope_estimate.excludes(1)
    bias = {
        Bias.OVER: f"{title} over-forecasts",
        Bias.UNDER: f"{title} under-forecasts",
        Bias.NONE: f"{'the test does not show' if doubtful_bias else 'nothing shows'} that {title} "
        "over- or under-forecasts",
        Bias.UNKNOWN: f"whether {title} over- or under-forecasts is not known",
    }[one.bias]
    tilt = {
        Slope.SHARP: "Its probabilities are too sharp",
        Slope.FLAT: "Its probabilities are too flat",
        Slope.NONE: f"{'The test does not show' if doubtful_slope else 'Nothing shows'} that its "
        "probabilities are too sharp or too flat",
        Slope.UNKNOWN: "Whether its probabilities are too sharp or too flat is not known",
    }[one.slope]
    text = f"{about}, {bias}: {odds}. {tilt}: {slope}."
    if doubtful_bias or doubtful_slope:
        intervals = (
            "Both intervals exclude"
            if doubtful_bias and doubtful_slope
            else f"The interval of the {'odds' if doubtful_bias else 'slope'} excludes"
        )
        text += f" {intervals} 1, but bias and slope are two tests, each at half the level."
    faults = ["odds twice or half as high as those observed"] * (one.bias is Bias.UNKNOWN)
    low, high = RELEVANT_SLOPES
    faults += [f"a slope below {low:g} or above {high:g}"] * (one.slope is Slope.UNKNOWN)
    text += wording.would_show(one.need, one.support.level, join(faults))
    found = one.bias in (Bias.OVER, Bias.UNDER) or one.slope in (Slope.SHARP, Slope.FLAT)
    good = (one.bias, one.slope) == (Bias.NONE, Slope.NONE)
    good = good and not (doubtful_bias or doubtful_slope)
    return Statement("worse" if found else "better" if good else "none", text)


def describe_recalibration(one: Recalibration, wording: Wording) -> Statement:
    """Return whether recalibration helps, and whether the test period agrees.

    It is judged with a single network per model, which was trained without the held-out storms.
    """
    about = f"For {wording.titles[one.model]} as trained {wording.held_out}"
    change = wording.interval(one.log_score, 4, sign=True)
    recalibration = RECALIBRATION_WORDS[one.method]
    text = {
        Change.BETTER: f"{about}, {recalibration} helps",
        Change.WORSE: f"{about}, {recalibration} makes it worse",
        Change.NONE: f"{about}, nothing shows that {recalibration} helps or harms",
        Change.UNKNOWN: f"{about}, it is not known whether {recalibration} helps",
    }[one.verdict]
    text += (
        f": change of the log score of storms that it was not fitted to {change}; negative is "
        "better."
    )
    if one.in_test is Change.WORSE:
        text += " In the test period it made the log score of the first seed significantly worse."
    elif one.in_test is Change.BETTER:
        text += " In the test period it improved the log score of the first seed significantly."
    if one.verdict is Change.UNKNOWN and (needed := wording.need(one.support.need)):
        text += f" At least {needed} are needed."
    verdict = one.verdict.value if one.verdict in (Change.BETTER, Change.WORSE) else "none"
    return Statement(verdict, text)


def describe_counts(one: Counts, wording: Wording) -> Statement:
    """Return whether the MC members forecast the number of events well: bias, then width."""
    title = wording.titles[one.model]
    title += ", averaged over the seeds," if one.seed == OVER_SEEDS else f", seed {one.seed},"
    members = f"the MC members of {title}"
    error = wording.interval(one.mean_error, 2, sign=True)
    percent = Estimate(*(100 * end for end in one.coverage))
    coverage = wording.interval(percent, 0).replace(" (", " % (", 1)
    bias = {
        Bias.OVER: f"{members} forecast too many events",
        Bias.UNDER: f"{members} forecast too few events",
        Bias.NONE: f"nothing shows that {members} forecast too many or too few events",
        Bias.UNKNOWN: f"whether {members} forecast too many or too few events is not known",
    }[one.bias]
    width = {
        Width.NARROW: "After the bias is removed, their 90 % intervals are too narrow",
        Width.WIDE: "After the bias is removed, their 90 % intervals are too wide",
        Width.NONE: "After the bias is removed, nothing shows that their 90 % intervals are too "
        "narrow or too wide",
        Width.UNKNOWN: "Whether their 90 % intervals are too narrow or too wide is not known",
    }[one.width]
    if one.bias is Bias.UNDER and one.width is Width.UNKNOWN:
        width += ", because adding the missing events makes them wider"
    text = f"As trained here, {bias}: {error} per forecast run. {width}."
    if not math.isnan(one.coverage.value):  # it is with a single member
        text += f" As they are, they contain {coverage} of the observed numbers."
    if needed := wording.need(one.need):
        text += f" At least {needed} are needed for a test."
    found = one.bias in (Bias.OVER, Bias.UNDER) or one.width in (Width.NARROW, Width.WIDE)
    return Statement("worse" if found else "none", text)


def describe_own_scaling(differences: pd.DataFrame, wording: Wording) -> list[str]:
    """Return what scaling the test storms by their own statistics changes, one model a sentence."""
    rows = differences[
        (differences["forecast"] == OWN_SCALING)
        & (differences["period"] == "test")
        & (differences["score"] == CLAIMED)
    ]
    return [
        f"{wording.titles[row.model]}, seed {row.seed}: difference in Brier skill score "
        f"{wording.interval(Estimate(row.difference, row.low, row.high), 3, sign=True)}."
        for row in rows.itertuples()
    ]


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
        sentences.append(
            "This is the current rate of the network, so there is no reason to change it."
        )
    else:
        rate = f"The current rate of the network, {current['rate'].iloc[0]:g},"
        if current["told_apart"].all():
            text = f"{rate} should be changed: {current['reason'].iloc[0]}."
        elif current["as_good"].all():
            text = (
                f"{rate} is not shown to give worse probabilities, so the choice rests on the "
                "event counts alone."
            )
        else:
            text = (
                f"{rate} is not shown to give worse probabilities beyond chance, so nothing shows "
                f"that it should be changed: {current['reason'].iloc[0]}."
            )
        sentences.append(text)
    return sentences
