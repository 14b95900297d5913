"""The data that the page of a forecast embeds."""

import base64
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
from forecast_contents import SIDE, contents

from stormcnn.forecast import page_data as data_module
from stormcnn.forecast.map_shapes import map_shapes
from stormcnn.forecast.page_data import page_data
from stormcnn.forecast.probability_steps import COLORS, EDGES
from stormcnn.forecast.selection import choose_shown, describe_cut, select_storms


def data_of(made):
    return page_data(made, choose_shown(made.forecast))


def points_of(path):
    """Return the rings of an SVG path of relative lines as arrays (point, 2)."""
    rings = []
    for start, moves in re.findall(r"M(-?\d+,-?\d+)l([^z]*)z", path):
        steps = [[int(n) for n in pair.split(",")] for pair in [start, *moves.split()]]
        rings.append(np.cumsum(steps, axis=0))
    return rings


@pytest.mark.slow
def test_storms_are_in_the_order_of_the_forecast():
    made = contents(40)
    data = data_of(made)
    storms = data["storms"]
    assert storms["number"] == made.forecast["patch"].values.tolist()
    assert storms["probability"] == sorted(storms["probability"], reverse=True)
    lengths = {len(values) for values in storms.values() if values is not None}
    assert lengths == {40}
    windows = [data["windows"][window] for window in storms["window"]]
    hour = f"{made.forecast['valid_time'].values[0].astype('datetime64[h]')}"[-2:]
    assert windows[0].split()[-2].startswith(hour)
    json.dumps(data, allow_nan=False)


@pytest.mark.slow
def test_outlines_are_where_the_storms_are():
    made = contents(20)
    data = data_of(made)
    for center, path in zip(data["storms"]["center"], data["storms"]["outline"], strict=True):
        (ring,) = points_of(path)
        assert ring.mean(axis=0) == pytest.approx(center, abs=40)
        # Radii are 9 to 22 km.
        assert 170 < np.ptp(ring[:, 0]) < 450
    corners = np.array(data["storms"]["center"])
    assert (corners >= 0).all()
    assert (corners <= [data["map"]["width"], data["map"]["height"]]).all()


@pytest.mark.slow
def test_north_is_up():
    made = contents(30)
    north = int(np.argmax(made.forecast["latitude"].values))
    heights = np.array(data_of(made)["storms"]["center"])[:, 1]
    assert heights[north] < np.median(heights)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"longitude": 179.0, "latitude": 40.0, "cone": 0.6},
        {"longitude": 25.0, "latitude": -30.0, "cone": -0.5},
        {"positions": False},
        {"members": 0},
        {"extras": False},
    ],
    ids=["antimeridian", "south", "no-positions", "no-members", "no-extras"],
)
def test_unusual_runs_have_a_map_of_their_size(options):
    made = contents(60, **options)
    data = data_of(made)
    # The storms are spread over 1,800 by 1,200 km.
    assert 12_000 < data["map"]["width"] < 30_000
    assert data["map"]["height"] == pytest.approx(0.75 * data["map"]["width"], abs=2)
    assert all(bool(path) == options.get("positions", True) for path in data["storms"]["outline"])
    json.dumps(data, allow_nan=False)


def test_one_storm_has_borders_around_it():
    data = data_of(contents(1))
    assert data["map"]["width"] == pytest.approx(4000, abs=2)
    assert data["map"]["states"]
    assert len(data["hours"]) == 1


def test_storm_without_position_of_its_outline_is_a_point_among_outlines():
    made = contents(3, extras=False)
    outlines = [made.outlines[0], [], made.outlines[2]]
    paths = data_of(replace(made, outlines=outlines))["storms"]["outline"]
    assert [bool(path) for path in paths] == [True, False, True]


def test_fields_can_be_read_back():
    made = contents(70, extras=False)
    fields = data_of(made)["fields"]
    assert fields["count"] == 70
    assert fields["size"] == [SIDE, SIDE]
    size = 3 * SIDE * SIDE + SIDE * SIDE // 8
    storm = 45
    chunk, place = divmod(storm, fields["per_chunk"])
    content = zlib.decompress(base64.b64decode(fields["chunks"][chunk]))
    record = np.frombuffer(content, np.uint8)[place * size : (place + 1) * size]
    for number, about in enumerate(fields["variables"]):
        values = record[number * SIDE**2 : (number + 1) * SIDE**2].reshape(SIDE, SIDE)
        stored = about["low"] + (about["high"] - about["low"]) * values / 255
        original = made.storms["predictors"].values[storm, :, :, number]
        assert np.abs(stored - original).max() < (about["high"] - about["low"]) / 120
    mask = np.unpackbits(record[3 * SIDE**2 :]).reshape(SIDE, SIDE)
    assert (mask == made.storms["masks"].values[storm]).all()


@pytest.mark.slow
def test_fields_of_the_least_probable_storms_are_left_out_first(monkeypatch):
    made = contents(100, extras=False)
    whole = data_of(made)["fields"]
    first = len(whole["chunks"][0]) + len(whole["chunks"][1])
    monkeypatch.setattr(data_module, "MOST_FIELD_BYTES", first)
    fields = data_of(made)["fields"]
    assert fields["count"] == 2 * fields["per_chunk"]
    assert fields["chunks"] == whole["chunks"][:2]


@pytest.mark.slow
def test_histograms_count_all_members():
    made = contents(15, members=40)
    histograms = np.array(data_of(made)["storms"]["members"])
    assert (histograms.sum(axis=1) == 40).all()
    members = made.forecast["member_probability"].values[4]
    assert histograms[4, 0] == (members < 0.05).sum()


@pytest.mark.slow
def test_explanations_and_similar_storms_belong_to_their_storms():
    made = contents(30)
    data = data_of(made)
    assert sorted(map(int, data["explained"])) == list(range(10))
    one = data["explained"]["2"]
    assert one["reason"] == made.explanations["reason"].values[2]
    assert len(one["flattened"]) == 2
    assert one["complete"]
    assert not data["explained"]["1"]["complete"]
    past = [data["similar"]["past"][place] for place in data["similar"]["of"][7]]
    assert [event for _, event, _, _ in past] == made.similar["event"].values[7].tolist()
    peaks = [float(peak) for *_, peak in past]
    assert peaks == pytest.approx(made.similar["peak"].values[7], rel=0.01)


def test_network_without_training_storms_of_other_runs_has_no_similar_ones():
    made = contents(4)
    none = made.similar.isel(neighbour=slice(0))
    data = data_of(replace(made, similar=none))
    assert data["similar"]["past"] == []
    assert data["similar"]["of"] == [[]] * 4


@pytest.mark.slow
def test_areas_of_the_neighborhood_grow_with_their_probability():
    made = contents(30)
    data = data_of(made)
    areas = dict(data["map"]["areas"]["0"])
    assert set(areas) == {1, 2, 3, 4, 5}
    sizes = [np.ptp(points_of(areas[step])[0][:, 0]) for step in sorted(areas)]
    assert sizes == sorted(sizes, reverse=True)
    # The probability is 0.9 exp(-(x / 300 km)²) along x, so it is 0.5 at 230 km.
    assert sizes[3] == pytest.approx(2 * 230 * 10, rel=0.05)


@pytest.mark.slow
def test_unknown_positions_of_the_neighborhood_have_no_area():
    made = contents(30)
    latitude = made.neighbourhood["latitude"].copy()
    latitude[:40] = np.nan
    areas = data_of(
        replace(made, neighbourhood=made.neighbourhood.assign_coords(latitude=latitude))
    )["map"]["areas"]["0"]
    assert "nan" not in json.dumps(areas).lower()


@pytest.mark.slow
def test_thresholds_have_names_and_unknown_aims_their_own():
    made = replace(contents(5), thresholds={"cost_loss=0.05": 0.05, "new aim": 0.3, "unbiased": 0})
    thresholds = data_of(made)["thresholds"]
    assert [one["value"] for one in thresholds] == [0.05, 0.3]
    assert "5 %" in thresholds[0]["name"]
    assert thresholds[1]["name"] == "new aim"


@pytest.mark.slow
def test_storm_with_the_probability_of_a_threshold_reaches_it_on_the_page():
    # An isotonic recalibration gives many storms the same probability, which becomes a threshold.
    made = contents(3, extras=False)
    probability = ("storm", np.array([2 / 3, 1 / 3, 1 / 3 - 1e-5], np.float32))
    forecast = made.forecast.assign(probability=probability)
    data = data_of(replace(made, forecast=forecast, thresholds={"unbiased": 1 / 3}))
    (threshold,) = data["thresholds"]
    reached = [value >= threshold["value"] for value in data["storms"]["probability"]]
    assert reached == [True, True, False]


# Very many storms.


def test_tracks_are_kept_whole_if_there_are_too_many_storms():
    forecast = contents(300, extras=False).forecast
    shown = choose_shown(forecast, most=100)
    assert len(shown) <= 100
    assert (np.diff(shown) > 0).all()
    assert shown[0] == 0
    tracks = forecast["track_id"].values
    left_out = np.setdiff1d(np.arange(300), shown)
    assert not set(tracks[shown]) & set(tracks[left_out])
    probability = forecast["probability"].values
    least = min(probability[tracks == track].max() for track in set(tracks[shown]))
    assert probability[left_out].max() <= least
    assert "300" in describe_cut(forecast, shown)
    assert describe_cut(forecast, np.arange(300)) == ""


def test_single_track_that_is_too_long_is_cut():
    forecast = contents(50, extras=False).forecast
    one_track = forecast.assign_coords(track_id=("storm", np.zeros(50, int)))
    assert choose_shown(one_track, most=20).tolist() == list(range(20))


@pytest.mark.slow
def test_parts_of_the_contents_stay_together():
    made = contents(60)
    shown = np.array([0, 3, 4, 9, 30])
    selected = select_storms(made, shown)
    assert selected.explanations["index"].values.tolist() == [0, 1, 2, 3]
    reasons = made.explanations["reason"].values[[0, 3, 4, 9]]
    assert selected.explanations["reason"].values.tolist() == reasons.tolist()
    assert selected.outlines[2] is made.outlines[4]
    assert selected.similar["event"].values[3].tolist() == made.similar["event"].values[9].tolist()
    data = page_data(made, shown)
    assert len(data["storms"]["number"]) == 5
    # Sums count all storms.
    assert data["total"]["storms"] == 60
    assert len(data["hours"]) == len(made.hours)


@pytest.mark.slow
def test_hours_without_storms_are_between_the_others():
    made = contents(60)
    hour = made.forecast["valid_time"].values.astype("datetime64[h]")
    empty = np.unique(hour)[2]
    data = data_of(select_storms(made, np.flatnonzero(hour != empty)))
    labels = [one["label"] for one in data_of(made)["hours"]]
    assert [one["label"] for one in data["hours"]] == labels
    assert [one["storms"] for one in data["hours"]].index(0) == 2
    assert data["hours"][2]["expected"] == 0
    shown = hour[hour != empty]
    assert (np.unique(hour)[data["storms"]["hour"]] == shown).all()


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [(0, 1, ["18–19 UTC", "19–20 UTC", "20–21 UTC"]), (-1, -1, ["17 UTC", "18 UTC", "19 UTC"])],
    ids=["next hour", "previous hour"],
)
def test_hours_without_storms_are_labeled_like_the_others(start, end, labels):
    made = contents(2, extras=False)
    times = np.array(["2024-05-20T18", "2024-05-20T20"], "datetime64[ns]")
    forecast = made.forecast.assign_coords(valid_time=("storm", times)).assign(
        valid_from=("storm", times + np.timedelta64(start, "h")),
        valid_to=("storm", times + np.timedelta64(end, "h")),
    )
    data = data_of(replace(made, forecast=forecast))
    assert [one["label"] for one in data["hours"]] == labels


def test_storms_many_days_apart_do_not_fill_the_page_with_hours():
    made = contents(60)
    times = made.forecast["valid_time"].values.copy()
    times[0] += np.timedelta64(3650, "D")
    apart = made.forecast.assign_coords(valid_time=("storm", times))
    assert len(replace(made, forecast=apart).hours) <= 60


def test_steps_are_in_order_and_have_a_color_each():
    assert len(EDGES) == len(COLORS)
    lightness = [sum(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in COLORS]
    assert lightness == sorted(lightness, reverse=True)


def test_shapes_include_all_outlines():
    shapes = map_shapes(contents(25))
    points = np.concatenate([ring for rings in shapes.outlines for ring in rings])
    assert (points > shapes.low).all()
    assert (points < shapes.high).all()
