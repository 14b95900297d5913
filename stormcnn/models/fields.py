"""Hold the fields of storms in memory or on disk, and prefetch batches of them."""

from __future__ import annotations

import logging
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import getitem
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from stormcnn.storms.patches import STORMS_AT_ONCE, StoredFields

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

logger = logging.getLogger(__name__)


class Fields(Protocol):
    """Fields of storms that can be indexed like an array, wherever they are stored."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(storm, y, x, variable)."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, storms: Any, /) -> Array: ...


class CopiedFields:
    """A copy of fields in a temporary file that gives quick access to storms in any order.

    `shape` is (storm, y, x, variable); `fields[storms]` takes an array of indices or a slice.
    Only the requested storms are held in memory. The file is in the folder for temporary files
    (`TMPDIR`), is as large as the fields would be in memory, and is deleted with the process.

    >>> fields = CopiedFields(np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1))
    >>> fields[np.array([2, 0])][:, 0, 0, 0].tolist()
    [8.0, 0.0]
    """

    def __init__(self, fields: Fields) -> None:
        self.shape = fields.shape
        self._bytes = math.prod(fields.shape[1:]) * np.dtype(np.float32).itemsize
        self.file = tempfile.TemporaryFile()  # noqa: SIM115, it stays open as long as this object
        for start in range(0, len(fields), STORMS_AT_ONCE):
            self.file.write(fields[start : start + STORMS_AT_ONCE].data)
        self.file.flush()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, storms: Array | slice) -> Array:
        indices = np.arange(len(self))[storms].tolist()
        fields = np.empty((len(indices), *self.shape[1:]), np.float32)
        for field, index in zip(fields, indices, strict=True):
            os.preadv(self.file.fileno(), [field], index * self._bytes)
        return fields


def hold_fields(fields: StoredFields, memory_mb: int | None) -> Fields:
    """Return fields for training: in memory, or on disk if they are larger than `memory_mb` MiB.

    Without a limit they are held in memory. Both kinds return the same values.
    """
    size = math.prod(fields.shape) * np.dtype(np.float32).itemsize / 2**20
    if memory_mb is not None and size > memory_mb:
        logger.info(
            "The fields take %.0f MiB (training.memory_mb: %d). Reading them from disk.",
            size,
            memory_mb,
        )
        return CopiedFields(fields)
    return fields.in_memory()


def read_ahead(fields: Fields, batches: Sequence[Array]) -> Iterator[Array]:
    """Yield the fields of each batch of storm indices, reading the next batch in the background.

    >>> fields = np.arange(3.0).reshape(3, 1, 1, 1)
    >>> [batch.ravel().tolist() for batch in read_ahead(fields, [np.array([1, 0]), np.array([2])])]
    [[1.0, 0.0], [2.0]]
    """
    with ThreadPoolExecutor(max_workers=1) as reader:
        following = reader.submit(getitem, fields, batches[0])
        for batch in batches[1:]:
            current = following.result()
            following = reader.submit(getitem, fields, batch)
            yield current
        yield following.result()
