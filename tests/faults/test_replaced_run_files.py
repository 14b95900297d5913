"""A run file replaced during a run: jobs never mix two contents, and the next run is up to date."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import netCDF4
import pandas as pd
from checkout import Checkout
from injection import APRIL, INVENTORY, nothing_left, prepared, wait_for, write_long_batch
from run_files import run_file_name, run_values, write_run_file

from stormcnn.provenance import sha256_of


def test_run_file_replaced_during_a_run_is_prepared_again_by_the_next_run(
    checkout: Checkout, tmp_path: Path
) -> None:
    """The new file is older than the results from the old one, like a restored backup."""
    write_long_batch(checkout)
    name = run_file_name(pd.Timestamp("2014-04-01"))
    line = f"Read 4 storms from runs/{name}"
    path = checkout.path / "runs" / name
    log = checkout.path / "logs/prepare_patches/tiny-2014-04.log"
    first, old = prepared(checkout, tmp_path), sha256_of(path)
    with nothing_left(checkout), checkout.start(INVENTORY) as controller:
        wait_for(lambda: log.exists() and line in log.read_text(), controller)
        assert not (checkout.path / APRIL).exists()
        write_run_file(path.parent, run_values(5), run_date=pd.Timestamp("2014-04-01"))
        os.utime(path, (0, 0))
        assert controller.wait() == 0
    assert (checkout.path / APRIL).read_bytes() == first
    assert digest_in_inventory(checkout, name) == old

    checkout.run(INVENTORY)
    assert (checkout.path / APRIL).read_bytes() == prepared(checkout, tmp_path) != first
    assert digest_in_inventory(checkout, name) == sha256_of(path)


def test_run_file_replaced_by_one_of_the_same_size_stops_the_job(
    checkout: Checkout, tmp_path: Path
) -> None:
    """After the job has finished, neither size nor modification time would reveal the change."""
    write_long_batch(checkout)
    name = run_file_name(pd.Timestamp("2014-04-01"))
    line = f"Read 4 storms from runs/{name}"
    path = checkout.path / "runs" / name
    old, other = sha256_of(path), shutil.copy(path, tmp_path)
    with netCDF4.Dataset(other, "a") as file:
        file.title = file.title.replace("d01", "d02")
    assert os.path.getsize(other) == path.stat().st_size
    log = checkout.path / "logs/prepare_patches/tiny-2014-04.log"
    with nothing_left(checkout), checkout.start(INVENTORY) as controller:
        wait_for(lambda: log.exists() and line in log.read_text(), controller)
        os.replace(other, path)
        assert controller.wait() == 1
    assert f"runs/{name}: the file was replaced" in log.read_text()
    assert not (checkout.path / APRIL).exists()

    checkout.run(INVENTORY)
    assert (checkout.path / APRIL).read_bytes() == prepared(checkout, tmp_path)
    assert digest_in_inventory(checkout, name) == sha256_of(path) != old


def digest_in_inventory(checkout: Checkout, name: str) -> str:
    inventory = pd.read_csv(checkout.path / INVENTORY)
    return inventory.set_index("file").loc[f"runs/{name}", "sha256"]
