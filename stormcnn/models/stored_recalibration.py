"""Store the recalibration of a network's probabilities in the file of the network."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stormcnn.errors import UserError
from stormcnn.io import replacing

if TYPE_CHECKING:
    from stormcnn.vocabulary import StrPath

RECALIBRATION = "recalibration.json"
"""Name in the .keras archive; Keras ignores files that it does not know."""


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
    try:
        with zipfile.ZipFile(network) as archive:
            if RECALIBRATION not in archive.namelist():
                return None
            return json.loads(archive.read(RECALIBRATION))
    except (OSError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise UserError(
            f"{network}: the recalibration of the network cannot be read ({error}). "
            "Use a network.keras that stormcnn has written."
        ) from error
