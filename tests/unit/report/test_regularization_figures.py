from __future__ import annotations

import zipfile

import netCDF4
import numpy as np
import pandas as pd
import pytest
from report_files import TITLES, score_rows

from stormcnn.report.figure_style import make_figure
from stormcnn.report.regularization_figures import (
    SCORE,
    draw_overfitting,
    draw_seeds,
    draw_variance,
    draw_weights,
    read_kernels,
    regularization_figure,
)


@pytest.fixture
def axes():
    _, panels = make_figure()
    return panels[0, 0]


def skill(model="baseline", seed=0, period="test", value=0.3, **columns):
    rows = score_rows(model, seed=seed, period=period, value=value, **columns)
    return rows[rows["score"] == SCORE]


def test_kernels_are_read_without_biases_and_optimizer(tmp_path):
    weights = tmp_path / "weights.h5"
    with netCDF4.Dataset(weights, "w") as file:
        for size in (2, 3):
            file.createDimension(str(size), size)
        for group, name, shape in (
            ("layers/conv2d/vars", "0", ("2", "3")),
            ("layers/conv2d/vars", "1", ("3",)),
            ("optimizer/vars", "2", ("2", "3")),
        ):
            file.createGroup(group).createVariable(name, "f4", shape)[:] = len(shape)
    path = tmp_path / "network.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(weights, "model.weights.h5")
    assert read_kernels(path).tolist() == [2.0] * 6


def test_each_network_is_drawn_by_its_skill_in_both_periods(axes):
    table = pd.concat(
        skill(seed=seed, period=period, value=value)
        for seed, period, value in [
            (0, "train", 0.5),
            (0, "test", 0.3),
            (1, "train", 0.6),
            (1, "test", 0.2),
            ("mean", "test", 9.0),
        ]
    )
    draw_overfitting(axes, table, TITLES)
    networks, diagonal = axes.get_lines()
    assert networks.get_xdata().tolist() == [0.5, 0.6]
    assert networks.get_ydata().tolist() == [0.3, 0.2]
    assert diagonal.get_xdata().tolist() == diagonal.get_ydata().tolist() == [0.2, 0.6]


def test_histogram_of_weights_holds_all_weights_of_all_seeds(axes):
    kernels = {("baseline", 0): np.array([0.1, -0.1, 0.0]), ("baseline", 1): np.array([0.01])}
    draw_weights(axes, kernels, TITLES)
    (line,) = axes.get_lines()
    assert line.get_ydata().sum() == pytest.approx(100)
    assert line.get_xdata()[line.get_ydata() == 50] == pytest.approx([0.1], rel=0.2)


def test_strip_of_seeds_marks_their_mean(axes):
    draw_seeds(axes, pd.concat([skill(value=0.2), skill(seed=1, value=0.4)]), TITLES)
    seeds, mean = axes.get_lines()
    assert seeds.get_xdata().tolist() == [0.2, 0.4]
    assert mean.get_xdata() == pytest.approx([0.3, 0.3])


def test_variance_is_split_into_seeds_and_blocks(axes):
    table = pd.concat(
        [
            *(skill(seed=seed) for seed in range(4)),
            skill(seed="mean", seed_sd=0.1, block_sd=0.2),
            skill("dropout", block_sd=0.3),
        ]
    )
    draw_variance(axes, table, TITLES)
    seeds, blocks = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert seeds == [0.05, 0]  # of the mean over four seeds
    assert blocks == [0.2, 0.3]


def test_figure_has_four_panels_and_one_legend():
    scores = pd.concat([skill(), skill(period="train")])
    figure = regularization_figure(scores, {("baseline", 0): np.ones(3)}, TITLES)
    assert len(figure.axes) == 4
    assert len(figure.legends) == 1
