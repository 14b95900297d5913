"""Save and load networks, with metadata about their training in the same file."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from stormcnn.errors import UserError
from stormcnn.io import replacing, to_remove

if TYPE_CHECKING:
    from stormcnn.vocabulary import StrPath

METADATA = "stormcnn.json"
"""Name of the metadata in the .keras archive; Keras ignores files that it does not know."""


UNREADABLE = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What Keras and its readers of zip, JSON and HDF5 raise for a damaged file."""


def save_network(network: keras.Model, path: StrPath, metadata: Mapping[str, Any]) -> None:
    """Save a network and its `metadata`, which must be valid JSON, to one file.

    `read_metadata` returns the metadata.
    """
    with replacing(path) as temporary:
        network.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(zipfile.ZipInfo(METADATA), json.dumps(metadata, indent=2))


def load_network(path: StrPath) -> keras.Model:
    """Load a network in the safe mode of Keras, which runs no code from the file.

    Raises `UserError` if the file is missing or damaged, or if the network does not return one
    probability per storm patch.
    """
    _check_exists(path)
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except UNREADABLE as error:
        raise UserError(
            f"{path}: the network cannot be loaded ({type(error).__name__}: {error}). "
            f"Remove {to_remove(path)} and train again, or use another network."
        ) from error
    if (
        len(network.inputs) != 1
        or len(network.input_shape) != 4
        or network.output_shape[1:] != (1,)
    ):
        raise UserError(
            f"{path}: the network does not return one probability per storm patch. "
            "Use a network.keras that stormcnn has written."
        )
    return network


def read_metadata(path: StrPath) -> dict[str, Any]:
    """Return the metadata that `save_network` wrote, without loading the network.

    Raises `UserError` if the file is missing or has no such metadata.
    """
    _check_exists(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(METADATA))
    except (OSError, KeyError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise UserError(
            f"{path}: the metadata of the network cannot be read ({error}). "
            "Use a network.keras that stormcnn has written."
        ) from error


def _check_exists(path: StrPath) -> None:
    if not Path(path).is_file():
        raise UserError(
            f"{path}: the network is missing. Train it first, or set the path of another network."
        )
