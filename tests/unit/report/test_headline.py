from __future__ import annotations

import math

import pytest
from report_files import TITLES

from stormcnn.report.headline import network_to_act_on, summarize, write_headline
from stormcnn.report.verdicts import Wording
from stormcnn.verification.claim_types import (
    Bias,
    Calibration,
    Change,
    Choice,
    Claims,
    Difference,
    Estimate,
    Events,
    Level,
    Need,
    Recalibration,
    Skill,
    Slope,
    Support,
)

WORDING = Wording(TITLES, 0.95, 1000, "day", {"baseline": 17169, "dropout": 66337}, frozenset())
METHOD = Support(Level.METHOD, seeds=5, blocks=36, need=Need())
NETWORKS = Support(Level.NETWORKS, seeds=2, blocks=36, need=Need(seeds=3))
NOTHING = Support(Level.NOTHING, seeds=5, blocks=6, need=Need(blocks=10))
SMALL = Estimate(0.02, -0.03, 0.07)


def claims(support=METHOD, verdict=Change.UNKNOWN, others=(), bias=Bias.NONE, **changes):
    """Return the verdicts on a dropout network that is compared with the baseline."""
    difference = Difference(
        "dropout", "baseline", "single", "single", support, verdict, SMALL, 0.2, Need(), others
    )
    both = {
        Change.BETTER: Choice(Change.BETTER, ("dropout",)),
        Change.WORSE: Choice(Change.NONE, ("baseline",)),
    }
    return Claims(
        events=Events(False, 64, 1440, support.blocks, 0.12, Need(blocks=140)),
        choice=both.get(verdict, Choice(Change.NONE, tuple(TITLES))),
        differences=(difference,),
        opponents=(),
        skill=(Skill("baseline", support, Change.BETTER, SMALL, Need()),),
        calibration=(
            Calibration("dropout", "single", support, bias, Slope.NONE, SMALL, SMALL, Need()),
        ),
        recalibration=(),
        counts=(),
        averaging=(),
    )._replace(**changes)


def headline(made_up=False, **changes):
    return write_headline(claims(**changes), WORDING, {"dropout": 94.2}, made_up)


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (Change.BETTER, "is higher than that of"),
        (Change.WORSE, "is lower than that of"),
        (Change.NONE, "is within 0.05 of that of"),
        (Change.UNKNOWN, "is higher or lower than that of"),
    ],
)
def test_verdict_gives_the_direction_and_the_sizes(verdict, text):
    words = headline(verdict=verdict).verdict
    assert f"Spatial dropout (66,337 parameters) {text} Baseline (17,169 parameters)" in words
    assert ("not known" in words) == (verdict is Change.UNKNOWN)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("verdict", [Change.BETTER, Change.UNKNOWN])
def test_sizes_of_all_models_of_a_sentence_are_given_if_any_differ(verdict, order):
    titles = {**TITLES, "l2": "L2"}
    wording = WORDING._replace(titles=titles, parameters={**WORDING.parameters, "l2": 17169})
    (one,) = claims(verdict=verdict).differences
    both = (one._replace(model="l2"), one)[::order]
    text = write_headline(claims(differences=both), wording, {}, False).verdict
    assert "Spatial dropout (66,337 parameters)" in text
    assert "Baseline (17,169 parameters)" in text
    assert "L2 (17,169 parameters)" in text


def test_sizes_are_not_given_if_all_are_the_same():
    wording = WORDING._replace(parameters={"baseline": 17169, "dropout": 17169})
    assert "parameters" not in write_headline(claims(), wording, {}, False).verdict


def test_differences_in_other_scores_are_on_the_first_screen():
    verdict = headline(others=(("auc", Change.BETTER), ("log_score", Change.WORSE))).verdict
    assert "better in area under the ROC curve and worse in log score" in verdict


@pytest.mark.parametrize(
    ("support", "words"),
    [
        (METHOD, ["methods", "5 seeds", "36 days"]),
        (NETWORKS, ["these trained networks only", "No claim about a method", "2 seeds", "3"]),
        (NOTHING, ["No claim is possible", "6 days", "10"]),
    ],
)
def test_scope_says_what_is_missing_for_a_claim_about_methods(support, words):
    scope = headline(support=support).scope
    assert all(word in scope for word in words)


def test_dependent_blocks_are_the_worst_warning_unless_nothing_is_claimed():
    shared = ["300 storms are forecast twice.", "Set data.lead_hours."]
    for support, warning in ((METHOD, " ".join(shared)), (NOTHING, None)):
        words = write_headline(claims(support), WORDING, {}, True, shared_storms=shared)
        assert words.warning == (warning or words.scope)


def test_nothing_is_claimed_with_too_few_blocks():
    words = headline(support=NOTHING, verdict=Change.UNKNOWN)
    assert words.verdict == "These results do not show which model is better."
    assert words.warning == words.scope


def test_smallest_of_equally_good_models_is_recommended():
    model, _, events = headline().advice
    assert model.answer.startswith("Baseline (Brier skill score 0.02): ")
    assert "66,337" in model.answer
    assert events.answer.startswith("Not for differences as small as 0.05. ")
    assert "64 events on 36 days" in events.answer
    assert "140 days" in events.answer
    assert headline(verdict=Change.BETTER).advice[0].answer.startswith("Spatial dropout.")


def test_a_smaller_model_does_not_replace_one_that_beats_the_reference():
    titles = {**TITLES, "l2": "L2", "wide": "Wide"}
    wording = WORDING._replace(titles=titles, parameters={**WORDING.parameters, "l2": 17169})
    (one,) = claims(verdict=Change.BETTER).differences
    unknown = one._replace(model="l2", verdict=Change.UNKNOWN)
    choice = Choice(Change.NONE, ("dropout", "l2"))

    def answer(*differences):
        judged = claims(differences=differences, choice=choice)
        return write_headline(judged, wording, {}, False).advice[0].answer

    text = answer(one, unknown)
    assert text.startswith("Spatial dropout or L2: ")
    assert "Only Spatial dropout is shown to be better than Baseline" in text
    # Compared with the baseline itself, a wide network is no reference of the comparison.
    matched = one._replace(reference="wide")
    against = one._replace(model="wide", verdict=Change.UNKNOWN)
    assert "shown to be better than" not in answer(matched, against, unknown)


def test_everything_that_a_relevant_difference_takes_is_named():
    events = Events(False, 64, 1440, 36, 0.126, Need(blocks=228, seeds=32))
    answer = headline(events=events).advice[2].answer
    assert all(text in answer for text in ("0.13", "230 days", "32 seeds"))
    assert headline(events=events._replace(enough=True)).advice[2].answer.startswith("Yes. ")


def test_without_evidence_events_are_not_said_to_be_enough():
    events = Events(None, 64, 1440, 36, math.nan, Need(resamples=200))
    words = headline(events=events)
    assert words.advice[2].answer.startswith("This cannot be told. ")
    assert "At least 200 resamples" in words.advice[2].answer
    assert "200 resamples" in words.warning
    alone = headline(events=events._replace(need=Need()), differences=())
    assert "no difference to detect" in alone.advice[2].answer


def test_rare_events_do_not_say_what_a_relevant_difference_takes():
    events = Events(False, 2, 1440, 36, math.nan, Need(blocks=360))
    answer = headline(events=events).advice[2].answer
    assert "At least 20 storms" in answer
    assert "At least 360 days" in answer
    assert "takes about" not in answer


@pytest.mark.parametrize("opponent", [True, False])
def test_advice_to_use_an_opponent_says_that_it_makes_no_forecasts(opponent):
    name = "boosted_trees" if opponent else "dropout"
    wording = WORDING._replace(titles={**TITLES, name: "The best one"})
    judged = claims(choice=Choice(Change.BETTER, (name,)))
    answer = write_headline(judged, wording, {}, False).advice[0].answer
    assert ("New runs can be forecast with networks only" in answer) == opponent


def test_a_single_model_is_not_compared_with_others():
    choice = Choice(Change.NONE, ("baseline",))
    answer = headline(differences=(), choice=choice).advice[0].answer
    assert answer.startswith("Baseline (Brier skill score 0.02), the only one")
    assert "another model" not in answer


def test_a_single_event_is_in_the_singular():
    events = Events(False, 1, 1440, 36, math.nan, Need(blocks=720))
    assert "There is 1 event among 1,440 storms" in headline(events=events).advice[2].answer


def test_a_small_detectable_difference_is_not_zero():
    events = Events(True, 90000, 2000000, 400, 0.0031, Need())
    assert "a difference of 0.0031 in" in headline(events=events).advice[2].answer


def test_too_many_events_of_an_opponent_are_no_warning():
    (one,) = claims().calibration
    opponent = one._replace(model="boosted_trees", bias=Bias.OVER)
    found = claims(calibration=(one, opponent))
    assert "Boosted trees" not in write_headline(found, OPPONENTS, {}, False).warning


def test_recalibration_is_not_judged_by_opponents():
    (one,) = claims().calibration
    opponent = one._replace(model="boosted_trees", bias=Bias.UNDER)
    found = claims(calibration=(one, opponent))
    answer = write_headline(found, OPPONENTS, {"boosted_trees": 40}, False).advice[1].answer
    assert answer == headline(calibration=(one,)).advice[1].answer


def test_few_blocks_do_not_say_what_a_relevant_difference_takes():
    events = Events(False, 64, 1440, 6, 0.3, Need(blocks=10))
    answer = headline(events=events).advice[2].answer
    assert "At least 10 days are needed" in answer
    assert "takes about" not in answer


def test_calibration_that_was_not_refuted_is_not_affirmed():
    assert headline().advice[1].answer.startswith("Nothing shows")


def test_no_model_is_recommended_without_skill():
    choice = Choice(Change.WORSE, ())
    assert headline(choice=choice).advice[0].answer.startswith("None can be recommended")


def test_over_forecasting_is_given_in_numbers_of_events():
    helps = Recalibration("dropout", "logistic", METHOD, Change.BETTER, SMALL, Change.NONE)
    words = headline(bias=Bias.OVER, recalibration=(helps,))
    answer = words.advice[1].answer
    assert answer.startswith("Yes: logistic recalibration helps Spatial dropout")
    assert "once without the last days of the training period" in answer
    assert "Spatial dropout: the probabilities are on average too high." in answer
    assert "94 events; 64 occurred" in answer
    assert "too many events" in words.warning


def test_miscalibration_that_no_recalibration_corrects_is_not_hidden():
    answer = headline(bias=Bias.UNDER).advice[1].answer
    assert answer.startswith("Spatial dropout is miscalibrated")
    assert "no recalibration is shown to help" in answer


@pytest.mark.parametrize(
    ("support", "need", "reason"),
    [
        (METHOD, Need(seeds=12), "about 12 seeds"),
        (METHOD, Need(blocks=300), "about 300 days"),
        (METHOD, Need(resamples=200), "at least 200 resamples"),
        (METHOD, Need(), "no interval"),
        (NOTHING, Need(blocks=10), "at least 10 days"),
    ],
)
def test_unknown_calibration_says_what_is_missing(support, need, reason):
    one = claims().calibration[0]._replace(bias=Bias.UNKNOWN, support=support, need=need)
    assert reason in headline(calibration=(one,)).advice[1].answer


def test_recalibration_that_made_the_test_score_worse_is_not_hidden():
    hurts = Recalibration("dropout", "intercept", METHOD, Change.UNKNOWN, SMALL, Change.WORSE)
    answer = headline(recalibration=(hurts,)).advice[1].answer
    assert "first seed in the test period worse for Spatial dropout" in answer
    assert "do not use it" in answer
    helps = hurts._replace(verdict=Change.BETTER)
    answer = headline(bias=Bias.OVER, recalibration=(helps,)).advice[1].answer
    assert "first seed in the test period worse for Spatial dropout" in answer
    assert "do not use it" not in answer
    assert "Forecasts of Spatial dropout use it" in answer


def test_use_of_a_harmful_recalibration_is_told_for_each_model():
    hurts = Recalibration("dropout", "intercept", METHOD, Change.NONE, SMALL, Change.WORSE)
    helps = hurts._replace(model="baseline", verdict=Change.BETTER)
    answer = headline(recalibration=(hurts, helps)).advice[1].answer
    assert "Forecasts of Baseline use it" in answer
    assert "those of Spatial dropout do not" in answer
    other = helps._replace(in_test=Change.BETTER)
    answer = headline(recalibration=(hurts, other)).advice[1].answer
    assert "Forecasts of Spatial dropout do not use it" in answer


def test_summary_for_the_terminal_has_the_verdict_and_the_worst_warning():
    words = headline(support=NETWORKS, made_up=True)
    assert "made up" in words.scope
    text = " ".join(summarize(words).split())
    assert text == f"{words.verdict} {words.scope}"
    text = " ".join(summarize(headline(bias=Bias.OVER)).split())
    assert "Warning: " in text


def test_comparison_without_a_score_is_no_number():
    nothing = Estimate(math.nan, math.nan, math.nan)
    one = claims().differences[0]._replace(difference=nothing)
    assert "nan" not in headline(differences=(one,)).verdict


def against(opponent, verdict, value, model="dropout"):
    estimate = Estimate(value, value - 0.02, value + 0.02)
    return Difference(
        model, opponent, "single", "single", METHOD, verdict, estimate, 0.01, Need(), ()
    )


OPPONENTS = WORDING._replace(
    titles=TITLES | {"boosted_trees": "Boosted trees", "threshold_rule": "Threshold rule"}
)
WON = against("threshold_rule", Change.BETTER, 0.1)


@pytest.mark.parametrize(
    ("verdict", "value", "begin"),
    [
        (Change.BETTER, 0.05, "Yes"),
        (Change.WORSE, -0.05, "No"),
        (Change.UNKNOWN, 0.01, "This is not known"),
        (Change.NONE, 0.01, "This is not known"),
    ],
)
def test_first_screen_says_whether_the_best_network_beats_each_opponent(verdict, value, begin):
    found = claims(
        opponents=(
            against("boosted_trees", verdict, value),
            against("boosted_trees", Change.WORSE, -0.1, model="baseline"),
            WON,
        )
    )
    first = write_headline(found, OPPONENTS, {}, made_up=False)
    (answer,) = [one.answer for one in first.advice if "worth" in one.question]
    assert answer.startswith(f"{begin}.")
    of_made_up = write_headline(found, OPPONENTS, {}, made_up=True).advice[1].answer
    assert of_made_up.startswith(f"{begin}, for these made-up storms.")
    assert "Spatial dropout" in answer
    assert "Baseline" not in answer
    assert f"{value:+.3f} (95 % interval".replace("-", "−") in answer
    assert "+0.100 (95 % interval +0.080 to +0.120)" in answer
    assert "Boosted trees" in first.verdict
    assert "scores higher than" in first.verdict


def test_thresholds_are_given_for_a_network_even_if_an_opponent_is_better():
    scores = {"baseline": 0.3, "dropout": 0.2, "boosted_trees": 0.5}
    skill = tuple(
        Skill(name, METHOD, Change.BETTER, Estimate(value, 0.1, 0.6), Need())
        for name, value in scores.items()
    )
    better = Choice(Change.BETTER, ("boosted_trees",))
    assert network_to_act_on(claims(skill=skill, choice=better)) == "baseline"
    smaller = Choice(Change.NONE, ("dropout", "boosted_trees"))
    assert network_to_act_on(claims(skill=skill, choice=smaller)) == "dropout"


def test_without_opponents_nobody_asks_whether_a_network_is_worth_it():
    assert not [one for one in headline().advice if "worth" in one.question]


def test_a_single_network_is_still_compared_with_opponents():
    found = claims(differences=(), opponents=(WON,))
    first = write_headline(found, OPPONENTS, {}, made_up=False)
    assert first.verdict.startswith("Only one network")
    assert "Threshold rule" in first.verdict
