"""Thousands of damaged run files: each is read correctly, rejected in part, or refused by name.

The damage comes from a fixed seed, so a failure can be reproduced from the number of its input.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import netCDF4
import numpy as np
import pytest
import xarray as xr
from run_files import FIRST_RUN, Values, run_file_name, run_values, write_run_file

from stormcnn.storms import child_process
from stormcnn.storms.child_process import read_in_child
from stormcnn.storms.reading import read_checked, read_run
from stormcnn.storms.run_files import BadRunFile
from stormcnn.storms.variables import PER_STORM, QUANTITIES, Selection, quantity_of

PREDICTORS = ("REFL_COM_curr", "U10_curr", "V10_curr")
TARGET = "RVORT1_MAX_future"
SELECTION = Selection(PREDICTORS, TARGET, "storm")
STORMS, SIZE = 4, 8
WORKERS = 2
# Inputs that are read in one process; after a crash each of them is read in its own process.
AT_ONCE = 20

Damage = Callable[[np.random.Generator, Path], Path]


class Outcome(NamedTuple):
    """The result of reading one damaged run file, with its error or the reason of rejection."""

    kind: str  # refused, rejected, changed or equal
    message: str


# Kinds of damage: each function returns a damaged run file that it writes to the folder.


@cache
def whole_file(folder: Path) -> bytes:
    """Return the content of a valid run file without the variables that are not read."""
    return write_run_file(folder / "whole", values()).read_bytes()


def values() -> Values:
    needed = {*PREDICTORS, TARGET, "masks", *PER_STORM, "p", "row", "col"}
    return {name: array for name, array in run_values(STORMS, SIZE).items() if name in needed}


def save(folder: Path, content: bytes | bytearray) -> Path:
    path = folder / run_file_name()
    path.write_bytes(content)
    return path


def flip_a_bit(random: np.random.Generator, folder: Path) -> Path:
    content = bytearray(whole_file(folder))
    content[random.integers(len(content))] ^= 1 << random.integers(8)
    return save(folder, content)


def replace_bytes(random: np.random.Generator, folder: Path) -> Path:
    content = bytearray(whole_file(folder))
    length = int(random.choice([1, 2, 4, 8, 64, 512]))
    start = random.integers(len(content) - length)
    content[start : start + length] = random.choice(
        [bytes(length), b"\xff" * length, random.bytes(length)]
    )
    return save(folder, content)


def truncate(random: np.random.Generator, folder: Path) -> Path:
    content = whole_file(folder)
    return save(folder, content[: random.integers(len(content))])


def flip_a_bit_of_a_value(random: np.random.Generator, folder: Path) -> Path:
    """Change a value before it is compressed, so that the file itself is valid."""
    changed = values()
    name = random.choice([*PREDICTORS, TARGET, "masks", *PER_STORM])
    bits = changed[name].view("u4").ravel()
    bits[random.integers(bits.size)] ^= np.uint32(1 << random.integers(32))
    return write_run_file(folder, changed)


NUMBERS = (0, -1, 1e30, np.nan, np.inf, np.int8(7), np.zeros(3), np.arange(3, dtype="u8"))
TEXTS = (
    "",
    " ",
    "\x00\x1b[2J\n\r",
    "<script>alert(1)</script>",
    "'; rm -rf ~; $(reboot) `reboot`",
    "{wildcards} {0} %s %n",
    "../../../etc/passwd",
    "é\u202e\U0001f327\ud7ff",
    "hours since 2010-10-24 00:00:00" * 300,
    "hours since 1e99-10-24",
    "hours since -9999-01-01",
    "days since 2010-10-24",
    "seconds since 2010-10-24 00:00:00",
    "hours since 2010-10-24 00:00:00 +99:99",
    "A" * 100_000,
)
# Attributes that change how the NetCDF library reads a variable.
INTERPRETED = (
    *("_FillValue", "missing_value", "valid_min", "valid_max", "valid_range", "scale_factor"),
    *("add_offset", "_Unsigned", "_Encoding", "units", "calendar", "_NCProperties"),
)


def set_hostile_attributes(random: np.random.Generator, folder: Path) -> Path:
    path = save(folder, whole_file(folder))
    with netCDF4.Dataset(path, "a") as file:
        for _ in range(3):
            owner = random.choice(["", *PREDICTORS, TARGET, "masks", "time", "track_id"])
            name = random.choice(["title", "long_name", "source", "a b", "é", *INTERPRETED])
            value = (*TEXTS, *NUMBERS)[random.integers(len(TEXTS) + len(NUMBERS))]
            # An attribute that the library refuses to write cannot be in a file.
            with suppress(AttributeError, OSError, RuntimeError, TypeError, ValueError):
                (file[owner] if owner else file).setncattr(name, value)
    return path


INPUTS: dict[Damage, int] = {
    flip_a_bit: 1000,
    replace_bytes: 300,
    truncate: 200,
    flip_a_bit_of_a_value: 400,
    set_hostile_attributes: 250,
}


# Outcomes


def outcome(read: Callable[[Path, str], xr.Dataset], path: Path, whole: xr.Dataset) -> Outcome:
    try:
        storms = read(path, "")
    except BadRunFile as error:
        return Outcome("refused", str(error))
    check_possible(storms)
    if storms.attrs["rejected"]:
        return Outcome("rejected", storms.attrs["reason"])
    assert storms.sizes == whole.sizes, "a changed shape was not detected"
    return Outcome("equal" if storms.equals(whole) else "changed", "")


def check_possible(storms: xr.Dataset) -> None:
    """Assert, independently of the library's checks, that no value is impossible."""
    assert storms["predictors"].shape[1:] == (SIZE, SIZE, len(PREDICTORS))
    for name in PREDICTORS:
        field = storms["predictors"].sel(variable=name)
        _, _, low, high = quantity_of(name)
        assert bool(((field >= low) & (field <= high)).all()), name
        assert bool((field != 0).any(["y", "x"]).all()), name
    peak = QUANTITIES["RVORT1_MAX"]
    assert bool(((storms["peak"] >= peak.lowest) & (storms["peak"] <= peak.highest)).all())
    lead = storms["valid_time"] - storms["run_date"]
    assert bool((storms["run_date"] == np.datetime64(FIRST_RUN)).all())
    assert bool(((lead >= np.timedelta64(0, "h")) & (lead <= np.timedelta64(240, "h"))).all())
    assert bool((lead / np.timedelta64(1, "h") == storms["forecast_hour"]).all())
    assert bool((abs(storms["latitude"]) <= 90).all())
    assert bool((abs(storms["longitude"]) <= 360).all())
    assert bool(((storms["track_id"] >= 0) & (storms["track_step"] >= 1)).all())


def in_a_child(path: Path, sha256: str) -> xr.Dataset:
    """Read like the workflow, protected against crashes."""
    return read_run(path, predictors=PREDICTORS, target=TARGET, sha256=sha256)


def here(path: Path, sha256: str) -> xr.Dataset:
    """Read in this process, which is faster but not protected against crashes."""
    return read_checked(str(path), SELECTION, sha256)


def damage_and_read(damage: Damage, numbers: range, folder: Path) -> list[Outcome]:
    """Damage and read inputs in one process; if it crashes, read each in its own process."""

    def all_here(_: str) -> list[Outcome]:
        whole = here(save(folder, whole_file(folder)), "")
        return [one(number, here, whole) for number in numbers]

    def one(number: int, read: Callable[[Path, str], xr.Dataset], whole: xr.Dataset) -> Outcome:
        path = damage(np.random.default_rng([number, len(damage.__name__)]), folder)
        try:
            if path.read_bytes() != whole_file(folder):
                with pytest.raises(BadRunFile, match=whole.attrs["sha256"]):
                    here(path, whole.attrs["sha256"])
            return outcome(read, path, whole)
        except Exception as error:
            error.add_note(f"{damage.__name__}, input {number}")
            raise

    folder.mkdir()
    try:
        return read_in_child(all_here, str(folder))
    except BadRunFile:
        whole = in_a_child(save(folder, whole_file(folder)), "")
        return [one(number, in_a_child, whole) for number in numbers]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    """Return the outcome of every input by the kind of damage."""
    # Some files send HDF5 into an endless loop; a valid file takes 0.01 s.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child_process, "CPU_SECONDS", 2.0)
        return read_all(tmp_path_factory.mktemp("damaged"))


def read_all(base: Path) -> dict[str, list[Outcome]]:
    parts = [
        (damage, range(start, min(start + AT_ONCE, count)))
        for damage, count in INPUTS.items()
        for start in range(0, count, AT_ONCE)
    ]
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(WORKERS, context) as pool:
        results = pool.map(
            damage_and_read,
            [damage for damage, _ in parts],
            [numbers for _, numbers in parts],
            [base / f"{damage.__name__}-{numbers.start}" for damage, numbers in parts],
        )
        result: dict[str, list[Outcome]] = {damage.__name__: [] for damage in INPUTS}
        for (damage, _), some in zip(parts, results, strict=True):
            result[damage.__name__] += some
    return result


def test_every_refused_file_is_named_in_a_short_printable_message(outcomes):
    every = [outcome for some in outcomes.values() for outcome in some]
    assert len(every) == sum(INPUTS.values()) >= 2000
    for kind, message in every:
        if kind == "refused":
            assert run_file_name() in message
            assert message.endswith(".")
            assert message.isprintable()
            assert len(message) < 1000
        elif kind == "rejected":
            assert "(p = " in message


def undetected_share(outcomes: list[Outcome]) -> float:
    """Return the share of the inputs whose storms differ, but are all accepted."""
    return sum(outcome.kind == "changed" for outcome in outcomes) / len(outcomes)


def test_damaged_bytes_are_detected(outcomes):
    """HDF5 has checksums of headers, and Deflate has checksums of compressed values."""
    damaged = outcomes["flip_a_bit"] + outcomes["replace_bytes"]
    assert undetected_share(damaged) < 0.002
    assert sum(outcome.kind == "refused" for outcome in damaged) > len(damaged) / 4


def test_truncated_run_files_are_refused(outcomes):
    assert {outcome.kind for outcome in outcomes["truncate"]} == {"refused"}


def test_two_thirds_of_the_flipped_bits_of_values_give_possible_values(outcomes):
    """Only a checksum in the run list detects these."""
    some = outcomes["flip_a_bit_of_a_value"]
    assert 0.55 < undetected_share(some) < 0.75
    assert {outcome.kind for outcome in some} == {"rejected", "changed", "equal"}


def test_hostile_attributes_seldom_change_values(outcomes):
    """Attributes such as `scale_factor` may legitimately give other possible values."""
    assert undetected_share(outcomes["set_hostile_attributes"]) < 0.05
