"""Texts from outside are safe where they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormcnn.texts import FORMULA, as_cell, from_cell, printable


@given(st.text())
def test_every_text_becomes_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text, longest=10)) <= 10


def test_text_that_is_printable_stays() -> None:
    assert printable("Hail ≥ 25 mm, 50 % (größer)") == "Hail ≥ 25 mm, 50 % (größer)"


@given(st.text())
def test_text_of_a_cell_can_be_read_back(text: str) -> None:
    assert from_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "-"])
def test_formula_becomes_text(text: str) -> None:
    assert FORMULA.match(text)
    assert as_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+0.5e-3", "-inf", "", "a=1", "runs/=1"])
def test_number_and_plain_text_stay(text: str) -> None:
    assert as_cell(text) == text
