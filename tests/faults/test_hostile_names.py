"""Run files whose names look like commands, options, patterns or HTML."""

from __future__ import annotations

import pandas as pd
import pytest
from checkout import Checkout
from injection import INVENTORY
from run_files import run_values, write_run_file

NAMES = [
    "$(touch injected)_20140401-0000_`touch injected`_model_patches.nc",
    "a; touch injected;_20140402-0000_' && touch injected #_model_patches.nc",
    "' onload=alert(1) x=_20140403-0000_&lt;b&gt;\"_model_patches.nc",
    "%s %(name)s_20140404-0000_$HOME ~ !_model_patches.nc",
    "--config_20140405-0000_a, b_model_patches.nc",
    "é ..._20150401-0000_*?[x]_model_patches.nc",
]


def test_hostile_names_are_only_names(checkout: Checkout) -> None:
    for seed, name in enumerate(NAMES):
        date = pd.Timestamp(name.split("_")[1])
        write_run_file(checkout.path / "runs", run_values(12, seed=seed), name=name, run_date=date)
    checkout.run(INVENTORY)
    inventory = pd.read_csv(checkout.path / INVENTORY)
    assert list(inventory["file"]) == [f"runs/{name}" for name in NAMES]
    assert list(inventory["storms"]) == [12] * len(NAMES)
    assert not list(checkout.path.rglob("injected"))
    assert checkout.plan(INVENTORY) == {}


@pytest.mark.parametrize("part", ["<b>", "{wildcards.batch}", "<script>alert(1)<"])
def test_name_that_would_be_read_as_a_pattern_is_refused(checkout: Checkout, part: str) -> None:
    name = f"{part}_20140401-0000_d01_model_patches.nc"
    write_run_file(checkout.path / "runs", name=name, run_date=pd.Timestamp("2014-04-01"))
    assert f"runs/{name}: " in checkout.fail("--dry-run")
