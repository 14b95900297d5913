"""Tests of attributions and counterfactuals, whose results are shown next to them.

A map that looks plausible proves nothing (Adebayo et al. 2018). Every map must therefore add up to
what it explains, and must depend on what the network has learned: with random weights in place of
the trained ones, another map must result. The vortices of made-up storms are known, so there the
maps and the counterfactuals must also find them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.explanation.completeness import TOLERANCE, completeness_error
from stormcnn.explanation.maps import (
    agreement,
    net_share_inside,
    positive_share_inside,
    rank_correlation,
    within_radius,
)
from stormcnn.explanation.means import Mean, mean_over_storms
from stormcnn.explanation.predictor_sets import wind_pairs
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.verification.resampling import Resamples
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_SEEDS

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

MOST_ALIKE = 0.5
"""Largest rank correlation, in absolute value, of a map with that of random weights.

Adebayo et al. (2018) give no limit; this one is a convention. A map above it has more in common
with what any network would show than not.
"""

LEAST_VORTEX_SPEED = 5.0
"""Least wind of a vortex (m/s) that must be found; the gusts of made-up storms hide weaker ones."""

COMPLETENESS, RANDOM_WEIGHTS, SEEDS, MEMBERS = "completeness", "random_weights", "seeds", "members"
VORTEX, RANDOM_VORTEX, POSITIVE, CALM = "vortex", "random_vortex", "vortex_positive", "flat_wind"
"""Values of the column `check`."""

PASSED, FAILED, NOT_JUDGED = "passed", "failed", "not judged"
"""Values of the column `verdict`."""


@dataclass(frozen=True)
class Check:
    """One row of `checks.csv`; `limit` and the interval are NaN if there are none."""

    check: str
    value: float
    low: float
    high: float
    limit: float
    verdict: str
    storms: int
    blocks: int


class Vortices(NamedTuple):
    """The known vortices of made-up storms, each (storm,), as in `demo.generator.make_storms`."""

    x: Array
    y: Array
    radius: Array
    speed: Array


def check_storms(explained: Mapping[int, xr.Dataset]) -> xr.Dataset:
    """Return what the networks of all seeds together say about each storm, and the tests of it.

    `explained` are the files of one model by seed. In the result, `attribution`,
    `flattened_probability`, `probability` and `log_odds` are means over the seeds. The tests of
    each storm are `completeness_error`, the largest of the seeds; `random_weights`, the mean over
    the seeds of the absolute rank correlation of the map with that of random weights;
    `seed_agreement`, the mean rank correlation of the maps of two seeds, NaN for one seed; and
    `passed`, 1 unless one of the first two is above its limit. A constant map has an undefined rank
    correlation and passes: it claims nothing.
    """
    first = next(iter(explained.values()))
    described: dict[str, Any] = {}
    for name in ("attribution", "flattened_probability", "probability", "log_odds"):
        mean = np.mean([one[name].values for one in explained.values()], axis=0, dtype=np.float64)
        described[name] = (first[name].dims, mean.astype(np.float32), first[name].attrs)
    errors, alike = _errors(explained).max(axis=0), np.abs(_likeness(explained))
    measured = ~np.isnan(alike)
    counted = np.maximum(measured.sum(axis=0), 1)
    mean_alike = np.where(
        measured.any(axis=0), np.where(measured, alike, 0).sum(axis=0) / counted, np.nan
    )
    agreed = agreement(np.stack([one["attribution"].values for one in explained.values()]))
    passed = (errors <= TOLERANCE) & ~(mean_alike > MOST_ALIKE)
    tests = {
        "completeness_error": (errors, "error of the sum of the attribution, relative"),
        "random_weights": (mean_alike, "rank correlation with random weights, absolute"),
        "seed_agreement": (agreed, "mean rank correlation of the attributions of two seeds"),
    }
    storms = first.drop_vars(
        ["randomized_attribution", "reference_log_odds", "steps", "member_agreement"],
        errors="ignore",
    )
    for name, (values, text) in tests.items():
        about = {"long_name": text, "units": "1"}
        described[name] = ("storm", values.astype(np.float32), about)
    attributes = {
        "long_name": "whether the attribution passes its tests",
        "flag_values": np.array([0, 1], "int8"),
        "flag_meanings": "no yes",
    }
    described["passed"] = ("storm", passed.astype("int8"), attributes)
    return storms.assign(described)


def check_model(
    model: str,
    explained: Mapping[int, xr.Dataset],
    draws: Resamples,
    confidence: float,
    vortices: Vortices | None,
) -> pd.DataFrame:
    """Return the table `checks.csv` of one model, one row per test.

    `explained` are the files of the model by seed, `draws` resample the blocks of their storms, and
    `vortices` are those of made-up storms. Means over storms and seeds have intervals. Verdicts on
    them need at least 10 blocks.
    """
    checks = [
        *_check_maps(model, explained, draws, confidence),
        *(
            []
            if vortices is None
            else _check_vortices(model, explained, draws, confidence, vortices)
        ),
    ]
    return pd.DataFrame([{"model": model} | asdict(check) for check in checks])


def _errors(explained: Mapping[int, xr.Dataset]) -> Array:
    """Return the error of completeness (seed, storm)."""
    return np.stack(
        [
            completeness_error(
                one["attribution"].values.sum(axis=(1, 2, 3), dtype=np.float64),
                one["log_odds"].values - float(one["reference_log_odds"]),
            )
            for one in explained.values()
        ]
    )


def _likeness(explained: Mapping[int, xr.Dataset]) -> Array:
    """Return the rank correlation with the maps of random weights (seed, storm)."""
    return np.stack(
        [
            rank_correlation(one["attribution"].values, one["randomized_attribution"].values)
            for one in explained.values()
        ]
    )


def _check_maps(
    model: str, explained: Mapping[int, xr.Dataset], draws: Resamples, confidence: float
) -> Iterator[Check]:
    """Yield the tests that need no truth."""
    size = {"storms": draws.block.size, "blocks": draws.blocks.size}
    worst = float(_errors(explained).max())
    verdict = PASSED if worst <= TOLERANCE else FAILED
    yield Check(COMPLETENESS, worst, np.nan, np.nan, TOLERANCE, verdict, **size)
    alike = mean_over_storms(model, np.abs(_likeness(explained)), draws, confidence)
    verdict = _verdict(alike.high < MOST_ALIKE, alike, draws)
    yield Check(RANDOM_WEIGHTS, *alike, MOST_ALIKE, verdict, **size)
    if len(explained) > 1:
        maps = np.stack([one["attribution"].values for one in explained.values()])
        agreed = mean_over_storms(model, agreement(maps)[None], draws, confidence)
        yield Check(SEEDS, *agreed, np.nan, NOT_JUDGED, **size)
    if all("member_agreement" in one for one in explained.values()):
        values = np.stack([one["member_agreement"].values for one in explained.values()])
        agreed = mean_over_storms(model, values, draws, confidence)
        yield Check(MEMBERS, *agreed, np.nan, NOT_JUDGED, **size)


def _check_vortices(
    model: str,
    explained: Mapping[int, xr.Dataset],
    draws: Resamples,
    confidence: float,
    vortices: Vortices,
) -> Iterator[Check]:
    """Yield the tests with known vortices, unless there is none or the grid is unknown."""
    first = next(iter(explained.values()))
    visible = vortices.speed >= LEAST_VORTEX_SPEED
    if not visible.any() or GRID_SPACING not in first.attrs:
        return
    size = {"storms": int(visible.sum()), "blocks": np.unique(draws.block[visible]).size}
    shape = first.sizes["y"], first.sizes["x"]
    inside = within_radius(
        shape, first.attrs[GRID_SPACING], vortices.x, vortices.y, vortices.radius
    )
    area = float(inside[visible].mean())
    for check, name in ((VORTEX, "attribution"), (RANDOM_VORTEX, "randomized_attribution")):
        shares = np.stack(
            [net_share_inside(one[name].values, inside) for one in explained.values()]
        )
        mean = mean_over_storms(model, np.where(visible, shares, np.nan), draws, confidence)
        found = mean.low > area
        verdict = _verdict(found if check == VORTEX else not found, mean, draws)
        # The interval of fewer seeds does not account for the choice of random weights.
        if check == RANDOM_VORTEX and len(explained) < LEAST_SEEDS:
            verdict = NOT_JUDGED
        yield Check(check, *mean, area, verdict, **size)
    positive, at_random = (
        np.stack([positive_share_inside(one[name].values, inside) for one in explained.values()])
        for name in ("attribution", "randomized_attribution")
    )
    # Fields depart most from the reference in a vortex, so random weights exceed the area, too.
    limit = max(area, float(np.nan_to_num(at_random[:, visible]).mean()))
    mean = mean_over_storms(model, np.where(visible, positive, np.nan), draws, confidence)
    yield Check(POSITIVE, *mean, limit, _verdict(mean.low > limit, mean, draws), **size)
    variables = [str(name) for name in first["variable"].values]
    for pair in wind_pairs(variables)[:1]:
        name = "+".join(variables[index] for index in pair)
        change = np.stack(
            [
                (one["flattened_probability"].sel(flattened=name) - one["probability"]).values
                for one in explained.values()
            ]
        )
        mean = mean_over_storms(model, np.where(visible, change, np.nan), draws, confidence)
        yield Check(CALM, *mean, 0.0, _verdict(mean.high < 0, mean, draws), **size)


def _verdict(passed: bool, mean: Mean, draws: Resamples) -> str:
    if draws.blocks.size < LEAST_BLOCKS or np.isnan(mean.low):
        return NOT_JUDGED
    return PASSED if passed else FAILED
