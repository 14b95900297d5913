"""Decisions in words give the threshold, what is detected, and how many warnings come true."""

import math

import pandas as pd
import pytest
from report_files import TITLES, decision_rows

from stormcnn.report.decision_texts import (
    decision_table,
    describe_decisions,
    fitted_models,
    threshold_text,
)


def test_sentences_give_the_numbers_of_the_table():
    csi, value = describe_decisions(decision_rows(), "baseline", "Baseline")
    assert "18 %" in csi
    assert "71 % (63 to 78)" in csi
    assert "of ten warnings four (three to five)" in csi
    assert "save" not in csi
    assert "5 % of the loss" in value
    assert "45 % (30 to 55)" in value


def test_sentences_are_about_the_mean_over_the_seeds():
    rows = pd.concat([decision_rows(), decision_rows(seed="mean", threshold=0.3)])
    csi, _ = describe_decisions(rows, "baseline", "Baseline")
    assert "30 %" in csi


@pytest.mark.parametrize(
    ("threshold", "text"), [(math.inf, "no probability"), (0.0, "always warn")]
)
def test_acting_never_and_always_is_said(threshold, text):
    rows = decision_rows(threshold=threshold)
    if math.isinf(threshold):
        rows.loc[rows["score"] == "pod", ["value", "low", "high"]] = 0.0
    assert all(text in sentence for sentence in describe_decisions(rows, "baseline", "Baseline"))


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (0.4, 0.1, 0.6, "It saves 40 %"),
        (0.4, -0.1, 0.6, "not shown to save anything: 40 % (−10 to 60)"),
        (0.4, math.nan, math.nan, "not shown to save anything: 40 % of"),
        (-0.4, -0.6, -0.1, "costs more than climatology: it saves −40 %"),
    ],
)
def test_savings_are_claimed_only_if_the_interval_excludes_zero(value, low, high, shown):
    rows = decision_rows()
    rows.loc[rows["score"] == "economic_value", ["value", "low", "high"]] = value, low, high
    assert shown in describe_decisions(rows, "baseline", "Baseline")[1]


def test_unknown_intervals_are_left_out():
    csi, _ = describe_decisions(decision_rows(low=math.nan, high=math.nan), "baseline", "Baseline")
    assert "71 % of the events" in csi
    assert "of ten warnings four come true" in csi


def test_interval_of_equal_resamples_is_left_out():
    decisions = decision_rows()
    decisions.loc[decisions["score"] == "pod", ["value", "low", "high"]] = 1.0
    (first, *_) = describe_decisions(decisions, "baseline", "Baseline")
    assert "detects 100 % of the events" in first


def test_no_warning_in_the_test_period_leaves_out_how_many_come_true():
    rows = decision_rows()
    rows.loc[rows["score"] == "false_alarm_ratio", ["value", "low", "high"]] = math.nan
    assert "ten warnings" not in describe_decisions(rows, "baseline", "Baseline")[0]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        ((0.9, 0.8, 0.97), "of ten warnings one (none to two) comes true"),
        ((0.956, 0.94, 0.97), "4 % (3 to 6) of the warnings come true"),
        ((1.0, 1.0, 1.0), "0 % of the warnings come true"),
    ],
)
def test_few_warnings_that_come_true_are_not_said_to_be_none(ratio, text):
    rows = decision_rows()
    rows.loc[rows["score"] == "false_alarm_ratio", ["value", "low", "high"]] = ratio
    assert f"; {text}." in describe_decisions(rows, "baseline", "Baseline")[0]


def test_without_events_decisions_are_not_judged():
    rows = decision_rows()
    rows.loc[rows["score"].isin(["pod", "economic_value"]), ["value", "low", "high"]] = math.nan
    for sentence in describe_decisions(rows, "baseline", "Baseline"):
        assert "no events" in sentence
        assert "nan" not in sentence


def test_seeds_that_never_warn_do_not_hide_that_others_do():
    rows = decision_rows(seed="mean", threshold=math.inf)
    csi, _ = describe_decisions(rows, "baseline", "Baseline")
    assert "only some seeds of Baseline ever warn" in csi
    assert "71 %" in csi
    assert decision_table(rows, TITLES).rows[0][2].text == "some seeds never"


def test_table_has_a_row_per_forecast_and_aim():
    rows = pd.concat([decision_rows(), decision_rows("dropout", chosen_on="training")])
    table = decision_table(rows, TITLES)
    assert len(table.rows) == 4
    assert all(len(row) == len(table.columns) == len(table.numeric) for row in table.rows)
    assert [row[0].text for row in table.rows] == ["Baseline"] * 2 + ["Spatial dropout"] * 2
    assert fitted_models(rows, TITLES) == ["Spatial dropout"]


def test_small_thresholds_keep_two_digits():
    assert threshold_text(0.00318) == "0.32 %"
    assert threshold_text(1.0) == "100 %"
