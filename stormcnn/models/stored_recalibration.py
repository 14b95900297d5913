"""Store the recalibration of a network's probabilities in the file of the network."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stormcnn.errors import UserError
from stormcnn.io import replacing
from stormcnn.models.network_archive import RECALIBRATION, read_json

if TYPE_CHECKING:
    from stormcnn.vocabulary import StrPath


def add_recalibration(
    trained: StrPath, recalibration: Mapping[str, Any] | None, network: StrPath
) -> None:
    """Copy the file of a trained network to `network`, and add a recalibration, valid JSON."""
    with replacing(network) as temporary:
        shutil.copyfile(trained, temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            content = json.dumps(recalibration, indent=2, allow_nan=False)
            archive.writestr(zipfile.ZipInfo(RECALIBRATION), content)


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
