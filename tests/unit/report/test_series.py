from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report_files import TITLES, curve_rows

from stormcnn import vocabulary
from stormcnn.errors import UserError
from stormcnn.report.series import (
    VARIANT_NAMES,
    drop_variants,
    network_curves,
    select_first_seed,
    select_headline,
    series_of,
)


def test_model_without_a_title_is_named():
    table = curve_rows(pofd=[0.0], pod=[0.1], threshold=[0.5]).assign(model="l1")
    with pytest.raises(UserError, match=r"\bl1\b"):
        list(series_of(table, TITLES))


def test_headline_is_the_average_over_seeds_or_else_the_first_seed():
    table = pd.DataFrame(
        {
            "model": ["a", "a", "a", "a", "b", "b"],
            "seed": ["3", "12", "all", "mean", "12", "3"],
        }
    )
    assert select_headline(table).index.tolist() == [3, 5]


def test_curves_of_several_seeds_are_thin_and_their_average_is_thick():
    first = curve_rows(pofd=[0.0, 0.5], pod=[0.2, 0.8], pod_low=[0.1, 0.6], threshold=[0.9, 0.1])
    second = first.assign(seed=1, pod=[0.4, 1.0], pod_low=[0.3, 0.8])
    joint = first.assign(seed="all", pod=9.0)
    alone = first.assign(model="dropout")
    curves = list(network_curves(pd.concat([first, second, joint, alone]), TITLES))
    assert [(curve.label, curve.thin) for curve in curves] == [
        ("Baseline", True),
        ("Baseline", True),
        ("Baseline", False),
        ("Spatial dropout", False),
    ]
    assert np.allclose(curves[2].rows[["pod", "pod_low"]], [[0.3, 0.2], [0.9, 0.7]])


def test_first_seed_is_the_smallest_number_of_each_model():
    table = pd.DataFrame(
        {"model": ["a", "a", "a", "b", "b"], "seed": ["3", "12", "all", "mean", "3"]}
    )
    assert select_first_seed(table).index.tolist() == [0, 4]


def test_every_forecast_kind_has_a_name():
    assert tuple(VARIANT_NAMES) == vocabulary.VARIANTS
    table = pd.concat([curve_rows(value=[1.0]), curve_rows(value=[1.0], forecast="own_scaling")])
    labels = [series.label for series in series_of(table, TITLES)]
    assert labels == ["Baseline", f"Baseline, {VARIANT_NAMES['own_scaling']}"]
    assert drop_variants(table)["forecast"].unique().tolist() == ["single"]


def test_seeds_are_named_if_there_are_several():
    table = pd.concat([curve_rows(value=[1.0]), curve_rows(value=[2.0]).assign(seed=1)])
    labels = [series.label for series in series_of(table, TITLES)]
    assert labels == ["Baseline, seed 0", "Baseline, seed 1"]
