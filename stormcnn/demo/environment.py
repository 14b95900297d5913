"""The environment that the made-up storms of a run share, and their tracks."""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from stormcnn.demo.grid import SPACING
from stormcnn.vocabulary import Array

# Tracks begin in these rows and columns, to stay over the eastern two thirds of the USA.
ROWS, COLUMNS = (280, 710), (580, 1080)

FIRST_HOUR, LAST_HOUR = 12, 35
LONGEST_TRACK = 8  # h

MEAN_WIND = (-0.29, 0.84)  # m/s, eastward and northward, as in the archive
RUN_WIND_SPREAD = 2.6  # m/s, standard deviation between runs


class Environment(NamedTuple):
    """The environment of a run, which all its storms share.

    The favorability for rotation, its hidden part and the moisture have a standard normal
    distribution over the runs.
    """

    row: float
    column: float
    storm_motion: tuple[float, float]  # m/s
    wind: tuple[float, float]  # m/s
    temperature: float  # K
    cell_turn: float  # rad, direction of the long axis of cells
    favorability: float
    hidden: float
    moisture: float


class Tracks(NamedTuple):
    """Track, time and place of each patch, shape (storm,), ordered by track and step.

    `hour` is the lead time (h); `row` and `column` are those of the patch's center in the grid.
    """

    track_id: Array
    track_step: Array
    hour: Array
    row: Array
    column: Array


def draw_environment(run_date: datetime, run_index: int, seed: int) -> Environment:
    """Return the environment of a run.

    Successive runs take their values from a low-discrepancy sequence with a random start, so every
    series of runs, such as the test period, covers the environments evenly. Source: Weyl (1916),
    multiples of irrational numbers modulo 1.
    """
    golden = (math.sqrt(5) - 1) / 2
    steps = np.array([golden, *np.sqrt([2, 3, 7, 11, 13, 17, 19, 23, 29, 31])])
    place = (np.random.default_rng(seed).random(len(steps)) + run_index * steps) % 1.0
    normal = ndtri(np.clip(place, 0.001, 0.999))
    favorability = normal[0]
    direction = math.radians(25 + 12 * normal[1])
    speed = max(10 + 2.5 * normal[2], 3)
    season = math.cos(2 * math.pi * (run_date.timetuple().tm_yday - 200) / 365.25)
    # Favorable days are warm and have a southerly wind near the ground.
    return Environment(
        row=ROWS[0] + place[8] * (ROWS[1] - ROWS[0]),
        column=COLUMNS[0] + place[9] * (COLUMNS[1] - COLUMNS[0]),
        storm_motion=(speed * math.cos(direction), speed * math.sin(direction)),
        wind=(
            MEAN_WIND[0] + RUN_WIND_SPREAD * normal[3],
            MEAN_WIND[1] + RUN_WIND_SPREAD * normal[4] + 1.5 * favorability,
        ),
        temperature=288 + 9 * season + favorability + 3 * normal[5],
        cell_turn=math.pi * place[10],
        favorability=favorability,
        hidden=normal[6],
        moisture=normal[7],
    )


def draw_tracks(random: np.random.Generator, storms: int, environment: Environment) -> Tracks:
    """Return the tracks of the storms of a run, most of which begin at about 21 UTC."""
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

    def move(center: float, limits: tuple[int, int], motion: float) -> Array:
        begin = np.clip(center + 60 * random.standard_normal(len(length)), *limits)
        own_motion = motion + 1.5 * random.standard_normal(len(length))
        hourly_motion = own_motion * 3.6 / SPACING
        return np.rint(begin[track_id] + (track_step - 1) * hourly_motion[track_id]).astype(int)

    return Tracks(
        track_id=track_id,
        track_step=track_step,
        hour=first_hour[track_id] + track_step - 1,
        row=move(environment.row, ROWS, environment.storm_motion[1]),
        column=move(environment.column, COLUMNS, environment.storm_motion[0]),
    )
