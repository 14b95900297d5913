"""Storms of the report that a reader can look at one by one."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import read_netcdf
from stormcnn.report.figures import REFLECTIVITY, REFLECTIVITY_RANGE
from stormcnn.sampling.cases import choose_cases
from stormcnn.storms.patches import read_storms

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    StrPath = str | os.PathLike[str]

EXPLORER_BYTES = 4_000_000
"""Largest size of the fields of all storms together, one byte a value."""


def choose_storms(
    probability: np.ndarray, label: np.ndarray, spread: np.ndarray | None, count: int
) -> dict[str, np.ndarray]:
    """Choose at most `count` storms to look at: their indices by the reason for the choice.

    Equal shares are spread evenly over the range of `probability`, have the largest errors
    |p - label|, and, where `spread` is given, the largest spread; no storm is chosen twice.
    All arrays have shape (storm,).
    """
    wanted: dict[str, np.ndarray] = {
        "Worst misses": np.argsort(-np.abs(probability - label), kind="stable")
    }
    if spread is not None and np.isfinite(spread).all():
        wanted["Largest spread"] = np.argsort(-spread, kind="stable")
    share = count // (len(wanted) + 1)
    over_range = choose_cases(probability, min(count - share * len(wanted), len(probability)))
    taken = np.zeros(len(probability), bool)
    taken[over_range] = True
    chosen = {"Over the range of probability": over_range[np.argsort(-probability[over_range])]}
    for reason, order in wanted.items():
        chosen[reason] = order[~taken[order]][:share]
        taken[chosen[reason]] = True
    return chosen


def explore_storms(
    predictions: Sequence[StrPath],
    members: Sequence[StrPath],
    patches: Sequence[StrPath],
    titles: Mapping[str, str],
    count: int,
) -> dict[str, Any] | None:
    """What the page needs to show some storms: fields in steps of 1/255 of their range, numbers.

    Of each model the network of the first seed is shown. The storms are chosen by the first
    network with members, else by the first model's. None without predictions.
    """
    networks, sampled = _first_seeds(predictions, titles), _first_seeds(members, titles)
    if not networks or not patches:
        return None
    first = next(iter(networks.values()))
    label = first["label"].values
    judge = next(iter(sampled.values()), None)
    probability = (first["probability"] if judge is None else judge["mc_mean"]).values
    spread = None if judge is None else judge["mc_std"].values
    bytes_a_storm = read_storms(patches, [0])["predictors"].size
    fitting = min(count, EXPLORER_BYTES // bytes_a_storm)
    by_reason = choose_storms(probability, label, spread, fitting)
    chosen = np.concatenate(list(by_reason.values()))
    shown = _read_patches(patches, first, chosen)
    fields, peak = shown["predictors"].values, shown["peak"].values
    names, units = ([str(text) for text in shown[name].values] for name in ("variable", "units"))
    quantised, ranges = _quantise(fields, names)
    quantiles = [] if judge is None else judge["quantile"].values.round(4).tolist()
    storms = []
    for place, index in enumerate(chosen):
        one = first.isel(storm=index)
        storms.append(
            {
                "number": int(index),
                "valid": f"{pd.Timestamp(one['valid_time'].values):%Y-%m-%d %H:%M} UTC",
                "run": f"{pd.Timestamp(one['run_date'].values):%Y-%m-%d %H:%M} UTC",
                "hour": int(one["forecast_hour"]),
                "latitude": round(float(one["latitude"]), 2),
                "longitude": round(float(one["longitude"]), 2),
                "track": f"{int(one['track_id'])}, step {int(one['track_step'])}",
                "file": str(one["run_file"].values),
                "patch": int(one["patch"]),
                "event": bool(label[index]),
                "peak": round(float(peak[place]), 5),
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
        "variables": [
            {
                "name": name,
                "units": unit,
                "low": low,
                "high": high,
                "palette": _encode(_palette(name)),
            }
            for name, unit, (low, high) in zip(names, units, ranges, strict=True)
        ],
        "wind": [names.index(name) for name in ("U10_curr", "V10_curr") if name in names],
        "models": [titles[model] for model in networks],
        "judge": "" if judge is None else titles[next(iter(sampled))],
        "quantiles": quantiles,
        "groups": [{"reason": reason, "count": len(i)} for reason, i in by_reason.items()],
        "storms": storms,
        "fields": _encode(quantised.tobytes()),
    }


def _rounded(value: float) -> float | None:
    """The value with four decimals; None, which JSON knows, for NaN."""
    return None if np.isnan(value) else round(float(value), 4)


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _first_seeds(files: Iterable[StrPath], titles: Mapping[str, str]) -> dict[str, xr.Dataset]:
    """Of each model the network of the lowest seed, in the order of `titles`."""
    found: dict[str, xr.Dataset] = {}
    for file in files:
        data = read_netcdf(file)
        model, seed = data.attrs["model"], int(data.attrs["seed"])
        if model not in found or seed < int(found[model].attrs["seed"]):
            found[model] = data
    return {model: found[model] for model in titles if model in found}


def _read_patches(
    patches: Sequence[StrPath], predicted: xr.Dataset, chosen: np.ndarray
) -> xr.Dataset:
    """Patches of the chosen ones of the predicted storms, which stand in the same order."""
    own = read_storms(patches, chosen.tolist())
    wanted = predicted.isel(storm=chosen)
    same = (own["run_file"].values == wanted["run_file"].values) & (
        own["patch"].values == wanted["patch"].values
    )
    if not same.all():
        first = wanted.isel(storm=int(np.argmin(same)))
        raise UserError(
            f"Storm {int(first['patch'])} of {first['run_file'].item()} is predicted, but the "
            "patches at its place are another storm's. Predict again."
        )
    return own


def _quantise(
    fields: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Fields as one byte a value, shape (storm, variable, y, x), and each variable's range."""
    ranges = []
    quantised = np.empty((len(fields), len(names), *fields.shape[1:3]), np.uint8)
    for number, name in enumerate(names):
        values = fields[..., number]
        low, high = (
            REFLECTIVITY_RANGE
            if name.startswith("REFL")
            else (float(np.floor(values.min())), float(np.ceil(values.max())))
        )
        high = max(high, low + 1)
        scaled = (np.clip(values, low, high) - low) / (high - low)
        quantised[:, number] = np.round(255 * scaled)
        ranges.append((low, high))
    return quantised, ranges


def _palette(variable: str) -> bytes:
    """Red, green and blue of the 256 steps of a variable's colours."""
    colours = REFLECTIVITY if variable.startswith("REFL") else matplotlib.colormaps["cividis"]
    return colours(np.arange(256), bytes=True)[:, :3].tobytes()
