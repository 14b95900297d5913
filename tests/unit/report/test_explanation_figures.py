"""Figures of explanations show the numbers of their tables."""

from __future__ import annotations

import pandas as pd
import pytest
from report_files import TITLES, explained_file, permutation_rows

from stormcnn.report.explanation_figures import (
    attribution_figure,
    attribution_to,
    importance_figure,
    main_sets,
)


def test_importance_is_drawn_with_a_circle_per_seed_and_one_scale():
    rows = pd.concat([permutation_rows("baseline"), permutation_rows("dropout")])
    figure = importance_figure(rows, TITLES, "brier_skill_score")
    above, below = figure.axes
    assert above.get_xlim() == below.get_xlim()
    names = [label.get_text() for label in above.get_yticklabels()]
    assert names[-1] == "10 m wind"
    added = [label.get_text() for label in below.get_yticklabels()]
    assert added[1:] == ["and 10 m wind along y", "and composite reflectivity"]
    values = sorted(x for line in above.get_lines() for x in line.get_xdata())
    assert values.count(pytest.approx(0.4)) == 2 * (1 + 3)  # two models, mean and three seeds


def test_map_that_fails_its_test_is_labelled():
    storms = explained_file().assign(case=("storm", [0, 1, 1]))
    figure = attribution_figure(storms)
    titles = [axes.get_title(loc="left") + axes.get_title() for axes in figure.axes]
    assert sum("FAILS ITS TEST" in title for title in titles) == 2  # both maps of the storm
    assert any("60 % if flat" in title for title in titles)


def test_maps_show_sets_with_the_largest_attributions():
    storms = explained_file()
    assert main_sets(storms) == ["REFL_COM_curr", "U10_curr+V10_curr"]
    assert attribution_to(storms, "U10_curr+V10_curr")[0, 6, 1] == pytest.approx(-0.2)


def test_without_case_studies_other_storms_are_drawn():
    storms = explained_file().assign(case=("storm", [0, 0, 0]))
    assert len(attribution_figure(storms).axes) >= 9
