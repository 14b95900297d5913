"""The fields of made-up storms: cells, vortices, rain, reflectivity, wind and temperature.

A storm is a cell with its surroundings: stratiform rain, two neighbor cells, an outflow and, if it
rotates, a low-level vortex with a hook-shaped appendage. Lengths are in km; positions are distances
from the patch's center to the east (x) and to the north (y). Fields have shape (storm, y, x).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import label
from scipy.special import ndtr, ndtri

from stormcnn.demo.environment import ROWS, Environment, Tracks
from stormcnn.demo.grid import CENTER, X, Y, as_field
from stormcnn.demo.random_fields import TrackRandom
from stormcnn.vocabulary import Array

# All constants of the made-up storms, including those inside functions, are tuned so that 20,000
# storms resemble the training period of the archive: mean and standard deviation of reflectivity
# and wind, histogram and principal components of reflectivity, distribution of the largest rotation
# in a patch, and base rate. The most influential constants have names.
STORM_WIND_SPREAD = (3.2, 3.4)  # m/s
GUSTS, GUST_LENGTH = 1.6, 25.0  # m/s, km
OUTFLOW, OUTFLOW_RADIUS = 2.0, 15.0  # m/s, km
SWIRL, VORTEX_RADIUS = 5.0, 9.0  # m/s, km where the swirl is largest

CORE, CORE_SPREAD, WEAKEST_CORE = 51.5, 6.0, 44.0  # dBZ
CELL_SIZE = 13.0  # km, standard deviation of the Gaussian shape
RAIN, RAIN_SPREAD, RAIN_CEILING = 18.0, 13.0, 36.0  # dBZ
RAIN_PATTERN, RAIN_LENGTH = 14.0, 35.0  # dBZ, km
RAIN_EDGE = 18.0  # dBZ; below it reflectivity falls off quickly
TEXTURE, TEXTURE_LENGTH = 3.5, 4.0  # dBZ, km
OBJECT_EDGE = 40.0  # dBZ, as for the archive's storm objects


class Cell(NamedTuple):
    """One cell per patch: position (km), maximum and field of reflectivity (dBZ)."""

    x: Array
    y: Array
    core: Array
    reflectivity: Array


class Vortex(NamedTuple):
    """One vortex per patch: position (km) and largest tangential wind (m/s)."""

    x: Array
    y: Array
    speed: Array


def own_cell(draw: TrackRandom, environment: Environment, intensity: Array) -> Cell:
    """Return the elliptic cell in the center of each patch; `intensity` has shape (storm,)."""
    core = np.maximum(CORE + CORE_SPREAD * intensity, WEAKEST_CORE)
    size = CELL_SIZE * np.exp(0.22 * draw.values() + 0.05 * intensity)
    stretch = np.exp(0.25 * draw.values())
    turn = as_field(environment.cell_turn + 0.6 * draw.values())
    along, across = X * np.cos(turn) + Y * np.sin(turn), Y * np.cos(turn) - X * np.sin(turn)
    distance = (along / as_field(size * stretch)) ** 2 + (across / as_field(size / stretch)) ** 2
    center = np.zeros_like(core)
    return Cell(center, center, core, as_field(core) * np.exp(-0.5 * distance))


def neighbor_cell(draw: TrackRandom, presence: float) -> Cell:
    """Return a round cell at a distance of at least 26 km, present in a share of the patches."""
    distance = np.clip(36 + 8 * draw.values(), 26, 60)
    bearing = 2 * math.pi * ndtr(draw.values(0.95))
    x, y = distance * np.cos(bearing), distance * np.sin(bearing)
    core = np.where(draw.values() < ndtri(presence), np.minimum(47 + 5 * draw.values(), 62), 0)
    size = np.minimum(CELL_SIZE * np.exp(0.25 * draw.values()), 22)
    square = ((X - as_field(x)) ** 2 + (Y - as_field(y)) ** 2) / as_field(size) ** 2
    return Cell(x, y, core, as_field(core) * np.exp(-0.5 * square))


def low_level_vortex(cell: Cell, rotation: Array, environment: Environment) -> Vortex:
    """Return a vortex on the right rear flank of each cell, as in supercells.

    `rotation` has shape (storm,) and a standard normal distribution.
    """
    u, v = environment.storm_motion
    speed = math.hypot(u, v)
    back, right = 6.0, 8.0  # km
    return Vortex(
        x=cell.x + (-back * u + right * v) / speed,
        y=cell.y + (-back * v - right * u) / speed,
        speed=SWIRL * np.logaddexp(0, 1.3 * (rotation + 0.3)),
    )


def swirl(vortex: Vortex) -> tuple[Array, Array]:
    """Return the wind (m/s) of vortices: solid rotation inside, Gaussian decay outside.

    Both components, eastward and northward, have shape (storm, y, x).
    """
    x, y = (
        (X - as_field(vortex.x)) / VORTEX_RADIUS,
        (Y - as_field(vortex.y)) / VORTEX_RADIUS,
    )
    speed = as_field(vortex.speed) * np.exp(0.5 - 0.5 * (x * x + y * y))
    return -speed * y, speed * x


def appendage(vortex: Vortex) -> tuple[Array, Array]:
    """Return the reflectivity (dBZ) of the hook around a vortex, and the deficit in its inflow.

    Both have shape (storm, y, x).
    """
    strength = as_field(np.clip((vortex.speed - 2.5) / 9, 0, 1))
    x, y = X - as_field(vortex.x), Y - as_field(vortex.y)
    distance = np.sqrt(x * x + y * y)
    southwest = -(x + y) / (math.sqrt(2) * (distance + 0.1))
    hook = 44 * strength * np.exp(-0.5 * ((distance - 10) / 4) ** 2 - 1.5 * (1 - southwest))
    notch = 14 * strength * np.exp(-0.5 * (((x - 5) / 6) ** 2 + ((y + 2) / 6) ** 2))
    return hook, notch


def stratiform_rain(draw: TrackRandom, environment: Environment) -> Array:
    """Return the reflectivity (dBZ) around the cells, shape (storm, y, x).

    It is negative where it is dry, and rarely above 40 dBZ.
    """
    amount = RAIN + 4 * environment.moisture + RAIN_SPREAD * draw.values()
    u, v = environment.storm_motion
    ahead = 10 / math.hypot(u, v)  # km, because the anvil spreads ahead of the cell
    square = (X - ahead * u) ** 2 + (Y - ahead * v) ** 2
    anvil = as_field(8 + 6 * draw.values()) * np.exp(-0.5 * square / 40**2)
    rain = as_field(amount) + RAIN_PATTERN * draw.fields(RAIN_LENGTH) + anvil
    return rain - np.logaddexp(0, 0.35 * (rain - RAIN_CEILING)) / 0.35


def composite_reflectivity(
    draw: TrackRandom, cell: Cell, vortex: Vortex, neighbors: Array, stratiform: Array
) -> Array:
    """Return the composite reflectivity (dBZ): the maximum of all parts, with edges and noise.

    `neighbors` and `stratiform` are reflectivities (dBZ); they and the result have shape
    (storm, y, x).
    """
    hook, notch = appendage(vortex)
    cells = np.maximum(np.maximum(cell.reflectivity, hook), neighbors) - notch
    reflectivity = np.maximum(cells, stratiform)
    reflectivity -= 1.2 * np.logaddexp(0, 0.3 * (RAIN_EDGE - reflectivity)) / 0.3
    reflectivity += TEXTURE * draw.fields(TEXTURE_LENGTH)
    # Patches are centerd on storm objects, so the grid points at the center exceed 40 dBZ.
    reflectivity = np.maximum(reflectivity, 44 - 0.2 * (X**2 + Y**2))
    return np.clip(reflectivity, 0, 80)


def storm_object(reflectivity: Array, cell: Cell, neighbors: Array) -> Array:
    """Return the storm's grid points: connected, at least 40 dBZ, and not part of a neighbor.

    `reflectivity` and `neighbors` (dBZ) and the result, True or False, have shape (storm, y, x).
    """
    candidates = (reflectivity >= OBJECT_EDGE) & (cell.reflectivity >= neighbors)
    within_patch = np.zeros((3, 3, 3), dtype=int)
    within_patch[1] = 1
    pieces, _ = label(candidates, structure=within_patch)
    return pieces == pieces[:, CENTER, CENTER, None, None]


def surface_wind(
    draw: TrackRandom, environment: Environment, cell: Cell, vortices: Sequence[Vortex]
) -> tuple[Array, Array]:
    """Return the wind at 10 m (m/s): of the run, the storm, gusts, the outflow and the vortices.

    Both components, eastward and northward, have shape (storm, y, x).
    """
    strength = as_field(OUTFLOW * np.exp(0.3 * draw.values() + 0.03 * (cell.core - CORE)))
    decay = np.exp(0.5 - 0.5 * (X**2 + Y**2) / OUTFLOW_RADIUS**2)
    wind = []
    for run_wind, spread, position in zip(environment.wind, STORM_WIND_SPREAD, (X, Y), strict=True):
        mean = as_field(run_wind + spread * draw.values())
        outflow = strength * decay * position / OUTFLOW_RADIUS
        wind.append(mean + GUSTS * draw.fields(GUST_LENGTH) + outflow)
    for vortex in vortices:
        for component, addition in zip(wind, swirl(vortex), strict=True):
            component += addition
    return wind[0], wind[1]


def surface_temperature(
    draw: TrackRandom, environment: Environment, tracks: Tracks, reflectivity: Array
) -> Array:
    """Return the temperature at 2 m (K), with its diurnal cycle, latitude and the cold pool.

    `reflectivity` (dBZ) and the result have shape (storm, y, x).
    """
    diurnal_cycle = 3 * np.cos(2 * math.pi * (tracks.hour - 22) / 24)
    latitude = -0.02 * (tracks.row - np.mean(ROWS))
    mean = environment.temperature + diurnal_cycle + latitude + 1.5 * draw.values()
    return as_field(mean) + 0.6 * draw.fields(20) - 0.06 * reflectivity
