"""Made-up storms: layout of the run files, resemblance to the archive, known probabilities."""

from __future__ import annotations

import csv
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from stormcnn.config.archive_dates import demo_file_name, demo_run_dates
from stormcnn.demo import generator
from stormcnn.errors import UserError
from stormcnn.storms.run_files import parse_run_name

HAGELSLAG = Path(__file__).parents[2] / "data" / "NCARSTORM_20000101-0000_d01_model_patches.nc"
ARCHIVE_RUNS = Path(__file__).parents[3] / "config" / "runs" / "ncar.csv"
RUN_DATE = datetime(2011, 4, 25)

# Of the archive's training period: mean and standard deviation, and shares of the reflectivity
# in 50 bins of 1.61 dBZ (the last ten are empty), read off the course's figures.
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
# Share of patches whose largest rotation is at most 1, 2, ... times 0.00049 s-1.
REAL_ROTATION = np.fromstring(
    """
    0.019 0.066 0.159 0.291 0.434 0.566 0.674 0.756 0.818 0.860 0.895 0.922 0.942 0.957 0.969
    0.977 0.984 0.988 0.992 0.996
    """,
    sep=" ",
)
# Explained by the first 1, 6 and 15 principal components of reflectivity.
REAL_COMPONENTS = np.array([0.44, 0.73, 0.835])


def storm_peak(values):
    return np.where(values["masks"] == 1, values["RVORT1_MAX_future"], 0).max(axis=(1, 2))


@pytest.fixture(scope="module")
def run():
    """One run of 200 storms."""
    return generator.make_storms(RUN_DATE, 0, 200, seed=1)


@pytest.fixture(scope="module")
def runs():
    """The demo's 4000 storms: `(run, storm, ...)` of what is examined, and the probabilities."""
    names = ("REFL_COM_curr", "U10_curr", "V10_curr", "T2_curr", "track_step")
    parts: dict[str, list] = {name: [] for name in (*names, "peak", "patch_peak", "probability")}
    for index, run_date in enumerate(demo_run_dates(100)):
        values, probability = generator.make_storms(run_date, index, 40, seed=1)
        for name in names:
            parts[name].append(values[name])
        parts["peak"].append(storm_peak(values))
        parts["patch_peak"].append(values["RVORT1_MAX_future"].max(axis=(1, 2)))
        parts["probability"].append(probability)
    return {name: np.array(part) for name, part in parts.items()}


# Files


def layout(path):
    with netCDF4.Dataset(path) as file:
        variables = {
            name: (variable.dtype, variable.dimensions, variable.filters(), variable.endian())
            for name, variable in file.variables.items()
        }
        attributes = {
            name: {key: variable.getncattr(key) for key in variable.ncattrs() if name != "time"}
            for name, variable in file.variables.items()
        }
        return file.data_model, list(file.dimensions), list(variables.items()), attributes


def test_run_files_have_the_layout_that_hagelslag_writes(tmp_path):
    path = tmp_path / demo_file_name(RUN_DATE)
    generator.write_run(path, 0, storms=18, seed=1)
    assert layout(path) == layout(HAGELSLAG)
    with netCDF4.Dataset(path) as made_up, netCDF4.Dataset(HAGELSLAG) as real:
        assert made_up.ncattrs() == real.ncattrs()
        assert made_up.Conventions == real.Conventions
        assert made_up.object_variable == real.object_variable
        assert made_up["time"].ncattrs() == real["time"].ncattrs()
        assert made_up["time"].units == "hours since 2011-04-25 00:00:00"
        assert {name: len(length) for name, length in made_up.dimensions.items()} == {
            "p": 18,
            "row": 32,
            "col": 32,
        }
        for name in ("p", "row", "col"):
            assert made_up[name][:].tolist() == list(range(len(made_up.dimensions[name])))


def test_title_says_that_the_storms_are_made_up(tmp_path):
    path = tmp_path / demo_file_name(RUN_DATE)
    generator.write_run(path, 0, storms=3, seed=1)
    with netCDF4.Dataset(path) as file:
        assert file.title.startswith("Made-up storm patches for run 20110425-0000")


def test_truth_names_each_storm_of_the_run(tmp_path):
    path = tmp_path / demo_file_name(RUN_DATE)
    truth = generator.write_run(path, 2, storms=5, seed=1)
    assert list(truth.columns) == ["run_date", "file", "patch", "probability"]
    assert set(truth["run_date"]) == {"2011-04-25T00:00"}
    assert set(truth["file"]) == {"NCARSTORM_20110425-0000_d01_model_patches.nc"}
    assert truth["patch"].tolist() == [0, 1, 2, 3, 4]
    _, probability = generator.make_storms(RUN_DATE, 2, 5, seed=1)
    assert truth["probability"].tolist() == probability.tolist()


def test_run_file_needs_a_run_date_in_its_name(tmp_path):
    with pytest.raises(UserError, match=r"storms\.nc"):
        generator.write_run(tmp_path / "storms.nc", 0, storms=3, seed=1)
    assert not list(tmp_path.iterdir())


def test_storms_do_not_depend_on_the_number_of_workers(tmp_path):
    names = [demo_file_name(run_date) for run_date in demo_run_dates(3)]
    alone = generator.write_runs(
        [tmp_path / "alone" / name for name in names], 6, seed=1, workers=1
    )
    shared = generator.write_runs(
        [tmp_path / "shared" / name for name in names], 6, seed=1, workers=2
    )
    assert alone.equals(shared)
    assert alone["file"].unique().tolist() == names
    for name in names:
        with (
            netCDF4.Dataset(tmp_path / "alone" / name) as one,
            netCDF4.Dataset(tmp_path / "shared" / name) as other,
        ):
            for variable in one.variables:
                assert np.array_equal(one[variable][:], other[variable][:]), variable


def test_equal_seeds_give_equal_storms_and_others_differ(run):
    values, probability = run
    again, probability_again = generator.make_storms(RUN_DATE, 0, 200, seed=1)
    assert all(np.array_equal(values[name], again[name]) for name in values)
    assert np.array_equal(probability, probability_again)
    for index, seed in ((0, 2), (1, 1)):
        other, _ = generator.make_storms(RUN_DATE, index, 200, seed=seed)
        for name in ("REFL_COM_curr", "U10_curr", "V10_curr", "T2_curr", "RVORT1_MAX_future"):
            assert abs(np.corrcoef(values[name].ravel(), other[name].ravel())[0, 1]) < 0.6, name
            assert not np.isin(values[name][:, 0, 0], other[name][:, 0, 0]).all(), name


# Run dates


def test_one_hundred_runs_have_the_run_dates_of_the_archive():
    with open(ARCHIVE_RUNS, newline="") as stream:
        archive = [row["run_date"][:10] for row in csv.DictReader(stream)]
    assert [f"{date:%Y-%m-%d}" for date in demo_run_dates(100)] == archive


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5000))
def test_run_dates_are_different_days_of_which_64_percent_come_before_2015(count):
    dates = demo_run_dates(count)
    assert len(set(dates)) == count
    assert dates == sorted(dates)
    assert all(date == datetime(date.year, date.month, date.day) for date in dates)
    early = sum(date < datetime(2015, 1, 1) for date in dates)
    assert 1 <= early < count
    assert abs(early - 0.64 * count) <= 0.5


@pytest.mark.parametrize("count", [20, 100, 500, 5000])
def test_most_runs_are_of_the_warm_season(count):
    warm = sum(4 <= date.month <= 7 for date in demo_run_dates(count))
    assert 0.6 < warm / count < 0.85


@pytest.mark.parametrize("count", [1, 5001])
def test_number_of_runs_out_of_range_is_refused(count):
    with pytest.raises(UserError, match=rf"data\.demo\.runs .*5000.*\b{count}\b"):
        demo_run_dates(count)


def test_file_names_give_back_the_run_date():
    assert parse_run_name(demo_file_name(RUN_DATE)) == ("NCARSTORM", RUN_DATE, "d01")


# Places and tracks


def test_longitude_and_latitude_follow_the_projection_of_the_archive():
    with netCDF4.Dataset(HAGELSLAG) as real:
        longitude, latitude = generator.geographic(
            real["x"][:].astype(float), real["y"][:].astype(float)
        )
        np.testing.assert_allclose(longitude, real["lon"][:], atol=1e-5)
        np.testing.assert_allclose(latitude, real["lat"][:], atol=1e-5)


def test_patches_lie_on_the_grid(run):
    values, _ = run
    assert np.all(np.diff(values["i"], axis=1) == 1)
    assert np.all(np.diff(values["j"], axis=2) == 1)
    assert values["i"].min() >= 0
    assert values["i"].max() <= 984
    assert values["j"].min() >= 0
    assert values["j"].max() <= 1579
    np.testing.assert_array_equal(values["x"], -2_068_500 + 3000 * values["j"])
    np.testing.assert_array_equal(values["y"], -1_470_300 + 3000 * values["i"])
    longitude, latitude = generator.geographic(values["x"].astype(float), values["y"].astype(float))
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


def test_a_track_moves_steadily_with_the_storms_of_its_run(run):
    values, _ = run
    steps = np.flatnonzero(np.diff(values["track_id"]) == 0)
    for name in ("centroid_i", "centroid_j"):
        motion = np.diff(values[name])[steps]
        assert motion.std() < 3  # cells an hour
        turns = steps[np.isin(steps + 1, steps)]
        assert len(turns) > 10
        assert np.abs(np.diff(values[name], 2)[turns]).max() <= 1
    speed = np.hypot(np.diff(values["x"][:, 16, 16])[steps], np.diff(values["y"][:, 16, 16])[steps])
    assert 3 < speed.mean() / 3600 < 20  # m/s


def test_successive_steps_are_one_storm_that_changes(runs):
    field = runs["REFL_COM_curr"].reshape(4000, -1)
    field = field - field.mean(axis=0)
    following = np.flatnonzero(runs["track_step"].ravel()[1:] > 1)

    def likeness(one, other):
        return np.mean(
            [np.corrcoef(field[a], field[b])[0, 1] for a, b in zip(one, other, strict=True)]
        )

    same_track = likeness(following[:300], following[:300] + 1)
    other_track = likeness(following[:300], (following[:300] + 2000) % 4000)
    assert 0.3 < same_track < 0.9
    assert abs(other_track) < 0.1


# Storms


def test_masks_are_the_object_around_the_centre(run):
    values, _ = run
    masks, reflectivity = values["masks"], values["REFL_COM_curr"]
    assert set(np.unique(masks)) == {0, 1}
    assert np.all(masks[:, 16, 16] == 1)
    assert reflectivity[masks == 1].min() >= 40
    assert masks.sum(axis=(1, 2)).min() >= 4
    assert all(label(mask, np.ones((3, 3)))[1] == 1 for mask in masks)


def test_neighbour_storms_are_not_in_the_masks(run):
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


def test_neighbours_may_rotate_more_than_the_storm(run):
    values, _ = run
    patch_peak = values["RVORT1_MAX_future"].max(axis=(1, 2))
    assert 0.3 < np.mean(patch_peak > storm_peak(values)) < 0.8


def test_vortex_is_cyclonic_on_the_right_rear_flank():
    environment = generator.draw_environment(RUN_DATE, 0, 1)._replace(storm_motion=(10.0, 0.0))
    centre = np.zeros(1)
    vortex = generator.low_level_vortex(
        generator.Cell(centre, centre, centre, generator.X[None]), np.array([3.0]), environment
    )
    assert vortex.x[0] < 0
    assert vortex.y[0] < 0
    u, v = generator.swirl(vortex)
    vorticity = np.gradient(v[0], 3000, axis=1) - np.gradient(u[0], 3000, axis=0)
    row, column = np.unravel_index(vorticity.argmax(), vorticity.shape)
    assert (generator.X[row, column], generator.Y[row, column]) == (-6, -9)  # km, the nearest pixel
    assert 0.002 < vorticity.max() < 0.01
    assert np.hypot(u, v).max() == pytest.approx(vortex.speed[0], rel=0.02)


def test_wind_shows_the_future_rotation(runs):
    v = runs["V10_curr"].reshape(-1, 32, 32)
    u = runs["U10_curr"].reshape(-1, 32, 32)
    vorticity = np.gradient(v, axis=2) - np.gradient(u, axis=1)
    near = vorticity[:, 10:18, 10:18].mean(axis=(1, 2))
    assert 0.6 < np.corrcoef(near, np.log(runs["peak"].ravel()))[0, 1] < 0.95


# Resemblance to the archive. The targets hold for 20,000 storms; the tolerances here leave room
# for the demo's 4000.


def test_events_are_as_frequent_as_in_the_archive(runs):
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


def test_reflectivity_is_distributed_as_in_the_archive(runs):
    counts, _ = np.histogram(runs["REFL_COM_curr"], np.arange(41) * 1.61)
    made_up = np.cumsum(counts) / runs["REFL_COM_curr"].size
    real = np.cumsum(REAL_HISTOGRAM) / REAL_HISTOGRAM.sum()
    assert np.abs(made_up - real).max() < 0.1


def test_largest_rotation_is_distributed_as_in_the_archive(runs):
    steps = 0.00049 * np.arange(1, 21)
    made_up = np.mean(runs["patch_peak"].ravel()[:, None] <= steps, axis=0)
    assert np.abs(made_up - REAL_ROTATION).max() < 0.1


def test_reflectivity_has_the_principal_components_of_the_archive(runs):
    field = runs["REFL_COM_curr"].reshape(4000, -1).astype(float)
    variances = np.linalg.eigvalsh(np.cov(field, rowvar=False))[::-1]
    explained = np.cumsum(variances)[[0, 5, 14]] / variances.sum()
    np.testing.assert_allclose(explained, REAL_COMPONENTS, atol=0.1)


def test_storms_of_a_run_are_alike(runs):
    """Share of the variance between runs (intraclass correlation, analysis of variance)."""

    def between_runs(values):
        within = values.var(axis=1, ddof=1).mean()
        between = values.mean(axis=1).var(ddof=1) - within / values.shape[1]
        return between / (between + within)

    for name in ("U10_curr", "V10_curr", "T2_curr"):
        assert between_runs(runs[name].mean(axis=(2, 3))) > 0.2, name
    assert between_runs(runs["REFL_COM_curr"].mean(axis=(2, 3))) > 0.03
    assert 0.05 < between_runs(np.log(runs["peak"])) < 0.4


def test_every_stretch_of_runs_covers_the_environments():
    favourability = np.array(
        [generator.draw_environment(RUN_DATE, index, 1).favourability for index in range(200)]
    )
    for length in (20, 36):
        means = np.lib.stride_tricks.sliding_window_view(favourability, length).mean(axis=1)
        assert means.std() < 0.5 / np.sqrt(length)  # half that of independent draws
    assert favourability.std() == pytest.approx(1, abs=0.05)


# True probabilities


def test_events_happen_as_often_as_their_true_probability_says(runs):
    """Given the probabilities events are independent, so each group's excess is known."""
    probability, event = runs["probability"].ravel(), runs["peak"].ravel() > 0.005
    edges = [0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 1]
    for low, high in pairwise(edges):
        group = (probability > low) & (probability <= high)
        expected = probability[group].sum()
        deviation = np.sqrt(np.sum(probability[group] * (1 - probability[group])))
        assert group.sum() > 20
        assert abs(event[group].sum() - expected) < 3 * max(deviation, 0.4), (low, high)


def test_probability_is_one_half_where_the_threshold_is_expected():
    at_threshold, weaker = generator.event_probability(np.log([0.005, 0.004]))
    assert at_threshold == pytest.approx(0.5)
    assert weaker < 0.5


def test_a_network_can_tell_much_but_not_all(runs):
    """The true probabilities bound the Brier skill that any network reaches."""
    probability, event = runs["probability"].ravel(), runs["peak"].ravel() > 0.005
    skill = 1 - np.mean((probability - event) ** 2) / event.var()
    assert 0.5 < skill < 0.75
