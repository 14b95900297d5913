"""What is unusual about a forecast, in sentences for its readers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr


def is_after_training(forecast: xr.Dataset) -> bool:
    """Return whether the run is later than all runs on which the network was trained."""
    run_date, trained_until = forecast.attrs["run_date"], forecast.attrs["trained_until"]
    return bool(np.datetime64(run_date) > np.datetime64(trained_until))


def find_warnings(forecast: xr.Dataset) -> Iterator[str]:
    """Yield a sentence for each reason to doubt a forecast; `forecast` has all its attributes."""
    attributes = forecast.attrs
    run_date = np.datetime64(attributes["run_date"])
    issued = np.datetime64(attributes["issued"].removesuffix("Z"))
    if not is_after_training(forecast):
        yield (
            "The network may have been trained on this run, because its training period lasts "
            f"until {_shown(np.datetime64(attributes['trained_until']))}. The forecast looks "
            "better than it is, and will not be verified."
        )
    if issued < run_date:
        yield (
            f"The forecast was issued at {_shown(issued)}, before the run began at "
            f"{_shown(run_date)}: the clock of the computer or the name of the run file is wrong."
        )
    if forecast.sizes["storm"] and issued > (last := forecast["valid_to"].values.max()):
        yield (
            f"The forecast was issued at {_shown(issued)}, after the last event that it is about "
            f"could happen ({_shown(last)})."
        )


def _shown(time: np.datetime64) -> str:
    """Return a time for people.

    >>> _shown(np.datetime64("2016-05-03T12:00:00"))
    '2016-05-03 12:00 UTC'
    """
    return f"{str(time.astype('datetime64[m]')).replace('T', ' ')} UTC"
