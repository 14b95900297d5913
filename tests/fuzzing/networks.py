"""Networks with damaged bytes, and with other things in their files than stormcnn writes."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing.outcomes import CHANGED, EQUAL, Family, Outcome, damage, refused

from stormcnn.errors import UserError
from stormcnn.forecast.network_metadata import read_about, read_recalibration_settings
from stormcnn.models.network_archive import METADATA, RECALIBRATION, check_network_file
from stormcnn.storms.run_summary import TRAINING_ATTRIBUTES
from stormcnn.vocabulary import LESSON_EVENT

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
ABOUT = {
    "model": "dropout",
    "seed": "0",
    "predictors": ["U10_curr", "V10_curr"],
    "predictor_units": {"U10_curr": "m s-1", "V10_curr": ""},
    "event": LESSON_EVENT,
    "event_attributes": {"threshold_units": "s-1"},
    **dict.fromkeys(TRAINING_ATTRIBUTES, "2014"),
    "training_event_frequency": 0.1,
    "training_minimum": [-30.0, -30.0],
    "training_maximum": [30.0, 30.0],
}
STEPS = {"method": "isotonic", "knots": [0.0, 1.0], "frequencies": [0.3, 0.3]}
LAYERS = [{"module": "keras.layers", "class_name": name} for name in ("Conv2D", "Dense", "Flatten")]
VALUES = (
    *(None, True, 0, -1, 10**400, 1e308, float("nan"), "", "a" * 10**5, "\x1b[2J", [], {}, [[]]),
    *("../../etc/passwd", "os.system", "TFSMLayer", {"class_name": "Lambda"}, "keras.ops"),
)


@cache
def files() -> dict[str, bytes]:
    config = {"class_name": "Functional", "config": {"layers": LAYERS}}
    contents = {METADATA: ABOUT, RECALIBRATION: STEPS, CONFIG: config}
    return {name: json.dumps(content).encode() for name, content in contents.items()}


def as_zip(contents: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return stream.getvalue()


def judge(folder: Path, content: bytes) -> Outcome:
    path = folder / "network.keras"
    path.write_bytes(content)
    try:
        about, recalibration = read_about(path), read_recalibration_settings(path)
        check_network_file(path)
    except UserError as error:
        return refused(error, path.name)
    json.dumps([about, recalibration], allow_nan=False)
    return Outcome(EQUAL if (about, recalibration) == (ABOUT, STEPS) else CHANGED)


def replace_a_value(random: np.random.Generator, content: Any) -> Any:
    """Return JSON in which one value, key or part is another."""
    if isinstance(content, dict) and content and random.integers(6):
        key = str(random.choice(list(content)))
        return content | {key: replace_a_value(random, content[key])}
    if isinstance(content, list) and content and random.integers(6):
        index = int(random.integers(len(content)))
        new = replace_a_value(random, content[index])
        return [*content[:index], new, *content[index + 1 :]]
    if isinstance(content, dict) and content and random.integers(2):
        return {key: content[key] for key in list(content)[1:]}
    return VALUES[random.integers(len(VALUES))]


def damaged_network(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    return judge(folder, damage(random, as_zip(files())))


def hostile_network(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    """Replace values of the metadata, the recalibration or the layers, or damage their text."""
    return judge(folder, as_zip(with_other_content(random, files())))


def with_other_content(random: np.random.Generator, contents: dict[str, bytes]) -> dict[str, bytes]:
    name = str(random.choice([METADATA, RECALIBRATION, CONFIG]))
    content = contents[name]
    if random.integers(4):
        changed = replace_a_value(random, json.loads(content))
        return contents | {name: json.dumps(changed).encode()}
    if random.integers(4):
        return contents | {name: damage(random, content)}
    depth = int(random.choice([100, 10_000, 1_000_000]))
    return contents | {name: b"[" * depth + b"]" * depth}


FAMILIES = [
    # Metadata are read without the checksum of the rest of the file.
    Family(damaged_network),
    Family(hostile_network, may_change=True),
]
