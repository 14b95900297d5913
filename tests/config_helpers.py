"""Configs for tests: the default config with changes, and the messages about wrong settings."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from stormcnn.config.loading import load_config
from stormcnn.errors import UserError

CONFIG = Path(__file__).parents[1] / "config"
SHIPPED = ["config.yaml", "ncar.yaml", "study.yaml"]


@cache
def read(name: str) -> dict[str, Any]:
    """Return the settings in one of the shipped config files."""
    return yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))


def merged(*changes: dict[str, Any]) -> dict[str, Any]:
    """Return the default config with changes, merged as Snakemake does."""
    config = copy.deepcopy(read("config.yaml"))
    for change in changes:
        update_config(config, copy.deepcopy(change))
    return config


def load(*changes: dict[str, Any]) -> dict[str, Any]:
    """Return the checked default config with changes."""
    return load_config(merged(*changes))


def messages(*changes: dict[str, Any]) -> list[str]:
    """Return the messages about the default config with changes, which must be refused."""
    with pytest.raises(UserError) as error:
        load(*changes)
    return str(error.value).splitlines()


def assert_refused(changes: dict[str, Any], key: str, *named: str) -> None:
    """Check that one message is given, which begins with `key` and names the other texts."""
    (message,) = messages(changes)
    assert message.startswith(f"{key} "), message
    for text in named:
        assert text in message


def ncar_patches(archive: dict[str, Any]) -> dict[str, Any]:
    """Return the change that gives the NCAR data another archive of run files."""
    return {"data": {"ncar": {"patches": archive, "tracks": {"file": "tracks.tar.gz"}}}}
