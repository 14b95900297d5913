"""Which storms of a forecast are on its page and its map if there are very many."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stormcnn.forecast.contents import ForecastContents
from stormcnn.report.words import percent
from stormcnn.vocabulary import Array

MOST_STORMS = 4_000
"""Most storms on a page or a map; the others are in the CSV file."""


def choose_shown(forecast: xr.Dataset, most: int = MOST_STORMS) -> Array:
    """Return the numbers of at most `most` storms for the page, in their order.

    Tracks are kept whole, those with the highest probability of any of their storms first. A track
    that does not fit ends the choice; of a single track that is too long, the first storms.
    """
    count = forecast.sizes["storm"]
    if count <= most:
        return np.arange(count)
    tracks = forecast["track_id"].values
    # Storms are sorted by probability, so the first storm of a track is its most probable one.
    _, first, place, sizes = np.unique(
        tracks, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)
    fitting = order[np.cumsum(sizes[order]) <= most]
    return np.flatnonzero(np.isin(place, fitting)) if len(fitting) else np.arange(most)


def select_storms(contents: ForecastContents, shown: Array) -> ForecastContents:
    """Return the contents with only some storms, whose numbers increase."""
    if len(shown) == contents.forecast.sizes["storm"]:
        return contents
    explanations = contents.explanations
    if explanations is not None:
        index = explanations["index"].values
        kept = np.flatnonzero(np.isin(index, shown))
        explanations = explanations.isel(explained=kept)
        explanations = explanations.assign(
            index=("explained", np.searchsorted(shown, index[kept])),
        )
    return ForecastContents(
        forecast=contents.forecast.isel(storm=shown),
        storms=contents.storms.isel(storm=shown),
        outlines=[contents.outlines[storm] for storm in shown],
        explanations=explanations,
        similar=None if contents.similar is None else contents.similar.isel(storm=shown),
        neighbourhood=contents.neighbourhood,
        thresholds=contents.thresholds,
        track_record=contents.track_record,
    )


def describe_cut(forecast: xr.Dataset, shown: Array) -> str:
    """Return a sentence about the storms that are not shown; nothing if all are."""
    count = forecast.sizes["storm"]
    if len(shown) == count:
        return ""
    left_out = np.setdiff1d(np.arange(count), shown, assume_unique=True)
    highest = float(forecast["probability"].values[left_out].max())
    return (
        f"The map has {len(shown):,} of {count:,} storms: the tracks with the highest "
        f"probabilities. No other storm has more than {percent(highest)}."
    )
