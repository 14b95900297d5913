"""Read the storms of one run file and set those with impossible values aside."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple

import netCDF4
import numpy as np
import numpy.typing as npt
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.provenance import sha256_of
from stormcnn.storms.run_files import RunName, parse_run_name

Array = npt.NDArray[Any]

REGIONS = ("storm", "patch")
PATCH_DIMENSIONS = ("storm", "y", "x", "variable")
PER_STORM = ("time", "track_id", "track_step", "centroid_lon", "centroid_lat")
LONGEST_FORECAST = 240  # hours
SECONDS_TO_READ = 600.0
# Of computing, which takes a second a gigabyte: a damaged header can send HDF5 round in circles.
SECONDS_TO_UNPACK = 60.0
# Deflate packs at most 1032 bytes into one: a file that declares more than that is damaged, and
# reading it would only fill the memory.
LARGEST_PACKING = 1032


class Quantity(NamedTuple):
    """What a model field is, in CF terms, and between which values it is possible."""

    standard_name: str
    units: str
    lowest: float
    highest: float


QUANTITIES = {
    "REFL_COM": Quantity("equivalent_reflectivity_factor", "dBZ", -35, 85),
    "REFL_1KM_AGL": Quantity("equivalent_reflectivity_factor", "dBZ", -35, 85),
    "U10": Quantity("x_wind", "m s-1", -100, 100),
    "V10": Quantity("y_wind", "m s-1", -100, 100),
    "T2": Quantity("air_temperature", "K", 150, 350),
    "RVORT1_MAX": Quantity("atmosphere_upward_relative_vorticity", "s-1", 0, 0.2),
}
UNKNOWN = Quantity("", "", -np.inf, np.inf)

COORDINATES: dict[str, dict[str, str]] = {
    "run_date": {
        "long_name": "start of the model run",
        "standard_name": "forecast_reference_time",
    },
    "valid_time": {"long_name": "time of the storm", "standard_name": "time"},
    # "h", because xarray may turn "hours" into a time span where a whole number is wanted.
    "forecast_hour": {
        "long_name": "hours since the start of the run",
        "standard_name": "forecast_period",
        "units": "h",
    },
    "member": {"long_name": "ensemble member", "standard_name": "realization"},
    "track_id": {"long_name": "number of the storm's track in its run file"},
    "track_step": {"long_name": "step in the storm's track, from 1"},
    "longitude": {
        "long_name": "longitude of the patch's centre",
        "standard_name": "longitude",
        "units": "degrees_east",
    },
    "latitude": {
        "long_name": "latitude of the patch's centre",
        "standard_name": "latitude",
        "units": "degrees_north",
    },
    "run_file": {"long_name": "name of the run file that the storm is from"},
    "patch": {"long_name": "index of the storm along p in its run file"},
}


class BadRunFile(UserError):
    """A run file that cannot be used. The message names the file and says what is wrong."""


class Wanted(NamedTuple):
    """Which variables to take, and where in the patch the target counts."""

    predictors: tuple[str, ...]
    target: str | None
    region: str

    @property
    def fields(self) -> tuple[str, ...]:
        """Variables whose values must be possible."""
        return self.predictors if self.target is None else (*self.predictors, self.target)

    @property
    def masked(self) -> bool:
        """Whether `masks` is needed."""
        return self.target is not None and self.region == "storm"


def quantity_of(variable: str) -> Quantity:
    """What a variable such as `REFL_COM_curr` or `RVORT1_MAX_future` is, or `UNKNOWN`."""
    name, _, time = variable.rpartition("_")
    return QUANTITIES.get(name if time in ("prev", "curr", "future") else variable, UNKNOWN)


def read_run(
    path: str | os.PathLike[str],
    *,
    predictors: Sequence[str],
    target: str | None = None,
    region: str = "storm",
    sha256: str = "",
) -> xr.Dataset:
    """Read the storms of one run file; those with impossible values are left out.

    Only the variables that are needed are read: `predictors`, with a `target` also this one and,
    for region `storm`, `masks`. Without a target the file needs no future variable.

    Returns `predictors(storm, y, x, variable)` float32 in the file's units, `peak(storm)` float32
    (the largest target value where `masks` is 1, or in the whole patch for region `patch`; only
    with a target) and the coordinates of each storm. Attributes: `title` of the file, `bytes`,
    `sha256`, `rejected` (the number of storms left out) and `reason` (why, and which).

    A storm is left out where a field holds NaN, an infinity or an impossible value, or is zero
    everywhere (hagelslag writes zeros where the model file of an hour is missing); where `masks`
    has no pixel or values other than 0 and 1; where time, position or track are impossible. A
    field that is not in `QUANTITIES` may well be zero in a patch, as hail is: there the hour
    counts as missing if the field is zero in all its storms.

    Raises `BadRunFile` where the file cannot be read, is not a run file, lacks a variable, is
    from another run than its name says, or has another SHA-256 than the one given. The file is
    read in a child process: if it crashes the NetCDF library, that too ends in a sentence.
    """
    if region not in REGIONS:
        raise UserError(f"region is {region!r}; it must be one of {', '.join(REGIONS)}.")
    return _in_child(_read_checked, str(path), Wanted(tuple(predictors), target, region), sha256)


def no_storms(*, predictors: Sequence[str], target: str | None, region: str) -> xr.Dataset:
    """What `read_run` gives for a run without storms; its patches have no size."""
    wanted = Wanted(tuple(predictors), target, region)
    values: dict[str, Array] = {name: np.zeros((0, 0, 0)) for name in (*wanted.fields, "masks")}
    values |= {name: np.zeros(0) for name in PER_STORM}
    name = RunName("", datetime(1970, 1, 1), "")
    return _as_dataset(name, "", values, np.zeros(0), np.zeros(0, int), wanted)


def _in_child(read: Callable[..., xr.Dataset], path: str, *arguments: Any) -> xr.Dataset:
    """Call `read` in a process of its own; the answer comes back through a temporary file.

    Each run file gets a new process: nothing that a damaged file does to the C libraries can
    change what is read from the next one.
    """
    with tempfile.TemporaryFile() as answer:
        process = multiprocessing.get_context("fork").Process(
            target=_answer, args=(answer, read, path, *arguments), daemon=True
        )
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads; the child needs none of their locks.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        process.join(SECONDS_TO_READ)
        if process.is_alive():
            process.kill()
            process.join()
            raise BadRunFile(
                f"{path}: reading did not end within {SECONDS_TO_READ:g} s. "
                "The file is damaged, or its disk does not answer."
            )
        ending = process.exitcode or 0
        if ending < 0:
            raise BadRunFile(
                f"{path}: reading it broke off ({signal.Signals(-ending).name}). The file is "
                "damaged and crashes or stalls the NetCDF library, or there was too little memory "
                "for it."
            )
        if ending > 0:
            raise UserError(
                f"{path}: what was read does not fit into the folder for temporary files, "
                f"{tempfile.gettempdir()}. Make room there, or set TMPDIR to another folder."
            )
        answer.seek(0)
        result: xr.Dataset | Exception = pickle.load(answer)  # noqa: S301 - our own
    if isinstance(result, Exception):
        raise result
    return result


def _answer(answer: IO[bytes], read: Callable[..., xr.Dataset], *arguments: Any) -> None:
    """In the child: write down what `read` gives, or the error that it ends with."""
    result: xr.Dataset | Exception
    signal.setitimer(signal.ITIMER_PROF, SECONDS_TO_UNPACK)
    try:
        result = read(*arguments)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        if not isinstance(error, BadRunFile):
            error.add_note(traceback.format_exc())
        result = error
    pickle.dump(result, answer, protocol=5)
    answer.flush()


def _read_checked(path: str, wanted: Wanted, sha256: str) -> xr.Dataset:
    try:
        name = parse_run_name(path)
    except UserError as error:
        raise BadRunFile(str(error)) from error
    try:
        before = os.stat(path)
        found = sha256_of(path)
    except OSError as error:
        raise BadRunFile(f"{path}: cannot be opened ({error.strerror}).") from error
    if sha256 and sha256.lower() != found:
        raise BadRunFile(
            f"{path}: its SHA-256 is {found}, the run list says {sha256}. The file was changed or "
            "damaged: fetch it again, or correct the run list."
        )
    _check_format(path)
    values, title, units = _read_variables(path, wanted)
    if _identity(os.stat(path)) != _identity(before):
        raise BadRunFile(f"{path}: was changed while it was read. Start again.")

    hours = _forecast_hours(path, values["time"], units, name.run_date)
    fault = _first_fault(values, hours, wanted)
    kept = np.flatnonzero(fault == "")
    return _as_dataset(name, Path(path).name, values, hours, kept, wanted).assign_attrs(
        title=title,
        bytes=before.st_size,
        sha256=found,
        rejected=fault.size - kept.size,
        reason=_reason(fault),
    )


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _check_format(path: str) -> None:
    """Refuse all but NetCDF-4: its headers carry checksums.

    A damaged header of the classic format makes the library reserve gigabytes.
    """
    with open(path, "rb") as stream:
        if stream.read(8) != b"\x89HDF\r\n\x1a\n":
            raise BadRunFile(
                f"{path}: is no NetCDF-4 file. Fetch it again or take it away; a file in the "
                "classic NetCDF format can be converted with nccopy -k nc4."
            )


def _read_variables(path: str, wanted: Wanted) -> tuple[dict[str, Array], str, str]:
    """The needed variables, NaN where a value is missing; the title; the units of time."""
    fields = (*wanted.fields, "masks") if wanted.masked else wanted.fields
    try:
        with netCDF4.Dataset(path) as source:
            _check_layout(path, source, fields)
            values = {name: _plain(source[name][...], np.float32) for name in fields}
            values |= {name: _plain(source[name][...], np.float64) for name in PER_STORM}
            title = _printable(getattr(source, "title", ""))
            units = _printable(getattr(source["time"], "units", ""))
    except BadRunFile:
        raise
    except Exception as error:  # netCDF4 raises many kinds on damaged files
        cause = (isinstance(error, OSError) and error.strerror) or error
        raise BadRunFile(
            f"{path}: cannot be read as NetCDF ({_printable(cause)}). It is cut short or damaged: "
            "fetch it again or take it away."
        ) from error
    return values, title, units


def _check_layout(path: str, source: netCDF4.Dataset, fields: Sequence[str]) -> None:
    expected = dict.fromkeys(fields, ("p", "row", "col")) | dict.fromkeys(PER_STORM, ("p",))
    missing = [name for name in expected if name not in source.variables]
    if missing:
        raise BadRunFile(
            f"{path}: the variable {', '.join(missing)} is missing. Give a file that has it, or "
            "set data.predictors, data.target or data.region so that it is not needed."
        )
    size = os.path.getsize(path)
    for name, dimensions in expected.items():
        variable = source[name]
        if getattr(variable.dtype, "kind", "") not in ("i", "u", "f"):
            raise BadRunFile(f"{path}: {name} does not hold numbers.")
        if variable.dimensions != dimensions:
            raise BadRunFile(
                f"{path}: {name} has the dimensions ({', '.join(variable.dimensions)}); "
                f"it must have ({', '.join(dimensions)})."
            )
        if 0 in variable.shape[1:]:
            raise BadRunFile(f"{path}: the patches of {name} have no grid point.")
        if math.prod(variable.shape) * variable.dtype.itemsize > LARGEST_PACKING * size:
            raise BadRunFile(
                f"{path}: {name} is said to have the shape {variable.shape}, more than a file of "
                f"{size} bytes can hold. The file is damaged: fetch it again or take it away."
            )


def _plain(values: Array, dtype: type[np.floating[Any]]) -> Array:
    """Floating values without a mask. One too large for the type becomes infinite, as a fault."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.ma.is_masked(values):
            return np.ma.filled(values.astype(dtype), np.nan)
        return np.ma.getdata(values).astype(dtype, copy=False)


def _printable(text: object) -> str:
    """Text from a file on one line, without control characters and at most 200 long."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())[:200]


def _forecast_hours(path: str, time: Array, units: str, run_date: datetime) -> Array:
    """Hours since the start of the run; refuses a file that counts them from another start."""
    try:
        dates = netCDF4.num2date(
            [0, 1], units, only_use_cftime_datetimes=False, only_use_python_datetimes=True
        )
    except Exception as error:  # cftime raises many kinds on texts that are no units of time
        raise BadRunFile(
            f"{path}: `time` has the units {units!r}; they must be "
            f"'hours since {run_date}', the start of the run."
        ) from error
    start, next_unit = np.asarray(dates)
    if start != run_date:
        raise BadRunFile(
            f"{path}: the run started at {run_date} as the file's name says, but at {start} as the "
            f"units of `time` say ({units}). Give the file the name of its own run."
        )
    return time * ((next_unit - start) / timedelta(hours=1))


def _first_fault(values: Mapping[str, Array], hours: Array, wanted: Wanted) -> Array:
    """For each storm the first thing that is wrong with it, or an empty text."""
    first = np.full(hours.shape, "", dtype=object)
    for fault, storms in _faults(values, hours, wanted):
        first[storms & (first == "")] = fault
    return first


def _faults(
    values: Mapping[str, Array], hours: Array, wanted: Wanted
) -> Iterator[tuple[str, Array]]:
    for variable in wanted.fields:
        yield from _field_faults(variable, values[variable], hours)
    if wanted.masked:
        inside, outside = values["masks"] == 1, values["masks"] == 0
        yield "masks other than 0 and 1", ~(inside | outside).all(axis=(1, 2))
        yield "masks without a pixel", ~inside.any(axis=(1, 2))
    yield (
        f"time that is not 0 to {LONGEST_FORECAST} whole hours after the run's start",
        _outside(hours, 0, LONGEST_FORECAST) | (hours != np.round(hours)),
    )
    yield "impossible centroid_lon", _outside(values["centroid_lon"], -180, 360)
    yield "impossible centroid_lat", _outside(values["centroid_lat"], -90, 90)
    largest = np.iinfo(np.int32).max
    yield "negative track_id", _outside(values["track_id"], 0, largest)
    yield "track_step below 1", _outside(values["track_step"], 1, largest)


def _field_faults(variable: str, field: Array, hours: Array) -> Iterator[tuple[str, Array]]:
    lowest, highest = field.min(axis=(1, 2)), field.max(axis=(1, 2))
    yield f"NaN in {variable}", np.isnan(lowest)
    yield f"infinity in {variable}", np.isinf(lowest) | np.isinf(highest)
    zero = (lowest == 0) & (highest == 0)
    quantity = quantity_of(variable)
    if quantity is UNKNOWN:
        for hour in np.unique(hours[zero]):
            zero[hours == hour] = zero[hours == hour].all()
    yield f"all-zero {variable}", zero
    _, units, low, high = quantity
    yield (
        f"{variable} outside {low:g} to {high:g} {units}",
        _outside(lowest, low, high) | _outside(highest, low, high),
    )


def _outside(values: Array, low: float, high: float) -> Array:
    return ~((values >= low) & (values <= high))  # written so that NaN is outside


def _reason(first_fault: Array) -> str:
    """Each fault with its count and the first storms that have it, the most frequent first."""
    found = {fault: np.flatnonzero(first_fault == fault) for fault in set(first_fault) - {""}}
    return "; ".join(
        f"{storms.size} x {fault} (p = {', '.join(map(str, storms[:5]))}"
        f"{', ...' if storms.size > 5 else ''})"
        for fault, storms in sorted(found.items(), key=lambda item: (-item[1].size, item[0]))
    )


def _as_dataset(
    name: RunName,
    run_file: str,
    values: Mapping[str, Array],
    hours: Array,
    kept: Array,
    wanted: Wanted,
) -> xr.Dataset:
    """The storms whose indices are `kept`."""
    predictors, target, region = wanted
    fields = np.empty((kept.size, *values[predictors[0]].shape[1:], len(predictors)), np.float32)
    for index, predictor in enumerate(predictors):
        fields[..., index] = values[predictor][kept]
    quantities = [quantity_of(predictor) for predictor in predictors]
    run_date = np.datetime64(name.run_date, "ns")
    storms = {
        "run_date": np.full(kept.size, run_date),
        "valid_time": run_date + hours[kept].astype("timedelta64[h]"),
        "forecast_hour": hours[kept].astype(np.int32),
        "member": np.full(kept.size, name.member),
        "track_id": values["track_id"][kept].astype(np.int32),
        "track_step": values["track_step"][kept].astype(np.int32),
        "longitude": values["centroid_lon"][kept].astype(np.float32),
        "latitude": values["centroid_lat"][kept].astype(np.float32),
        "run_file": np.full(kept.size, run_file),
        "patch": kept.astype(np.int32),
    }
    dataset = xr.Dataset(
        {
            "predictors": (
                PATCH_DIMENSIONS,
                fields,
                {"long_name": "fields of the storm's patch"},
            )
        },
        coords={
            "variable": (
                "variable",
                list(predictors),
                {"long_name": "name in the run file"},
            ),
            "units": ("variable", [quantity.units for quantity in quantities]),
            "standard_name": (
                "variable",
                [quantity.standard_name for quantity in quantities],
            ),
        }
        | {key: ("storm", column, COORDINATES[key]) for key, column in storms.items()},
    )
    if target is not None:
        inside = values["masks"][kept] == 1 if wanted.masked else True
        peak = values[target][kept].max(axis=(1, 2), initial=-np.inf, where=inside)
        dataset["peak"] = (
            "storm",
            peak.astype(np.float32),
            _peak_attributes(target, region),
        )
    return dataset


def _peak_attributes(target: str, region: str) -> dict[str, str]:
    where = "inside masks" if region == "storm" else "in the patch"
    name, units, *_ = quantity_of(target)
    attributes = {
        "long_name": f"largest {target} {where}",
        "standard_name": name,
        "units": units,
    }
    return {key: text for key, text in attributes.items() if text}
