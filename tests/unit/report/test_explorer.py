from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from report_files import TITLES, explained_file, fields, predicted, sampled, write_storms

from stormcnn.errors import UserError
from stormcnn.report.explorer import choose_storms, explore_storms
from stormcnn.storms.event_texts import event_texts

EVENT = event_texts("RVORT1_MAX_future", "storm", 0.005)


def test_storms_are_chosen_by_probability_error_and_spread():
    data, members = predicted(), sampled()
    chosen = choose_storms(
        members["mc_mean"].values, data["label"].values, members["mc_std"].values, 12
    )
    together = np.concatenate(list(chosen.values()))
    assert len(together) == len(set(together)) == 12
    assert 1 in together  # An event with almost no probability.
    assert chosen["Largest errors"][0] == 1
    assert chosen["Largest spread"][0] == 5
    assert {0, 23} <= set(chosen["Evenly over probability"])


def test_at_most_all_storms_are_chosen():
    chosen = choose_storms(np.array([0.1, 0.9]), np.array([0, 1]), None, 200)
    assert sorted(np.concatenate(list(chosen.values()))) == [0, 1]
    assert "Largest spread" not in chosen


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_storms(tmp_path_factory.mktemp("storms"))


def explore(files, members=()):
    """Return twelve storms as JSON gives them back; NaN is an error."""
    explored = explore_storms(files["predictions"], members, files["patches"], TITLES, EVENT, 12)
    return json.loads(json.dumps(explored, allow_nan=False))


@pytest.mark.slow
def test_explorer_has_the_fields_of_its_storms(files):
    data = explore(files)
    stored = np.frombuffer(base64.b64decode(data["fields"]), np.uint8)
    stored = stored.reshape(len(data["storms"]), 3, 8, 8)
    truth = fields()["predictors"].values
    for storm, values in zip(data["storms"], stored, strict=True):
        number = storm["patch"] + (12 if storm["file"] == "second.nc" else 0)
        for index, variable in enumerate(data["variables"]):
            step = (variable["high"] - variable["low"]) / 255
            shown = variable["low"] + step * values[index]
            assert np.abs(shown - truth[number, ..., index]).max() <= step / 2 + 1e-6
    masks = np.unpackbits(np.frombuffer(base64.b64decode(data["masks"]), np.uint8))
    assert masks.reshape(-1, 8, 8)[3].tolist() == fields()["masks"].values[0].tolist()
    assert data["wind"] == [1, 2]
    assert [variable["units"] for variable in data["variables"]] == ["dBZ", "m s⁻¹", "m s⁻¹"]
    assert sum(group["count"] for group in data["groups"]) == len(data["storms"]) == 12


def test_explorer_gives_probabilities_and_outcome_of_each_storm(tmp_path, files):
    sampled().to_netcdf(tmp_path / "storms.nc")
    data = explore(files, members=[tmp_path / "storms.nc"])
    assert data["models"] == ["Baseline", "Spatial dropout"]
    assert data["quantiles"] == [0.05, 0.5, 0.95]
    last = next(s for s in data["storms"] if (s["file"], s["patch"]) == ("second.nc", 11))
    assert last["event"] is True
    assert last["number"] == 23
    assert last["probability"] == pytest.approx([0.9, 0.9])
    assert float(last["peak"]) == pytest.approx(0.01)
    members = last["members"]["Spatial dropout"]
    assert members["quantiles"] == pytest.approx([0.4, 0.8, 0.88], abs=1e-3)
    assert members["mean"] == pytest.approx(0.8)


def test_explained_storms_come_first_with_their_attributions(tmp_path, files):
    explained_file().to_netcdf(tmp_path / "explained.nc")
    explored = explore_storms(
        files["predictions"], [], files["patches"], TITLES, EVENT, 12, [tmp_path / "explained.nc"]
    )
    data = json.loads(json.dumps(explored, allow_nan=False))
    assert data["groups"][0] == {"reason": "With attribution", "count": 3}
    assert [storm["number"] for storm in data["storms"][:3]] == [20, 9, 3]
    numbers = [storm["number"] for storm in data["storms"]]
    assert len(numbers) == len(set(numbers)) == 12
    values = np.frombuffer(base64.b64decode(data["explained"]["values"]), np.int8)
    values = values.reshape(3, 3, 8, 8)
    assert [one["largest"] for one in data["explained"]["storms"]] == [0.5, 1.0, 0.25]
    assert values[:, 0, 2, 5].tolist() == [127, 127, 127]
    assert values[0, 1, 6, 1] == round(-0.1 / 0.5 * 127)
    assert [one["passed"] for one in data["explained"]["storms"]] == [True, False, True]
    assert [one["agreement"] for one in data["explained"]["storms"]] == [0.6, 0.7, None]


def test_explorer_shows_at_most_its_number_of_explained_storms(tmp_path, files):
    explained_file().to_netcdf(tmp_path / "explained.nc")
    data = explore_storms(
        files["predictions"], [], files["patches"], TITLES, EVENT, 2, [tmp_path / "explained.nc"]
    )
    assert [storm["number"] for storm in data["storms"]] == [20, 9]
    assert len(data["explained"]["storms"]) == 2


def test_single_mc_member_has_no_spread(tmp_path, files):
    alone = sampled()
    alone["mc_std"] = alone["mc_std"] * np.nan
    alone.to_netcdf(tmp_path / "storms.nc")
    data = explore(files, members=[tmp_path / "storms.nc"])
    assert data["storms"][0]["members"]["Spatial dropout"]["std"] is None
    assert "Largest spread" not in [group["reason"] for group in data["groups"]]


def test_storm_at_different_positions_is_named(files):
    with pytest.raises(UserError, match=r"second\.nc: patch \d+"):
        explore(files | {"patches": files["patches"][::-1]})


def test_explorer_takes_the_first_seed_of_each_model(tmp_path, files):
    other = predicted("baseline")
    other["probability"] = other["probability"] * 0
    other.attrs["seed"] = 3
    other.to_netcdf(tmp_path / "other.nc")
    data = explore(files | {"predictions": [tmp_path / "other.nc", *files["predictions"]]})
    assert max(storm["probability"][0] for storm in data["storms"]) == pytest.approx(0.9)
