"""Secrets reach no file, and no file can be changed by everybody, whatever the workflow does."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
import yaml
from checkout import Checkout, error_line, write_runs
from run_files import run_file_name

MARKER = "mar-ker"
RUN_DATES = [datetime(2014, 4, 1), datetime(2015, 4, 1)]
WITH_SECRETS = [
    f"https://ann:{MARKER}@127.0.0.1:9/a",
    f"https://127.0.0.1:9/a?token={MARKER}",
    f"https://127.0.0.1:9/a;{MARKER}",
    f"https://127.0.0.1:9/a#{MARKER}",
    f"postgresql://127.0.0.1:9/a?password={MARKER}",
]


INVENTORY = "resources/tiny/inventory.csv"


def all_contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def test_secrets_of_addresses_in_the_config_are_in_no_file(
    checkout: Checkout, tmp_path: Path
) -> None:
    user, query, parameter, fragment, database = WITH_SECRETS
    settings = {
        "data": {
            "ncar": {
                "runs": fragment,
                "patches": {"url": user},
                "tracks": {"file": query},
            },
            "folder": parameter,
        },
        "forecast": {"runs": [user], "observed": [query], "network": fragment},
        "registry": {"mlflow": database},
    }
    config = tmp_path / "secret.yaml"
    config.write_text(yaml.safe_dump(settings))
    output = checkout.fail("--configfile", str(config))
    for key in ("ncar.runs", "ncar.patches.url", "ncar.tracks.file", "data.folder"):
        assert f"{key} must" in output
    for key in ("forecast.runs", "forecast.observed", "forecast.network", "registry.mlflow"):
        assert f"{key} must" in output
    retrain = checkout.execute("ops/retrain", "--configfile", str(config))
    assert retrain.returncode == 1
    assert MARKER not in output + retrain.stdout
    for path, content in all_contents(checkout.path):
        assert MARKER.encode() not in content, path


def test_no_file_of_the_workflow_is_world_writable(checkout: Checkout, tmp_path: Path) -> None:
    write_runs(checkout.path / "runs", RUN_DATES)
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    checkout.variables["SNAKEMAKE_OUTPUT_CACHE"] = str(cache)
    before = set(checkout.path.rglob("*"))
    mask = os.umask(0)
    try:
        checkout.run("results/tiny/scaling.csv", "results/tiny/config.yaml", "--cache")
    finally:
        os.umask(mask)
    written = {*checkout.path.rglob("*"), *cache.rglob("*")} - before
    assert {"scaling.csv", "config.yaml", "2014-04.nc"} <= {path.name for path in written}
    assert any(path.parent == cache for path in written)
    writable = [
        path
        for path in written
        if not path.is_symlink()
        and path.is_file()
        and path.stat().st_mode & stat.S_IWOTH
        and path.parent != checkout.path / "imports"
        # Snakemake opens its log before it reads the Snakefile.
        and path.parent != checkout.path / ".snakemake" / "log"
    ]
    assert writable == []


def test_named_pipes_stop_nothing(checkout: Checkout) -> None:
    write_runs(checkout.path / "runs", RUN_DATES)
    pipe = checkout.path / "runs" / run_file_name(datetime(2014, 5, 1))
    os.mkfifo(pipe)
    assert "named pipe" in error_line(checkout.fail(INVENTORY), f"runs/{pipe.name}: ")
    for settings in ({"runs": [str(pipe)]}, {"runs": ["runs"]}, {"network": str(pipe)}):
        checkout.change({"forecast": {"runs": [f"runs/{run_file_name(RUN_DATES[0])}"]} | settings})
        assert "forecast" in checkout.fail("forecast", "--dry-run")
    checkout.change({"data": {"skip_bad_files": True}, "forecast": {"runs": [], "network": None}})
    checkout.run(INVENTORY)
    inventory = pd.read_csv(checkout.path / INVENTORY)
    assert inventory["storms"].tolist() == [12, 0, 12]
    assert "named pipe" in inventory["reason"][1]
