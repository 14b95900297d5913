from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image

from stormcnn.errors import UserError
from stormcnn.report import figures
from stormcnn.vocabulary import VARIANTS

TITLES = {"baseline": "Baseline", "dropout": "Spatial dropout"}


@pytest.fixture
def axes():
    _, panels = figures.make_figure()
    return panels[0, 0]


def line(axes, label):
    """The drawn line that the legend calls `label`."""
    (found,) = [each for each in axes.get_lines() if each.get_label() == label]
    return found


def curve(**columns):
    return pd.DataFrame({"model": "baseline", "forecast": "single", "seed": 0} | columns)


def two_models(**columns):
    own = curve(**columns)
    return pd.concat([own, own.assign(model="dropout")])


def case(label=1, index=None):
    y, x = np.mgrid[0:32, 0:32]
    fields = np.stack([y + x / 100, x - 16.0, y - 16.0], axis=-1).astype("f4")
    storm = xr.Dataset(
        {
            "predictors": (("y", "x", "variable"), fields),
            "probability": ("member", np.array([0.11, 0.12, 0.13, 0.6])),
            "deterministic": 0.2,
            "label": label,
        },
        coords={
            "variable": ["REFL_COM_curr", "U10_curr", "V10_curr"],
            "valid_time": np.datetime64("2016-06-22T23:00", "ns"),
            "latitude": 41.5,
            "longitude": -97.25,
        },
    )
    return storm if index is None else storm.assign(index=index)


def test_training_curves_show_the_history_of_every_model_and_seed(axes):
    histories = {
        (model, seed): pd.DataFrame({"epoch": [1, 2], "loss": [0.2 + seed, 0.1 + seed]})
        for model in TITLES
        for seed in (0, 1)
    }
    figures.draw_training_curves(axes, histories, TITLES)
    drawn = [each.get_ydata().tolist() for each in axes.get_lines()]
    assert drawn == [[0.2, 0.1], [1.2, 1.1]] * 2
    assert line(axes, "Spatial dropout").get_xdata().tolist() == [1, 2]


def test_published_losses_lie_over_our_training_curves(axes):
    histories = {("dropout", 0): pd.DataFrame({"epoch": [1, 2], "loss": [0.2, 0.1]})}
    published = pd.DataFrame(
        {"source": "lesson", "model": "dropout", "epoch": [1, 2], "loss": [0.1723, 0.1384]}
    )
    figures.draw_training_curves(axes, histories, TITLES, published)
    printed = line(axes, "Spatial dropout, lesson (printed)")
    assert printed.get_ydata().tolist() == [0.1723, 0.1384]
    assert printed.get_linewidth() < line(axes, "Spatial dropout").get_linewidth()
    assert printed.get_markerfacecolor() == "white"


def test_roc_curve_is_the_table_sorted_by_false_detections(axes):
    table = curve(pofd=[0.4, 0.0, 0.1], pod=[1.0, 0.2, 0.7], threshold=[0.1, 0.9, 0.5])
    figures.draw_roc(axes, table, TITLES)
    drawn = line(axes, "Baseline")
    assert drawn.get_xdata().tolist() == [0.0, 0.1, 0.4]
    assert drawn.get_ydata().tolist() == [0.2, 0.7, 1.0]


def test_interval_band_spans_low_to_high_and_is_absent_without_them(axes):
    table = curve(pofd=[0.0, 0.5], pod=[0.2, 0.9], threshold=[0.9, 0.1])
    figures.draw_roc(axes, table.assign(pod_low=np.nan, pod_high=np.nan), TITLES)
    assert not axes.collections
    figures.draw_roc(axes, table.assign(pod_low=[0.1, 0.8], pod_high=[0.3, 1.0]), TITLES)
    corners = axes.collections[0].get_paths()[0].vertices
    assert {(0.0, 0.1), (0.5, 0.8), (0.5, 1.0), (0.0, 0.3)} <= {tuple(each) for each in corners}


def test_peirce_contours_join_points_of_equal_skill(axes):
    figures.draw_roc(axes, curve(pofd=[0.0], pod=[0.2], threshold=[0.9]), TITLES)
    ends = [(each.get_xdata(), each.get_ydata()) for each in axes.get_lines()]
    contours = [np.subtract(pod, pofd) for pofd, pod in ends if len(pod) == 2]
    assert np.allclose(contours, [[skill, skill] for skill in (0, 0.2, 0.4, 0.6, 0.8)])


def test_performance_diagram_leaves_out_thresholds_without_a_hit(axes):
    table = curve(
        threshold=[0.1, 0.5, 0.9, 1.0], success_ratio=[0.2, 0.5, 0.0, np.nan], pod=[1, 0.6, 0, 0]
    )
    figures.draw_performance(axes, table, TITLES)
    drawn = line(axes, "Baseline")
    assert drawn.get_xdata().tolist() == [0.2, 0.5]
    assert drawn.get_ydata().tolist() == [1, 0.6]


def test_attributes_diagram_marks_the_climatology_of_the_storms(axes):
    table = two_models(
        bin=[0, 5, 9],
        forecast_mean=[0.05, 0.5, np.nan],
        observed_frequency=[0.04, 0.6, np.nan],
        storms=[90, 10, 0],
        events=[4, 6, 0],
    )
    figures.draw_attributes(axes, table, TITLES)
    assert line(axes, "No resolution (climatology 0.100)").get_ydata() == [0.1, 0.1]
    no_skill = line(axes, "No skill")
    assert np.allclose(no_skill.get_ydata(), (np.array(no_skill.get_xdata()) + 0.1) / 2)
    assert line(axes, "Baseline").get_ydata().tolist() == [0.04, 0.6]
    (inset,) = axes.child_axes
    assert inset.get_yscale() == "log"
    assert inset.get_lines()[0].get_ydata().tolist() == [90, 10]


def test_scores_stand_side_by_side_with_their_intervals():
    _, panels = figures.make_figure(1, 2)
    table = two_models(
        score=["auc", "brier_score"], value=[0.9, 0.03], low=[0.85, 0.02], high=[0.92, 0.05]
    )
    table = pd.concat([table, table[table["model"] == "dropout"].assign(forecast="mc_mean")])
    figures.draw_scores(panels[0], table, TITLES, {"auc": "AUC", "brier_score": "Brier score"})
    first = panels[0, 0]
    labels = [each.get_text() for each in first.get_yticklabels()]
    assert labels == ["Baseline", "Spatial dropout", "Spatial dropout, Monte Carlo mean"]
    segments = [each.get_segments()[0] for each in first.collections]
    assert [segment[:, 0].round(9).tolist() for segment in segments] == [[0.85, 0.92]] * 3
    assert [segment[0, 1] for segment in segments] == [0, 1, 2]
    assert panels[0, 1].containers[0].lines[0].get_xdata().tolist() == [0.03]


def test_published_scores_stand_on_the_line_of_their_model():
    _, panels = figures.make_figure(1, 1)
    table = two_models(score=["auc"], value=[0.9], low=[np.nan], high=[np.nan])
    published = pd.DataFrame(
        {
            "source": "course",
            "model": ["dropout", "l2"],
            "score": "auc",
            "value": [0.959, 0.949],
        }
    )
    figures.draw_scores(panels[0], table, TITLES, {"auc": "AUC"}, published)
    *_, printed = panels[0, 0].get_lines()
    assert printed.get_xdata() == [0.959]
    assert 1 < printed.get_ydata()[0] < 1.5
    assert [text.get_text() for text in panels[0, 0].figure.legends[0].get_texts()] == [
        "Printed in the lesson",
        "Printed in the course",
    ]


def test_strata_name_their_events_and_leave_gaps_where_they_are_too_few(axes):
    table = curve(
        stratum=["region=great_plains", "region=southeast"],
        value=[0.3, np.nan],
        low=[0.2, np.nan],
        high=[0.4, np.nan],
        events=[40, 3],
    )
    figures.draw_strata(axes, table, TITLES, "Brier skill score")
    assert [each.get_text() for each in axes.get_xticklabels()] == [
        "Great plains\n(40)",
        "Southeast\n(3)",
    ]
    assert axes.get_title(loc="left") == "Brier skill score by region"
    assert axes.get_xlim() == (-0.5, 1.5)
    heights = np.array(axes.containers[0].lines[0].get_ydata(), dtype=float)
    assert np.array_equal(heights, [0.3, np.nan], equal_nan=True)


def test_spread_and_error_are_drawn_for_both_kinds_of_spread_alone(axes):
    table = pd.DataFrame(
        {
            "kind": ["epistemic", "epistemic", "total", "epistemic_equal_width"],
            "bin": [1, 2, 1, 1],
            "spread": [0.02, 0.01, 0.2, 5.0],
            "error": [0.3, 0.1, 0.21, 5.0],
            "error_truth": [0.05, 0.02, np.nan, 5.0],
        }
    )
    figures.draw_spread_skill(axes, table)
    members, total = (each.lines[0] for each in axes.containers)
    assert members.get_xdata().tolist() == [0.01, 0.02]
    assert members.get_ydata().tolist() == [0.1, 0.3]
    assert total.get_ydata().tolist() == [0.21]
    truth = line(axes, "Spread of the members, error against the truth")
    assert truth.get_ydata().tolist() == [0.02, 0.05]
    assert line(axes, "Error = spread").get_xdata()[1] < 1


def test_discard_test_shows_both_controls_beside_the_spread(axes):
    table = pd.concat(
        pd.DataFrame({"order": order, "fraction": [0.5, 0.0], "value": [value, 0.04]})
        for order, value in {"spread": 0.02, "total": 0.021, "random": 0.04}.items()
    )
    figures.draw_discard(axes, table, "Brier score")
    assert line(axes, "Largest spread first").get_ydata().tolist() == [0.04, 0.02]
    assert line(axes, "Largest p(1 − p) first (control)").get_ydata().tolist() == [0.04, 0.021]
    assert line(axes, "At random (control)").get_ydata().tolist() == [0.04, 0.04]


def test_entropy_split_says_which_share_is_disagreement(axes):
    table = curve(score=["expected_entropy", "mutual_information"], value=[0.09, 0.01])
    figures.draw_entropy_split(axes, table, TITLES)
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == pytest.approx([0.09, 0.01])
    assert [bar.get_x() for bar in axes.patches] == pytest.approx([0, 0.09])
    assert axes.texts[0].get_text() == "10.0 % disagreement"


def test_event_counts_are_a_fan_around_each_run_with_what_happened(axes):
    table = pd.DataFrame(
        {
            "run_date": ["2015-05-02T00:00", "2015-05-01T00:00"],
            "observed": [4, 1],
            "q05": [2.0, 0.0],
            "q25": [3.0, 0.5],
            "q50": [5.0, 1.0],
            "q75": [6.0, 2.0],
            "q95": [9.0, 3.0],
            "deterministic": [4.4, 1.1],
        }
    )
    figures.draw_counts(axes, table)
    wide, narrow = (each.get_segments() for each in axes.collections)
    assert [segment[:, 1].tolist() for segment in wide] == [[0.0, 3.0], [2.0, 9.0]]
    assert [segment[:, 1].tolist() for segment in narrow] == [[0.5, 2.0], [3.0, 6.0]]
    assert line(axes, "Observed").get_ydata().tolist() == [1, 4]
    assert [each.get_text() for each in axes.get_xticklabels()] == ["2015-05-01", "2015-05-02"]


def test_case_shows_the_reflectivity_with_the_south_at_the_bottom():
    _, panels = figures.make_figure(1, 2)
    figures.draw_case(panels[0], case(index=32237))
    field = panels[0, 0]
    (image,) = field.get_images()
    assert image.origin == "lower"
    assert image.get_array()[0, 5] == pytest.approx(0.05)
    assert image.get_array()[31, 0] == pytest.approx(31)
    assert field.get_title(loc="left") == (
        "Test storm 32237, 2016-06-22 23 UTC\n41.50° N, 97.25° W"
    )


def test_wind_arrows_point_where_the_wind_blows_at_their_grid_point():
    _, panels = figures.make_figure(1, 2)
    figures.draw_case(panels[0], case())
    (arrows,) = (each for each in panels[0, 0].collections if hasattr(each, "U"))
    columns, rows = arrows.get_offsets().T
    assert np.allclose(arrows.U, columns - 16)
    assert np.allclose(arrows.V, rows - 16)


def test_case_histogram_has_the_lines_of_the_lesson():
    _, panels = figures.make_figure(1, 2)
    figures.draw_case(panels[0], case())
    histogram = panels[0, 1]
    heights = np.array([bar.get_height() for bar in histogram.patches])
    assert len(heights) == 20
    assert heights[2] == pytest.approx(15)  # three of four members in a bin 0.05 wide
    assert heights.sum() * 0.05 == pytest.approx(1)
    drawn = {each.get_label(): each for each in histogram.get_lines()}
    assert list(drawn) == ["Deterministic 0.20", "Mean 0.24", "Median 0.12"]
    assert [each.get_color() for each in drawn.values()] == ["red", "black", "purple"]
    assert [each.get_xdata()[0] for each in drawn.values()] == pytest.approx([0.2, 0.24, 0.125])


@pytest.mark.parametrize(("event", "said"), [(1, "event observed"), (0, "no event observed")])
def test_case_title_says_what_happened(event, said):
    _, panels = figures.make_figure(1, 2)
    figures.draw_case(panels[0], case(label=event))
    assert panels[0, 1].get_title(loc="left") == f"Strong rotation: {said}"


def test_dropout_picture_counts_what_was_kept():
    _, panels = figures.make_figure(2, 3)
    dropped = np.zeros((10, 10, 3))
    dropped[:5, :, 1] = 2.0
    spatial = np.ones((10, 10, 3)) * [0.0, 2.0, 2.0]
    figures.draw_dropout_masks(panels, dropped, spatial)
    texts = [[panel.texts[0].get_text() for panel in row] for row in panels]
    none, half, all_kept = (f"Kept: {n} of 100\nMaximum: {m}" for n, m in
                            ((0, "0.00"), (50, "2.00"), (100, "2.00")))  # fmt: skip
    assert texts == [[none, half, none], [none, all_kept, all_kept]]
    drawn = panels[0, 1].collections[0].get_array()
    assert np.array_equal(np.asarray(drawn).reshape(10, 10), dropped[:, :, 1])


def test_rate_sweep_marks_the_chosen_rate(axes):
    table = pd.DataFrame({"rate": [0.5, 0.1], "value": [0.2, 0.1]})
    figures.draw_rate_sweep(axes, table, "Log score", chosen=0.1)
    assert axes.containers[0].lines[0].get_xdata().tolist() == [0.1, 0.5]
    assert line(axes, "Chosen: 0.1").get_xdata() == [0.1, 0.1]


def test_rate_sweep_shows_the_average_over_seeds(axes):
    table = pd.DataFrame({"rate": [0.1, 0.5, 0.1], "value": [0.2, 0.3, 0.4]})
    bounds = table.assign(low=table["value"] - [0.1, 0.1, 0.3], high=table["value"] + 0.1)
    figures.draw_rate_sweep(axes, bounds, "Log score")
    (bars,) = axes.containers
    assert bars.lines[0].get_ydata() == pytest.approx([0.3, 0.3])
    assert bars.lines[1][0].get_ydata() == pytest.approx([0.1, 0.2])


def test_map_draws_the_likeliest_storms_last(axes):
    longitude, latitude = np.array([-100.0, -90.0, -95.0]), np.array([30.0, 35.0, 40.0])
    figures.draw_map(axes, longitude, latitude, np.array([0.9, 0.1, 0.5]))
    (storms,) = axes.collections
    assert storms.get_offsets()[:, 0].tolist() == [-90.0, -95.0, -100.0]
    assert storms.get_array().tolist() == [0.1, 0.5, 0.9]
    assert axes.get_aspect() == pytest.approx(1 / np.cos(np.radians(35)))


def test_models_are_told_apart_without_colour(axes):
    titles = {f"m{number}": f"Model {number}" for number in range(14)}
    table = pd.concat(
        curve(pofd=[0.0], pod=[0.1], threshold=[0.5]).assign(model=model) for model in titles
    )
    figures.draw_roc(axes, table, titles)
    styles = {
        (each.get_linestyle(), each.get_marker())
        for each in axes.get_lines()
        if each.get_label() in titles.values()
    }
    assert len(styles) == 14


def test_a_model_looks_the_same_whether_or_not_others_are_drawn(axes):
    table = two_models(pofd=[0.0], pod=[0.1], threshold=[0.5])
    figures.draw_roc(axes, table, TITLES)
    beside = line(axes, "Spatial dropout")
    _, other = figures.make_figure()
    figures.draw_roc(other[0, 0], table[table["model"] == "dropout"], TITLES)
    alone = line(other[0, 0], "Spatial dropout")
    assert (alone.get_color(), alone.get_marker()) == (beside.get_color(), beside.get_marker())


def test_model_without_a_title_is_named(axes):
    table = curve(pofd=[0.0], pod=[0.1], threshold=[0.5]).assign(model="l1")
    with pytest.raises(UserError, match="without a title: l1"):
        figures.draw_roc(axes, table, TITLES)


def test_headline_is_all_seeds_together_or_else_the_first():
    table = pd.DataFrame(
        {"model": ["a", "a", "a", "b", "b"], "seed": ["3", "12", "all", "12", "3"]}
    )
    assert figures.headline(table).index.tolist() == [2, 4]


def test_first_seed_is_the_smallest_number_of_each_model():
    table = pd.DataFrame(
        {"model": ["a", "a", "a", "b", "b"], "seed": ["3", "12", "all", "mean", "3"]}
    )
    assert figures.first_seed(table).index.tolist() == [0, 4]


def test_every_variant_of_a_forecast_has_a_name():
    assert tuple(figures.VARIANTS) == VARIANTS
    table = pd.concat([curve(value=[1.0]), curve(value=[1.0], forecast="own_scaling")])
    labels = [series.label for series in figures.series_of(table, TITLES)]
    assert labels == ["Baseline", "Baseline, storms scaled by their own statistics"]
    assert figures.without_variants(table)["forecast"].unique().tolist() == ["single"]


def test_recalibration_has_a_panel_a_model_and_leaves_the_others_empty():
    figure, axes = figures.make_figure(1, 3)
    bins = {"forecast_mean": [0.1, 0.6], "storms": 9, "low": 0.1, "high": 0.7}
    table = pd.concat(
        curve(model=model, forecast=forecast, observed_frequency=[0.2, high], **bins)
        for model in TITLES
        for forecast, high in (("single", 0.3), ("isotonic", 0.5), ("logistic", 0.6))
    )
    figures.draw_recalibration(axes[0], table, TITLES)
    assert [panel.get_title(loc="left") for panel in axes[0]] == [*TITLES.values(), ""]
    assert [panel.axison for panel in axes[0]] == [True] * len(TITLES) + [False]
    drawn = [container.lines[0].get_ydata().tolist() for container in axes[0, 1].containers]
    assert drawn == [[0.2, 0.3], [0.2, 0.5], [0.2, 0.6]]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [
        "Perfect reliability",
        "As it is",
        "Isotonic recalibration",
        "Logistic recalibration",
    ]


def test_seeds_are_named_where_there_are_several():
    table = pd.concat([curve(value=[1.0]), curve(value=[2.0]).assign(seed=1)])
    labels = [series.label for series in figures.series_of(table, TITLES)]
    assert labels == ["Baseline, seed 0", "Baseline, seed 1"]


def save_roc(stem, made_up=False, size=(7.0, 6.5)):
    figure, panels = figures.make_figure(size=size, made_up=made_up)
    table = curve(
        pofd=[0.0, 0.5],
        pod=[0.2, 0.9],
        threshold=[0.9, 0.1],
        pod_low=[0.1, 0.8],
        pod_high=[0.3, 1.0],
    )
    figures.draw_roc(panels[0, 0], table, TITLES)
    figures.save(figure, stem)


def test_equal_figures_give_equal_files(tmp_path):
    for name in ("first", "second"):
        save_roc(tmp_path / name)
    for suffix in ("png", "svg"):
        first, second = (tmp_path / f"{name}.{suffix}" for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    assert "<dc:date>" not in (tmp_path / "first.svg").read_text()


def test_pictures_are_at_most_1600_pixels_wide_and_text_stays_text(tmp_path):
    save_roc(tmp_path / "wide", size=(12.0, 6.0))
    with Image.open(tmp_path / "wide.png") as picture:
        assert picture.width == 1600
    assert "Probability of detection</text>" in (tmp_path / "wide.svg").read_text()


def test_made_up_data_are_announced_inside_the_figure(tmp_path):
    save_roc(tmp_path / "demo", made_up=True)
    save_roc(tmp_path / "real")
    assert "Made-up data" in (tmp_path / "demo.svg").read_text()
    assert "Made-up" not in (tmp_path / "real.svg").read_text()
