"""Fields of storms in memory or on disk, and read ahead of the batch that is trained on."""

from __future__ import annotations

import logging
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import getitem
from typing import Any, Protocol

import numpy as np

from stormcnn.storms.patches import STORMS_AT_ONCE, StoredFields
from stormcnn.vocabulary import Array

logger = logging.getLogger(__name__)


class Fields(Protocol):
    """Fields of storms wherever they are held, taken by index."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(storm, y, x, variable)."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, storms: Any, /) -> Array: ...


class CopiedFields:
    """A copy of fields in an unnamed temporary file, of which any storms are read at once.

    `shape` is (storm, y, x, variable); `fields[storms]` takes an array of indices or a slice.
    Memory holds the storms asked for and no others. The file lies where temporary files do
    (`TMPDIR`), is as large as the fields in memory would be, and goes with the process.
    """

    def __init__(self, fields: StoredFields) -> None:
        self.shape = fields.shape
        self._bytes = math.prod(fields.shape[1:]) * np.dtype(np.float32).itemsize
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as this object
        for start in range(0, len(fields), STORMS_AT_ONCE):
            self._file.write(fields[start : start + STORMS_AT_ONCE].data)
        self._file.flush()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, storms: Array | slice) -> Array:
        chosen = np.arange(len(self))[storms].tolist()
        fields = np.empty((len(chosen), *self.shape[1:]), np.float32)
        for field, storm in zip(fields, chosen, strict=True):
            os.preadv(self._file.fileno(), [field], storm * self._bytes)
        return fields


def hold_fields(fields: StoredFields, memory_mb: int | None) -> Fields:
    """Fields to train on: in memory, or on disk where they take more than `memory_mb` MiB.

    Either gives the same storms for the same indices. Without a limit they are held in memory.
    """
    size = math.prod(fields.shape) * np.dtype(np.float32).itemsize / 2**20
    if memory_mb is not None and size > memory_mb:
        logger.info("%.0f MiB of fields are read from disk", size)
        return CopiedFields(fields)
    return fields.in_memory()


def read_ahead(fields: Fields, batches: Sequence[Array]) -> Iterator[Array]:
    """Fields of each batch of storms, of which the next is read while one is worked on."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        following = reader.submit(getitem, fields, batches[0])
        for batch in batches[1:]:
            current = following.result()
            following = reader.submit(getitem, fields, batch)
            yield current
        yield following.result()
