"""Store in the file of a network how to recalibrate its probabilities, and when to act on them."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stormcnn.errors import UserError
from stormcnn.io import replacing
from stormcnn.models.network_archive import RECALIBRATION, THRESHOLDS, read_json

if TYPE_CHECKING:
    from stormcnn.vocabulary import StrPath


def add_recalibration(
    trained: StrPath,
    recalibration: Mapping[str, Any] | None,
    network: StrPath,
    thresholds: Mapping[str, float | None] | None = None,
) -> None:
    """Copy the file of a trained network to `network`, and add a recalibration, valid JSON.

    `thresholds` are the recalibrated probabilities at which to act, by aim, and None for never.
    """
    with replacing(network) as temporary:
        shutil.copyfile(trained, temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            for name, value in {RECALIBRATION: recalibration, THRESHOLDS: thresholds or {}}.items():
                content = json.dumps(value, indent=2, allow_nan=False)
                archive.writestr(zipfile.ZipInfo(name), content)


def read_recalibration(network: StrPath) -> dict[str, Any] | None:
    """Return what `add_recalibration` stored; None if the network is used as it is.

    Raises `UserError` if the file cannot be read.
    """
    recalibration = read_json(network, RECALIBRATION)
    if not isinstance(recalibration, dict | None):
        raise UserError(
            f"{network}: {RECALIBRATION} does not describe a recalibration. "
            "Use a network.keras that stormcnn has written."
        )
    return recalibration
