"""Thousands of spoiled run files: each is read right, set aside in part, or refused in a sentence.

What is spoiled, and where, comes from a fixed seed, so a failure can be looked at again by the
number of its input.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
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

from stormcnn.storms import reading
from stormcnn.storms import reading as storms
from stormcnn.storms.reading import QUANTITIES, BadRunFile, Wanted, quantity_of, read_run

PREDICTORS = ("REFL_COM_curr", "U10_curr", "V10_curr")
TARGET = "RVORT1_MAX_future"
WANTED = Wanted(PREDICTORS, TARGET, "storm")
STORMS, SIZE = 4, 8
WORKERS = 2
# Most inputs are read in one process one after the other; a crash costs only its own input.
AT_ONCE = 20

Spoil = Callable[[np.random.Generator, Path], Path]


class Outcome(NamedTuple):
    """What became of one spoiled run file."""

    kind: str  # refused, set aside, changed or equal
    sentence: str


# How a run file is spoiled: each gives the spoiled file, made in the folder given.


@cache
def whole_file(folder: Path) -> bytes:
    """A run file of valid storms, without the variables that are not read."""
    return write_run_file(folder / "whole", values()).read_bytes()


def values() -> Values:
    wanted = {*PREDICTORS, TARGET, "masks", *reading.PER_STORM, "p", "row", "col"}
    return {name: array for name, array in run_values(STORMS, SIZE).items() if name in wanted}


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


def cut(random: np.random.Generator, folder: Path) -> Path:
    content = whole_file(folder)
    return save(folder, content[: random.integers(len(content))])


def flip_a_bit_of_a_value(random: np.random.Generator, folder: Path) -> Path:
    """The file is whole, but what was packed into it was damaged before."""
    spoiled = values()
    name = random.choice([*PREDICTORS, TARGET, "masks", *reading.PER_STORM])
    bits = spoiled[name].view("u4").ravel()
    bits[random.integers(bits.size)] ^= np.uint32(1 << random.integers(32))
    return write_run_file(folder, spoiled)


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
# To these the NetCDF library itself listens.
HEEDED = ("_FillValue", "missing_value", "valid_min", "valid_max", "valid_range", "scale_factor")
HEEDED += ("add_offset", "_Unsigned", "_Encoding", "units", "calendar", "_NCProperties")


def give_hostile_attributes(random: np.random.Generator, folder: Path) -> Path:
    path = save(folder, whole_file(folder))
    with netCDF4.Dataset(path, "a") as file:
        for _ in range(3):
            owner = random.choice(["", *PREDICTORS, TARGET, "masks", "time", "track_id"])
            name = random.choice(["title", "long_name", "source", "a b", "é", *HEEDED])
            given = (*TEXTS, *NUMBERS)[random.integers(len(TEXTS) + len(NUMBERS))]
            # What the library refuses to write, no file can have.
            with suppress(AttributeError, OSError, RuntimeError, TypeError, ValueError):
                (file[owner] if owner else file).setncattr(name, given)
    return path


INPUTS: dict[Spoil, int] = {
    flip_a_bit: 1000,
    replace_bytes: 300,
    cut: 200,
    flip_a_bit_of_a_value: 400,
    give_hostile_attributes: 250,
}


# What became of it


def outcome(read: Callable[[Path, str], xr.Dataset], path: Path, whole: xr.Dataset) -> Outcome:
    try:
        found = read(path, "")
    except BadRunFile as error:
        return Outcome("refused", str(error))
    check_possible(found)
    if found.attrs["rejected"]:
        return Outcome("set aside", found.attrs["reason"])
    assert found.sizes == whole.sizes, "a shape was broken and not noticed"
    return Outcome("equal" if found.equals(whole) else "changed", "")


def check_possible(found: xr.Dataset) -> None:
    """Nothing that was let through is impossible, told without the reader's own checks."""
    assert found["predictors"].shape[1:] == (SIZE, SIZE, len(PREDICTORS))
    for name in PREDICTORS:
        field = found["predictors"].sel(variable=name)
        _, _, low, high = quantity_of(name)
        assert bool(((field >= low) & (field <= high)).all()), name
        assert bool((field != 0).any(["y", "x"]).all()), name
    peak = QUANTITIES["RVORT1_MAX"]
    assert bool(((found["peak"] >= peak.lowest) & (found["peak"] <= peak.highest)).all())
    lead = found["valid_time"] - found["run_date"]
    assert bool((found["run_date"] == np.datetime64(FIRST_RUN)).all())
    assert bool(((lead >= np.timedelta64(0, "h")) & (lead <= np.timedelta64(240, "h"))).all())
    assert bool((lead / np.timedelta64(1, "h") == found["forecast_hour"]).all())
    assert bool((abs(found["latitude"]) <= 90).all())
    assert bool((abs(found["longitude"]) <= 360).all())
    assert bool(((found["track_id"] >= 0) & (found["track_step"] >= 1)).all())


def in_a_child(path: Path, sha256: str) -> xr.Dataset:
    """As the workflow reads."""
    return read_run(path, predictors=PREDICTORS, target=TARGET, sha256=sha256)


def here(path: Path, sha256: str) -> xr.Dataset:
    """The same without the process that shields from crashes."""
    return reading._read_checked(str(path), WANTED, sha256)


def spoil_and_read(spoil: Spoil, numbers: range, folder: Path) -> list[Outcome]:
    """Spoil and read inputs one after the other; where that crashes, each in a child."""

    def all_here(_: str) -> list[Outcome]:
        whole = here(save(folder, whole_file(folder)), "")
        return [one(number, here, whole) for number in numbers]

    def one(number: int, read: Callable[[Path, str], xr.Dataset], whole: xr.Dataset) -> Outcome:
        path = spoil(np.random.default_rng([number, len(spoil.__name__)]), folder)
        try:
            if path.read_bytes() != whole_file(folder):
                with pytest.raises(BadRunFile, match="the run list says"):
                    here(path, whole.attrs["sha256"])
            return outcome(read, path, whole)
        except Exception as error:
            error.add_note(f"{spoil.__name__}, input {number}")
            raise

    folder.mkdir()
    try:
        return reading._in_child(all_here, str(folder))
    except BadRunFile:
        whole = in_a_child(save(folder, whole_file(folder)), "")
        return [one(number, in_a_child, whole) for number in numbers]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    """What became of every input, by the name of how it was spoiled."""
    # Some send HDF5 round in circles; a good file takes a hundredth of a second.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storms, "SECONDS_TO_UNPACK", 2.0)
        return read_all(tmp_path_factory.mktemp("spoiled"))


def read_all(base: Path) -> dict[str, list[Outcome]]:
    parts = [
        (spoil, range(start, min(start + AT_ONCE, count)))
        for spoil, count in INPUTS.items()
        for start in range(0, count, AT_ONCE)
    ]
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(WORKERS, context) as pool:
        found = pool.map(
            spoil_and_read,
            [spoil for spoil, _ in parts],
            [numbers for _, numbers in parts],
            [base / f"{spoil.__name__}-{numbers.start}" for spoil, numbers in parts],
        )
        result: dict[str, list[Outcome]] = {spoil.__name__: [] for spoil in INPUTS}
        for (spoil, _), some in zip(parts, found, strict=True):
            result[spoil.__name__] += some
    return result


def shares(outcomes: list[Outcome]) -> dict[str, float]:
    counted = Counter(outcome.kind for outcome in outcomes)
    return {kind: count / len(outcomes) for kind, count in counted.items()}


def test_no_spoiled_run_file_ends_without_a_sentence(outcomes):
    every = [outcome for some in outcomes.values() for outcome in some]
    assert len(every) == sum(INPUTS.values()) >= 2000
    for kind, sentence in every:
        if kind == "refused":
            assert run_file_name() in sentence
            assert sentence.endswith(".")
            assert sentence.isprintable()
            assert len(sentence) < 1000
        elif kind == "set aside":
            assert "(p = " in sentence


def share_unseen(outcomes: list[Outcome]) -> float:
    """Share of the inputs whose storms differ from those of the whole file, all let through."""
    return sum(outcome.kind == "changed" for outcome in outcomes) / len(outcomes)


def test_damaged_bytes_of_a_run_file_never_change_a_storm_unseen(outcomes):
    """HDF5 has checksums of its headers, and what is packed has those of Deflate."""
    damaged = outcomes["flip_a_bit"] + outcomes["replace_bytes"]
    assert share_unseen(damaged) < 0.002
    assert sum(outcome.kind == "refused" for outcome in damaged) > len(damaged) / 4


def test_cut_run_files_are_refused(outcomes):
    assert {outcome.kind for outcome in outcomes["cut"]} == {"refused"}


def test_most_flips_of_a_value_before_it_is_packed_stay_possible_and_pass(outcomes):
    """Two thirds of them. A digest in the run list is what tells these."""
    some = outcomes["flip_a_bit_of_a_value"]
    assert 0.55 < share_unseen(some) < 0.75
    assert {outcome.kind for outcome in some} == {"set aside", "changed", "equal"}


def test_hostile_attributes_let_the_storms_be_or_are_told(outcomes):
    """`scale_factor` and the like change values within what is possible, as they are meant to."""
    assert share_unseen(outcomes["give_hostile_attributes"]) < 0.05
