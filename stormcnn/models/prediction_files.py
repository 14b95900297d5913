"""The content of files of predictions: the probability and the event of every storm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stormcnn.io import write_netcdf
from stormcnn.provenance import provenance
from stormcnn.storms.events import exceeds

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array, StrPath


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


def write_predictions(
    path: StrPath,
    probability: Array,
    storms: xr.Dataset,
    threshold: float,
    settings: Mapping[str, Any],
    model: str,
    seed: int,
) -> None:
    """Write the probability and the event of each storm, with the provenance of the file.

    `storms` has the `peak` of each storm and the attribute `title`; `settings` are those that the
    probabilities depend on.
    """
    described = describe_predictions(probability, storms["peak"], threshold)
    about = provenance({"model": model, **settings}, model=model, seed=seed)
    write_netcdf(described.assign_attrs(title=storms.attrs["title"], **about), path)


def event_attributes(peak: xr.DataArray) -> dict[str, str]:
    """Return what the run files say about the event, for `stormcnn.storms.event_texts`.

    `peak` is the largest value of the target, dimension storm. Attributes that it lacks are left
    out.
    """
    sources = {"target_long_name": "target_long_name", "threshold_units": "units"}
    return {name: peak.attrs[source] for name, source in sources.items() if source in peak.attrs}
