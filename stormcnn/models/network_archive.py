"""Read the parts of a .keras archive, which may come from elsewhere, within limits.

Nothing here needs Keras.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from stormcnn.errors import UserError
from stormcnn.io import to_remove
from stormcnn.regular_files import open_regular
from stormcnn.texts import printable
from stormcnn.vocabulary import StrPath

METADATA = "stormcnn.json"
RECALIBRATION = "recalibration.json"
THRESHOLDS = "thresholds.json"
"""Names of the metadata, of the recalibration and of the thresholds at which to act in the .keras
archive; Keras ignores files that it does not know."""

FILES = frozenset(
    {METADATA, RECALIBRATION, THRESHOLDS, "metadata.json", "config.json", "model.weights.h5"}
)
"""The files in an archive. Without their exact names, a part of the network would be missing."""

LARGEST_BYTES = 2_000_000_000
LARGEST_JSON_BYTES = 5_000_000
MOST_FILES = 100
"""Limits of the files in an archive: all together when unpacked, one JSON file, and how many."""

CLASSES = frozenset(
    {
        *("Functional", "Sequential", "InputLayer", "DTypePolicy", "__keras_tensor__"),
        *("Normalization", "Conv2D", "Dense", "Flatten", "Activation"),
        *("Dropout", "SpatialDropout2D", "AveragePooling2D", "MaxPooling2D"),
        *("L1", "L2", "L1L2", "Zeros", "Ones", "GlorotUniform", "GlorotNormal"),
        *("HeUniform", "HeNormal", "RandomNormal", "RandomUniform", "Constant", "SeedGenerator"),
        *("Adam", "SGD", "RMSprop", "LossScaleOptimizer"),
    }
)
"""Classes of Keras that a network may consist of. They run no code from the file."""

_ADVICE = "Use a network.keras that stormcnn has written."


def training_storms_path(network: StrPath) -> Path:
    """Return the path of the file with the training storms of a network, which lies next to it.

    >>> training_storms_path("models/l2/seed-0/network.keras").as_posix()
    'models/l2/seed-0/training_storms.nc'
    >>> training_storms_path("registry/networks/0123.keras").as_posix()
    'registry/networks/0123-training_storms.nc'
    """
    path = Path(network)
    prefix = "" if path.stem == "network" else f"{path.stem}-"
    return path.with_name(f"{prefix}training_storms.nc")


def check_network_file(path: StrPath) -> None:
    """Raise `UserError` if a network is missing, too large, or consists of other classes.

    The safe mode of Keras refuses code in a file, but builds objects of any class of Keras.
    """
    config = read_json(path, "config.json")
    for module, name in _classes(config):
        if str(name) not in CLASSES or str(module or "keras").partition(".")[0] != "keras":
            shown = printable(f"{module}.{name}", longest=100)
            raise UserError(f"{path}: the network contains {shown}, which is refused. {_ADVICE}")


def read_json(path: StrPath, name: str) -> Any:
    """Return the content of a JSON file in an archive, or None if there is no such file.

    Raises `UserError` if the archive is missing, damaged or too large.
    """
    try:
        with open_network(path) as stream, zipfile.ZipFile(stream) as archive:
            files = archive.infolist()
            if len(files) > MOST_FILES:
                raise UserError(f"{path}: more than {MOST_FILES} files are in it. {_ADVICE}")
            if others := {file.filename for file in files} - FILES:
                shown = printable(", ".join(sorted(others)), longest=100)
                raise UserError(
                    f"{path}: it contains the file {shown}, which is refused. {_ADVICE}"
                )
            if sum(file.file_size for file in files) > LARGEST_BYTES:
                raise UserError(f"{path}: unpacked, it has over {LARGEST_BYTES} bytes. {_ADVICE}")
            if name not in archive.namelist():
                return None
            if archive.getinfo(name).file_size > LARGEST_JSON_BYTES:
                raise UserError(f"{path}: {name} has over {LARGEST_JSON_BYTES} bytes. {_ADVICE}")
            return json.loads(archive.read(name), parse_constant=_refuse_constant)
    except UserError:
        raise
    # The readers of zip and JSON raise exceptions of many classes for damaged files.
    except Exception as error:
        cause = printable(f"{type(error).__name__}: {error}", longest=200)
        raise UserError(
            f"{path}: {name} cannot be read ({cause}). Remove {to_remove(path)} and train again, "
            "or use another network."
        ) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def open_network(path: StrPath) -> IO[bytes]:
    """Open the file of a network.

    Raises `UserError` if it is missing, too large, or not a regular file.
    """
    try:
        stream = open_regular(path)
    except FileNotFoundError:
        raise UserError(
            f"{path}: the network is missing. Train it first, or set the path of another network."
        ) from None
    except OSError as error:
        raise UserError(
            f"{path}: the network cannot be read ({error.strerror}). {_ADVICE}"
        ) from None
    if os.fstat(stream.fileno()).st_size > LARGEST_BYTES:
        stream.close()
        raise UserError(f"{path}: the network has over {LARGEST_BYTES} bytes. {_ADVICE}")
    return stream


def _classes(config: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the module and name of each class in a config of Keras."""
    rest = [config]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value.get("module"), value["class_name"]
            rest += value.values()
        elif isinstance(value, list):
            rest += value
