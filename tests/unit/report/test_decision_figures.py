"""Figures of decisions show the values of the tables with their intervals."""

import numpy as np
import pandas as pd
from report_files import TITLES, decision_rows, drawn_line, two_models

from stormcnn.report.decision_figures import decision_figures, draw_decisions, draw_economic_value
from stormcnn.report.figure_style import make_figure


def values(**columns):
    return two_models(
        cost_loss=[0.01, 0.1, 0.5], value=[0.2, 0.5, -2.0], low=[0.1, 0.4, -3.0], high=[0.3, 0.6, 0]
    ).assign(**columns)


def test_economic_value_is_drawn_by_cost_loss_ratio():
    _, panels = make_figure()
    draw_economic_value(panels[0, 0], values(), TITLES)
    line = drawn_line(panels[0, 0], "Baseline")
    assert line.get_xdata().tolist() == [0.01, 0.1, 0.5]
    assert line.get_ydata().tolist() == [0.2, 0.5, -2.0]
    assert panels[0, 0].get_xscale() == "log"


def test_economic_value_that_is_undefined_for_lack_of_events_is_drawn_as_nothing(tmp_path):
    figure, panels = make_figure()
    draw_economic_value(panels[0, 0], values(value=np.nan, low=np.nan, high=np.nan), TITLES)
    figure.savefig(tmp_path / "value.png")


def test_decisions_of_all_models_are_drawn_side_by_side():
    _, panels = make_figure(1, 3)
    draw_decisions(panels[0], pd.concat([decision_rows(), decision_rows("dropout")]), TITLES)
    for panel, value in zip(panels[0], (0.71, 0.6, 0.34), strict=True):
        drawn = [container.lines[0] for container in panel.containers]
        assert [line.get_xdata().tolist() for line in drawn] == [[value, value]] * 2
        first, second = (np.asarray(line.get_ydata()) for line in drawn)
        assert (first < second).all()


def test_figures_have_the_names_of_their_tables():
    figures = decision_figures(decision_rows(), values(), TITLES, made_up=True)
    assert set(figures) == {"decisions", "economic_value"}
