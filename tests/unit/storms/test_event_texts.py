"""Texts about the event follow the target, and settings override them."""

import netCDF4
import pytest
from run_files import run_values, write_run_file

from stormcnn.errors import UserError
from stormcnn.storms.event_texts import display_units, event_texts, name_of
from stormcnn.storms.reading import read_run


def test_event_of_the_lesson_has_its_name():
    texts = event_texts("RVORT1_MAX_future", "storm", 0.005)
    assert texts.phrase == "strong low-level rotation within the next hour"
    assert (texts.units, texts.threshold) == ("s⁻¹", "0.005 s⁻¹")
    assert texts.condition == "the largest RVORT1_MAX_future inside the storm exceeds 0.005 s⁻¹"


@pytest.mark.parametrize(
    ("target", "phrase", "region"),
    [
        (
            "REFL_COM_future",
            "composite reflectivity above 50 dBZ within the next hour",
            "in the storm's patch",
        ),
        ("REFL_COM_curr", "composite reflectivity above 50 dBZ now", "in the storm's patch"),
        ("UP_HELI_MAX_future", "UP_HELI_MAX above 50 within the next hour", "in the storm's patch"),
        ("Max_Hail_Size", "Max_Hail_Size above 50", ""),
    ],
)
def test_other_events_are_named_by_their_target(target, phrase, region):
    texts = event_texts(target, "patch", 50)
    assert texts.phrase == phrase
    assert texts.region == region
    assert not any(word in " ".join(texts).lower() for word in ("rotation", "vorticity"))


def test_variable_with_one_value_per_storm_has_no_region_in_its_condition():
    assert event_texts("Max_Hail_Size", "storm", 25, units="mm").condition == (
        "Max_Hail_Size exceeds 25 mm"
    )


def test_name_and_units_come_from_the_run_files():
    of_files = {"target_long_name": "updraft helicity", "threshold_units": "m2 s-2"}
    texts = event_texts("UP_HELI_MAX_future", "storm", 75, attributes=of_files)
    assert texts.title == "updraft helicity above 75 m² s⁻²"
    assert (texts.quantity, texts.units) == ("updraft helicity", "m² s⁻²")


def test_attributes_of_run_files_reach_the_peak(tmp_path):
    values = run_values()
    values["UP_HELI_MAX_future"] = 1e4 * values["RVORT1_MAX_future"]
    path = write_run_file(tmp_path, values)
    with netCDF4.Dataset(path, "a") as file:
        file["UP_HELI_MAX_future"].setncatts({"long_name": "updraft helicity", "units": "m2 s-2"})
    peak = read_run(path, predictors=["U10_curr"], target="UP_HELI_MAX_future")["peak"]
    assert (peak.attrs["target_long_name"], peak.attrs["units"]) == ("updraft helicity", "m2 s-2")


def test_settings_override_derived_texts():
    texts = event_texts(
        "Max_Hail_Size", "storm", 50, title="giant hail", units="mm", lead="within three hours"
    )
    assert texts.phrase == "giant hail within three hours"
    assert texts.threshold == "50 mm"
    assert event_texts("REFL_COM_future", "storm", 50, lead="").lead == ""


@pytest.mark.parametrize("of_files", [{}, {"threshold_units": "dBZ"}])
def test_units_that_contradict_the_run_files_are_refused(of_files):
    with pytest.raises(UserError, match=r"event\.units.*dBZ.*REFL_COM_future.*mm"):
        event_texts("REFL_COM_future", "storm", 50, units="mm", attributes=of_files)


@pytest.mark.parametrize("long_name", ["", "REFL_COM", "REFL_COM_curr"])
def test_long_name_that_repeats_the_variable_is_not_a_name(long_name):
    assert name_of("REFL_COM_curr", long_name) == "composite reflectivity"


@pytest.mark.parametrize(
    ("units", "shown"),
    [("s-1", "s⁻¹"), ("m s**-1", "m s⁻¹"), ("m^2 s-2", "m² s⁻²"), ("dBZ", "dBZ"), ("m/s", "m/s")],
)
def test_powers_in_units_are_superscripts(units, shown):
    assert display_units(units) == shown


def test_texts_of_files_are_printable_and_short():
    attributes = {"target_long_name": "a\x1b[2J" + "b" * 1000, "threshold_units": "m\n"}
    texts = event_texts("X\u202e_future", "storm", 1, attributes=attributes)
    for text in texts:
        assert text.isprintable()
        assert len(text) < 300
