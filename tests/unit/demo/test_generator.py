"""Made-up storms: resemblance to the archive, and true probabilities of the event."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from scipy.ndimage import label

from stormcnn.config.archive_dates import demo_run_dates
from stormcnn.demo import environment, generator, grid, rotation, storm_structure

HAGELSLAG = Path(__file__).parents[2] / "data" / "NCARSTORM_20000101-0000_d01_model_patches.nc"
RUN_DATE = datetime(2011, 4, 25)

# The training period of the archive, read from the figures of the AMS lesson: mean and standard
# deviation, and shares of the reflectivity in 50 bins of 1.61 dBZ (the last ten are empty).
REAL_REFLECTIVITY = (22.69, 15.76)
REAL_WIND = {"U10_curr": (-0.29, 4.67), "V10_curr": (0.84, 5.02)}
REAL_HISTOGRAM = np.fromstring(
    """
    195.1 11.8 12.9 15.0 16.1 18.2 19.3 21.4 22.5 24.7 25.7 26.8 27.9 28.9 30.0 31.1 33.2 35.4
    37.5 39.7 41.8 42.9 43.9 41.8 36.4 28.9 22.5 16.1 12.9 9.6 6.4 5.4 4.3 3.2 3.2 2.1 2.1 1.1
    1.1 1.1
    """,
    sep=" ",
)
# Share of patches with a largest rotation of at most 1, 2, ... times 0.00049 s-1.
REAL_ROTATION = np.fromstring(
    """
    0.019 0.066 0.159 0.291 0.434 0.566 0.674 0.756 0.818 0.860 0.895 0.922 0.942 0.957 0.969
    0.977 0.984 0.988 0.992 0.996
    """,
    sep=" ",
)
# Share of the variance explained by the first 1, 6 and 15 principal components of reflectivity.
REAL_COMPONENTS = np.array([0.44, 0.73, 0.835])


def storm_peak(values):
    return np.where(values["masks"] == 1, values["RVORT1_MAX_future"], 0).max(axis=(1, 2))


@pytest.fixture(scope="module")
def run():
    """One run of 200 storms."""
    return generator.make_storms(RUN_DATE, 0, 200, seed=1)


@pytest.fixture(scope="module")
def runs():
    """Variables and probabilities of the 4000 storms of the demo, shape (run, storm, ...)."""
    names = ("REFL_COM_curr", "U10_curr", "V10_curr", "T2_curr", "track_step")
    parts: dict[str, list] = {name: [] for name in (*names, "peak", "patch_peak", "probability")}
    for index, run_date in enumerate(demo_run_dates(100)):
        values, truth = generator.make_storms(run_date, index, 40, seed=1)
        for name in names:
            parts[name].append(values[name])
        parts["peak"].append(storm_peak(values))
        parts["patch_peak"].append(values["RVORT1_MAX_future"].max(axis=(1, 2)))
        parts["probability"].append(truth["probability"])
    return {name: np.array(part) for name, part in parts.items()}


def test_equal_seeds_give_equal_storms_and_different_seeds_do_not(run):
    values, truth = run
    again, truth_again = generator.make_storms(RUN_DATE, 0, 200, seed=1)
    assert all(np.array_equal(values[name], again[name]) for name in values)
    assert all(np.array_equal(truth[name], truth_again[name]) for name in truth)
    for index, seed in ((0, 2), (1, 1)):
        other, _ = generator.make_storms(RUN_DATE, index, 200, seed=seed)
        for name in ("REFL_COM_curr", "U10_curr", "V10_curr", "T2_curr", "RVORT1_MAX_future"):
            assert abs(np.corrcoef(values[name].ravel(), other[name].ravel())[0, 1]) < 0.6, name
            assert not np.isin(values[name][:, 0, 0], other[name][:, 0, 0]).all(), name


def test_wind_rotates_where_the_truth_has_its_vortex(run):
    values, truth = run
    spacing = 3000
    dv_dx = np.gradient(values["V10_curr"], spacing, axis=2)
    vorticity = dv_dx - np.gradient(values["U10_curr"], spacing, axis=1)

    def vorticity_at(x, y):
        row, column = (16 + np.rint(place / 3).astype(int) for place in (y, x))
        return vorticity[np.arange(len(vorticity)), row, column]

    there = vorticity_at(truth["vortex_x"], truth["vortex_y"])
    opposite = vorticity_at(-truth["vortex_x"], -truth["vortex_y"])
    # The wind of a vortex increases linearly from its center to nearly its radius.
    expected = 2 * np.exp(0.5) * truth["vortex_speed"] / (1000 * truth["vortex_radius"])
    slope, _ = np.polyfit(expected, there, 1)
    assert np.corrcoef(expected, there)[0, 1] > 0.9
    assert 0.8 < slope < 1.1
    assert np.corrcoef(expected, opposite)[0, 1] < 0


# Places and tracks


def test_longitude_and_latitude_agree_with_the_archive():
    with netCDF4.Dataset(HAGELSLAG) as real:
        longitude, latitude = grid.geographic(
            real["x"][:].astype(float), real["y"][:].astype(float)
        )
        np.testing.assert_allclose(longitude, real["lon"][:], atol=1e-5)
        np.testing.assert_allclose(latitude, real["lat"][:], atol=1e-5)


def test_patches_are_on_the_grid(run):
    values, _ = run
    assert np.all(np.diff(values["i"], axis=1) == 1)
    assert np.all(np.diff(values["j"], axis=2) == 1)
    assert values["i"].min() >= 0
    assert values["i"].max() <= 984
    assert values["j"].min() >= 0
    assert values["j"].max() <= 1579
    np.testing.assert_array_equal(values["x"], -2_068_500 + 3000 * values["j"])
    np.testing.assert_array_equal(values["y"], -1_470_300 + 3000 * values["i"])
    longitude, latitude = grid.geographic(values["x"].astype(float), values["y"].astype(float))
    np.testing.assert_allclose(values["lon"], longitude, rtol=1e-6)
    np.testing.assert_allclose(values["lat"], latitude, rtol=1e-6)
    for name in ("lon", "lat", "i", "j"):
        np.testing.assert_array_equal(values[f"centroid_{name}"], values[name][:, 16, 16])


def test_patches_are_ordered_by_track_and_step_in_successive_hours(run):
    values, _ = run
    track, step, hour = values["track_id"], values["track_step"], values["time"]
    assert track[0] == 0
    assert set(np.diff(track)) == {0, 1}
    same = np.diff(track) == 0
    assert np.all(np.diff(step)[same] == 1)
    assert np.all(np.diff(hour)[same] == 1)
    assert np.all(step[1:][~same] == 1)
    assert np.all(np.diff(hour[step == 1]) >= 0)
    assert hour.min() >= 12
    assert hour.max() <= 35


def test_storms_of_a_run_move_steadily(run):
    values, _ = run
    steps = np.flatnonzero(np.diff(values["track_id"]) == 0)
    for name in ("centroid_i", "centroid_j"):
        motion = np.diff(values[name])[steps]
        assert motion.std() < 3  # grid points per hour
        turns = steps[np.isin(steps + 1, steps)]
        assert len(turns) > 10
        assert np.abs(np.diff(values[name], 2)[turns]).max() <= 1
    speed = np.hypot(np.diff(values["x"][:, 16, 16])[steps], np.diff(values["y"][:, 16, 16])[steps])
    assert 3 < speed.mean() / 3600 < 20  # m/s


@pytest.mark.slow
def test_successive_steps_of_a_track_are_correlated(runs):
    field = runs["REFL_COM_curr"].reshape(4000, -1)
    field = field - field.mean(axis=0)
    following = np.flatnonzero(runs["track_step"].ravel()[1:] > 1)

    def correlation(one, other):
        return np.mean(
            [np.corrcoef(field[a], field[b])[0, 1] for a, b in zip(one, other, strict=True)]
        )

    same_track = correlation(following[:300], following[:300] + 1)
    other_track = correlation(following[:300], (following[:300] + 2000) % 4000)
    assert 0.3 < same_track < 0.9
    assert abs(other_track) < 0.1


# Storms


def test_masks_are_the_storm_object_at_the_center(run):
    values, _ = run
    masks, reflectivity = values["masks"], values["REFL_COM_curr"]
    assert set(np.unique(masks)) == {0, 1}
    assert np.all(masks[:, 16, 16] == 1)
    assert reflectivity[masks == 1].min() >= 40
    assert masks.sum(axis=(1, 2)).min() >= 4
    assert all(label(mask, np.ones((3, 3)))[1] == 1 for mask in masks)


def test_neighbor_storms_are_not_in_the_masks(run):
    values, _ = run
    others = (values["REFL_COM_curr"] >= 40) & (values["masks"] == 0)
    assert np.mean(others.any(axis=(1, 2))) > 0.5


def test_values_are_within_the_physical_ranges(run):
    values, _ = run
    assert values["REFL_COM_curr"].min() == 0
    assert values["REFL_COM_curr"].max() <= 80
    assert np.hypot(values["U10_curr"], values["V10_curr"]).max() < 60
    assert values["T2_curr"].min() > 250
    assert values["T2_curr"].max() < 320
    assert values["RVORT1_MAX_future"].min() >= 0
    assert values["RVORT1_MAX_future"].max() < 0.1
    assert values["HAIL_MAXK1_future"].min() >= 0
    assert all(np.isfinite(value).all() for value in values.values())


def test_neighbors_may_rotate_more_than_the_storm(run):
    values, _ = run
    patch_peak = values["RVORT1_MAX_future"].max(axis=(1, 2))
    assert 0.3 < np.mean(patch_peak > storm_peak(values)) < 0.8


def test_vortex_is_cyclonic_on_the_right_rear_flank():
    moving_east = environment.draw_environment(RUN_DATE, 0, 1)._replace(storm_motion=(10.0, 0.0))
    center = np.zeros(1)
    vortex = storm_structure.low_level_vortex(
        storm_structure.Cell(center, center, center, grid.X[None]), np.array([3.0]), moving_east
    )
    assert vortex.x[0] < 0
    assert vortex.y[0] < 0
    u, v = storm_structure.swirl(vortex)
    vorticity = np.gradient(v[0], 3000, axis=1) - np.gradient(u[0], 3000, axis=0)
    row, column = np.unravel_index(vorticity.argmax(), vorticity.shape)
    assert (grid.X[row, column], grid.Y[row, column]) == (-6, -9)  # km, the nearest grid point
    assert 0.002 < vorticity.max() < 0.01
    assert np.hypot(u, v).max() == pytest.approx(vortex.speed[0], rel=0.02)


def test_wind_is_correlated_with_the_future_rotation(runs):
    v = runs["V10_curr"].reshape(-1, 32, 32)
    u = runs["U10_curr"].reshape(-1, 32, 32)
    vorticity = np.gradient(v, axis=2) - np.gradient(u, axis=1)
    near = vorticity[:, 10:18, 10:18].mean(axis=(1, 2))
    assert 0.6 < np.corrcoef(near, np.log(runs["peak"].ravel()))[0, 1] < 0.95


# Resemblance to the archive. The constants are tuned for 20,000 storms, so the tolerances allow for
# the 4000 of the demo.


def test_base_rate_is_that_of_the_archive(runs):
    assert 0.035 < np.mean(runs["peak"] > 0.005) < 0.065


def test_reflectivity_has_the_mean_and_spread_of_the_archive(runs):
    mean, deviation = REAL_REFLECTIVITY
    assert runs["REFL_COM_curr"].mean() == pytest.approx(mean, rel=0.1)
    assert runs["REFL_COM_curr"].std() == pytest.approx(deviation, rel=0.1)


@pytest.mark.parametrize("name", ["U10_curr", "V10_curr"])
def test_wind_has_the_mean_and_spread_of_the_archive(runs, name):
    mean, deviation = REAL_WIND[name]
    assert runs[name].mean() == pytest.approx(mean, abs=0.6)
    assert runs[name].std() == pytest.approx(deviation, rel=0.1)


def test_reflectivity_has_the_distribution_of_the_archive(runs):
    counts, _ = np.histogram(runs["REFL_COM_curr"], np.arange(41) * 1.61)
    made_up = np.cumsum(counts) / runs["REFL_COM_curr"].size
    real = np.cumsum(REAL_HISTOGRAM) / REAL_HISTOGRAM.sum()
    assert np.abs(made_up - real).max() < 0.1


def test_largest_rotation_has_the_distribution_of_the_archive(runs):
    steps = 0.00049 * np.arange(1, 21)
    made_up = np.mean(runs["patch_peak"].ravel()[:, None] <= steps, axis=0)
    assert np.abs(made_up - REAL_ROTATION).max() < 0.1


@pytest.mark.slow
def test_reflectivity_has_the_principal_components_of_the_archive(runs):
    field = runs["REFL_COM_curr"].reshape(4000, -1).astype(float)
    variances = np.linalg.eigvalsh(np.cov(field, rowvar=False))[::-1]
    explained = np.cumsum(variances)[[0, 5, 14]] / variances.sum()
    np.testing.assert_allclose(explained, REAL_COMPONENTS, atol=0.1)


def test_storms_of_a_run_are_correlated(runs):
    """Between-run share of the variance: intraclass correlation from analysis of variance."""

    def between_runs(values):
        within = values.var(axis=1, ddof=1).mean()
        between = values.mean(axis=1).var(ddof=1) - within / values.shape[1]
        return between / (between + within)

    for name in ("U10_curr", "V10_curr", "T2_curr"):
        assert between_runs(runs[name].mean(axis=(2, 3))) > 0.2, name
    assert between_runs(runs["REFL_COM_curr"].mean(axis=(2, 3))) > 0.03
    assert 0.05 < between_runs(np.log(runs["peak"])) < 0.4


def test_each_series_of_runs_covers_the_environments():
    favorability = np.array(
        [environment.draw_environment(RUN_DATE, index, 1).favorability for index in range(200)]
    )
    for length in (20, 36):
        means = np.lib.stride_tricks.sliding_window_view(favorability, length).mean(axis=1)
        assert means.std() < 0.5 / np.sqrt(length)  # half that of independent draws
    assert favorability.std() == pytest.approx(1, abs=0.05)


# True probabilities


def test_event_frequency_agrees_with_the_true_probability(runs):
    """Events are conditionally independent, so the standard deviation of each group is known."""
    probability, event = runs["probability"].ravel(), runs["peak"].ravel() > 0.005
    edges = [0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 1]
    for low, high in pairwise(edges):
        group = (probability > low) & (probability <= high)
        expected = probability[group].sum()
        deviation = np.sqrt(np.sum(probability[group] * (1 - probability[group])))
        assert group.sum() > 20
        assert abs(event[group].sum() - expected) < 3 * max(deviation, 0.4), (low, high)


def test_probability_is_one_half_at_the_threshold():
    at_threshold, weaker = rotation.event_probability(np.log([0.005, 0.004]))
    assert at_threshold == pytest.approx(0.5)
    assert weaker < 0.5


def test_best_possible_skill_is_high_but_not_perfect(runs):
    """The Brier skill score of the true probabilities is an upper bound for any network."""
    probability, event = runs["probability"].ravel(), runs["peak"].ravel() > 0.005
    skill = 1 - np.mean((probability - event) ** 2) / event.var()
    assert 0.5 < skill < 0.75
