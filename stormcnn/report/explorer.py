"""The explorer of the report, which shows the fields and probabilities of single storms."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import read_netcdf
from stormcnn.report.case_figures import REFLECTIVITY, REFLECTIVITY_RANGE, field_label
from stormcnn.sampling.cases import choose_cases
from stormcnn.storms.event_texts import EventTexts, display_units
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.storms.patches import read_storms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stormcnn.vocabulary import StrPath

EXPLORER_BYTES = 4_000_000
"""Largest size of the fields of all storms together, with one byte per value."""


def choose_storms(
    probability: np.ndarray, label: np.ndarray, spread: np.ndarray | None, count: int
) -> dict[str, np.ndarray]:
    """Choose at most `count` storms, and return their indices by the reason for the choice.

    Equal shares are spread evenly over the range of `probability`, have the largest errors
    |p - label|, and have the largest spread if there is a `spread`; no storm is chosen twice. All
    arrays have shape (storm,).
    """
    orders: dict[str, np.ndarray] = {
        "Largest errors": np.argsort(-np.abs(probability - label), kind="stable")
    }
    if spread is not None and np.isfinite(spread).all():
        orders["Largest spread"] = np.argsort(-spread, kind="stable")
    share = count // (len(orders) + 1)
    over_range = choose_cases(probability, min(count - share * len(orders), len(probability)))
    taken = np.zeros(len(probability), bool)
    taken[over_range] = True
    chosen = {"Evenly over probability": over_range[np.argsort(-probability[over_range])]}
    for reason, order in orders.items():
        chosen[reason] = order[~taken[order]][:share]
        taken[chosen[reason]] = True
    return chosen


def explore_storms(
    predictions: Sequence[StrPath],
    members: Sequence[StrPath],
    patches: Sequence[StrPath],
    titles: Mapping[str, str],
    event: EventTexts,
    count: int,
) -> dict[str, Any]:
    """Return the fields and numbers of `count` storms for the explorer of the report.

    Fields are stored in steps of 1/255 of their range. Each model is represented by the network of
    its first seed. The storms are chosen by the Monte Carlo mean of the first network that has
    one, or else by the first model.
    """
    networks, sampled = _first_seeds(predictions, titles), _first_seeds(members, titles)
    first = next(iter(networks.values()))
    label = first["label"].values
    judge = next(iter(sampled.values()), None)
    probability = (first["probability"] if judge is None else judge["mc_mean"]).values
    spread = None if judge is None else judge["mc_std"].values
    bytes_per_storm = read_storms(patches, [0])["predictors"].size
    fitting = min(count, EXPLORER_BYTES // bytes_per_storm)
    by_reason = choose_storms(probability, label, spread, fitting)
    chosen = np.concatenate(list(by_reason.values()))
    shown = _read_patches(patches, first, chosen)
    fields, peak = shown["predictors"].values, shown["peak"].values
    names, units = ([str(text) for text in shown[name].values] for name in ("variable", "units"))
    quantized, ranges = _quantize(fields, names)
    quantiles = [] if judge is None else judge["quantile"].values.round(4).tolist()
    storms = []
    for place, index in enumerate(chosen):
        one = first.isel(storm=index)
        storms.append(
            {
                "number": int(index),
                "valid": f"{pd.Timestamp(one['valid_time'].values):%Y-%m-%d %H:%M} UTC",
                "run": f"{pd.Timestamp(one['run_date'].values):%Y-%m-%d %H:%M} UTC",
                "hour": round(float(one["forecast_hour"]), 2),
                "latitude": round(float(one["latitude"]), 2),
                "longitude": round(float(one["longitude"]), 2),
                "track": f"{int(one['track_id'])}, step {int(one['track_step'])}",
                "file": str(one["run_file"].values),
                "patch": int(one["patch"]),
                "event": bool(label[index]),
                "peak": f"{peak[place]:.3g}",
                "shown": round(float(probability[index]), 4),
                "probability": [
                    round(float(data["probability"].values[index]), 4) for data in networks.values()
                ],
                "members": {
                    titles[model]: {
                        "mean": round(float(data["mc_mean"].values[index]), 4),
                        "std": _rounded(data["mc_std"].values[index]),
                        "quantiles": data["mc_quantile"].values[index].round(4).tolist(),
                    }
                    for model, data in sampled.items()
                },
            }
        )
    return {
        "size": list(fields.shape[1:3]),
        "spacing": shown.attrs.get(GRID_SPACING, 0.0),
        "variables": [
            {
                "name": field_label(name, ""),
                "units": display_units(unit),
                "low": low,
                "high": high,
                "palette": _encode(_palette(name)),
            }
            for name, unit, (low, high) in zip(names, units, ranges, strict=True)
        ],
        "peak": f"peak {event.quantity}",
        "peak_units": event.units,
        "wind": [names.index(name) for name in ("U10_curr", "V10_curr") if name in names],
        "models": [titles[model] for model in networks],
        "judge": "" if judge is None else titles[next(iter(sampled))],
        "quantiles": quantiles,
        "groups": [{"reason": reason, "count": len(i)} for reason, i in by_reason.items()],
        "storms": storms,
        "fields": _encode(quantized.tobytes()),
        "masks": _encode(np.packbits(shown["masks"].values).tobytes()) if "masks" in shown else "",
    }


def _rounded(value: float) -> float | None:
    """Return the value with four decimals; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), 4)


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _first_seeds(files: Iterable[StrPath], titles: Mapping[str, str]) -> dict[str, xr.Dataset]:
    """Return the data of each model's lowest seed, in the order of `titles`."""
    first: dict[str, xr.Dataset] = {}
    for file in files:
        data = read_netcdf(file)
        model, seed = data.attrs["model"], int(data.attrs["seed"])
        if model not in first or seed < int(first[model].attrs["seed"]):
            first[model] = data
    return {model: first[model] for model in titles if model in first}


def _read_patches(
    patches: Sequence[StrPath], predicted: xr.Dataset, chosen: np.ndarray
) -> xr.Dataset:
    """Return the patches of the chosen storms; predictions and patches are in the same order."""
    own = read_storms(patches, chosen.tolist())
    expected = predicted.isel(storm=chosen)
    same = (own["run_file"].values == expected["run_file"].values) & (
        own["patch"].values == expected["patch"].values
    )
    if not same.all():
        first = expected.isel(storm=int(np.argmin(same)))
        raise UserError(
            f"{first['run_file'].item()}: patch {int(first['patch'])} is at different positions in "
            "the predictions and the patch files. Remove the predictions, and run the workflow "
            "again."
        )
    return own


def _quantize(
    fields: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Return fields with one byte per value, shape (storm, variable, y, x), and their ranges."""
    ranges = []
    quantized = np.empty((len(fields), len(names), *fields.shape[1:3]), np.uint8)
    for number, name in enumerate(names):
        values = fields[..., number]
        low, high = (
            REFLECTIVITY_RANGE
            if name.startswith("REFL")
            else (float(np.floor(values.min())), float(np.ceil(values.max())))
        )
        high = max(high, low + 1)
        scaled = (np.clip(values, low, high) - low) / (high - low)
        quantized[:, number] = np.round(255 * scaled)
        ranges.append((low, high))
    return quantized, ranges


def _palette(variable: str) -> bytes:
    """Return the 256 colors of a variable as bytes of red, green and blue."""
    colors = REFLECTIVITY if variable.startswith("REFL") else matplotlib.colormaps["cividis"]
    return colors(np.arange(256), bytes=True)[:, :3].tobytes()
