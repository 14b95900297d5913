"""Fields of storms and their colors as bytes that a page embeds."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import matplotlib
import numpy as np

from stormcnn.report.field_style import REFLECTIVITY, REFLECTIVITY_RANGE

if TYPE_CHECKING:
    from collections.abc import Sequence


def encode(content: bytes) -> str:
    """Return bytes as Base64."""
    return base64.b64encode(content).decode("ascii")


def quantize_fields(
    fields: np.ndarray, names: Sequence[str], step: int = 1
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Return fields with one byte per value, shape (storm, variable, y, x), and their ranges.

    `fields` has shape (storm, y, x, variable). 0 is the lower and 255 the upper end of the range of
    a variable; bytes are multiples of `step`, and fewer different ones compress better.
    """
    ranges = []
    quantized = np.empty((len(fields), len(names), *fields.shape[1:3]), np.uint8)
    for number, name in enumerate(names):
        values = fields[..., number]
        low, high = (
            REFLECTIVITY_RANGE
            if name.startswith("REFL")
            else (float(np.floor(values.min())), float(np.ceil(values.max())))
        )
        high = max(high, low + 1)
        scaled = (np.clip(values, low, high) - low) / (high - low)
        quantized[:, number] = np.minimum(step * np.round(255 / step * scaled), 255)
        ranges.append((low, high))
    return quantized, ranges


def palette(variable: str) -> bytes:
    """Return the 256 colors of a variable as bytes of red, green and blue."""
    colors = REFLECTIVITY if variable.startswith("REFL") else matplotlib.colormaps["cividis"]
    return colors(np.arange(256), bytes=True)[:, :3].tobytes()


def quantize_attributions(attributions: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Return attributions as signed bytes in the order storm, variable, y, x.

    `attributions` has shape (storm, y, x, variable). Bytes are in steps of 1/127 of the largest
    absolute value of each storm, which is returned too, shape (storm,).
    """
    values = np.moveaxis(attributions, -1, 1)
    largest = np.abs(values).max(axis=(1, 2, 3))
    steps = np.where(largest > 0, largest, 1)[:, None, None, None] / 127
    return np.round(values / steps).astype(np.int8).tobytes(), largest
