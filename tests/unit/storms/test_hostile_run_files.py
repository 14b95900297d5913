"""Run files that refer to other files, are no regular files, or would fill the memory."""

import os
import resource
import socket
import time
from datetime import datetime

import h5py
import netCDF4
import numpy as np
import pytest
from run_files import run_file_name, run_values, write_run_file

from stormcnn.errors import UserError
from stormcnn.storms.reading import read_run
from stormcnn.storms.run_files import BadRunFile, parse_run_name
from stormcnn.storms.variables import PER_STORM

PREDICTORS = ["REFL_COM_curr", "U10_curr", "V10_curr"]
TARGET = "RVORT1_MAX_future"


def error_of(path, **settings):
    """Return the message for a refused file, which must come quickly and without much memory."""
    start = time.monotonic()
    with pytest.raises(BadRunFile) as error:
        read_run(path, predictors=PREDICTORS, target=TARGET, **settings)
    assert time.monotonic() - start < 30
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).isprintable()
    return str(error.value)


# No regular files


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    os.chdir(path.parent)  # the path of a socket may not be long
    socket.socket(socket.AF_UNIX).bind(path.name)


def link_to_device(path):
    path.symlink_to("/dev/zero")


def link_to_fifo(path):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to(path.with_name("pipe"))


def make_sparse(path):
    write_run_file(path.parent)
    os.truncate(path, 1 << 40)


SPECIAL = {
    make_fifo: "named pipe",
    make_socket: "socket",
    link_to_device: "device",
    link_to_fifo: "named pipe",
    os.mkdir: "folder",
    make_sparse: "sparse",
}


@pytest.mark.parametrize(("make", "kind"), SPECIAL.items())
def test_only_regular_files_are_read(tmp_path, monkeypatch, make, kind):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / run_file_name()
    make(path)
    assert kind in error_of(path)


# References to other files


def replace_variable(path, name="V10_curr", **settings):
    """Create a variable again with other storage settings; return its values."""
    with h5py.File(path, "a") as file:
        values = file[name][:]
        del file[name]
        file.create_dataset(name, values.shape, values.dtype, **settings)
        for axis, dimension in enumerate(("p", "row", "col")):
            file[name].dims[axis].attach_scale(file[dimension])
    return values


def store_externally(path):
    secret = path.with_name("secret")
    values = replace_variable(path, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])
    secret.write_bytes(values.tobytes())


def make_virtual(path):
    source = path.with_name("source.nc")
    with h5py.File(path, "a") as file:
        values = file["V10_curr"][:]
        del file["V10_curr"]
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        layout[:] = h5py.VirtualSource(source, "a", values.shape)
        file.create_virtual_dataset("V10_curr", layout)
    with h5py.File(source, "w") as file:
        file["a"] = values


def link_to_file(path):
    other = write_run_file(path.parent / "other")
    with h5py.File(path, "a") as file:
        del file["V10_curr"]
        file["V10_curr"] = h5py.ExternalLink(other, "V10_curr")


def link_to_variable(path):
    with h5py.File(path, "a") as file:
        file["other"] = h5py.SoftLink("/V10_curr")


def name_twice(path):
    with h5py.File(path, "a") as file:
        file["other"] = file["V10_curr"]


def link_root_into_itself(path):
    with h5py.File(path, "a") as file:
        file["again"] = file["/"]


def nest_groups(path):
    with h5py.File(path, "a") as file:
        group = file
        for _ in range(2000):
            group = group.create_group("g")


def add_groups(path):
    with h5py.File(path, "a") as file:
        for number in range(6000):
            file.create_group(str(number))


REFERENCES = [
    store_externally,
    make_virtual,
    link_to_file,
    link_to_variable,
    name_twice,
    link_root_into_itself,
    nest_groups,
    add_groups,
]


@pytest.mark.slow
@pytest.mark.parametrize("change", REFERENCES)
def test_file_that_is_not_plain_is_refused_before_data_are_read(tmp_path, change):
    path = write_run_file(tmp_path)
    change(path)
    assert "refused" in error_of(path)


def test_external_storage_of_an_unused_variable_is_refused(tmp_path):
    path = write_run_file(tmp_path)
    replace_variable(path, "T2_curr", external=[("/etc/passwd", 0, 100_000)])
    assert "T2_curr" in error_of(path)


def test_some_groups_and_other_variables_do_no_harm(tmp_path):
    path = write_run_file(tmp_path)
    with netCDF4.Dataset(path, "a") as file:
        file.createGroup("a/b/c").createDimension("p", 3)
        file.createVariable("name", str, ("p",))
    storms = read_run(path, predictors=PREDICTORS, target=TARGET)
    assert storms.sizes["storm"] == 6


# Memory


def declare(path, shape, kind="f4", **settings):
    """Write a run file whose variables are declared, but have no values."""
    with netCDF4.Dataset(path, "w") as file:
        for dimension, length in zip(("p", "row", "col"), shape, strict=True):
            file.createDimension(dimension, length)
        for name in (*PREDICTORS, TARGET, "masks"):
            file.createVariable(name, kind, ("p", "row", "col"), zlib=True, **settings)
        for name in PER_STORM:
            file.createVariable(name, kind, ("p",), zlib=True)
        file["time"].units = "hours since 2010-10-24"


def test_number_of_storms_is_limited(tmp_path):
    path = tmp_path / run_file_name()
    declare(path, (12_000_000, 1, 1), "i1")
    assert path.stat().st_size < 100_000
    message = error_of(path)
    assert "12000000" in message


def test_memory_is_estimated_before_it_is_allocated(tmp_path):
    path = tmp_path / run_file_name()
    declare(path, (12_000, 64, 64), "i1")
    os.truncate(path, 100_000)  # more compression would not be possible
    with open(path, "ab") as stream:
        stream.write(bytes(2_000_000))
    assert "mem_mb" in error_of(path, memory_mb=1000)


@pytest.mark.slow
def test_well_compressed_values_do_not_fill_the_memory(tmp_path):
    """The memory of the children counts, of which the largest is that of this one."""
    values = run_values(1)
    wide = {
        name: np.broadcast_to(array[:1], (3000, 64, 64)) if array.ndim == 3 else array
        for name, array in ((n, a[:, :1, :1] if a.ndim == 3 else a) for n, a in values.items())
        if name in (*PREDICTORS, TARGET, "masks")
    }
    wide |= {name: np.resize(values[name], 3000) for name in PER_STORM}
    path = write_run_file(tmp_path, wide)
    assert path.stat().st_size < 5_000_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert "mem_mb" in error_of(path, memory_mb=500)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 500_000)


@pytest.mark.slow
@pytest.mark.parametrize("year", [1, 1677, 2262, 9999])
def test_years_beyond_those_of_numpy_are_refused(tmp_path, year):
    name = f"NCARSTORM_{year:04}0101-0000_d01_model_patches.nc"
    path = write_run_file(tmp_path, name=name, title="other")
    assert "1678" in error_of(path)
    with pytest.raises(UserError, match="2261"):
        parse_run_name(name)


@pytest.mark.slow
@pytest.mark.parametrize("day", [datetime(1678, 1, 1), datetime(2261, 12, 31)])
def test_first_and_last_years_are_read(tmp_path, day):
    name = f"NCARSTORM_{day:%Y%m%d-%H%M}_d01_model_patches.nc"
    path = write_run_file(tmp_path, run_date=day, name=name)
    storms = read_run(path, predictors=PREDICTORS, target=TARGET)
    assert set(storms["run_date"].values) == {np.datetime64(day)}
    assert storms["valid_time"].values[0] == np.datetime64(day) + np.timedelta64(12, "h")
