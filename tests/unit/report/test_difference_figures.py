from __future__ import annotations

import numpy as np
import pandas as pd
from report_files import TITLES, difference_row

from stormcnn.report.difference_figures import draw_differences, select_compared
from stormcnn.report.figure_style import make_figure
from stormcnn.report.labels import FIGURES


def several_seeds():
    seeds = [difference_row(seed=seed, difference=0.01 * seed) for seed in range(5)]
    mean = difference_row(seed="mean", difference=0.02)
    return pd.concat([*seeds, mean.assign(claim="method", low=-0.02, high=0.06)])


def drawn(table):
    _, axes = make_figure()
    draw_differences(axes[0, 0], table, TITLES, "Brier skill score")
    return axes[0, 0]


def test_bar_is_the_interval_of_the_mean_and_dots_are_seeds():
    axes = drawn(several_seeds())
    bars = [lines.get_segments()[0][:, 0].tolist() for lines in axes.collections]
    assert bars == [[-0.02, 0.06]]
    _, mean, dots = axes.get_lines()
    assert mean.get_xdata().tolist() == [0.02]
    assert np.allclose(dots.get_xdata(), [0, 0.01, 0.02, 0.03, 0.04])


def test_two_seeds_are_drawn_as_the_caption_says():
    seeds = [difference_row(seed=seed, difference=0.01 * seed) for seed in range(2)]
    axes = drawn(pd.concat([*seeds, difference_row(seed="mean", difference=0.005)]))
    assert axes.get_lines()[1].get_xdata().tolist() == [0.005]
    assert "first seed" not in FIGURES["differences"].caption


def test_single_seed_has_one_symbol_and_one_bar():
    axes = drawn(difference_row())
    assert len([lines for lines in axes.collections if len(lines.get_segments())]) == 1
    assert len(axes.get_lines()) == 2


def test_every_comparison_is_named_with_its_value():
    table = pd.concat([difference_row(), difference_row(forecast="mc_mean", difference=-0.01)])
    texts = [text.get_text() for text in drawn(table).texts]
    assert texts == [
        "Spatial dropout − Baseline",
        "+0.020",
        "Spatial dropout (Monte Carlo mean) − Baseline",
        "−0.010",
    ]


def test_variants_and_averages_of_probabilities_are_not_compared():
    rows = [difference_row(forecast=name) for name in ("single", "seed_mean", "isotonic")]
    rows += [difference_row(period="train"), difference_row(score="auc")]
    compared = select_compared(pd.concat(rows), "brier_skill_score")
    assert compared["forecast"].tolist() == ["single"]


def test_of_the_networks_against_an_opponent_the_best_is_compared():
    rows = [
        difference_row(),
        *(
            difference_row(model=[model], reference="boosted_trees", seed=seed, difference=value)
            for model, value in {"baseline": -0.1, "dropout": -0.05}.items()
            for seed in ("mean", 0, 1)
        ),
    ]
    compared = select_compared(pd.concat(rows), "brier_skill_score")
    pairs = set(compared[["model", "reference"]].itertuples(index=False, name=None))
    assert pairs == {("dropout", "baseline"), ("dropout", "boosted_trees")}
    assert len(compared) == 4
