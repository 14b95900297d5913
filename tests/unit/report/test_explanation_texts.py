"""What the report says about explanations follows from the tables."""

from __future__ import annotations

import numpy as np
from report_files import TITLES, check_rows, explained_file, permutation_rows

from stormcnn.report import explanation_texts
from stormcnn.report.verdicts import Wording

WORDING = Wording(TITLES, 0.95, 1000, "day", {}, frozenset())


def test_predictors_are_listed_by_importance_and_losses_that_are_not_shown_are_named():
    told = explanation_texts.describe_importance(permutation_rows(), WORDING)
    assert ["0.400" in told[0].text, "0.200" in told[1].text, "0.010" in told[3].text] == [True] * 3
    assert "10 m wind." in told[0].text
    assert ["not shown" in one.text for one in told] == [False, False, False, True]
    assert all(one.text.startswith("As a method") for one in told)


def test_few_seeds_say_nothing_about_methods_and_few_blocks_nothing_at_all():
    rows = permutation_rows(seeds=2, blocks=9)
    told = explanation_texts.describe_importance(rows, WORDING)
    assert all(one.text.startswith("As trained here") for one in told)
    assert all("nothing is claimed" in one.text for one in told)


def test_number_of_permuted_storms_is_told():
    told = explanation_texts.describe_permuted(permutation_rows(), WORDING)
    assert "800 test storms" in told
    assert "40 events" in told
    assert "36 days" in told


def test_single_storms_and_events_are_in_the_singular():
    told = explanation_texts.describe_permuted(permutation_rows(events=1), WORDING)
    assert "800 test storms, among them 1 event, of" in told
    one = explained_file().isel(storm=[0])
    assert "the 1 explained storm is" in explanation_texts.describe_counterfactuals(one, "Dropout")
    checks = explanation_texts.describe_checks(check_rows().assign(storms=1), WORDING)
    assert "1 storm with a visible vortex" in checks[3].text


def test_unknown_importance_is_called_unknown():
    rows = permutation_rows(loss=np.nan, low=np.nan, high=np.nan, blocks=0)
    told = explanation_texts.describe_importance(rows, WORDING)
    assert all("unknown" in one.text for one in told)


def test_every_test_has_a_sentence_and_failures_are_marked():
    told = explanation_texts.describe_checks(check_rows(), WORDING)
    verdicts = ["better", "worse", "none", "better", "better", "better", "none"]
    assert [one.verdict for one in told] == verdicts
    assert ["FAILED" in one.text for one in told] == [verdict == "worse" for verdict in verdicts]
    assert ["Not judged" in one.text for one in told] == [False] * 6 + [True]
    assert "25 % (95 % interval 20 to 30)" in told[3].text
    assert "2.7 %" in told[3].text
    assert "31 % (95 % interval 28 to 34)" in told[5].text
    assert "6.0 %" in told[5].text
    assert "−40 percentage points (95 % interval −50 to −30)" in told[6].text


def test_counterfactuals_compare_the_means():
    told = explanation_texts.describe_counterfactuals(explained_file(), "Dropout")
    for number in ("44 %", "37 % with flat composite", "24 % with flat 10 m wind"):
        assert number in told


def test_tables_have_all_losses_and_storms():
    table = explanation_texts.importance_cells(permutation_rows(), TITLES)
    assert len(table.rows) == 4 + 3
    assert table.rows[3][3].text == "0.400 (0.350 to 0.450)"
    storms = explanation_texts.explained_table([("Dropout", explained_file())])
    assert [row[1].text for row in storms.rows] == ["20", "3", "9"]
    assert [row[-1].text for row in storms.rows] == ["passed", "passed", "FAILED"]
    assert storms.rows[1][-2].text == "–"
