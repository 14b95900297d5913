"""Save and load networks, with metadata about their training in the same file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from stormcnn.errors import UserError
from stormcnn.io import replacing, to_remove
from stormcnn.models.network_archive import METADATA, check_network_file
from stormcnn.texts import printable

if TYPE_CHECKING:
    from stormcnn.vocabulary import StrPath


def save_network(network: keras.Model, path: StrPath, metadata: Mapping[str, Any]) -> None:
    """Save a network and its `metadata`, which must be valid JSON, to one file.

    `network_archive.read_json` returns the metadata.
    """
    with replacing(path) as temporary:
        network.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(zipfile.ZipInfo(METADATA), json.dumps(metadata, indent=2))


def load_network(path: StrPath) -> keras.Model:
    """Load a network in the safe mode of Keras, which runs no code from the file.

    Raises `UserError` if the file is missing or damaged, contains classes that stormcnn does not
    use, or if the network does not return one probability per storm patch.
    """
    check_network_file(path)
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    # Keras and its backends raise exceptions of many classes for damaged files.
    except Exception as error:
        cause = printable(f"{type(error).__name__}: {error}", longest=500)
        raise UserError(
            f"{path}: the network cannot be loaded ({cause}). Remove {to_remove(path)} "
            "and train again, or use another network."
        ) from error
    if (
        not isinstance(network, keras.Model)
        or len(network.inputs) != 1
        or len(network.input_shape) != 4
        or network.output_shape[1:] != (1,)
    ):
        raise UserError(
            f"{path}: the network does not return one probability per storm patch. "
            "Use a network.keras that stormcnn has written."
        )
    return network
