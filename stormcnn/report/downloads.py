"""Files embedded in the report as data URIs."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stormcnn.vocabulary import StrPath

PLAIN_BYTES = 300_000
"""Tables above this size are compressed."""


def data_uri(content: bytes, media_type: str) -> str:
    """Return bytes as a data URI."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def table_downloads(tables: Mapping[str, StrPath | None], room: int) -> list[dict[str, Any]]:
    """Return name, size and data URI of each table; tables that are None are left out.

    The smallest tables are embedded first; tables that do not fit into `room` bytes have None in
    place of the data URI.
    """
    downloads: list[dict[str, Any]] = []
    for name, file in tables.items():
        if file is None:
            continue
        content = Path(file).read_bytes()
        large = len(content) > PLAIN_BYTES
        downloads.append(
            {
                "name": f"{name}.csv.gz" if large else f"{name}.csv",
                "size": f"{max(len(content) / 1000, 1):,.0f} kB",
                "source": (
                    data_uri(gzip.compress(content, mtime=0), "application/gzip")
                    if large
                    else data_uri(content, "text/csv;charset=utf-8")
                ),
            }
        )
    for entry in sorted(downloads, key=lambda entry: len(entry["source"])):
        room -= len(entry["source"]) + 500
        if room < 0:
            entry["source"] = None
    return downloads
