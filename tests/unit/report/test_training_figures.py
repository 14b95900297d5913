from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report_files import TITLES, drawn_line, rates_tried

from stormcnn.report.figure_style import make_figure
from stormcnn.report.labels import PUBLISHED_SOURCES
from stormcnn.report.training_figures import (
    draw_dropout_masks,
    draw_rate_sweep,
    draw_training_curves,
    rate_figure,
)


@pytest.fixture
def axes():
    _, panels = make_figure()
    return panels[0, 0]


def test_training_curves_show_every_model_and_seed(axes):
    histories = {
        (model, seed): pd.DataFrame({"epoch": [1, 2], "loss": [0.2 + seed, 0.1 + seed]})
        for model in TITLES
        for seed in (0, 1)
    }
    draw_training_curves(axes, histories, TITLES)
    drawn = [each.get_ydata().tolist() for each in axes.get_lines()]
    assert np.allclose(drawn, [[0.2, 0.1], [1.2, 1.1], [0.7, 0.6]] * 2)
    assert len(axes.get_legend().get_texts()) == len(TITLES)
    assert drawn_line(axes, "Spatial dropout").get_xdata().tolist() == [1, 2]


def test_published_losses_are_thinner_than_ours(axes):
    histories = {("dropout", 0): pd.DataFrame({"epoch": [1, 2], "loss": [0.2, 0.1]})}
    published = pd.DataFrame(
        {"source": "lesson", "model": "dropout", "epoch": [1, 2], "loss": [0.1723, 0.1384]}
    )
    draw_training_curves(axes, histories, TITLES, published)
    drawn = drawn_line(axes, f"Spatial dropout, {PUBLISHED_SOURCES['lesson']}")
    assert drawn.get_ydata().tolist() == [0.1723, 0.1384]
    assert drawn.get_linewidth() < drawn_line(axes, "Spatial dropout").get_linewidth()
    assert drawn.get_markerfacecolor() == "white"


def test_dropout_figure_counts_the_values_kept():
    _, panels = make_figure(2, 3)
    dropped = np.zeros((10, 10, 3))
    dropped[:5, :, 1] = 2.0
    spatial = np.ones((10, 10, 3)) * [0.0, 2.0, 2.0]
    draw_dropout_masks(panels, dropped, spatial)
    texts = [[panel.texts[0].get_text() for panel in row] for row in panels]
    none, half, all_kept = (f"Kept: {n} of 100\nMaximum: {m}" for n, m in
                            ((0, "0.00"), (50, "2.00"), (100, "2.00")))  # fmt: skip
    assert texts == [[none, half, none], [none, all_kept, all_kept]]
    drawn = panels[0, 1].collections[0].get_array()
    assert np.array_equal(np.asarray(drawn).reshape(10, 10), dropped[:, :, 1])


def test_chosen_rate_is_marked(axes):
    table = pd.DataFrame({"rate": [0.5, 0.1], "value": [0.2, 0.1]})
    draw_rate_sweep(axes, table, "Log score", chosen=0.1)
    assert axes.containers[0].lines[0].get_xdata().tolist() == [0.1, 0.5]
    assert drawn_line(axes, "Chosen: 0.1").get_xdata() == [0.1, 0.1]


@pytest.mark.slow
def test_rates_show_the_average_over_seeds(axes):
    table = pd.DataFrame({"rate": [0.1, 0.5, 0.1], "value": [0.2, 0.3, 0.4]})
    bounds = table.assign(low=table["value"] - [0.1, 0.1, 0.3], high=table["value"] + 0.1)
    draw_rate_sweep(axes, bounds, "Log score")
    (bars,) = axes.containers
    assert bars.lines[0].get_ydata() == pytest.approx([0.3, 0.3])
    assert bars.lines[1][0].get_ydata() == pytest.approx([0.1, 0.2])


def test_rate_figure_has_one_panel_per_score():
    scores = pd.DataFrame(
        {
            "forecast": ["mc_mean", "mc_mean", "mc_mean", "single"],
            "score": ["count_crps", "count_coverage_90", "spread_skill_ratio", "count_crps"],
            "rate": 0.1,
            "value": [2.0, 0.8, 0.1, 9.0],
        }
    )
    figure = rate_figure(scores, rates_tried())
    drawn = [axes.containers[0].lines[0].get_ydata().tolist() for axes in figure.axes]
    assert drawn == [[0.0, 0.0, 0.02], [2.0], [0.8], [0.1]]
