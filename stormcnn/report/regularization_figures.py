"""The figure of what regularization did: overfitting, weights, seeds, and sources of variance."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import matplotlib
import netCDF4
import numpy as np
import pandas as pd

from stormcnn.io import reading
from stormcnn.report.figure_style import STYLE, WIDE, make_figure
from stormcnn.report.palette import GRAY, model_style
from stormcnn.report.series import select_headline, select_seeds
from stormcnn.vocabulary import SINGLE, Array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stormcnn.vocabulary import NetworkId, StrPath

SCORE = "brier_skill_score_training"
"""Skill over the event frequency of the training period, which both periods can be judged by."""

WEIGHT_EDGES = np.linspace(-5, 0.5, 56)
"""Decimal logarithms of the absolute weights at the edges of the histogram's bins."""


def read_kernels(path: StrPath) -> Array:
    """Return the kernel weights of a network file, shape (weight,), without TensorFlow.

    The file is a ZIP archive with an HDF5 file of the weights; kernels have at least two
    dimensions, biases one.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        content = archive.read("model.weights.h5")
        with netCDF4.Dataset("weights", memory=content) as file:
            layers = file["layers"].groups.values()
            arrays = [
                variable[...]
                for layer in layers
                if "vars" in layer.groups
                for variable in layer["vars"].variables.values()
            ]
    return np.concatenate([np.ravel(array) for array in arrays if array.ndim > 1])


def regularization_figure(
    scores: pd.DataFrame,
    kernels: Mapping[NetworkId, Array],
    titles: Mapping[str, str],
    made_up: bool = False,
) -> Figure:
    """Return four panels on what regularization did.

    `scores` is the table `scores.csv`; `kernels` gives the weights (weight,) of each network.
    """
    whole = scores[(scores["stratum"] == "all") & (scores["forecast"] == SINGLE)]
    skill = whole[whole["score"] == SCORE]
    figure, axes = make_figure(2, 2, size=(WIDE, 6.4), made_up=made_up)
    draw_overfitting(axes[0, 0], skill, titles)
    draw_weights(axes[0, 1], kernels, titles)
    test = skill[skill["period"] == "test"]
    draw_seeds(axes[1, 0], test, titles)
    draw_variance(axes[1, 1], test, titles)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


@matplotlib.rc_context(STYLE)
def draw_overfitting(axes: Axes, skill: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw the skill of each network in the test period by that in the training period.

    `skill` has `model,seed,period,value`. The distance below the diagonal is the overfitting.
    """
    networks = select_seeds(skill)
    for index, model in enumerate(titles):
        own = networks[networks["model"] == model].assign(
            seed=lambda rows: rows["seed"].astype(str)
        )
        by_period = own.pivot_table(index="seed", columns="period", values="value")
        if {"train", "test"} <= set(by_period.columns):
            axes.plot(
                by_period["train"],
                by_period["test"],
                label=titles[model],
                alpha=0.85,
                **(model_style(index) | {"linestyle": "none"}),
            )
    ends = [np.nanmin(networks["value"]), np.nanmax(networks["value"])] if len(networks) else [0, 1]
    axes.plot(ends, ends, color=GRAY, linewidth=1, label="No overfitting")
    axes.set_xlabel("Brier skill score, training period")
    axes.set_ylabel("Test period")
    axes.set_title("Skill of each network", fontsize=11)
    axes.grid(True)


@matplotlib.rc_context(STYLE)
def draw_weights(axes: Axes, kernels: Mapping[NetworkId, Array], titles: Mapping[str, str]) -> None:
    """Draw the share of kernel weights by size, all seeds of a model together."""
    centers = (WEIGHT_EDGES[1:] + WEIGHT_EDGES[:-1]) / 2
    for index, (model, title) in enumerate(titles.items()):
        own = [kernels[network] for network in kernels if network[0] == model]
        if not own:
            continue
        size = np.log10(np.maximum(np.abs(np.concatenate(own)), 10.0 ** WEIGHT_EDGES[0]))
        share, _ = np.histogram(size, WEIGHT_EDGES)
        style = model_style(index)
        axes.plot(
            10**centers,
            100 * share / size.size,
            label=title,
            color=style["color"],
            linestyle=style["linestyle"],
        )
    axes.set_xscale("log")
    axes.set_ylim(0, None)
    axes.set_xlabel("Absolute kernel weight")
    axes.set_ylabel("Share of weights (%)")
    axes.set_title("Size of the weights", fontsize=11)
    axes.grid(True)


@matplotlib.rc_context(STYLE)
def draw_seeds(axes: Axes, skill: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw the skill of each network in the test period, one line per model.

    `skill` has `model,seed,value`. A bar marks the mean over the seeds.
    """
    networks = select_seeds(skill)
    models = [model for model in titles if (networks["model"] == model).any()]
    for place, model in enumerate(models):
        values = networks.loc[networks["model"] == model, "value"]
        style = model_style(list(titles).index(model))
        axes.plot(values, np.full(len(values), place), alpha=0.8, **(style | {"linestyle": "none"}))
        mean = values.mean()
        axes.plot([mean, mean], [place - 0.3, place + 0.3], color=style["color"], linewidth=2.5)
    axes.set_yticks(range(len(models)), [titles[model] for model in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_xlabel("Brier skill score")
    axes.set_title("Seeds (bar: mean)", fontsize=11)
    axes.grid(True, axis="x")


@matplotlib.rc_context(STYLE)
def draw_variance(axes: Axes, skill: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw the standard deviation of the mean skill that is due to the seeds and to the blocks.

    `skill` has `model,seed,seed_sd,block_sd`; rows without `seed_sd` have a single seed. `seed_sd`
    is that of single networks, so the mean over them has less.
    """
    seeds = select_seeds(skill).groupby("model")["seed"].nunique()
    rows = select_headline(skill)
    rows = rows.assign(seed_sd=rows["seed_sd"] / np.sqrt(rows["model"].map(seeds)))
    models = [model for model in titles if (rows["model"] == model).any()]
    drawn = rows.set_index("model").loc[models]
    place = np.arange(len(models))
    for shift, column, label, color in (
        (-0.18, "seed_sd", "Seeds", "#0072b2"),
        (0.18, "block_sd", "Blocks", "#e69f00"),
    ):
        axes.barh(
            place + shift, drawn[column].fillna(0), height=0.34, label=label, color=color,
            edgecolor="black", linewidth=0.6,
        )  # fmt: skip
    axes.set_yticks(place, [""] * len(models))
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_xlabel("Standard deviation")
    axes.set_title("Spread of the mean skill", fontsize=11)
    axes.grid(True, axis="x")
    axes.legend(loc="best")
