from __future__ import annotations

import pandas as pd
from report_files import TITLES, difference_row, score_rows

from stormcnn.report.difference_tables import (
    difference_tables,
    floored_differences,
    gain_table,
    recalibration_table,
)
from stormcnn.report.score_tables import all_score_table, main_score_table
from stormcnn.report.series import FORECASTS


def test_recalibration_is_compared_with_the_original_forecast():
    scores = pd.concat(
        [
            score_rows(),
            score_rows(forecast="logistic"),
            score_rows(forecast="logistic", seed=1),
            score_rows("dropout"),
        ]
    )
    gains = pd.concat(
        [
            difference_row(model=["baseline"], forecast="logistic", score="brier_score"),
            difference_row(),
        ]
    )
    table = recalibration_table(scores, gains, TITLES)
    shown = [[cell.text for cell in row] for row in table.rows]
    assert [row[0] for row in shown] == ["Baseline", "Baseline, logistic recalibration"]
    calibration = ["0.000 (−0.010 to 0.010)", "1.000 (0.990 to 1.010)"]
    assert [row[3:5] for row in shown] == [calibration] * 2
    assert [row[5] for row in shown] == ["–", "+0.0200 (+0.0040 to +0.0360)"]
    assert {len(row) for row in shown} == {len(table.columns)} == {len(table.numeric)}
    assert recalibration_table(score_rows(), gains, TITLES) is None


def test_variants_of_a_network_are_not_in_main_tables():
    variants = pd.concat([difference_row(forecast="isotonic"), difference_row()])
    tables = difference_tables(variants, TITLES, resamples=1000)
    assert [row[0].text for table in tables for row in table.rows] == ["Spatial dropout"]
    scores = pd.concat([score_rows(), score_rows(forecast="isotonic")])
    assert len(main_score_table(scores, TITLES).rows) == 1
    assert len(all_score_table(scores, TITLES, "Scores").columns) == 3


def test_captions_name_the_families_of_the_correction():
    for table in difference_tables(difference_row(), TITLES, resamples=1000):
        assert "networks with one opponent" in table.caption


def test_gain_table_separates_seeds_and_mc_members():
    steps = [
        ("baseline", "seed_mean", "baseline"),
        ("dropout", "single", "baseline"),
        ("dropout", "mc_mean", "dropout"),
        ("dropout", "seed_mc_mean", "dropout"),
    ]
    differences = pd.concat(
        difference_row(model=[model], forecast=forecast, reference=reference, seed="mean")
        for model, forecast, reference in steps
    )
    scores = pd.concat(
        [
            score_rows(seed="0"),
            score_rows(seed="mean"),
            score_rows("baseline", "seed_mean", "all"),
            score_rows("dropout", "seed_mc_mean", "all"),
            score_rows("dropout", "mc_mean", "mean"),
            score_rows("dropout", seed="mean"),
        ]
    )
    table = gain_table(scores, differences, TITLES, resamples=1000)
    compared = [(row[0].text, row[3].text, row[4].text) for row in table.rows]
    gain = "+0.020 (+0.004 to +0.036)"
    assert compared == [
        ("Baseline: one network", "–", "–"),
        (f"Baseline: {FORECASTS['seed_mean']}", "Baseline: one network", gain),
        ("Spatial dropout: one network", "Baseline: one network", gain),
        ("Spatial dropout: Monte Carlo mean of one network", "Spatial dropout: one network", gain),
        (f"Spatial dropout: {FORECASTS['seed_mc_mean']}", "Spatial dropout: one network", gain),
    ]
    assert [cell.text for cell in table.rows[1]][-1] == "0.012"
    assert {len(row) for row in table.rows} == {len(table.columns)} == {len(table.numeric)}
    assert gain_table(score_rows(), difference_row(), TITLES, resamples=1000) is None


def test_claim_about_methods_replaces_those_about_networks():
    rows = pd.concat(
        [
            difference_row(seed=0),
            difference_row(seed="mean", claim="networks"),
            difference_row(seed="mean", claim="method", low=-0.01),
        ]
    )
    (main, _) = difference_tables(rows, TITLES, resamples=1000)
    assert [(row[4].text, row[7].text) for row in main.rows] == [("−0.010 to +0.036", "method")]


def test_smallest_possible_p_value_is_marked():
    smallest = 2 / 1001
    rows = pd.concat(
        [
            difference_row(p_value=smallest, p_holm=2 * smallest),
            difference_row(score="auc", p_value=2 * smallest, p_holm=2 * smallest),
        ]
    )
    (main, _) = difference_tables(rows, TITLES, resamples=1000)
    assert [[cell.text for cell in row[5:7]] for row in main.rows] == [
        ["≤ 0.002", "≤ 0.004"],
        ["0.004", "0.004"],
    ]
    assert floored_differences(rows, 1000) == {("dropout", "baseline", "single")}


def test_t_tests_have_no_smallest_p_value():
    rows = difference_row(p_value=0.001, p_holm=0.002, test="t_test")
    (main, _) = difference_tables(rows, TITLES, resamples=1000)
    assert [cell.text for cell in main.rows[0][5:7]] == ["0.001", "0.002"]
    assert floored_differences(rows, 1000) == frozenset()


def test_limit_of_a_p_value_is_never_rounded_to_zero():
    rows = difference_row(p_value=2 / 10001, p_holm=4 / 10001)
    (main, _) = difference_tables(rows, TITLES, resamples=10000)
    assert [cell.text for cell in main.rows[0][5:7]] == ["< 0.001", "< 0.001"]
