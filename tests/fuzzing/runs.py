"""Run files with damaged bytes, hostile attributes, and other forms of the same storms."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import cftime
import h5py
import netCDF4
import numpy as np
import xarray as xr
from fuzzing.outcomes import CHANGED, EQUAL, SET_ASIDE, Family, Outcome, damage, refused
from run_files import FIRST_RUN, Values, run_file_name, run_values, write_run_file

from stormcnn.storms.reading import read_checked, read_run
from stormcnn.storms.run_files import BadRunFile
from stormcnn.storms.variables import PER_STORM, Selection

PREDICTORS = ("REFL_COM_curr", "U10_curr", "V10_curr", "T2_curr")
TARGET = "RVORT1_MAX_future"
SELECTION = Selection(PREDICTORS, TARGET, "storm")
FIELDS = (*PREDICTORS, TARGET, "masks", "lat", "lon")
STORMS, SIZE = 4, 8
EXACT = ("run_date", "valid_time", "track_id", "track_step", "ensemble_member", "run_file")

# Reading


def read(path: Path, alone: bool) -> xr.Dataset:
    if alone:
        return read_run(path, predictors=PREDICTORS, target=TARGET)
    return read_checked(str(path), SELECTION, "")


@cache
def original(folder: Path) -> tuple[bytes, xr.Dataset]:
    """Return the content of a valid run file without the variables that are not read."""
    path = write_run_file(folder / "whole", values())
    return path.read_bytes(), read(path, alone=False)


def values() -> Values:
    needed = {*FIELDS, *PER_STORM, "p", "row", "col"}
    return {name: array for name, array in run_values(STORMS, SIZE).items() if name in needed}


def judge(path: Path, whole: xr.Dataset, alone: bool, tolerance: float = 0) -> Outcome:
    """Read a file and compare its storms with those of the original."""
    try:
        storms = read(path, alone)
    except BadRunFile as error:
        return refused(error, path.name)
    kept = whole.isel(storm=storms["patch"].values)
    same = all(np.array_equal(storms[name], kept[name]) for name in EXACT)
    for name in ("predictors", "peak", "longitude", "latitude"):
        close = {"rtol": 1e-5 if tolerance else 0, "atol": tolerance * scale_of(name)}
        same = same and storms[name].shape == kept[name].shape
        same = same and np.allclose(storms[name], kept[name], **close)
    if not same:
        return Outcome(CHANGED, json.dumps(storms.attrs, default=str)[:1000])
    rejected = storms.attrs["rejected"]
    return Outcome(SET_ASIDE, storms.attrs["reason"]) if rejected else Outcome(EQUAL)


def scale_of(name: str) -> float:
    """Return how much larger than those of the peak differences may be."""
    return 1e-4 if name == "peak" else 1


# Damage


def damaged_bytes(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    content, whole = original(folder)
    path = folder / run_file_name()
    path.write_bytes(damage(random, content))
    return judge(path, whole, alone)


def flipped_bit_of_a_value(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    """Change a value before it is compressed, so that the file itself is valid."""
    changed = values()
    name = random.choice([*PREDICTORS, TARGET, "masks", *PER_STORM])
    bits = changed[name].view("u4").ravel()
    bits[random.integers(bits.size)] ^= np.uint32(1 << random.integers(32))
    return judge(write_run_file(folder, changed), original(folder)[1], alone)


def odd_structure(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    """Add links, groups and variables with unusual storage."""
    content, whole = original(folder)
    path = folder / run_file_name()
    path.write_bytes(content)
    name = str(random.choice([*FIELDS, *PER_STORM, "p", "row"]))
    with h5py.File(path, "a") as file:
        array = file[name][:]
        kind = random.integers(9)
        if kind == 0:
            file["link"] = h5py.ExternalLink("/etc/passwd", "/")
        elif kind == 1:
            file["link"] = h5py.SoftLink(f"/{name}")
        elif kind == 2:
            file.create_group("a")["link"] = file["/" if random.integers(2) else name]
        elif kind == 3:
            group = file
            for _ in range(int(random.integers(1, 100))):
                group = group.create_group("g")
        elif kind == 4:
            file.create_dataset("other", (100,), "u1", external=[("/etc/passwd", 0, 100)])
        elif kind == 5:
            layout = h5py.VirtualLayout((2,), "f4")
            layout[:] = h5py.VirtualSource("/etc/passwd", "a", (2,))
            file.create_virtual_dataset("other", layout)
        elif kind == 6:
            file.create_dataset("other", (2**40,), "f8", chunks=(2**20,), compression="gzip")
        elif kind == 7:
            del file[name]
            file.create_dataset(name, (10**9, *array.shape[1:]), "i1", chunks=True)
        else:
            del file[name]
            file.create_dataset(name, data=array, chunks=array.shape, compression="gzip")
    return judge(path, whole, alone)


NUMBERS = (0, -1, 1e30, np.nan, np.inf, np.int8(7), np.zeros(3), np.arange(3, dtype="u8"))
TEXTS = (
    *("", " ", "\x00\x1b[2J\n\r", "<script>alert(1)</script>", "../../../etc/passwd", "7"),
    "'; rm -rf ~; $(reboot) `reboot`",
    "{wildcards} {0} %s %n",
    "é\u202e\U0001f327\ud7ff",
    "hours since 2010-10-24 00:00:00" * 300,
    *("hours since 1e99-10-24", "hours since -9999-01-01", "days since 2010-10-24"),
    "seconds since 2010-10-24 00:00:00",
    "hours since 2010-10-24 00:00:00 +99:99",
    *("A" * 100_000, "(" * 1000, "m**" * 30 + "9", "9**9**9**9 m s-1", "K K K K", "1e999 m s-1"),
)
# Attributes that change how the NetCDF library reads a variable.
INTERPRETED = (
    *("_FillValue", "missing_value", "valid_min", "valid_max", "valid_range", "scale_factor"),
    *("add_offset", "_Unsigned", "_Encoding", "units", "calendar", "_NCProperties"),
)


def hostile_attributes(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    content, whole = original(folder)
    path = folder / run_file_name()
    path.write_bytes(content)
    with netCDF4.Dataset(path, "a") as file:
        for _ in range(int(random.integers(1, 4))):
            owner = random.choice(["", *FIELDS, *PER_STORM])
            name = random.choice(["title", "long_name", "source", "a b", "é", *INTERPRETED])
            value = (*TEXTS, *NUMBERS)[random.integers(len(TEXTS) + len(NUMBERS))]
            # An attribute that the library refuses to write cannot be in a file.
            with suppress(AttributeError, OSError, RuntimeError, TypeError, ValueError):
                (file[owner] if owner else file).setncattr(name, value)
    outcome = judge(path, whole, alone)
    if outcome.kind == CHANGED and says_other_values(path, read(path, alone=True)):
        return Outcome(EQUAL, "as the attributes say")
    return outcome


def says_other_values(path: Path, storms: xr.Dataset) -> bool:
    """Return whether storms are what a file says whose attributes changed the values."""
    patch = storms["patch"].values
    with xr.open_dataset(path, decode_cf=False) as file:
        decoded = {name: unpacked(file[name])[patch] for name in (*SELECTION.fields, "masks")}
        tracks = all(
            np.array_equal(storms[name], unpacked(file[name])[patch])
            for name in ("track_id", "track_step")
        )
    inside = decoded["masks"] == decoded["masks"].max()
    peak = np.where(inside, decoded[TARGET], -np.inf).max(axis=(1, 2))
    return (
        tracks
        and np.allclose(np.stack([decoded[name] for name in PREDICTORS], -1), storms["predictors"])
        and np.allclose(peak, storms["peak"])
    )


def unpacked(variable: xr.DataArray) -> Any:
    factor, offset = (
        float(variable.attrs.get(name, default))
        for name, default in (("scale_factor", 1), ("add_offset", 0))
    )
    return variable.values * factor + offset


# Other forms of the same storms


@dataclass
class Stored:
    """A variable as it is stored: its values in the order p, row, col, and how they are written."""

    values: Any
    attributes: dict[str, Any] = field(default_factory=dict)
    kind: str = "f4"
    order: tuple[str, ...] = ("p", "row", "col")
    factor: float = 1
    offset: float = 0


Variables = dict[str, Stored]

CONVERSIONS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "wind": {
        "kt": lambda v: v / (1852 / 3600),
        "knots": lambda v: v / (1852 / 3600),
        "km h-1": lambda v: v * 3.6,
        "km/h": lambda v: v * 3.6,
        "cm s-1": lambda v: v * 100,
        "m.s-1": lambda v: v,
        "mile/hour": lambda v: v / 0.44704,
    },
    "T2_curr": {
        "degC": lambda v: v - 273.15,
        "celsius": lambda v: v - 273.15,
        "degF": lambda v: v * 1.8 - 459.67,
        "kelvin": lambda v: v,
    },
    TARGET: {
        "1e-5 s-1": lambda v: v * 1e5,
        "1/s": lambda v: v,
        "h-1": lambda v: v * 3600,
        "10^-3 s^-1": lambda v: v * 1e3,
    },
    "angle": {"radian": np.radians, "degrees": lambda v: v, "degree_east": lambda v: v},
}
ALIKE = {"U10_curr": "wind", "V10_curr": "wind"} | dict.fromkeys(
    ("centroid_lat", "centroid_lon", "lat", "lon"), "angle"
)
WRONG_UNITS = ("K", "m", "kg", "dBZ", "s", "s-1", "m s-1", "m s-2", "furlong", "é", "1", "%", "m m")


def convert_units(random: np.random.Generator, stored: Variables) -> None:
    name = random.choice([*PREDICTORS[1:], TARGET, *ALIKE])
    conversions = CONVERSIONS[ALIKE.get(name, name)]
    units = random.choice(list(conversions))
    stored[name].values = conversions[units](stored[name].values)
    stored[name].attributes["units"] = str(units)


def permute_axes(random: np.random.Generator, stored: Variables) -> None:
    for variable in stored.values():
        if variable.values.ndim == 3:
            variable.order = tuple(random.permutation(["p", "row", "col"]))


def turn_patches(random: np.random.Generator, stored: Variables) -> None:
    south, west, exchange = random.integers(2, size=3)
    for name in FIELDS:
        array = stored[name].values
        array = array[:, :: -1 if south else 1, :: -1 if west else 1]
        stored[name].values = array.swapaxes(1, 2) if exchange else array


def move_time(random: np.random.Generator, stored: Variables) -> None:
    seconds = {"hours": 3600, "h": 3600, "minutes": 60, "seconds": 1, "days": 86400}
    unit = str(random.choice(list(seconds)))
    calendar = str(random.choice(["standard", "gregorian", "proleptic_gregorian"]))
    start = FIRST_RUN + timedelta(hours=int(random.integers(-(10**6), 10**5)))
    if random.integers(2):  # other calendars count other days
        calendar = str(random.choice(["noleap", "365_day", "all_leap", "360_day", "julian"]))
    first, run = (
        cftime.datetime(*moment.timetuple()[:6], calendar=calendar) if moment.day <= 28 else None
        for moment in (start, FIRST_RUN)
    )
    if first is None or run is None:
        return
    zone = int(random.integers(-12, 13)) * int(random.integers(2))
    hours = stored["time"].values + (run - first) / timedelta(hours=1) + zone
    written = f"{start.year:04}-{start:%m-%d %H:%M:%S}"
    units = f"{unit} since {written}" + (f" {zone:+03}:00" if zone else "")
    stored["time"] = Stored(
        hours * 3600 / seconds[unit],
        {"units": units, "calendar": calendar},
        str(random.choice(["f8", ">f8"])),
    )


def pack(random: np.random.Generator, stored: Variables) -> None:
    name = str(random.choice([*PREDICTORS, TARGET]))
    variable = stored[name]
    low, high = float(np.min(variable.values)), float(np.max(variable.values))
    variable.kind = str(random.choice(["i2", "u2", "i4", ">i2"]))
    variable.factor = (high - low + 1e-3 * abs(high) + 1e-6) / 60_000
    lowest = 0 if variable.kind == "u2" else -30_000
    variable.offset = low - lowest * variable.factor
    if variable.kind == "u2" and random.integers(2):
        variable.attributes["_Unsigned"] = "true"
        variable.kind = "i2 of u2"
    if random.integers(2):
        variable.attributes["missing_value"] = np.array(
            65_000 if "u2" in variable.kind else -32_000, "u2" if "u2" in variable.kind else "i2"
        )


def change_type(random: np.random.Generator, stored: Variables) -> None:
    name = str(random.choice([*FIELDS, "track_id", "track_step"]))
    whole = ["i8", "i2", "u2", "u4", ">i4", "f4", "f8", "i1", "u1"]
    real = ["f8", ">f4", ">f8"]
    stored[name].kind = str(random.choice(whole if np.all(stored[name].values % 1 == 0) else real))


def change_masks(random: np.random.Generator, stored: Variables) -> None:
    masks = stored["masks"]
    inside = masks.values == 1
    masks.values = np.where(inside, random.choice([1, 2, 255]), 0)
    masks.kind = str(random.choice(["f4", "i2", "i4"]))
    if random.integers(2):
        masks.values = np.where(inside, masks.values, -99)
        masks.attributes["missing_value"] = np.array(-99, masks.kind)


def lengthen_longitudes(random: np.random.Generator, stored: Variables) -> None:
    for name in ("lon", "centroid_lon"):
        stored[name].values = stored[name].values + 360 * int(random.integers(2))


def limit_values(random: np.random.Generator, stored: Variables) -> None:
    name = str(random.choice([*PREDICTORS, TARGET]))
    limits = np.float32(-1e6), np.float32(1e6)
    attributes = [
        {"valid_min": limits[0]},
        {"valid_max": limits[1]},
        {"valid_range": np.array(limits)},
        {"missing_value": np.float32(-9999)},
        {"_FillValue": np.float32(1e20)},
    ][random.integers(5)]
    stored[name].attributes |= attributes


FORMS = [
    convert_units,
    permute_axes,
    turn_patches,
    move_time,
    pack,
    change_type,
    change_masks,
    lengthen_longitudes,
    limit_values,
]


def as_stored() -> Variables:
    return {
        name: Stored(
            array.astype("f8"),
            {"units": "hours since 2010-10-24 00:00:00"} if name == "time" else {},
            array.dtype.str,
        )
        for name, array in values().items()
        if name not in ("p", "row", "col")
    }


def write_stored(folder: Path, stored: Variables) -> Path:
    path = folder / run_file_name()
    with netCDF4.Dataset(path, "w") as file:
        for name, length in {"p": STORMS, "row": SIZE, "col": SIZE}.items():
            file.createDimension(name, length)
        for name, variable in stored.items():
            order = variable.order[:] if variable.values.ndim == 3 else ("p",)
            kind, _, unsigned = variable.kind.partition(" of ")
            fill = variable.attributes.pop("_FillValue", None)
            endian: Any = "big" if kind.startswith(">") else "native"
            written = file.createVariable(
                name, kind, order, zlib=True, complevel=1, fill_value=fill, endian=endian
            )
            written.set_auto_maskandscale(False)
            written.set_auto_scale(False)
            array = variable.values
            if variable.factor != 1:
                array = np.rint((array - variable.offset) / variable.factor)
                written.scale_factor, written.add_offset = variable.factor, variable.offset
            array = array.astype(unsigned or kind)
            array = array.view(kind) if unsigned else array
            written.setncatts(variable.attributes)
            axes = [("p", "row", "col").index(dimension) for dimension in order]
            written[:] = array.transpose(axes)
    return path


def other_form(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    """Write the same storms in other units, orders, types and with another reference of time."""
    stored = as_stored()
    chosen = random.choice(len(FORMS), size=int(random.integers(1, 4)), replace=False)
    # Values are converted before they are packed, and packed only once.
    for index in sorted(chosen):
        FORMS[index](random, stored)
    outcome = judge(write_stored(folder, stored), original(folder)[1], alone, tolerance=1e-2)
    return outcome._replace(message=f"{[FORMS[i].__name__ for i in chosen]} {outcome.message}")


def wrong_units(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    """Give units of another quantity, or none that exist."""
    stored = as_stored()
    name = str(random.choice([*PREDICTORS, TARGET, "centroid_lat", "centroid_lon", "time"]))
    stored[name].attributes["units"] = str(random.choice(WRONG_UNITS))
    return judge(write_stored(folder, stored), original(folder)[1], alone)


FAMILIES = [
    Family(damaged_bytes),
    Family(flipped_bit_of_a_value, may_change=True),
    Family(odd_structure),
    Family(hostile_attributes),
    Family(other_form),
    Family(wrong_units),
]
