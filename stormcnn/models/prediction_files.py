"""The content of files of predictions: the probability and the event of every storm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stormcnn.storms.events import exceeds

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array


def describe_predictions(probability: Array, peak: xr.DataArray, threshold: float) -> xr.Dataset:
    """Return the probability and the event of each storm as a dataset.

    Parameters: `probability` of the event, shape (storm,); `peak`, the largest value of the
    target, dimension storm, whose coordinates the dataset gets, and whose attributes describe the
    event; `threshold` of the event, in the units of `peak`. The event is the variable `label`: 1 if
    the peak exceeds the threshold, else 0.

    >>> peak = xr.DataArray([0.004, 0.006], dims="storm", coords={"patch": ("storm", [3, 7])})
    >>> predictions = describe_predictions(np.array([0.3, 0.7]), peak, threshold=0.005)
    >>> predictions["label"].values.tolist()
    [0, 1]
    """
    value, units = (peak.attrs.get(name, "") for name in ("long_name", "units"))
    event = f"the {value or 'peak'} exceeds {threshold:g} {units}".strip()
    return xr.Dataset(
        {
            "probability": (
                "storm",
                probability,
                {"long_name": f"probability that {event}", "units": "1"},
            ),
            "label": (
                "storm",
                exceeds(peak.values, threshold).astype("int8"),
                {
                    "long_name": f"whether {event}",
                    "flag_values": np.array([0, 1], "int8"),
                    "flag_meanings": "no yes",
                    "threshold": threshold,
                    **event_attributes(peak),
                },
            ),
        },
        coords=peak.coords,
    )


def event_attributes(peak: xr.DataArray) -> dict[str, str]:
    """Return what the run files say about the event, for `stormcnn.storms.event_texts`.

    `peak` is the largest value of the target, dimension storm. Attributes that it lacks are left
    out.
    """
    sources = {"target_long_name": "target_long_name", "threshold_units": "units"}
    return {name: peak.attrs[source] for name, source in sources.items() if source in peak.attrs}
