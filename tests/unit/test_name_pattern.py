"""Names of run files are read with the pattern of the config."""

from datetime import datetime

import pytest

from stormcnn.name_pattern import DEFAULT_PATTERN, compile_pattern

HOUR = datetime(2024, 5, 1, 12)
DAY = datetime(2024, 5, 1)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (DEFAULT_PATTERN, "HRRR-ZARR_20240501-1200_oper_model_patches.nc", ("HRRR-ZARR", "oper")),
        (DEFAULT_PATTERN, "MY_ENS_20240501-1200_mem_7_model_patches.nc", ("MY_ENS", "mem_7")),
        (
            "{ensemble}_{run_date:%Y%m%d%H}_{ensemble_member}.nc",
            "W_2024050112_d01.nc",
            ("W", "d01"),
        ),
        ("storms.{run_date:%Y-%m-%d_%H:%M:%S}.nc", "storms.2024-05-01_12:00:00.nc", ("", "")),
        ("{ensemble_member}-{run_date:%y%j%H}.NC", "d01-2412212.NC", ("", "d01")),
        ("{run_date:%Y%m%d}T{ensemble}", "20240501T12", ("12", "")),
    ],
)
def test_parts_of_a_name_are_read(pattern, name, expected):
    ensemble, run_date, member = compile_pattern(pattern).parse(name)
    assert (ensemble, member) == expected
    assert run_date == (HOUR if "%H" in pattern else DAY)


@pytest.mark.parametrize(
    "name",
    ["W_20241301-0000_d_model_patches.nc", "W_2024501_d_model_patches.nc", "model_patches.nc"],
)
def test_name_without_a_valid_date_is_refused(name):
    with pytest.raises(ValueError, match="date"):
        compile_pattern(DEFAULT_PATTERN).parse(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.nc",
        "{run_date}.nc",
        "{run_date:%Y%m}.nc",
        "{run_date:%Y%m%d%d}.nc",
        "{run_date:%Y%b%d}.nc",
        "{run_date:%Y%m%d%%}.nc",
        "{run_date:%Y/%m/%d}.nc",
        "{run_date:%Y%m%d%}.nc",
        "{run_date:%Y%m%d}{run_date:%Y%m%d}.nc",
        "{run_date!r:%Y%m%d}.nc",
        "{ensemble}{ensemble}{run_date:%Y%m%d}",
        "{ensemble:x}_{run_date:%Y%m%d}.nc",
        "{member}_{run_date:%Y%m%d}.nc",
        "{}_{run_date:%Y%m%d}.nc",
        "{run_date:%Y%m%d}.nc{",
        "runs/{run_date:%Y%m%d}.nc",
        "%_{run_date:%Y%m%d}.nc",
        "{run_date:{ensemble}}",
    ],
)
def test_text_that_is_no_pattern_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        compile_pattern(text)
