"""Inputs from elsewhere that are damaged, hostile, or unusual: the short form of `make fuzz`."""

from __future__ import annotations

import pytest
from fuzzing import archives, networks, runs
from fuzzing.outcomes import CHANGED, EQUAL, REFUSED, SET_ASIDE
from fuzzing.runner import WALL_SECONDS, Counts, describe, run

from stormcnn.storms.child_process import MEMORY_MB

INPUTS = 120


@pytest.fixture(scope="module")
def results() -> dict[str, Counts]:
    """Return what became of the inputs, by family."""
    return run([*runs.FAMILIES, *archives.FAMILIES, *networks.FAMILIES], inputs=INPUTS)


def test_inputs_are_refused_set_aside_or_read_correctly(results):
    """None fails in another way, or is accepted with other values although it tells the right."""
    assert {counts.kinds.total() for counts in results.values()} == {INPUTS}
    assert not any(counts.messages for counts in results.values()), describe(results)


def test_no_input_takes_long_or_much_memory(results):
    assert max(counts.seconds for counts in results.values()) < WALL_SECONDS
    assert max(counts.megabytes for counts in results.values()) < MEMORY_MB


def test_inputs_are_neither_all_refused_nor_all_harmless(results):
    for family in ("damaged_bytes", "odd_structure", "hostile_attributes", "damaged_archive"):
        assert results[family].kinds[REFUSED] > INPUTS / 4
        assert results[family].kinds[EQUAL] > 0
    assert results["hostile_attributes"].kinds[SET_ASIDE] > 0


def test_other_forms_of_the_same_storms_are_read(results):
    assert results["other_form"].kinds[EQUAL] > 0.95 * INPUTS


def test_two_thirds_of_the_flipped_bits_of_values_give_possible_values(results):
    """Only a checksum in the run list detects these."""
    assert 0.5 < results["flipped_bit_of_a_value"].kinds[CHANGED] / INPUTS < 0.8
