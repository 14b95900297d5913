"""The explorer of the report, which shows the fields and probabilities of single storms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import read_netcdf
from stormcnn.report.field_bytes import (
    encode,
    palette,
    quantize_attributions,
    quantize_fields,
)
from stormcnn.report.field_style import field_label
from stormcnn.report.predictor_names import predictor_name
from stormcnn.sampling.cases import choose_cases
from stormcnn.storms.event_texts import EventTexts, display_units
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.storms.patches import read_storms
from stormcnn.verification.reading import network_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stormcnn.vocabulary import StrPath

EXPLORER_BYTES = 4_000_000
"""Largest size of the fields of all storms together, with one byte per value."""


def choose_storms(
    probability: np.ndarray,
    label: np.ndarray,
    spread: np.ndarray | None,
    count: int,
    explained: Sequence[int] = (),
) -> dict[str, np.ndarray]:
    """Choose at most `count` storms, and return their indices by the reason for the choice.

    The `explained` storms, at most `count`, come first. Equal shares of the others are spread
    evenly over the range of `probability`, have the largest errors |p - label|, and have the
    largest spread if there is a `spread`; no storm is chosen twice. All arrays have shape (storm,).
    """
    first = np.array(explained, int)
    orders: dict[str, np.ndarray] = {
        "Largest errors": np.argsort(-np.abs(probability - label), kind="stable")
    }
    if spread is not None and np.isfinite(spread).all():
        orders["Largest spread"] = np.argsort(-spread, kind="stable")
    rest = count - len(first)
    share = rest // (len(orders) + 1)
    over_range = choose_cases(probability, rest - share * len(orders), first.tolist())
    over_range = over_range[len(first) :]
    taken = np.zeros(len(probability), bool)
    taken[[*first, *over_range]] = True
    chosen = {"With attribution": first} if len(first) else {}
    chosen["Evenly over probability"] = over_range[np.argsort(-probability[over_range])]
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
    explained: Sequence[StrPath] = (),
) -> dict[str, Any]:
    """Return the fields and numbers of `count` storms for the explorer of the report.

    Fields are stored in steps of 1/255 of their range. Each model is represented by the network of
    its first seed. The storms are chosen by the Monte Carlo mean of the first network that has
    one, or else by the first model. The first of the files `explained` adds attributions to the
    storms that it has.
    """
    networks, sampled = _first_seeds(predictions, titles), _first_seeds(members, titles)
    first = next(iter(networks.values()))
    label = first["label"].values
    judge = next(iter(sampled.values()), None)
    probability = (first["probability"] if judge is None else judge["mc_mean"]).values
    spread = None if judge is None else judge["mc_std"].values
    bytes_per_storm = read_storms(patches, [0])["predictors"].size
    fitting = min(count, EXPLORER_BYTES // bytes_per_storm)
    attributed = None
    if explained:
        attributed = read_netcdf(explained[0])
        attributed = attributed.isel(storm=np.argsort(-attributed["probability"].values)[:fitting])
    attributed_storms = [] if attributed is None else attributed["index"].values.tolist()
    by_reason = choose_storms(probability, label, spread, fitting, attributed_storms)
    chosen = np.concatenate(list(by_reason.values()))
    shown = _read_patches(patches, first, chosen)
    fields, peak = shown["predictors"].values, shown["peak"].values
    names, units = ([str(text) for text in shown[name].values] for name in ("variable", "units"))
    quantized, ranges = quantize_fields(fields, names)
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
        "explained": (None if attributed is None else describe_attributions(attributed, titles)),
        "size": list(fields.shape[1:3]),
        "spacing": shown.attrs.get(GRID_SPACING, 0.0),
        "variables": [
            {
                "name": field_label(name, ""),
                "units": display_units(unit),
                "low": low,
                "high": high,
                "palette": encode(palette(name)),
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
        "fields": encode(quantized.tobytes()),
        "masks": encode(np.packbits(shown["masks"].values).tobytes()) if "masks" in shown else "",
    }


def describe_attributions(storms: xr.Dataset, titles: Mapping[str, str]) -> dict[str, Any]:
    """Return the attributions of the first storms of the explorer, and what goes with them.

    Each storm's attributions are stored as signed bytes, in steps of 1/127 of the largest absolute
    value of this storm, which is given too.
    """
    values, largest = quantize_attributions(storms["attribution"].values)
    names = [predictor_name(str(name)) for name in storms["flattened"].values]
    return {
        "model": titles[storms.attrs["model"]],
        "values": encode(values),
        "flattened": names,
        "storms": [
            {
                "largest": float(f"{size:.3g}"),
                "probability": round(float(one["probability"]), 4),
                "flattened": one["flattened_probability"].values.round(4).tolist(),
                "agreement": _rounded(float(one["seed_agreement"])),
                "passed": bool(one["passed"]),
            }
            for size, one in zip(
                largest, (storms.isel(storm=i) for i in range(len(largest))), strict=True
            )
        ],
    }


def _rounded(value: float) -> float | None:
    """Return the value with four decimals; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), 4)


def _first_seeds(files: Iterable[StrPath], titles: Mapping[str, str]) -> dict[str, xr.Dataset]:
    """Return the data of each model's lowest seed, in the order of `titles`."""
    of_networks = network_files(files)
    first = {model: of_networks[model, seed] for model, seed in sorted(of_networks, reverse=True)}
    return {model: read_netcdf(first[model]) for model in titles if model in first}


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
