"""A forecast in a few lines of text, for terminals and mail."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from stormcnn.texts import printable
from stormcnn.vocabulary import Array

MOST_STORMS = 5
"""Most storms that are listed."""


def name_run(forecast: xr.Dataset) -> str:
    """Return the name of a forecast's run for people, such as `the run of 2016-05-03 00:00 UTC`."""
    attributes = forecast.attrs
    member = attributes["ensemble_member"]
    run_date = attributes["run_date"].replace("T", " ")
    return f"the run of {run_date} UTC" + (f", ensemble member {member}" if member else "")


def say_if_empty(forecast: xr.Dataset) -> str:
    """Return a sentence that says that a forecast has no storms and why; nothing if it has some."""
    if forecast.sizes["storm"]:
        return ""
    run, rejected = name_run(forecast), int(forecast.attrs["rejected_storms"])
    if not rejected:
        return f"No storms: the file of {run} contains none."
    reason = forecast.attrs["rejected_reason"]
    return f"No usable storms: {run} has {rejected:,} storms, but none of them is valid: {reason}."


def summarize(forecast: xr.Dataset) -> str:
    """Return a forecast as text: what it is about, the most probable storms, and warnings."""
    return "".join(f"{printable(line)}\n" for line in _lines(forecast))


def _lines(forecast: xr.Dataset) -> Iterator[str]:
    attributes, storms = forecast.attrs, forecast.sizes["storm"]
    if empty := say_if_empty(forecast):
        yield empty
    else:
        event = f"{attributes['event_title']} {attributes['event_lead']}".strip()
        likely = int((forecast["probability"].values > 0.5).sum())
        verb = "is" if likely == 1 else "are"
        yield (
            f"{likely:,} of {storms:,} storms of {name_run(forecast)} {verb} more likely than "
            f"not to have {event}."
        )
        for number in range(min(storms, MOST_STORMS)):
            yield _describe(forecast.isel(storm=number))
        if rejected := int(attributes["rejected_storms"]):
            yield f"Without a forecast: {rejected:,} more storms, {attributes['rejected_reason']}."
    for warning in filter(None, attributes["warnings"].split("\n")):
        yield f"Warning: {warning}"


def _describe(storm: xr.Dataset) -> str:
    """Return one storm of a forecast as a line."""
    start, end = (storm[name].values for name in ("valid_from", "valid_to"))
    hours = _clock(start) if start == end else f"{_clock(start)}-{_clock(end)[-5:]}"
    place = f"{_degrees(storm['latitude'], 'NS')} {_degrees(storm['longitude'], 'EW')}"
    chance = f"{_percent(storm['probability'])} %"
    if "mc_quantile" in storm:
        low, high = (_percent(storm["mc_quantile"].sel(quantile=level)) for level in (0.05, 0.95))
        chance += f" ({low} to {high})"
    outside = ", outside the training range" if storm["outside_training"] else ""
    track, step = int(storm["track_id"]), int(storm["track_step"])
    return f"  {chance}  {hours} UTC  {place}  track {track}, step {step}{outside}"


def _clock(time: Array) -> str:
    return str(time.astype("datetime64[m]")).replace("T", " ")[5:]


def _degrees(value: xr.DataArray, letters: str) -> str:
    return f"{abs(float(value)):.2f}° {letters[float(value) < 0]}"


def _percent(value: xr.DataArray) -> str:
    """Return a probability in percent, without claiming certainty."""
    percent = 100 * float(value)
    if 0 < percent < 1:
        return "<1"
    return ">99" if 99 < percent < 100 else f"{percent:.0f}"
