"""Made-up storms whose true event probability is known, in the layout of the archive's run files.

A storm is a cell with its surroundings: stratiform rain, two neighbour cells, an outflow and, as
far as it rotates, a low-level vortex with a hook-shaped appendage. The storms of a run share an
environment; the successive patches of a track are one storm that moves and changes. The future
rotation of a storm depends on how strongly it rotates and how intense it is, which the patch
shows, on a hidden part that it does not show, and on a last draw. The true probability of an
event is the one that remains before that last draw.

Lengths are in km from the patch's centre, x to the east and y to the north.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import netCDF4
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import label
from scipy.special import ndtr, ndtri

from stormcnn.io import replacing
from stormcnn.storms.run_files import parse_run_name

Array = npt.NDArray[Any]

EVENT_THRESHOLD = 0.005  # s-1; the event is a larger rotation inside the storm's pixels

# The grid of the NCAR ensemble: 3 km, Lambert conformal, 985 rows and 1580 columns.
SIZE = 32
CENTRE = 16
SPACING = 3.0  # km
SOUTH_EDGE, WEST_EDGE = -1_470_300, -2_068_500  # m, of row and column 0
EARTH_RADIUS = 6_370_000.0  # m
ORIGIN_LATITUDE, ORIGIN_LONGITUDE = 38.33643, -101.0
STANDARD_PARALLELS = (32.0, 46.0)

# Where storms are: rows and columns that keep their tracks over the eastern two thirds of the USA.
ROWS, COLUMNS = (280, 710), (580, 1080)

FIRST_HOUR, LAST_HOUR = 12, 35
LONGEST_TRACK = 8  # h

UNITS = {
    "lon": "degrees_east",
    "lat": "degrees_north",
    "x": "m",
    "y": "m",
    "centroid_lon": "degrees_east",
    "centroid_lat": "degrees_north",
}

# All numbers from here on, also those inside the functions, were chosen by trial so that 20,000
# storms resemble the archive's training period: mean and standard deviation of reflectivity and
# wind, histogram and principal components of reflectivity, distribution of the patches' largest
# rotation, share of events. The named ones are those that the result depends on most.
MEAN_WIND = (-0.29, 0.84)  # m/s, eastward and northward, as in the archive
RUN_WIND_SPREAD = 2.6  # m/s
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

# ln of the future rotation is a sum of standard normal parts with these weights. They decide what
# a network can reach: rotation and intensity, which show, have 79 % of the variance.
TYPICAL_ROTATION = 0.00176  # s-1, median over storms
ROTATION_WEIGHT = 0.52
INTENSITY_WEIGHT = 0.10
HIDDEN_WEIGHT = 0.18
LAST_DRAW_WEIGHT = 0.23
INTENSITY_OF_ROTATION = 0.4  # correlation of the two

# What a run shares: the part of the variance over all storms that lies between runs.
RUN_SHARE_OF_ROTATION = 0.15
RUN_SHARE_OF_HIDDEN = 0.3

X, Y = np.meshgrid(*[SPACING * (np.arange(SIZE, dtype=np.float32) - CENTRE)] * 2)


class Environment(NamedTuple):
    """What the storms of a run share.

    Favourability for rotation, its hidden part and moisture are standard normal over the runs.
    """

    row: float
    column: float
    storm_motion: tuple[float, float]  # m/s
    wind: tuple[float, float]  # m/s
    temperature: float  # K
    cell_turn: float  # rad, direction of the cells' long axis
    favourability: float
    hidden: float
    moisture: float


class Storms(NamedTuple):
    """Where and when the patches are, in the order of the run file: track by track."""

    track_id: Array
    track_step: Array
    hour: Array
    row: Array
    column: Array


class Cell(NamedTuple):
    """Position (km), core (dBZ) and reflectivity (dBZ, by pixel) of one cell a patch."""

    x: Array
    y: Array
    core: Array
    reflectivity: Array


class Vortex(NamedTuple):
    """Position (km) and largest swirl (m/s) of one vortex a patch."""

    x: Array
    y: Array
    speed: Array


class TrackRandom:
    """Standard normal draws of which successive steps of a track resemble each other."""

    def __init__(self, random: np.random.Generator, track_step: Array) -> None:
        self._random = random
        self._later = [
            np.flatnonzero(track_step == step) for step in range(2, track_step.max() + 1)
        ]
        self._storms = len(track_step)

    def values(self, persistence: float = 0.6) -> Array:
        """A value a storm; `persistence` is the correlation from one hour to the next."""
        return self._persist((self._storms,), persistence)

    def fields(self, length: float, persistence: float = 0.6) -> Array:
        """A smooth field a storm; `length` (km) is the scale of its Gaussian correlation."""
        white = self._persist((self._storms, SIZE, SIZE), persistence)
        root = _correlation_root(length)
        return root @ white @ root.T

    def _persist(self, shape: tuple[int, ...], persistence: float) -> Array:
        draws = self._random.standard_normal(shape, dtype=np.float32)
        renewal = math.sqrt(1 - persistence**2)
        for step in self._later:
            draws[step] = persistence * draws[step - 1] + renewal * draws[step]
        return draws


@cache
def _correlation_root(length: float) -> Array:
    """Matrix that turns white noise along one side of the patch into noise of that length."""
    distance = SPACING * np.subtract.outer(np.arange(SIZE), np.arange(SIZE))
    correlation = np.exp(-0.5 * (distance / length) ** 2)
    return np.linalg.cholesky(correlation + 1e-4 * np.eye(SIZE)).astype(np.float32)


def _by_pixel(values: Array) -> Array:
    return np.asarray(values, dtype=np.float32)[:, None, None]


def draw_environment(run_date: datetime, run_index: int, seed: int) -> Environment:
    """Environment of a run.

    Successive runs take their values from a sequence of low discrepancy (Weyl 1916: multiples of
    irrational numbers, modulo 1), begun at a random place. So every stretch of runs, such as the
    test period, covers the environments evenly, and runs still differ from each other.
    """
    golden = (math.sqrt(5) - 1) / 2
    steps = np.array([golden, *np.sqrt([2, 3, 7, 11, 13, 17, 19, 23, 29, 31])])
    place = (np.random.default_rng(seed).random(len(steps)) + run_index * steps) % 1.0
    normal = ndtri(np.clip(place, 0.001, 0.999))
    favourability = normal[0]
    direction = math.radians(25 + 12 * normal[1])
    speed = max(10 + 2.5 * normal[2], 3)
    season = math.cos(2 * math.pi * (run_date.timetuple().tm_yday - 200) / 365.25)
    # Favourable days are warm and have a southerly low-level wind.
    return Environment(
        row=ROWS[0] + place[8] * (ROWS[1] - ROWS[0]),
        column=COLUMNS[0] + place[9] * (COLUMNS[1] - COLUMNS[0]),
        storm_motion=(speed * math.cos(direction), speed * math.sin(direction)),
        wind=(
            MEAN_WIND[0] + RUN_WIND_SPREAD * normal[3],
            MEAN_WIND[1] + RUN_WIND_SPREAD * normal[4] + 1.5 * favourability,
        ),
        temperature=288 + 9 * season + favourability + 3 * normal[5],
        cell_turn=math.pi * place[10],
        favourability=favourability,
        hidden=normal[6],
        moisture=normal[7],
    )


def draw_tracks(random: np.random.Generator, storms: int, environment: Environment) -> Storms:
    """Hours and places of the patches of a run. Storms begin most often about 21 UTC."""
    lengths: list[int] = []
    starts: list[int] = []
    while sum(lengths) < storms:
        start = int(np.clip(round(random.normal(21.0, 5.0)), FIRST_HOUR, LAST_HOUR))
        most = min(LONGEST_TRACK, LAST_HOUR - start + 1, storms - sum(lengths))
        lengths.append(min(int(random.geometric(0.4)), most))
        starts.append(start)
    order = np.argsort(starts, kind="stable")
    length = np.array(lengths)[order]
    first_hour = np.array(starts)[order]
    track_id = np.repeat(np.arange(len(length)), length)
    track_step = np.arange(storms) - np.repeat(np.cumsum(length) - length, length) + 1

    def move(centre: float, limits: tuple[int, int], motion: float) -> Array:
        begin = np.clip(centre + 60 * random.standard_normal(len(length)), *limits)
        own_motion = motion + 1.5 * random.standard_normal(len(length))
        cells_an_hour = own_motion * 3.6 / SPACING
        return np.rint(begin[track_id] + (track_step - 1) * cells_an_hour[track_id]).astype(int)

    return Storms(
        track_id=track_id,
        track_step=track_step,
        hour=first_hour[track_id] + track_step - 1,
        row=move(environment.row, ROWS, environment.storm_motion[1]),
        column=move(environment.column, COLUMNS, environment.storm_motion[0]),
    )


def own_cell(draw: TrackRandom, environment: Environment, intensity: Array) -> Cell:
    """The elliptic cell in the middle of the patch."""
    core = np.maximum(CORE + CORE_SPREAD * intensity, WEAKEST_CORE)
    size = CELL_SIZE * np.exp(0.22 * draw.values() + 0.05 * intensity)
    stretch = np.exp(0.25 * draw.values())
    turn = _by_pixel(environment.cell_turn + 0.6 * draw.values())
    along, across = X * np.cos(turn) + Y * np.sin(turn), Y * np.cos(turn) - X * np.sin(turn)
    distance = (along / _by_pixel(size * stretch)) ** 2 + (across / _by_pixel(size / stretch)) ** 2
    centre = np.zeros_like(core)
    return Cell(centre, centre, core, _by_pixel(core) * np.exp(-0.5 * distance))


def neighbour_cell(draw: TrackRandom, presence: float) -> Cell:
    """A round cell 26 km or more away, in the share `presence` of the patches."""
    distance = np.clip(36 + 8 * draw.values(), 26, 60)
    bearing = 2 * math.pi * ndtr(draw.values(0.95))
    x, y = distance * np.cos(bearing), distance * np.sin(bearing)
    core = np.where(draw.values() < ndtri(presence), np.minimum(47 + 5 * draw.values(), 62), 0)
    size = np.minimum(CELL_SIZE * np.exp(0.25 * draw.values()), 22)
    square = ((X - _by_pixel(x)) ** 2 + (Y - _by_pixel(y)) ** 2) / _by_pixel(size) ** 2
    return Cell(x, y, core, _by_pixel(core) * np.exp(-0.5 * square))


def low_level_vortex(cell: Cell, rotation: Array, environment: Environment) -> Vortex:
    """Vortex on the right rear flank of a cell, where supercells have it."""
    u, v = environment.storm_motion
    speed = math.hypot(u, v)
    back, right = 6.0, 8.0  # km
    return Vortex(
        x=cell.x + (-back * u + right * v) / speed,
        y=cell.y + (-back * v - right * u) / speed,
        speed=SWIRL * np.logaddexp(0, 1.3 * (rotation + 0.3)),
    )


def swirl(vortex: Vortex) -> tuple[Array, Array]:
    """Wind (m/s) of a vortex: solid rotation inside, Gaussian decay outside."""
    x, y = (X - _by_pixel(vortex.x)) / VORTEX_RADIUS, (Y - _by_pixel(vortex.y)) / VORTEX_RADIUS
    speed = _by_pixel(vortex.speed) * np.exp(0.5 - 0.5 * (x * x + y * y))
    return -speed * y, speed * x


def appendage(vortex: Vortex) -> tuple[Array, Array]:
    """Reflectivity (dBZ) of the hook around a vortex, and of the notch that its inflow cuts."""
    strength = _by_pixel(np.clip((vortex.speed - 2.5) / 9, 0, 1))
    x, y = X - _by_pixel(vortex.x), Y - _by_pixel(vortex.y)
    distance = np.sqrt(x * x + y * y)
    southwest = -(x + y) / (math.sqrt(2) * (distance + 0.1))
    hook = 44 * strength * np.exp(-0.5 * ((distance - 10) / 4) ** 2 - 1.5 * (1 - southwest))
    notch = 14 * strength * np.exp(-0.5 * (((x - 5) / 6) ** 2 + ((y + 2) / 6) ** 2))
    return hook, notch


def stratiform_rain(draw: TrackRandom, environment: Environment) -> Array:
    """Reflectivity (dBZ, negative where it is dry) around the cells, seldom over 40 dBZ."""
    amount = RAIN + 4 * environment.moisture + RAIN_SPREAD * draw.values()
    u, v = environment.storm_motion
    ahead = 10 / math.hypot(u, v)  # km: the anvil spreads ahead of the cell
    square = (X - ahead * u) ** 2 + (Y - ahead * v) ** 2
    anvil = _by_pixel(8 + 6 * draw.values()) * np.exp(-0.5 * square / 40**2)
    rain = _by_pixel(amount) + RAIN_PATTERN * draw.fields(RAIN_LENGTH) + anvil
    return rain - np.logaddexp(0, 0.35 * (rain - RAIN_CEILING)) / 0.35


def composite_reflectivity(
    draw: TrackRandom, cell: Cell, vortex: Vortex, neighbours: Array, stratiform: Array
) -> Array:
    """Composite reflectivity (dBZ): the largest of the parts, a sharp edge of the rain, texture."""
    hook, notch = appendage(vortex)
    cells = np.maximum(np.maximum(cell.reflectivity, hook), neighbours) - notch
    reflectivity = np.maximum(cells, stratiform)
    reflectivity -= 1.2 * np.logaddexp(0, 0.3 * (RAIN_EDGE - reflectivity)) / 0.3
    reflectivity += TEXTURE * draw.fields(TEXTURE_LENGTH)
    # The patch is cut around a storm object: its centre and the pixels beside it exceed 40 dBZ.
    reflectivity = np.maximum(reflectivity, 44 - 0.2 * (X**2 + Y**2))
    return np.clip(reflectivity, 0, 80)


def storm_object(reflectivity: Array, cell: Cell, neighbours: Array) -> Array:
    """Pixels of the storm: 40 dBZ or more, nearer to it than to a neighbour, and in one piece."""
    candidates = (reflectivity >= OBJECT_EDGE) & (cell.reflectivity >= neighbours)
    within_patch = np.zeros((3, 3, 3), dtype=int)
    within_patch[1] = 1
    pieces, _ = label(candidates, structure=within_patch)
    return pieces == pieces[:, CENTRE, CENTRE, None, None]


def surface_wind(
    draw: TrackRandom, environment: Environment, cell: Cell, vortices: Sequence[Vortex]
) -> tuple[Array, Array]:
    """Wind at 10 m (m/s): the run's, the storm's own, gusts, the outflow and the vortices."""
    strength = _by_pixel(OUTFLOW * np.exp(0.3 * draw.values() + 0.03 * (cell.core - CORE)))
    decay = np.exp(0.5 - 0.5 * (X**2 + Y**2) / OUTFLOW_RADIUS**2)
    wind = []
    for run_wind, spread, position in zip(environment.wind, STORM_WIND_SPREAD, (X, Y), strict=True):
        mean = _by_pixel(run_wind + spread * draw.values())
        outflow = strength * decay * position / OUTFLOW_RADIUS
        wind.append(mean + GUSTS * draw.fields(GUST_LENGTH) + outflow)
    for vortex in vortices:
        for component, addition in zip(wind, swirl(vortex), strict=True):
            component += addition
    return wind[0], wind[1]


def surface_temperature(
    draw: TrackRandom, environment: Environment, storms: Storms, reflectivity: Array
) -> Array:
    """Temperature at 2 m (K): the run's, its daily course, latitude, the cold pool."""
    course = 3 * np.cos(2 * math.pi * (storms.hour - 22) / 24)
    latitude = -0.02 * (storms.row - np.mean(ROWS))
    mean = environment.temperature + course + latitude + 1.5 * draw.values()
    return _by_pixel(mean) + 0.6 * draw.fields(20) - 0.06 * reflectivity


def event_probability(signal: Array) -> Array:
    """Probability that the largest rotation exceeds the threshold, before the last draw.

    `signal` is the mean of ln(rotation); the last draw is normal.
    """
    return ndtr((signal - math.log(EVENT_THRESHOLD)) / LAST_DRAW_WEIGHT)


def future_rotation(
    peak: Array,
    storm: Array,
    vortex: Vortex,
    neighbour_peak: Array,
    neighbour: Vortex,
    texture: Array,
    environment: Environment,
) -> Array:
    """Largest rotation of the next hour (s-1) by pixel; inside the storm its maximum is `peak`.

    A vortex leaves a swath along its way; the part of the neighbour's that reaches into the storm
    is no stronger than the storm's own.
    """

    def swath(start: Vortex, hours: float) -> Array:
        way = [3.6 * hours * speed for speed in environment.storm_motion]
        x, y = X - _by_pixel(start.x), Y - _by_pixel(start.y)
        passed = np.clip((x * way[0] + y * way[1]) / (way[0] ** 2 + way[1] ** 2), 0, 1)
        square = (x - passed * way[0]) ** 2 + (y - passed * way[1]) ** 2
        return np.exp(-0.5 * square / 6**2)

    own = swath(vortex, 1.0)
    inside = np.where(storm, own, 0).max(axis=(1, 2))
    own = _by_pixel(peak) * np.minimum(own / _by_pixel(inside), 1)
    others = np.maximum(_by_pixel(neighbour_peak) * swath(neighbour, 0.5), 2e-4 * np.abs(texture))
    rotation = np.maximum(own, others)
    return np.where(storm, np.minimum(rotation, _by_pixel(peak)), rotation)


def geographic(x: Array, y: Array) -> tuple[Array, Array]:
    """Longitude and latitude (degrees) of a place on the model's grid (x, y in m).

    Inverse of the Lambert conformal conic projection of the sphere (Snyder 1987, Map projections:
    a working manual, equations 15-1 to 15-5).
    """
    south, north = (math.radians(parallel) for parallel in STANDARD_PARALLELS)

    def stretch(latitude: float) -> float:
        return math.tan(math.pi / 4 + latitude / 2)

    cone = math.log(math.cos(south) / math.cos(north)) / math.log(stretch(north) / stretch(south))
    scale = EARTH_RADIUS * math.cos(south) * stretch(south) ** cone / cone
    origin = scale / stretch(math.radians(ORIGIN_LATITUDE)) ** cone
    radius = np.hypot(x, origin - y)
    longitude = ORIGIN_LONGITUDE + np.degrees(np.arctan2(x, origin - y) / cone)
    latitude = np.degrees(2 * np.arctan((scale / radius) ** (1 / cone))) - 90
    return longitude, latitude


def make_storms(
    run_date: datetime, run_index: int, storms: int, seed: int
) -> tuple[dict[str, Array], Array]:
    """The 23 variables of a run file, in their order, and each storm's true event probability.

    `run_index` tells the runs of a seed apart; equal arguments give equal values.
    """
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(run_index,)))
    environment = draw_environment(run_date, run_index, seed)
    where = draw_tracks(random, storms, environment)
    draw = TrackRandom(random, where.track_step)

    def shared(run_value: float, share: float) -> Array:
        """Standard normal over all runs; the run has this share in its variance."""
        return math.sqrt(share) * run_value + math.sqrt(1 - share) * draw.values()

    rotation = shared(environment.favourability, RUN_SHARE_OF_ROTATION)
    neighbour_rotation = shared(environment.favourability, RUN_SHARE_OF_ROTATION)
    hidden = shared(environment.hidden, RUN_SHARE_OF_HIDDEN)
    own_part = math.sqrt(1 - INTENSITY_OF_ROTATION**2)
    intensity = INTENSITY_OF_ROTATION * rotation + own_part * draw.values()

    cell = own_cell(draw, environment, intensity)
    first, second = neighbour_cell(draw, 1.0), neighbour_cell(draw, 0.65)
    neighbours = np.maximum(first.reflectivity, second.reflectivity)
    vortex = low_level_vortex(cell, rotation, environment)
    # Were neighbours to rotate as strongly as the storm, a few thousand storms would not teach a
    # network whose vortex counts.
    neighbour_vortex = low_level_vortex(first, neighbour_rotation - 1, environment)
    reflectivity = composite_reflectivity(
        draw, cell, vortex, neighbours, stratiform_rain(draw, environment)
    )
    storm = storm_object(reflectivity, cell, neighbours)
    u, v = surface_wind(draw, environment, cell, [vortex, neighbour_vortex])
    temperature = surface_temperature(draw, environment, where, reflectivity)

    signal = math.log(TYPICAL_ROTATION) + (
        ROTATION_WEIGHT * rotation + INTENSITY_WEIGHT * intensity + HIDDEN_WEIGHT * hidden
    )
    peak = np.exp(signal + LAST_DRAW_WEIGHT * random.standard_normal(storms))
    neighbour_peak = 0.0021 * np.exp(0.4 * neighbour_rotation + 0.38 * draw.values())
    future = future_rotation(
        peak, storm, vortex, neighbour_peak, neighbour_vortex, draw.fields(8), environment
    )
    hail = 8 * np.exp(0.1 * (cell.core - 50) + 0.6 * draw.values())  # mm
    hail = _by_pixel(hail) * (cell.reflectivity / _by_pixel(cell.core)) ** 6

    patch_row, patch_column = np.indices((SIZE, SIZE)) - CENTRE
    i = where.row[:, None, None] + patch_row
    j = where.column[:, None, None] + patch_column
    x, y = WEST_EDGE + 1000 * SPACING * j, SOUTH_EDGE + 1000 * SPACING * i
    longitude, latitude = geographic(x, y)

    def whole(values: Array) -> Array:
        return values.astype(np.int32)

    def real(values: Array) -> Array:
        return values.astype(np.float32)

    def centre(values: Array) -> Array:
        return real(values[:, CENTRE, CENTRE])

    return {
        "p": np.arange(storms, dtype=np.int32),
        "row": np.arange(SIZE, dtype=np.int32),
        "col": np.arange(SIZE, dtype=np.int32),
        "lon": real(longitude),
        "lat": real(latitude),
        "i": whole(i),
        "j": whole(j),
        "x": real(x),
        "y": real(y),
        "masks": whole(storm),
        "time": whole(where.hour),
        "centroid_lon": centre(longitude),
        "centroid_lat": centre(latitude),
        "centroid_i": centre(i),
        "centroid_j": centre(j),
        "track_id": whole(where.track_id),
        "track_step": whole(where.track_step),
        "REFL_COM_curr": real(reflectivity),
        "U10_curr": real(u),
        "V10_curr": real(v),
        "T2_curr": real(temperature),
        "RVORT1_MAX_future": real(future),
        "HAIL_MAXK1_future": real(hail),
    }, event_probability(signal)


def write_run(path: str | os.PathLike[str], run_index: int, storms: int, seed: int) -> pd.DataFrame:
    """Write the run file of made-up storms, whole or not at all; its name gives the run date.

    Returns the true event probability of each storm: `run_date,file,patch,probability`, where
    `patch` is the storm's index in the file. `run_index` tells the runs of a seed apart.
    Raises `UserError` where no run date can be read from the file's name.
    """
    run_date = parse_run_name(path).run_date
    values, probability = make_storms(run_date, run_index, storms, seed)
    dimensions = {"p": storms, "row": SIZE, "col": SIZE}
    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w") as file:
        for name, length in dimensions.items():
            file.createDimension(name, length)
        for name, value in values.items():
            if name in dimensions:
                file.createVariable(name, value.dtype, (name,))[:] = value
                continue
            variable = file.createVariable(
                name, value.dtype, tuple(dimensions)[: value.ndim], zlib=True, complevel=1
            )
            variable.long_name = name.removesuffix("_curr").removesuffix("_future")
            variable.units = UNITS.get(name, "")
            variable[:] = value
        file["time"].units = f"hours since {run_date:%Y-%m-%d %H:%M:%S}"
        file.Conventions = "CF-1.6"
        file.title = f"Made-up storm patches for run {run_date:%Y%m%d-%H%M}: not a real forecast"
        file.object_variable = "REFL_COM"
    return pd.DataFrame(
        {
            "run_date": run_date.isoformat(timespec="minutes"),
            "file": Path(path).name,
            "patch": values["p"],
            "probability": probability,
        }
    )


def write_runs(
    paths: Sequence[str | os.PathLike[str]], storms_per_run: int, seed: int, workers: int
) -> pd.DataFrame:
    """Write the run files of made-up storms in `workers` processes, one run at a time in each.

    The place of a run in `paths` is its index, so the storms do not depend on `workers`.
    Returns the true event probability of each storm, as `write_run` does.
    """
    runs = range(len(paths))
    arguments = (paths, runs, [storms_per_run] * len(paths), [seed] * len(paths))
    if workers == 1:
        return pd.concat(map(write_run, *arguments), ignore_index=True)
    # New processes instead of copies of this one, whose libraries may run threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return pd.concat(pool.map(write_run, *arguments), ignore_index=True)
