from __future__ import annotations

import pytest

from stormcnn.report.words import RECALIBRATION_WORDS, block_name, join, stratum_name
from stormcnn.vocabulary import RECALIBRATIONS


@pytest.mark.parametrize(
    ("stratum", "name"),
    [
        ("month=5", "May"),
        ("forecast_hour=12-17", "Hours 12 to 17"),
        ("region=great_plains", "Great Plains"),
    ],
)
def test_strata_have_names(stratum, name):
    assert stratum_name(stratum) == name


@pytest.mark.parametrize(
    ("block", "count", "name"),
    [
        ("day", 36, "days"),
        ("run", 1, "forecast run"),
        (3, 12, "blocks of 3 days"),
        (1, 1, "block of 1 day"),
    ],
)
def test_blocks_have_names(block, count, name):
    assert block_name(block, count) == name


def test_lists_are_joined_in_words():
    assert join([]) == ""
    assert join(["L2"]) == "L2"
    assert join(["Baseline", "L1", "L2"], "or") == "Baseline, L1 or L2"


def test_every_recalibration_has_a_name():
    assert set(RECALIBRATION_WORDS) >= set(RECALIBRATIONS)
