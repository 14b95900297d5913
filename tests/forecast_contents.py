"""Made-up contents of a forecast, with and without its optional parts."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from stormcnn.forecast.contents import ForecastContents, TrackRecordRow
from stormcnn.sampling.members import LEVELS

SIDE = 32
SPACING_KM = 3.0
VARIABLES = ("REFL_COM_curr", "U10_curr", "V10_curr")
RUN_DATE = np.datetime64("2024-05-20T00:00", "ns")
ATTRIBUTES = {
    "title": "Made-up storm patches for run 20240520-0000: not a real forecast",
    "event_target": "RVORT1_MAX_future",
    "event_region": "storm",
    "event_threshold": 0.005,
    "event_title": "strong low-level rotation",
    "event_lead": "within the next hour",
    "event_units": "s⁻¹",
    "event_threshold_units": "s-1",
    "predictor_units": json.dumps(dict(zip(VARIABLES, ("dBZ", "m s-1", "m s-1"), strict=True))),
    "network_sha256": "0123456789ab" + 52 * "0",
    "run_date": "2024-05-20T00:00",
    "ensemble_member": "d01",
    "run_file": "NCARSTORM_20240520-0000_d01_model_patches.nc",
    "warnings": "",
    "issued": "2024-05-20T05:12:00Z",
    "model": "dropout",
    "seed": 0,
    "trained_on": "the runs from 2010-10-24 to 2015-12-31 (90 runs with 3,600 storms)",
    "trained_from": "2010-10-24T00:00",
    "trained_until": "2015-12-31T00:00",
    "recalibration": json.dumps({"method": "logistic", "intercept": -0.1, "slope": 0.9}),
    "rejected_storms": 2,
    "rejected_reason": "NaN in U10_curr: 2",
    "software": "stormcnn=0.2.0",
}


def cone_to_degrees(
    x: np.ndarray, y: np.ndarray, cone: float, longitude: float, latitude: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude of a Lambert conformal conic grid, Snyder (1987), 15-5 on."""
    radius = 6371.0
    center = np.radians(latitude)
    scale = radius * np.cos(center) / (cone * np.tan(np.pi / 4 - center / 2) ** cone)
    apex = radius * np.cos(center) / cone
    distance = np.sign(cone) * np.hypot(x, apex - y)
    angle = np.arctan2(np.sign(cone) * x, np.sign(cone) * (apex - y))
    parallel = np.pi / 2 - 2 * np.arctan((distance / scale) ** (1 / cone))
    east = longitude + np.degrees(angle / cone)
    return (east + 180) % 360 - 180, np.degrees(parallel)


def contents(
    storms: int = 130,
    *,
    side: int = SIDE,
    seed: int = 0,
    cone: float = 0.6309,
    longitude: float = -101.0,
    latitude: float = 38.5,
    positions: bool = True,
    members: int = 50,
    extras: bool = True,
    attributes: dict[str, object] | None = None,
) -> ForecastContents:
    """Return a forecast of `storms` storms on tracks of up to six hours.

    Patches have `side` x `side` grid points. `positions` tells whether these have `lat` and `lon`,
    and storms therefore outlines; without `members` there are no MC members; `extras` are
    explanations, similar storms, neighborhood probabilities, thresholds and a track record.
    """
    random = np.random.default_rng(seed)
    track = np.sort(random.integers(0, max(1, storms // 4), storms))
    step = np.arange(storms) - np.searchsorted(track, track) + 1
    start = random.integers(12, 20, storms)[track]
    hour = start + step
    origin = random.uniform((-900, -600), (900, 600), (storms, 2))[track]
    center = SPACING_KM * np.round((origin + step[:, None] * [36, 15]) / SPACING_KM)
    log_odds = random.normal(-3, 1.6, storms)[track] + random.normal(0, 0.7, storms)
    order = np.argsort(-log_odds, kind="stable")
    center, log_odds = center[order], log_odds[order]
    track, step, hour = track[order], step[order], hour[order]

    place = SPACING_KM * (np.arange(side) - side // 2)
    size = random.uniform(9, 22, storms)[:, None, None]
    east, north = np.meshgrid(place, place)
    distance = np.hypot(east, 1.4 * north) / size
    reflectivity = 66 * np.exp(-((distance / 1.7) ** 2))
    spin = log_odds[:, None, None] / 6 * np.exp(-(distance**2))
    wind = (8 - spin * north[None] / 3, 4 + spin * east[None] / 3)
    fields = np.stack(np.broadcast_arrays(reflectivity, *wind), axis=-1).astype(np.float32)
    masks = (distance < 1).astype(np.int8)
    grid = center[:, None, None, :] + np.stack([east, north], axis=-1)
    lon, lat = cone_to_degrees(grid[..., 0], grid[..., 1], cone, longitude, latitude)
    middle = (slice(None), side // 2, side // 2)

    valid = RUN_DATE + hour * np.timedelta64(1, "h")
    coordinates = {
        "run_date": ("storm", np.full(storms, RUN_DATE)),
        "valid_time": ("storm", valid),
        "forecast_hour": ("storm", hour.astype(float)),
        "ensemble_member": ("storm", np.full(storms, "d01")),
        "track_id": ("storm", track),
        "track_step": ("storm", step),
        "longitude": ("storm", lon[middle].astype(np.float32)),
        "latitude": ("storm", lat[middle].astype(np.float32)),
        "run_file": ("storm", np.full(storms, ATTRIBUTES["run_file"])),
        "patch": ("storm", random.permutation(storms)),
    }
    probability = 1 / (1 + np.exp(-log_odds))
    forecast = xr.Dataset(
        {
            "probability": ("storm", probability.astype(np.float32)),
            "probability_raw": ("storm", (0.9 * probability).astype(np.float32)),
            "outside_training": ("storm", (random.random(storms) < 0.03).astype(np.int8)),
            "valid_from": ("storm", valid),
            "valid_to": ("storm", valid + np.timedelta64(1, "h")),
        },
        coords=coordinates,
        attrs=ATTRIBUTES | (attributes or {}),
    )
    if members:
        shift = random.normal(0, 0.7, (storms, members)) + random.normal(0, 0.3, members)
        drawn = 1 / (1 + np.exp(-(log_odds[:, None] + shift)))
        forecast["member_probability"] = (("storm", "mc_member"), drawn.astype(np.float32))
        forecast["mc_mean"] = ("storm", drawn.mean(axis=1).astype(np.float32))
        forecast["mc_std"] = ("storm", drawn.std(axis=1).astype(np.float32))
        quantiles = np.quantile(drawn, LEVELS.values, axis=1).T
        forecast["mc_quantile"] = (("storm", "quantile"), quantiles.astype(np.float32))
        forecast = forecast.assign_coords(quantile=LEVELS)
    read = xr.Dataset(
        {
            "predictors": (("storm", "y", "x", "variable"), fields),
            "masks": (("storm", "y", "x"), masks),
        },
        coords=coordinates | {"variable": list(VARIABLES)},
        attrs={"title": ATTRIBUTES["title"], "grid_spacing_km": SPACING_KM},
    )
    outlines: list[list[np.ndarray]] = [[] for _ in range(storms)]
    if positions:
        read["lat"] = (("storm", "y", "x"), lat.astype(np.float32))
        read["lon"] = (("storm", "y", "x"), lon.astype(np.float32))
        angle = np.linspace(0, 2 * np.pi, 25)
        for storm in range(storms):
            ring = np.stack([np.cos(angle), np.sin(angle) / 1.4], axis=-1)
            x, y = (center[storm] + size[storm, 0, 0] * ring).T
            outlines[storm] = [np.stack(cone_to_degrees(x, y, cone, longitude, latitude), axis=-1)]
    if not extras or storms == 0:
        return ForecastContents(forecast, read, outlines)
    return ForecastContents(
        forecast,
        read,
        outlines,
        explanations=explanations(read, probability, min(10, storms)),
        similar=similar(storms, random),
        neighbourhood=neighbourhood(np.unique(valid), cone, longitude, latitude),
        thresholds={"largest_csi": 0.34, "cost_loss=0.05": 0.05},
        track_record=[
            TrackRecordRow(0.0, 0.2, 812, 30),
            TrackRecordRow(0.2, 0.8, 96, 41),
            TrackRecordRow(0.8, 1.0, 10, 7),
        ],
    )


def explanations(storms: xr.Dataset, probability: np.ndarray, count: int) -> xr.Dataset:
    fields = storms["predictors"].values[:count]
    attribution = (fields - fields.mean(axis=(1, 2), keepdims=True)) / 500
    sets = ["REFL_COM_curr", "U10_curr+V10_curr"]
    return xr.Dataset(
        {
            "attribution": (("explained", "y", "x", "variable"), attribution),
            "probability": ("explained", probability[:count]),
            "flattened_probability": (
                ("explained", "flattened"),
                probability[:count, None] * [0.7, 0.4],
            ),
            "completeness_error": ("explained", np.where(np.arange(count) == 1, 0.5, 0.001)),
            "reason": (
                "explained",
                [
                    f"Without its wind pattern the probability would be {40 * p:.0f} % instead of "
                    f"{100 * p:.0f} %."
                    for p in probability[:count]
                ],
            ),
            "index": ("explained", np.arange(count)),
        },
        coords={"variable": storms["variable"].values, "flattened": sets},
    )


def similar(storms: int, random: np.random.Generator, neighbors: int = 5) -> xr.Dataset:
    shape = (storms, neighbors)
    past = random.integers(0, 300, shape)
    return xr.Dataset(
        {
            "distance": (("storm", "neighbour"), random.random(shape)),
            "run_date": (
                ("storm", "neighbour"),
                np.datetime64("2012-05-01", "ns") + past * np.timedelta64(1, "D"),
            ),
            "valid_time": (
                ("storm", "neighbour"),
                np.datetime64("2012-05-01T20", "ns") + past * np.timedelta64(1, "D"),
            ),
            "track_id": (("storm", "neighbour"), past),
            "event": (("storm", "neighbour"), (past % 3 == 0).astype(np.int8)),
            "probability": (("storm", "neighbour"), (past / 300).astype(np.float32)),
            "peak": (("storm", "neighbour"), (past / 40_000).astype(np.float32)),
            "few": ("storm", np.arange(storms) % 17 == 3),
        }
    )


def neighbourhood(times: np.ndarray, cone: float, longitude: float, latitude: float) -> xr.Dataset:
    x, y = np.meshgrid(np.arange(-1000, 1001, 20.0), np.arange(-700, 701, 20.0))
    lon, lat = cone_to_degrees(x, y, cone, longitude, latitude)
    values = [
        0.9 * np.exp(-(((x - 60 * n + 300) / 300) ** 2) - ((y + 100) / 200) ** 2)
        for n in range(len(times))
    ]
    return xr.Dataset(
        {"probability": (("time", "y", "x"), np.stack(values))},
        coords={
            "time": times,
            "latitude": (("y", "x"), lat),
            "longitude": (("y", "x"), lon),
        },
        attrs={"neighbourhood_radius_km": 40.0},
    )
