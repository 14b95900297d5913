"""The colors, lines and markers of figures.

A model keeps its color, line and marker in every figure. Models differ in line style and marker
as well as in color, so that figures can be read without color.
"""

from __future__ import annotations

from typing import Any

# Okabe and Ito (2008): distinguishable with all common color vision deficiencies.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GRAY = "#666666"


def model_style(index: int) -> dict[str, Any]:
    """Return the color, line and marker of the model at position `index` of the config."""
    return {
        "color": COLORS[index % len(COLORS)],
        "linestyle": LINES[(index + 2 * (index // len(COLORS))) % len(LINES)],
        "marker": MARKERS[index % len(MARKERS)],
    }
