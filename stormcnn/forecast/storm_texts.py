"""When and how probable single storms of a forecast are, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.report.words import percent

OUTER = (0.05, 0.95)
"""Quantiles of the MC members between which a probability is said to lie."""


def window_text(start: np.datetime64, end: np.datetime64, with_day: bool) -> str:
    """Return when an event may happen: `18–19 UTC`, or `Sun 18–19 UTC` with its day.

    >>> noon = np.datetime64("2010-10-24T12:00")
    >>> window_text(noon, noon + np.timedelta64(60, "m"), False), window_text(noon, noon, True)
    ('12–13 UTC', 'Sun 12 UTC')
    """
    first, last = pd.Timestamp(start), pd.Timestamp(end)
    whole = first.minute == 0 and last.minute == 0
    clock = "%H" if whole else "%H:%M"
    hours = f"{first:{clock}}" if first == last else f"{first:{clock}}–{last:{clock}}"
    day = f"{first:%a} " if with_day else ""
    return f"{day}{hours} UTC"


def window_texts(forecast: xr.Dataset, with_day: bool | None = None) -> list[str]:
    """Return the window of the event of each storm; with the day if they are of several days."""
    start, end = (forecast[name].values for name in ("valid_from", "valid_to"))
    days = np.unique(start.astype("datetime64[D]"))
    shown = len(days) > 1 if with_day is None else with_day
    windows = np.stack([start, end], axis=-1)
    unique, place = np.unique(windows, axis=0, return_inverse=True)
    texts = [window_text(first, last, shown) for first, last in unique]
    return [texts[number] for number in place.reshape(-1)]


def outer_quantiles(forecast: xr.Dataset) -> np.ndarray | None:
    """Return the quantiles `OUTER` of the MC members' probabilities, (storm, 2); None without."""
    if "mc_quantile" not in forecast:
        return None
    return forecast["mc_quantile"].sel(quantile=list(OUTER), method="nearest").values


def spread_text(low: float, high: float) -> str:
    """Return the range of the MC members in percent.

    >>> spread_text(0.561, 0.96), spread_text(0.003, 0.02)
    ('56–96', '0.3–2.0')
    """
    decimals = 1 if high < 0.0995 else 0
    return f"{100 * low:.{decimals}f}–{100 * high:.{decimals}f}"


def storm_text(forecast: xr.Dataset, storm: int, windows: list[str]) -> str:
    """Return number, window and probability of a storm: `storm 21 at 18–19 UTC, 91 % (56–96)`.

    Storms have the number that they have in the run file (`patch`).
    """
    text = (
        f"storm {int(forecast['patch'].values[storm])} at {windows[storm]}, "
        f"{percent(float(forecast['probability'].values[storm]))}"
    )
    quantiles = outer_quantiles(forecast)
    return text if quantiles is None else f"{text} ({spread_text(*quantiles[storm])})"
