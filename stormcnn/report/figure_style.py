"""The style that all figures share, and how they are created and saved."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axis import Axis, Tick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter
from PIL import Image

from stormcnn.io import replacing
from stormcnn.report.palette import GRAY
from stormcnn.texts import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes

    from stormcnn.vocabulary import StrPath

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 11.0,
    "axes.titlesize": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "grid.color": "#d8d8d8",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "lines.markersize": 6.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "stormcnn",
}
DOTS_PER_INCH = 300
"""Resolution of PNG files at their printed width, which is the width of the figure."""

MADE_UP_NOTE = "Made-up data: generated storms, not real ones"

PUBLISHED_MARKERS = {"lesson": "*", "course": "d"}
"""Marker of each source of published numbers."""


NARROW = (5.0, 5.2)
"""Size of a figure in inches whose text can be read on a phone without scrolling."""

WIDE = 7.0
"""Largest width of a figure in inches: that of a printed page."""


def make_figure(
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] = NARROW,
    made_up: bool = False,
) -> tuple[Figure, np.ndarray]:
    """Return an empty figure of `size` inches and its axes, shape (rows, columns).

    If `made_up`, a note in the figure states that its data are not real.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
        if made_up:
            figure.suptitle(
                MADE_UP_NOTE,
                x=0.985,
                ha="right",
                fontsize=9,
                style="italic",
                bbox={"boxstyle": "round,pad=0.3", "facecolor": "#fff3c4", "edgecolor": GRAY},
            )
    return figure, axes


def save_figure(figure: Figure, stem: StrPath) -> None:
    """Write `<stem>.png` with 300 dots per inch, and `<stem>.svg`, which keeps text as text.

    Equal figures give equal files: neither has a time stamp or random identifiers.
    """
    _complete(figure)
    for kind, content in (("png", _as_png(figure, DOTS_PER_INCH)), ("svg", _as_svg(figure))):
        with replacing(Path(f"{stem}.{kind}")) as temporary:
            temporary.write_bytes(content)


def svg_of(figure: Figure) -> bytes:
    """Return a figure as SVG, as `save_figure` writes it."""
    _complete(figure)
    return _as_svg(figure)


def png_of(figure: Figure, dots_per_inch: int) -> bytes:
    """Return a figure as PNG, as `save_figure` writes it."""
    _complete(figure)
    return _as_png(figure, dots_per_inch)


def _complete(figure: Figure) -> None:
    """Fix the texts and the layout of a figure.

    Otherwise each file would compute the layout anew, which takes most of the time. With any layout
    engine, even "none", each file would also be drawn twice.
    """
    show_texts_as_written(figure)
    with matplotlib.rc_context(STYLE):
        if engine := figure.get_layout_engine():
            engine.execute(figure)
        figure.set_layout_engine(None)


def _as_png(figure: Figure, dots_per_inch: int) -> bytes:
    """Return a PNG with at most 256 colors, which makes it several times smaller."""
    picture = io.BytesIO()
    # Writing a PNG with all colors first, and reading it, would take as long as drawing.
    canvas = FigureCanvasAgg(figure)
    with matplotlib.rc_context(STYLE):
        figure.set_dpi(dots_per_inch)
        canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    few = drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(picture, "png", dpi=(dots_per_inch, dots_per_inch))
    return picture.getvalue()


def _as_svg(figure: Figure) -> bytes:
    picture = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    return picture.getvalue()


def show_texts_as_written(figure: Figure) -> None:
    """Let a figure show titles and labels from outside without interpreting them.

    Otherwise Matplotlib would read what is between two dollar signs as a formula, and control
    characters would make an invalid SVG file. Numbers at the axes are left alone, because
    Matplotlib itself writes powers of ten as formulas.
    """
    numbers = {id(text) for tick in figure.findobj(Tick) for text in tick.findobj(Text)}
    for text in figure.findobj(Text):
        if text.get_text() and id(text) not in numbers:
            text.set_text(printable(text.get_text(), keep="\n"))
            text.set_parse_math(False)
    for axis in figure.findobj(Axis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, FuncFormatter):  # also of names in place of numbers
            formatter.func = partial(_format_as_written, formatter.func)


def _format_as_written(formatter: Callable[[float, int | None], str], *place: Any) -> str:
    return printable(formatter(*place), keep="\n").replace("$", r"\$")


def legend_below(axes: Axes, columns: int = 2, gap: float = 4.3) -> None:
    """Place the legend `gap` font sizes below the axes, where it hides no data."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            borderaxespad=gap,
            ncols=columns,
            columnspacing=1.2,
            handlelength=1.8,
        )


def set_unit_square(axes: Axes) -> None:
    """Make the axes square, with both scales from 0 to 1."""
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")


def draw_band(axes: Axes, rows: pd.DataFrame, x: str, low: str, high: str, color: str) -> None:
    """Shade the interval of a curve, if the table has the columns `low` and `high`."""
    if {low, high} <= set(rows.columns) and rows[low].notna().any():
        known = rows.dropna(subset=[x, low, high])
        axes.fill_between(known[x], known[low], known[high], color=color, alpha=0.18, linewidth=0)


def marker_spacing(values: pd.Series) -> float | None:
    """Return the distance of the markers of a line, as a share of the diagonal of the axes.

    None if no value is finite: Matplotlib cannot measure the length of such a line.
    """
    return 0.12 if np.isfinite(values.to_numpy(float)).any() else None


def error_bars(rows: pd.DataFrame, value: str) -> np.ndarray | None:
    """Return the lengths of error bars below and above `value`, shape (2, row).

    None if the table has no columns `low` and `high`, or they are empty.
    """
    if not {"low", "high"} <= set(rows.columns) or rows["low"].isna().all():
        return None
    lengths = np.array([rows[value] - rows["low"], rows["high"] - rows[value]], dtype=float)
    return np.clip(np.nan_to_num(lengths), 0, None)
