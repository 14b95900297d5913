"""Choose storms that show what run files hold, and read their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.storms.reading import read_run
from stormcnn.storms.survey import Survey
from stormcnn.storms.variables import Selection
from stormcnn.vocabulary import Array


def choose_examples(peak: Array, event: Array, count: int) -> Array:
    """Return the indices of storms that cover the range of peaks, the largest peak first.

    `peak` and `event` have the shape (storms,); unknown peaks are NaN. Half of the storms are
    events, if there are enough of both kinds.

    >>> choose_examples(np.arange(10.0), np.arange(10) > 4, count=4)
    array([9, 5, 4, 0])
    """
    order = np.argsort(-peak, kind="stable")  # NaN is last
    events, others = order[event[order]], order[~event[order]]
    share = min(len(events), max(count // 2, count - len(others)))
    return np.concatenate([_evenly(events, share), _evenly(others, count - share)])


def read_examples(
    survey: Survey,
    chosen: Sequence[int],
    selection: Selection,
    file_pattern: str = DEFAULT_PATTERN,
) -> list[xr.Dataset]:
    """Return the storms with these indices in `survey.storms`, each with its fields.

    They are what `read_run` returns; `masks` are missing if the file does not have them or they are
    not needed.
    """
    files = {row.file.rpartition("/")[2]: row for row in survey.usable.itertuples()}
    units: Mapping[str, str] = {name: values.units for name, values in survey.fields.items()}
    examples: dict[int, xr.Dataset] = {}
    run_file, patch = (survey.storms[name].values for name in ("run_file", "patch"))
    for name in dict.fromkeys(run_file[chosen]):
        row = files[str(name)]
        storms = read_run(
            row.file,
            predictors=selection.predictors,
            target=None if row.lacking else selection.target,
            region=selection.region,
            reject=selection.reject,
            lead_hours=selection.lead_hours,
            units=units,
            file_pattern=file_pattern,
        )
        for index in chosen:
            if run_file[index] == name:
                examples[index] = storms.isel(storm=storms["patch"].values == patch[index])
    return [examples[index].squeeze("storm") for index in chosen]


def _evenly(indices: Array, count: int) -> Array:
    """Return `count` of the indices, or all of them if there are fewer, evenly spaced."""
    places = np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(int)
    chosen: Array = indices[places]
    return chosen
