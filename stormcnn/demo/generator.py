"""Made-up storms with a known true probability of the event, in the layout of run files.

The storms of a run share an environment; the successive patches of a track show one storm that
moves and changes. The future rotation of a storm depends on its rotation and intensity, which the
patch shows, on a hidden part, and on a final random part. The true probability is that of the event
before the final part is drawn.
"""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np

from stormcnn.demo.environment import draw_environment, draw_tracks
from stormcnn.demo.grid import (
    CENTER,
    SIZE,
    SOUTH_EDGE,
    SPACING,
    WEST_EDGE,
    as_field,
    geographic,
)
from stormcnn.demo.random_fields import TrackRandom
from stormcnn.demo.rotation import (
    FINAL_WEIGHT,
    HIDDEN_WEIGHT,
    INTENSITY_OF_ROTATION,
    INTENSITY_WEIGHT,
    ROTATION_WEIGHT,
    RUN_SHARE_OF_HIDDEN,
    RUN_SHARE_OF_ROTATION,
    TYPICAL_ROTATION,
    event_probability,
    future_rotation,
)
from stormcnn.demo.storm_structure import (
    VORTEX_RADIUS,
    composite_reflectivity,
    low_level_vortex,
    neighbor_cell,
    own_cell,
    storm_object,
    stratiform_rain,
    surface_temperature,
    surface_wind,
)
from stormcnn.vocabulary import Array


def make_storms(
    run_date: datetime, run_index: int, storms: int, seed: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the 23 variables of a run file, in order, and the truth about each storm.

    Fields have shape (storm, row, col), the truth (storm,): the true `probability` of the event,
    and the storm's own low-level vortex, with the distance of its center from that of the patch to
    the east (`vortex_x`, km) and to the north (`vortex_y`, km), the radius of its largest wind
    (`vortex_radius`, km) and this wind (`vortex_speed`, m/s). Runs with the same seed differ in
    `run_index`. Equal arguments give equal values.
    """
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(run_index,)))
    environment = draw_environment(run_date, run_index, seed)
    tracks = draw_tracks(random, storms, environment)
    draw = TrackRandom(random, tracks.track_step)

    def shared(run_value: float, share: float) -> Array:
        """Return standard normal values that have `share` of their variance between runs."""
        return math.sqrt(share) * run_value + math.sqrt(1 - share) * draw.values()

    rotation = shared(environment.favorability, RUN_SHARE_OF_ROTATION)
    neighbor_rotation = shared(environment.favorability, RUN_SHARE_OF_ROTATION)
    hidden = shared(environment.hidden, RUN_SHARE_OF_HIDDEN)
    own_part = math.sqrt(1 - INTENSITY_OF_ROTATION**2)
    intensity = INTENSITY_OF_ROTATION * rotation + own_part * draw.values()

    cell = own_cell(draw, environment, intensity)
    first, second = neighbor_cell(draw, 1.0), neighbor_cell(draw, 0.65)
    neighbors = np.maximum(first.reflectivity, second.reflectivity)
    vortex = low_level_vortex(cell, rotation, environment)
    # Neighbors rotate less than the storm. Otherwise a network could not learn from a few thousand
    # storms which of the vortices matters.
    neighbor_vortex = low_level_vortex(first, neighbor_rotation - 1, environment)
    reflectivity = composite_reflectivity(
        draw, cell, vortex, neighbors, stratiform_rain(draw, environment)
    )
    storm = storm_object(reflectivity, cell, neighbors)
    u, v = surface_wind(draw, environment, cell, [vortex, neighbor_vortex])
    temperature = surface_temperature(draw, environment, tracks, reflectivity)

    signal = math.log(TYPICAL_ROTATION) + (
        ROTATION_WEIGHT * rotation + INTENSITY_WEIGHT * intensity + HIDDEN_WEIGHT * hidden
    )
    peak = np.exp(signal + FINAL_WEIGHT * random.standard_normal(storms))
    neighbor_peak = 0.0021 * np.exp(0.4 * neighbor_rotation + 0.38 * draw.values())
    future = future_rotation(
        peak, storm, vortex, neighbor_peak, neighbor_vortex, draw.fields(8), environment
    )
    hail = 8 * np.exp(0.1 * (cell.core - 50) + 0.6 * draw.values())  # mm
    hail = as_field(hail) * (cell.reflectivity / as_field(cell.core)) ** 6

    patch_row, patch_column = np.indices((SIZE, SIZE)) - CENTER
    i = tracks.row[:, None, None] + patch_row
    j = tracks.column[:, None, None] + patch_column
    x, y = WEST_EDGE + 1000 * SPACING * j, SOUTH_EDGE + 1000 * SPACING * i
    longitude, latitude = geographic(x, y)

    def as_integers(values: Array) -> Array:
        return values.astype(np.int32)

    def as_floats(values: Array) -> Array:
        return values.astype(np.float32)

    def center(values: Array) -> Array:
        return as_floats(values[:, CENTER, CENTER])

    return {
        "p": np.arange(storms, dtype=np.int32),
        "row": np.arange(SIZE, dtype=np.int32),
        "col": np.arange(SIZE, dtype=np.int32),
        "lon": as_floats(longitude),
        "lat": as_floats(latitude),
        "i": as_integers(i),
        "j": as_integers(j),
        "x": as_floats(x),
        "y": as_floats(y),
        "masks": as_integers(storm),
        "time": as_integers(tracks.hour),
        "centroid_lon": center(longitude),
        "centroid_lat": center(latitude),
        "centroid_i": center(i),
        "centroid_j": center(j),
        "track_id": as_integers(tracks.track_id),
        "track_step": as_integers(tracks.track_step),
        "REFL_COM_curr": as_floats(reflectivity),
        "U10_curr": as_floats(u),
        "V10_curr": as_floats(v),
        "T2_curr": as_floats(temperature),
        "RVORT1_MAX_future": as_floats(future),
        "HAIL_MAXK1_future": as_floats(hail),
    }, {
        "probability": event_probability(signal),
        "vortex_x": vortex.x,
        "vortex_y": vortex.y,
        "vortex_radius": np.full(storms, VORTEX_RADIUS),
        "vortex_speed": vortex.speed,
    }
