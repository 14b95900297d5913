"""A full disk: writers keep the earlier file, and the workflow resumes once there is space."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from checkout import Checkout
from injection import INVENTORY
from result_files import differing_files
from run_files import run_values, write_run_file

from stormcnn.io import write_csv, write_netcdf, write_text
from stormcnn.provenance import sha256_of
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import list_folder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")

NOISE = np.random.default_rng(0).normal(size=100_000)
PREDICTORS = ["REFL_COM_curr", "U10_curr", "V10_curr"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the mount point of a file system of 20 MB in memory."""
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(disk: Path, free: int) -> Path:
    """Fill a disk except for some free bytes; return the file that fills it."""
    status = os.statvfs(disk)
    filler = disk / "filler"
    filler.write_bytes(bytes(status.f_bavail * status.f_frsize - free))
    return filler


def write_long_text(path: Path) -> None:
    write_text("x" * 1_000_000, path)


def write_large_table(path: Path) -> None:
    write_csv(pd.DataFrame({"value": NOISE}), path)


def write_large_dataset(path: Path) -> None:
    write_netcdf(xr.Dataset({"value": ("storm", NOISE)}), path)


def write_patches(path: Path) -> None:
    runs = path.parents[1] / "runs"
    for day in range(1, 7):
        write_run_file(runs, run_values(60, 16, seed=day), run_date=datetime(2014, 4, day))
    others = path.with_suffix(".statistics"), path.with_suffix(".inventory")
    prepare_batch(
        list_folder(runs, "month"),
        path,
        *others,
        predictors=PREDICTORS,
        target="RVORT1_MAX_future",
        region="storm",
    )


def write_network(path: Path) -> None:
    # Importing TensorFlow takes seconds.
    from stormcnn.models.architecture import build_network
    from stormcnn.models.network_files import save_network

    architecture = {
        "filters": [64, 64],
        "kernel_size": 5,
        "activation": "relu",
        "pooling": "average",
    }
    save_network(build_network(architecture, (8, 8), [0, 0, 0], [1, 1, 1]), path, {})


@pytest.mark.parametrize(
    "write",
    [write_long_text, write_large_table, write_large_dataset, write_patches, write_network],
)
def test_writer_reports_a_full_disk_and_keeps_the_earlier_file(
    small_disk: Path, write: Callable[[Path], None]
) -> None:
    path = small_disk / f"file{'.keras' if write is write_network else '.nc'}"
    path.write_text("earlier")
    filler = fill(small_disk, free=150_000)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as error:
        write(path)
    assert error.value.errno == errno.ENOSPC
    assert path.read_text() == "earlier"
    assert {file.name for file in small_disk.iterdir()} == {path.name, filler.name}


def test_workflow_resumes_once_there_is_space(small_disk: Path, tmp_path: Path) -> None:
    dates = [datetime(2014, 4, 1), datetime(2014, 4, 2), datetime(2015, 4, 1)]
    checkouts = [Checkout.of_code(folder / "clone") for folder in (small_disk, tmp_path)]
    for checkout in checkouts:
        for date in dates:
            values = run_values(1 if date.year == 2015 else 80, 16, seed=date.day)
            write_run_file(checkout.path / "runs", values, run_date=date)
    full, expected = checkouts
    # Python would fill the disk with compiled modules before the first job starts.
    full.variables["PYTHONDONTWRITEBYTECODE"] = "1"
    filler = fill(small_disk, free=400_000)
    # Snakemake itself may fail, too, because its own files are on the same disk.
    with full.start(INVENTORY) as process:
        output, _ = process.communicate()
    assert process.returncode == 1
    assert "disk is full" in output
    assert not list(full.path.glob("resources/tiny/*/*2014*"))

    filler.unlink()
    full.run(INVENTORY)
    expected.run(INVENTORY)
    assert differing_files(full.path, expected.path) == []


def test_forecast_is_issued_once_there_is_space(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Importing TensorFlow takes seconds.
    from made_up_networks import write_network

    from ops.forecasting import ExitCode, main

    network = write_network(tmp_path / "network.keras")
    dates = [datetime(2016, 5, 1), datetime(2016, 5, 2)]
    for date in dates:
        write_run_file(tmp_path / "new", run_values(6), run_date=date)
    (tmp_path / "my.yaml").write_text(f"forecast: {{network: {network}, members: 5}}\n")
    arguments = ["--folder", f"{tmp_path}/new", "--configfile", f"{tmp_path}/my.yaml"]
    monkeypatch.chdir(small_disk)
    filler = fill(small_disk, free=60_000)
    assert main(arguments) == ExitCode.FAILED
    folder = small_disk / f"forecasts/{dates[0]:%Y%m%d-%H%M}-d01"
    assert list(folder.iterdir()) == []

    filler.unlink()
    assert main(arguments) == ExitCode.DONE
    records = [f"forecasts/{date:%Y%m%d-%H%M}-d01/{network_name(network)}.nc" for date in dates]
    assert all((small_disk / record).exists() for record in records)


def network_name(network: Path) -> str:
    return sha256_of(network)[:12]
