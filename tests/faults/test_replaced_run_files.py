"""A run file that is replaced during a job: the job never mixes two contents."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import netCDF4
import pandas as pd
from checkout import Checkout, error_line
from injection import (
    APRIL,
    INVENTORY,
    expected_patches,
    killing_the_rest,
    wait_for,
    write_long_batch,
)
from run_files import run_file_name, run_values, write_run_file

from stormcnn.provenance import sha256_of


def test_run_file_replaced_after_it_was_read_is_prepared_again_by_the_next_call(
    checkout: Checkout, tmp_path: Path
) -> None:
    """The new file has an older time stamp than the results, like a restored backup."""
    write_long_batch(checkout)
    name = run_file_name(pd.Timestamp("2014-04-01"))
    line = f"Read 4 storms from runs/{name}"
    path = checkout.path / "runs" / name
    log = checkout.path / "logs/prepare_patches/tiny-2014-04.log"
    first_patches, old_sha256 = expected_patches(checkout, tmp_path), sha256_of(path)
    with killing_the_rest(checkout), checkout.start(INVENTORY) as controller:
        wait_for(lambda: log.exists() and line in log.read_text(), controller)
        assert not (checkout.path / APRIL).exists()
        write_run_file(path.parent, run_values(5), run_date=pd.Timestamp("2014-04-01"))
        os.utime(path, (0, 0))
        assert controller.wait() == 0
    assert (checkout.path / APRIL).read_bytes() == first_patches
    assert sha256_in_inventory(checkout, name) == old_sha256

    checkout.run(INVENTORY)
    patches = (checkout.path / APRIL).read_bytes()
    assert patches == expected_patches(checkout, tmp_path) != first_patches
    assert sha256_in_inventory(checkout, name) == sha256_of(path)


def test_run_file_replaced_by_one_of_the_same_size_stops_the_job(
    checkout: Checkout, tmp_path: Path
) -> None:
    """After the job has finished, neither size nor modification time would reveal the change."""
    write_long_batch(checkout)
    name = run_file_name(pd.Timestamp("2014-04-01"))
    line = f"Read 4 storms from runs/{name}"
    path = checkout.path / "runs" / name
    old_sha256, replacement = sha256_of(path), Path(shutil.copy(path, tmp_path))
    with netCDF4.Dataset(replacement, "a") as file:
        file.title = file.title.replace("d01", "d02")
    assert replacement.stat().st_size == path.stat().st_size
    log = checkout.path / "logs/prepare_patches/tiny-2014-04.log"
    with killing_the_rest(checkout), checkout.start(INVENTORY) as controller:
        wait_for(lambda: log.exists() and line in log.read_text(), controller)
        os.replace(replacement, path)
        assert controller.wait() == 1
    assert error_line(log.read_text(), f"runs/{name}: ")
    assert not (checkout.path / APRIL).exists()

    checkout.run(INVENTORY)
    assert (checkout.path / APRIL).read_bytes() == expected_patches(checkout, tmp_path)
    assert sha256_in_inventory(checkout, name) == sha256_of(path) != old_sha256


def sha256_in_inventory(checkout: Checkout, name: str) -> str:
    inventory = pd.read_csv(checkout.path / INVENTORY)
    return inventory.set_index("file").loc[f"runs/{name}", "sha256"]
