from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report_files import TITLES, curve_rows, difference_row, drawn_line, score_rows, two_models

from stormcnn.report.figure_style import make_figure
from stormcnn.report.labels import PUBLISHED_SOURCES
from stormcnn.report.verification_figures import (
    draw_attributes,
    draw_performance,
    draw_recalibration,
    draw_roc,
    draw_scores,
    draw_strata,
    verification_figures,
)


@pytest.fixture
def axes():
    _, panels = make_figure()
    return panels[0, 0]


def test_roc_curve_is_drawn_in_order_of_false_detections(axes):
    table = curve_rows(pofd=[0.4, 0.0, 0.1], pod=[1.0, 0.2, 0.7], threshold=[0.1, 0.9, 0.5])
    draw_roc(axes, table, TITLES)
    drawn = drawn_line(axes, "Baseline")
    assert drawn.get_xdata().tolist() == [0.0, 0.1, 0.4]
    assert drawn.get_ydata().tolist() == [0.2, 0.7, 1.0]


def test_band_is_drawn_only_for_known_intervals(axes):
    table = curve_rows(pofd=[0.0, 0.5], pod=[0.2, 0.9], threshold=[0.9, 0.1])
    draw_roc(axes, table.assign(pod_low=np.nan, pod_high=np.nan), TITLES)
    assert not axes.collections
    draw_roc(axes, table.assign(pod_low=[0.1, 0.8], pod_high=[0.3, 1.0]), TITLES)
    corners = axes.collections[0].get_paths()[0].vertices
    assert {(0.0, 0.1), (0.5, 0.8), (0.5, 1.0), (0.0, 0.3)} <= {tuple(each) for each in corners}


def test_peirce_contours_connect_points_of_equal_skill(axes):
    draw_roc(axes, curve_rows(pofd=[0.0], pod=[0.2], threshold=[0.9]), TITLES)
    ends = [(each.get_xdata(), each.get_ydata()) for each in axes.get_lines()]
    contours = [np.subtract(pod, pofd) for pofd, pod in ends if len(pod) == 2]
    assert np.allclose(contours, [[skill, skill] for skill in (0, 0.2, 0.4, 0.6, 0.8)])


def test_performance_diagram_omits_thresholds_without_hits(axes):
    table = curve_rows(
        threshold=[0.1, 0.5, 0.9, 1.0], success_ratio=[0.2, 0.5, 0.0, np.nan], pod=[1, 0.6, 0, 0]
    )
    draw_performance(axes, table, TITLES)
    drawn = drawn_line(axes, "Baseline")
    assert drawn.get_xdata().tolist() == [0.2, 0.5]
    assert drawn.get_ydata().tolist() == [1, 0.6]


def test_attributes_diagram_shows_climatology_and_storms_per_bin(axes):
    table = two_models(
        bin=[0, 5, 9],
        forecast_mean=[0.05, 0.5, np.nan],
        observed_frequency=[0.04, 0.6, np.nan],
        storms=[90, 10, 0],
        events=[4, 6, 0],
    )
    draw_attributes(axes, table, TITLES)
    assert drawn_line(axes, "No resolution (climatology 0.100)").get_ydata() == [0.1, 0.1]
    no_skill = drawn_line(axes, "No skill")
    assert np.allclose(no_skill.get_ydata(), (np.array(no_skill.get_xdata()) + 0.1) / 2)
    assert drawn_line(axes, "Baseline").get_ydata().tolist() == [0.04, 0.6]
    (inset,) = axes.child_axes
    assert inset.get_yscale() == "log"
    assert inset.get_lines()[0].get_ydata().tolist() == [90, 10]


def test_scores_are_drawn_with_their_intervals():
    _, panels = make_figure(1, 2)
    table = two_models(
        score=["auc", "brier_score"], value=[0.9, 0.03], low=[0.85, 0.02], high=[0.92, 0.05]
    )
    table = pd.concat([table, table[table["model"] == "dropout"].assign(forecast="mc_mean")])
    draw_scores(panels, table, TITLES, ["auc", "brier_score"])
    first = panels[0, 0]
    labels = [each.get_text() for each in first.get_yticklabels()]
    assert labels == ["Baseline", "Spatial dropout", "Spatial dropout, Monte Carlo mean"]
    segments = [each.get_segments()[0] for each in first.collections]
    assert [segment[:, 0].round(9).tolist() for segment in segments] == [[0.85, 0.92]] * 3
    assert [segment[0, 1] for segment in segments] == [0, 1, 2]
    assert panels[0, 1].containers[0].lines[0].get_xdata().tolist() == [0.03]


def test_published_scores_are_drawn_on_the_line_of_their_model():
    _, panels = make_figure(1, 1)
    table = two_models(score=["auc"], value=[0.9], low=[np.nan], high=[np.nan])
    published = pd.DataFrame(
        {
            "source": "course",
            "model": ["dropout", "l2"],
            "score": "auc",
            "value": [0.959, 0.949],
        }
    )
    draw_scores(panels, table, TITLES, ["auc"], published)
    *_, drawn = panels[0, 0].get_lines()
    assert drawn.get_xdata() == [0.959]
    assert 1 < drawn.get_ydata()[0] < 1.5
    (legend,) = panels[0, 0].figure.legends
    assert len(legend.get_texts()) == len(PUBLISHED_SOURCES)


def test_strata_show_their_events_and_a_gap_if_there_are_too_few(axes):
    table = curve_rows(
        stratum=["region=great_plains", "region=southeast"],
        value=[0.3, np.nan],
        low=[0.2, np.nan],
        high=[0.4, np.nan],
        events=[40, 3],
    )
    draw_strata(axes, table, TITLES, "Brier skill score")
    assert [each.get_text() for each in axes.get_xticklabels()] == [
        "Great Plains\n(40)",
        "Southeast\n(3)",
    ]
    assert axes.get_xlim() == (-0.5, 1.5)
    heights = np.array(axes.containers[0].lines[0].get_ydata(), dtype=float)
    assert np.array_equal(heights, [0.3, np.nan], equal_nan=True)


def test_models_differ_in_line_or_marker(axes):
    titles = {f"m{number}": f"Model {number}" for number in range(14)}
    table = pd.concat(
        curve_rows(pofd=[0.0], pod=[0.1], threshold=[0.5]).assign(model=model) for model in titles
    )
    draw_roc(axes, table, titles)
    styles = {
        (each.get_linestyle(), each.get_marker())
        for each in axes.get_lines()
        if each.get_label() in titles.values()
    }
    assert len(styles) == 14


def test_style_of_a_model_does_not_depend_on_other_models(axes):
    table = two_models(pofd=[0.0], pod=[0.1], threshold=[0.5])
    draw_roc(axes, table, TITLES)
    with_others = drawn_line(axes, "Spatial dropout")
    _, other = make_figure()
    draw_roc(other[0, 0], table[table["model"] == "dropout"], TITLES)
    alone = drawn_line(other[0, 0], "Spatial dropout")
    assert (alone.get_color(), alone.get_marker()) == (
        with_others.get_color(),
        with_others.get_marker(),
    )


def test_recalibration_has_one_panel_per_model():
    figure, axes = make_figure(1, 3)
    bins = {"forecast_mean": [0.1, 0.6], "storms": 9, "low": 0.1, "high": 0.7}
    table = pd.concat(
        curve_rows(model=model, forecast=forecast, observed_frequency=[0.2, high], **bins)
        for model in TITLES
        for forecast, high in (("single", 0.3), ("isotonic", 0.5), ("logistic", 0.6))
    )
    draw_recalibration(axes[0], table, TITLES)
    assert [panel.get_title(loc="left") for panel in axes[0]] == [*TITLES.values(), ""]
    assert [panel.axison for panel in axes[0]] == [True] * len(TITLES) + [False]
    drawn = [container.lines[0].get_ydata().tolist() for container in axes[0, 1].containers]
    assert drawn == [[0.2, 0.3], [0.2, 0.5], [0.2, 0.6]]
    diagonal_and_forecasts = figure.legends[0].get_texts()
    assert len(diagonal_and_forecasts) == 1 + len(drawn)


@pytest.mark.slow
def test_verification_figures_show_the_headline_forecasts():
    curve = {"threshold": [0.1, 0.5], "pofd": [0.6, 0.1], "pod": [0.9, 0.4]}
    bins = {"bin": [0, 1], "forecast_mean": [0.1, 0.6], "observed_frequency": [0.2, 0.5]}
    bins |= {"storms": 9, "events": [2, 5]}
    recalibrated = two_models(**bins)
    curves = {
        "roc": two_models(**curve),
        "reliability": pd.concat([recalibrated, recalibrated.assign(forecast="isotonic")]),
        "performance": two_models(success_ratio=[0.2, 0.8], **curve),
    }
    whole = [score_rows(model, forecast) for model in TITLES for forecast in ("single", "isotonic")]
    strata = [
        score_rows(stratum="month=5"),
        score_rows(stratum="region=southeast", value=np.nan, low=np.nan, high=np.nan),
    ]
    figures = verification_figures(pd.concat([*whole, *strata]), difference_row(), curves, TITLES)
    assert set(figures) == {
        "differences",
        "scores",
        "roc",
        "reliability",
        "performance",
        "recalibration",
        "strata",
    }
    names = [label.get_text() for label in figures["scores"].axes[0].get_yticklabels()]
    assert names == list(TITLES.values())
    assert drawn_line(figures["roc"].axes[0], "Baseline").get_xdata().tolist() == [0.1, 0.6]
    assert len(figures["recalibration"].axes) == len(TITLES)
    # The only region has too few events, so it has no panel.
    assert len(figures["strata"].axes) == 1
