"""A forecast in a few lines of text, for terminals and mail."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from stormcnn.forecast.contents import ForecastContents
from stormcnn.forecast.files import notice_of
from stormcnn.forecast.headline import write_headline
from stormcnn.forecast.storm_texts import storm_text, window_texts
from stormcnn.texts import counted, printable

MOST_STORMS = 5
"""Most storms that are listed."""


def name_run(forecast: xr.Dataset) -> str:
    """Return the name of a forecast's run for people, such as `the run of 2016-05-03 00:00 UTC`."""
    attributes = forecast.attrs
    member = attributes["ensemble_member"]
    run_date = attributes["run_date"].replace("T", " ")
    return f"the run of {run_date} UTC" + (f", ensemble member {member}" if member else "")


def summarize(contents: ForecastContents) -> str:
    """Return a forecast as text: what it is about, the most probable storms, and warnings."""
    return "".join(f"{printable(line)}\n" for line in _lines(contents))


def _lines(contents: ForecastContents) -> Iterator[str]:
    forecast = contents.forecast
    attributes, storms = forecast.attrs, forecast.sizes["storm"]
    yield f"Forecast of {name_run(forecast)}, issued at {attributes['issued']}"
    if notice := notice_of(attributes["title"]):
        yield notice
    yield write_headline(contents)
    windows = window_texts(forecast)
    for number in range(min(storms, MOST_STORMS)):
        storm = forecast.isel(storm=number)
        place = f"{_degrees(storm['latitude'], 'NS')} {_degrees(storm['longitude'], 'EW')}"
        outside = ", outside the training range" if storm["outside_training"] else ""
        yield f"  {storm_text(forecast, number, windows)}, near {place}{outside}"
    rejected = int(attributes["rejected_storms"])
    if storms and rejected:
        have = "has" if rejected == 1 else "have"
        reason = attributes["rejected_reason"]
        yield f"{counted(rejected, 'more storm')} {have} no forecast: {reason}"
    for warning in filter(None, attributes["warnings"].split("\n")):
        yield f"Warning: {warning}"


def _degrees(value: xr.DataArray, letters: str) -> str:
    return f"{abs(float(value)):.2f}° {letters[float(value) < 0]}"
