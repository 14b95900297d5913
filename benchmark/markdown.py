"""Write numbers and tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return the lines of a Markdown table."""
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


def spread(ratios: Mapping[str, float]) -> tuple[str, str]:
    """Return the median and the range of ratios as text."""
    return f"{ratios['median']:g}", f"{ratios['low']:g} to {ratios['high']:g}"
