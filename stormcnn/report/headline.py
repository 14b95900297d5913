"""The first screen of the report: the verdict, facts to act on, and the worst warning."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from stormcnn.report.table_cells import number
from stormcnn.report.verdicts import describe_scope, differing_scores
from stormcnn.report.words import RECALIBRATION_WORDS, join
from stormcnn.texts import counted
from stormcnn.verification.claim_rows import most_of
from stormcnn.verification.claim_types import Bias, Change, Level, Slope
from stormcnn.verification.difference_claims import RELEVANT_DIFFERENCE
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_EVENTS, OPPONENTS, SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stormcnn.report.verdicts import Wording
    from stormcnn.verification.claim_types import Calibration, Claims, Difference, Support


AGAINST_OPPONENT = {
    Change.WORSE: "scores lower than {}",
    Change.BETTER: "scores higher than {}",
    Change.NONE: f"scores within {RELEVANT_DIFFERENCE:g} of {{}}",
    Change.UNKNOWN: "is not shown to score higher or lower than {}",
}


class Advice(NamedTuple):
    """A question that a reader must answer, and the answer that the results support."""

    question: str
    answer: str


class Headline(NamedTuple):
    """The first screen in words."""

    verdict: str
    """What the comparison of the models shows, in one or two sentences."""
    scope: str
    """Whether this is about methods or about the trained networks, and what is missing."""
    advice: list[Advice]
    """Facts to act on."""
    warning: str
    """The worst warning, or an empty text."""


def write_headline(
    claims: Claims,
    wording: Wording,
    expected: Mapping[str, float],
    made_up: bool,
    decision: str = "",
    shared_storms: Sequence[str] = (),
) -> Headline:
    """Return the first screen.

    `expected` gives the number of events that each model forecast; `decision` says at which
    probability to act, if that is known; `shared_storms` are the sentences on test storms that
    other runs forecast as well.
    """
    support = main_support(claims)
    scope = _scope(claims, support, wording) + (" The storms are made up." if made_up else "")
    return Headline(
        verdict=_verdict(claims, wording),
        scope=scope,
        advice=[
            Advice("Which model should be used?", _which_model(claims, wording)),
            *_worth_it(claims, wording, made_up),
            Advice(
                "Must the probabilities be recalibrated?", _recalibrate(claims, wording, expected)
            ),
            *_decide(decision),
            Advice("Are there enough events?", _enough_events(claims, wording)),
        ],
        warning=_worst_warning(claims, wording, scope, made_up, " ".join(shared_storms)),
    )


def summarize(headline: Headline) -> str:
    """Return the verdict and the worst warning as a text, one paragraph each."""
    parts = [f"{headline.verdict} {headline.scope}"]
    if headline.warning and headline.warning != headline.scope:
        parts.append(f"Warning: {headline.warning}")
    return "".join(f"{textwrap.fill(part, 100)}\n" for part in parts)


def _decide(decision: str) -> list[Advice]:
    """Return at which probability to act; nothing if that is not known."""
    if not decision:
        return []
    basis = "The threshold was chosen in the training period, and is judged in the test period."
    return [Advice("At which probability should one act?", f"{decision} {basis}")]


def main_support(claims: Claims) -> Support:
    """Return what most can be said about: methods, if any comparison supports that."""
    supports = [one.support for one in claims.differences or claims.skill]
    return max(supports, key=lambda support: [*reversed(Level)].index(support.level))


def _scope(claims: Claims, support: Support, wording: Wording) -> str:
    """Return what the verdict is about, and which models are exceptions."""
    text = describe_scope(support, wording)
    fewer = [
        wording.titles[one.model]
        for one in claims.differences
        if one.support.level is not support.level
    ]
    if fewer:
        text += f" For {join(fewer)}, it is only about the model as trained here."
    return text


def _verdict(claims: Claims, wording: Wording) -> str:
    """Return what the differences between the models support, the significant ones first."""
    if main_support(claims).level is Level.NOTHING:
        return "These results do not show which model is better."
    sentences = []
    if not claims.differences:
        sentences.append("Only one network was verified, so none can be said to be better.")
    for verdict, text in (
        (Change.BETTER, "The Brier skill score of {} is higher than that of {}."),
        (Change.WORSE, "The Brier skill score of {} is lower than that of {}."),
        (
            Change.NONE,
            f"The Brier skill score of {{}} is within {RELEVANT_DIFFERENCE:g} of that of {{}}.",
        ),
        (
            Change.UNKNOWN,
            "Whether the Brier skill score of {} is higher or lower than that of {} is not known.",
        ),
    ):
        word = "or" if verdict is Change.UNKNOWN else "and of"
        for reference, found in _by_reference(claims.differences, verdict).items():
            names, other = _with_sizes(found, reference, wording)
            sentences.append(text.format(join(names, word), other))
    sentences += _elsewhere(claims.differences, wording)
    sentences += _against_opponents(claims, wording)
    return " ".join(sentences)


def _against_opponents(claims: Claims, wording: Wording) -> list[str]:
    """Return how the best network compares with the opponents, as a sentence or nothing."""
    best = best_against_opponents(claims)
    if not best:
        return []
    parts = [
        text.format(join([wording.titles[one.reference] for one in found]))
        for verdict, text in AGAINST_OPPONENT.items()
        if (found := [one for one in best if one.verdict is verdict])
    ]
    return [f"{_best_network(best, wording)} {join(parts)}."]


def _best_network(best: Sequence[Difference], wording: Wording) -> str:
    """Return the network that is compared with the opponents as the beginning of a sentence."""
    return f"The network with the highest score, {wording.titles[best[0].model]},"


def best_against_opponents(claims: Claims) -> list[Difference]:
    """Return the comparison of the best network with each opponent."""
    best: dict[str, Difference] = {}
    for one in claims.opponents:
        best.setdefault(one.reference, one)
    return list(best.values())


def network_to_act_on(claims: Claims) -> str:
    """Return the most skillful network, of those to use if there are any.

    New runs cannot be forecast with opponents, so nobody can act on those.
    """
    skill = {one.model: one.score.value for one in claims.skill if one.model not in OPPONENTS}
    chosen = [name for name in claims.choice.models if name in skill]
    return max(chosen or skill, key=lambda name: skill[name])


def _worth_it(claims: Claims, wording: Wording, made_up: bool) -> list[Advice]:
    """Return whether the best network beats the opponents, and by how much; nothing without any."""
    best = best_against_opponents(claims)
    if not best:
        return []
    if all(one.verdict is Change.BETTER for one in best):
        answer = "Yes"
    elif any(one.verdict is Change.WORSE for one in best):
        answer = "No"
    else:
        answer = "This is not known"
    answer += ", for these made-up storms." if made_up else "."
    parts = [
        f"{AGAINST_OPPONENT[one.verdict].format(wording.titles[one.reference])}: difference "
        f"{wording.interval(one.difference, 3, sign=True)}"
        for one in best
    ]
    return [
        Advice(
            "Is a network worth it?",
            f"{answer} {_best_network(best, wording)} {'; it '.join(parts)}.",
        )
    ]


def _by_reference(
    differences: Sequence[Difference], verdict: Change
) -> dict[str, list[Difference]]:
    """Return the differences with a verdict by the model that they are compared with."""
    found: dict[str, list[Difference]] = {}
    for one in differences:
        if one.verdict is verdict:
            found.setdefault(one.reference, []).append(one)
    return found


def _with_sizes(
    found: Sequence[Difference], reference: str, wording: Wording
) -> tuple[list[str], str]:
    """Return the titles of models and of their reference, with their sizes if these differ."""
    models = [*dict.fromkeys(one.model for one in found), reference]
    sizes = {name: wording.parameters.get(name, math.nan) for name in models}
    known = {name: size for name, size in sizes.items() if not math.isnan(size)}
    differ = len(set(known.values())) > 1
    titles = [
        wording.titles[name]
        + (f" ({known[name]:,.0f} parameters)" if differ and name in known else "")
        for name in models
    ]
    return titles[:-1], titles[-1]


def _elsewhere(differences: Sequence[Difference], wording: Wording) -> list[str]:
    """Return which models differ significantly in other scores, one sentence per model."""
    sentences = []
    for one in differences:
        changes = [change for change in (Change.BETTER, Change.WORSE) if change is not one.verdict]
        if parts := differing_scores(one, changes):
            sentences.append(
                f"{wording.titles[one.model]} is {' and '.join(parts)} than "
                f"{wording.titles[one.reference]}."
            )
    return sentences


def _which_model(claims: Claims, wording: Wording) -> str:
    """Return which model to use, and the smallest if several may be as good."""
    titles, choice = wording.titles, claims.choice
    if choice.verdict is Change.UNKNOWN:
        return "This cannot be told from these results."
    if choice.verdict is Change.WORSE:
        return (
            "None can be recommended: no model is shown to be more skillful than the event "
            "frequency of the training period."
        )
    scores = {one.model: one.score.value for one in claims.skill}
    names = [
        titles[name] + (f" (Brier skill score {number(scores[name], 2)})" if name in scores else "")
        for name in choice.models
    ]
    if len(claims.skill) == 1 and not claims.differences:
        text = f"{join(names)}, the only one: it is more skillful than the event frequency of the "
        text += "training period."
    elif choice.verdict is Change.BETTER:
        text = f"{join(names, 'or')}."
    else:
        sizes = {name: wording.parameters.get(name, math.nan) for name in choice.models}
        least = min((size for size in sizes.values() if not math.isnan(size)), default=math.nan)
        winners = _winners(claims)
        small = [
            name
            for name, model in zip(names, choice.models, strict=True)
            if sizes[model] == least and not winners
        ]
        text = f"{join(small or names, 'or')}: no other model is shown to be better"
        larger = {name: size for name, size in sizes.items() if size > least}
        if larger:
            text += ", and " + join(
                [f"{titles[name]} has {size:,.0f} parameters" for name, size in larger.items()]
            )
            text += f" instead of {least:,.0f}"
        text += "."
        for reference, found in winners.items():
            text += f" Only {join([titles[name] for name in found])} "
            text += f"{'is' if len(found) == 1 else 'are'} shown to be better than "
            text += f"{titles[reference]}."
    for one in claims.averaging:
        if one.verdict is Change.BETTER:
            text += (
                f" Of {titles[one.model]}, use the Monte Carlo mean: it is better than the same "
                "network without dropout."
            )
        elif one.verdict is Change.WORSE:
            text += f" Of {titles[one.model]}, avoid the Monte Carlo mean: it is worse."
    if opponents := [titles[name] for name in choice.models if name in OPPONENTS]:
        text += " New runs can be forecast with networks only. What a network should reach is the "
        text += f"score of {join(opponents)}."
    return text


def _winners(claims: Claims) -> dict[str, list[str]]:
    """Return the chosen models that are better than the reference of the comparison, by its name.

    That reference is the one that is not compared with another model itself.
    """
    compared = {one.model for one in claims.differences}
    return {
        reference: names
        for reference, found in _by_reference(claims.differences, Change.BETTER).items()
        if reference not in compared
        and (names := [one.model for one in found if one.model in claims.choice.models])
    }


def _recalibrate(claims: Claims, wording: Wording, expected: Mapping[str, float]) -> str:
    """Return which networks are miscalibrated, and whether recalibration helps."""
    original = _of_networks(claims)
    faults = {
        "the probabilities are on average too high": _titles(original, wording, bias=Bias.OVER),
        "the probabilities are on average too low": _titles(original, wording, bias=Bias.UNDER),
        "low probabilities are too low and high ones too high": _titles(
            original, wording, slope=Slope.SHARP
        ),
        "low probabilities are too high and high ones too low": _titles(
            original, wording, slope=Slope.FLAT
        ),
    }
    found = [f" {join(names)}: {fault}." for fault, names in faults.items() if names]
    helped: dict[str, list[str]] = {}
    for one in claims.recalibration:
        if one.verdict is Change.BETTER:
            helped.setdefault(one.method, []).append(wording.titles[one.model])
    if helped:
        text = "Yes: " + join(
            [f"{RECALIBRATION_WORDS[how]} helps {join(names)}" for how, names in helped.items()]
        )
        text += f", as trained {wording.held_out}"
    elif found:
        faulty = list(dict.fromkeys(name for names in faults.values() for name in names))
        text = f"{join(faulty)} {'is' if len(faulty) == 1 else 'are'} miscalibrated, but no "
        text += "recalibration is shown to help, so forecasts use the probabilities as they are"
    elif unknown := [
        one for one in original if Bias.UNKNOWN is one.bias or Slope.UNKNOWN is one.slope
    ]:
        text = f"Not known: {_what_is_missing(unknown, wording)}"
    else:
        text = "Nothing shows that they must"
    text += "." + "".join(found)
    if biased := [one.model for one in original if one.bias in (Bias.OVER, Bias.UNDER)]:
        counts = [f"{expected[name]:,.0f}" for name in biased]
        noun = "event" if counts == ["1"] else "events"
        text += f" They forecast {join(counts)} {noun}; {claims.events.events:,} occurred."
    if harmed := [
        wording.titles[one.model] for one in claims.recalibration if one.in_test is Change.WORSE
    ]:
        text += (
            " Recalibration that was fitted to held-out storms made the log score of the first "
            f"seed in the test period worse for {join(list(dict.fromkeys(harmed)))}."
        )
        text += _use_of_harmful(claims, wording)
    return text


def _of_networks(claims: Claims) -> list[Calibration]:
    """Return the calibration of the networks; opponents make no forecasts of new runs."""
    return [
        one for one in claims.calibration if one.forecast == SINGLE and one.model not in OPPONENTS
    ]


def _use_of_harmful(claims: Claims, wording: Wording) -> str:
    """Return whether forecasts use the recalibrations that made the test period worse.

    They use those that are shown to help held-out storms.
    """
    harmed = [one for one in claims.recalibration if one.in_test is Change.WORSE]
    used, unused = (
        [wording.titles[one.model] for one in harmed if (one.verdict is Change.BETTER) == helps]
        for helps in (True, False)
    )
    if not used:
        return f" Forecasts of {join(unused)} do not use it."
    text = f" Forecasts of {join(used)} use it, because it helped the held-out storms"
    return f"{text}; those of {join(unused)} do not." if unused else f"{text}."


def _what_is_missing(unknown: Sequence[Calibration], wording: Wording) -> str:
    """Return what would show whether models are calibrated."""
    need = most_of(one.need for one in unknown)
    if not (needed := wording.need(need)):
        return "no interval of bias or slope can be computed"
    if need.resamples or all(one.support.level is Level.NOTHING for one in unknown):
        return f"at least {needed} are needed"
    return f"it would take about {needed} to tell"


def _titles(
    original: Sequence[Calibration],
    wording: Wording,
    bias: Bias | None = None,
    slope: Slope | None = None,
) -> list[str]:
    """Return the titles of the models with this bias or slope."""
    return [
        wording.titles[one.model]
        for one in original
        if (bias and one.bias is bias) or (slope and one.slope is slope)
    ]


def _enough_events(claims: Claims, wording: Wording) -> str:
    """Return whether there are enough events to tell the models apart."""
    answers = {
        True: "Yes",
        False: f"Not for differences as small as {RELEVANT_DIFFERENCE:g}",
        None: "This cannot be told",
    }
    return f"{answers[claims.events.enough]}. {_power(claims, wording)}"


def _power(claims: Claims, wording: Wording) -> str:
    """Return which differences between models would be detected, and what more would take."""
    events = claims.events
    found = counted(events.events, "event")
    text = (
        f"There {'is' if events.events == 1 else 'are'} {found} among "
        f"{counted(events.storms, 'storm')} on {wording.blocks(events.blocks)}."
    )
    if not math.isnan(events.detectable):
        decimals = 2 if events.detectable >= 0.01 else 4
        text = (
            f"With {found} on {wording.blocks(events.blocks)}, a difference of "
            f"{events.detectable:.{decimals}f} in Brier skill score between networks would be "
            "detected in four of five cases, and smaller ones less often."
        )
    too_rare = min(events.events, events.storms - events.events) < LEAST_EVENTS
    if too_rare:
        text += f" At least {LEAST_EVENTS} storms with and as many without an event are needed."
    if not claims.differences:
        text += " With one network, there is no difference to detect."
    elif needed := wording.need(events.need):
        text += (
            f" At least {needed} are needed."
            if too_rare or events.need.resamples or events.blocks < LEAST_BLOCKS
            else f" Detecting {RELEVANT_DIFFERENCE:g} takes about {needed}."
        )
    return text


def _worst_warning(
    claims: Claims, wording: Wording, scope: str, made_up: bool, shared_storms: str
) -> str:
    """Return the warning that limits the use of the results most."""
    level = main_support(claims).level
    if level is Level.NOTHING:
        return scope
    if shared_storms:
        return shared_storms
    skillful = [one for one in claims.skill if one.verdict is Change.BETTER]
    if claims.skill and not skillful:
        return "No model is shown to be more skillful than the event frequency."
    if level is Level.NETWORKS:
        return scope
    biased = _titles(_of_networks(claims), wording, bias=Bias.OVER)
    if biased:
        return f"{join(biased)} {'forecasts' if len(biased) == 1 else 'forecast'} too many events."
    if claims.events.enough is False:
        return f"There are too few events. {_power(claims, wording)}"
    if claims.events.need.resamples:
        return _power(claims, wording)
    if made_up:
        return "The storms are made up: the results say nothing about real storms."
    return ""
