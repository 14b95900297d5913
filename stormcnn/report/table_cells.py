"""Cells and tables of the report, and how numbers are written in them."""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

MISSING = "–"


class Cell(NamedTuple):
    """The text that a table shows, and the value by which it is sorted."""

    text: str
    sort: float | str


class Table(NamedTuple):
    """A table of the report; `numeric` marks the columns that hold numbers."""

    caption: str
    columns: list[str]
    numeric: list[bool]
    rows: list[list[Cell]]


def text_cell(text: str) -> Cell:
    """Return a cell that is sorted by its text."""
    return Cell(text, text)


def number(value: float, decimals: int) -> str:
    """Return a number with a true minus sign, but none before zeros; a dash if it is missing."""
    return MISSING if pd.isna(value) else f"{value:z,.{decimals}f}".replace("-", "−")


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign, but none before zeros; a dash if it is missing.

    >>> signed(-0.25, 2), signed(-0.0004, 3), signed(0.0004, 3)
    ('−0.25', '0.000', '0.000')
    """
    if pd.isna(value):
        return MISSING
    text = f"{value:z.{decimals}f}".replace("-", "−")
    return f"+{text}" if round(value, decimals) > 0 else text


def p_value(value: float, *, at_floor: bool = False) -> str:
    """Return a p-value with three decimals, after `≤` if more resamples could give a smaller one.

    An upper limit is rounded up.

    >>> p_value(0.0121), p_value(0.0121, at_floor=True), p_value(0.0002, at_floor=True)
    ('0.012', '≤ 0.013', '< 0.001')
    """
    if pd.isna(value):
        return MISSING
    if value < 0.001:
        return "< 0.001"
    return f"≤ {math.ceil(1000 * value - 1e-9) / 1000:.3f}" if at_floor else f"{value:.3f}"


def percentage(value: float) -> str:
    """Return a share in percent; a dash if it is missing."""
    return MISSING if pd.isna(value) else f"{100 * value:.1f} %"


def with_interval(value: float, low: float, high: float, decimals: int) -> Cell:
    """Return a score as `0.413 (0.380 to 0.441)`."""
    text = number(value, decimals)
    if not (pd.isna(low) or pd.isna(high)):
        text += f" ({number(low, decimals)} to {number(high, decimals)})"
    return Cell(text, float(value))
