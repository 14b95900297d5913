"""What a forecast says in one sentence, and what a reader has to know before trusting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from stormcnn.forecast.contents import ForecastContents, TrackRecordRow
from stormcnn.forecast.storm_texts import OUTER, storm_text, window_texts
from stormcnn.report.words import join, percent
from stormcnn.vocabulary import Array

NAMED = 3
"""Most storms that the first sentence names."""

FEW_VERIFIED = 30
"""Below this number of verified storms, an observed frequency says little."""


class Limit(NamedTuple):
    """A fact that limits the trust in a forecast, and what to do because of it."""

    title: str
    text: str


class EventSum(NamedTuple):
    """The expected number of storms with the event: the sum of their probabilities.

    `low` and `high` are the quantiles `storm_texts.OUTER` of the sums of the MC members; None
    without members. Each member uses the same dropout masks for all storms.
    """

    expected: float
    low: float | None
    high: float | None


def write_headline(contents: ForecastContents) -> str:
    """Return how many storms are more likely than not to have the event, and which."""
    forecast = contents.forecast
    count = forecast.sizes["storm"]
    title = forecast.attrs["event_title"]
    if count == 0:
        return _describe_nothing(contents)
    probability = forecast["probability"].values
    likely = int((probability > 0.5).sum())
    windows = window_texts(forecast)
    storms = "1 storm" if count == 1 else f"{count:,} storms"
    if likely == 0:
        first = storm_text(forecast, 0, windows)
        if count == 1:
            return f"The only storm is not more likely than not to have {title}: {first}."
        return (
            f"None of {storms} is more likely than not to have {title}. The most probable: {first}."
        )
    named = [storm_text(forecast, storm, windows) for storm in range(min(likely, NAMED))]
    if likely > NAMED:
        named.append("one other" if likely == NAMED + 1 else f"{likely - NAMED:,} others")
    verb = "is" if likely == 1 else "are"
    return f"{likely:,} of {storms} {verb} more likely than not to have {title}: {join(named)}."


def _describe_nothing(contents: ForecastContents) -> str:
    attributes = contents.forecast.attrs
    rejected = int(attributes.get("rejected_storms", 0))
    title = attributes["event_title"]
    if rejected == 0:
        return (
            f"No forecast of {title}: the run file contains no storm. This does not mean that "
            "nothing will happen, only that the NWP model, or the search for its storms, produced "
            "none. Check the run file."
        )
    storms = "The only storm" if rejected == 1 else f"All {rejected:,} storms"
    were = "was" if rejected == 1 else "were"
    reason = attributes.get("rejected_reason", "")
    return (
        f"No forecast of {title}: none of the storms can be used. {storms} of the run file {were} "
        f"rejected{f' ({reason})' if reason else ''}. This is not a forecast of a quiet period."
    )


def find_limits(contents: ForecastContents) -> list[Limit]:
    """Return what limits the trust in the forecast, that of the whole forecast first.

    Its attribute `warnings` has a line for each fact about the whole forecast.
    """
    lines = str(contents.forecast.attrs.get("warnings", "")).split("\n")
    warnings = [Limit("Warning", line) for line in lines if line]
    return warnings + (_storm_limits(contents) if contents.forecast.sizes["storm"] else [])


def _storm_limits(contents: ForecastContents) -> list[Limit]:
    forecast = contents.forecast
    count = forecast.sizes["storm"]
    found = []
    outside = int(forecast["outside_training"].values.sum())
    if outside:
        found.append(
            Limit(
                "Outside the training range",
                f"{outside:,} of {count:,} storms {'has' if outside == 1 else 'have'} values that "
                "the network has never seen. The mark is “!”; rely on other guidance there.",
            )
        )
    few = 0 if contents.similar is None else int(contents.similar["few"].values.sum())
    if few:
        found.append(
            Limit(
                "Unlike the training storms",
                f"{few:,} of {count:,} storms {'differs' if few == 1 else 'differ'} more from "
                "every training storm than training storms usually do from the most similar other "
                "one. The mark is “?”; do not rely on the network alone.",
            )
        )
    rejected = int(forecast.attrs.get("rejected_storms", 0))
    if rejected:
        reason = forecast.attrs.get("rejected_reason", "")
        found.append(
            Limit(
                "Storms without a forecast",
                f"{rejected:,} of {count + rejected:,} storms of the run file "
                f"{'was' if rejected == 1 else 'were'} rejected{f' ({reason})' if reason else ''} "
                f"and {'is' if rejected == 1 else 'are'} not on this page.",
            )
        )
    return found


def describe_record(rows: Sequence[TrackRecordRow]) -> list[str]:
    """Return what became of the storms of verified forecasts, the highest probabilities first.

    >>> describe_record([TrackRecordRow(0.8, 1.0, 10, 7)])
    ['Of the 10 storms given 80 % or more, 7 had the event (too few to judge).']
    """
    sentences = []
    for row in sorted(rows, key=lambda row: -row.low):
        if row.storms == 0:
            continue
        given = f"{100 * row.low:g} % or more" if row.high >= 1 else _between(row)
        storms = "the only storm" if row.storms == 1 else f"the {row.storms:,} storms"
        share = (
            "(too few to judge)"
            if row.storms < FEW_VERIFIED
            else f"({percent(row.events / row.storms)})"
        )
        sentences.append(f"Of {storms} given {given}, {row.events:,} had the event {share}.")
    return sentences


def _between(row: TrackRecordRow) -> str:
    if row.low <= 0:
        return f"less than {100 * row.high:g} %"
    return f"{100 * row.low:g} to {100 * row.high:g} %"


def sum_total(contents: ForecastContents) -> EventSum:
    """Return the expected number of storms with the event in all hours."""
    return _sum(contents.forecast, np.ones(contents.forecast.sizes["storm"], bool))


def sum_by_hour(contents: ForecastContents) -> list[EventSum]:
    """Return the expected number of storms with the event for each of `contents.hours`."""
    hours = contents.forecast["valid_time"].values.astype("datetime64[h]")
    return [_sum(contents.forecast, hours == hour) for hour in contents.hours]


def _sum(forecast: xr.Dataset, chosen: Array) -> EventSum:
    expected = float(forecast["probability"].values[chosen].sum(dtype=float))
    if "member_probability" not in forecast:
        return EventSum(expected, None, None)
    totals = forecast["member_probability"].values[chosen].sum(axis=0, dtype=float)
    low, high = np.quantile(totals, OUTER)
    return EventSum(expected, float(low), float(high))
