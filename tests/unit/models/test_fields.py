"""Fields for training: in memory or on disk, with the next batch read ahead."""

import threading
import tracemalloc

import numpy as np
import pytest
from batches import prepare, write_run_files

from stormcnn.models.fields import CopiedFields, hold_fields, read_ahead
from stormcnn.storms.patches import open_patches


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The fields of batches of 3, 0, 66 and 2 storms."""
    folder = tmp_path_factory.mktemp("batches")
    runs = write_run_files(folder / "runs", 3, 0, 66, 2)
    return open_patches([prepare([run], folder / run.run_date[:10]) for run in runs]).fields


@pytest.mark.parametrize("memory_mb", [None, 1, 0.01])
def test_fields_on_disk_equal_those_in_memory(stored, memory_mb):
    held = hold_fields(stored, memory_mb)
    assert isinstance(held, CopiedFields) == (memory_mb == 0.01)
    assert (held.shape, len(held)) == ((71, 8, 8, 3), 71)
    storms = np.random.default_rng(0).permutation(71)
    np.testing.assert_array_equal(held[storms], stored.in_memory()[storms])
    np.testing.assert_array_equal(held[60:90], stored.in_memory()[60:90])


class RecordedFields:
    """Fields that record which storms are read, and return the second batch only when released."""

    def __init__(self):
        self.requested = [threading.Event() for _ in range(3)]
        self.released = threading.Event()

    def __getitem__(self, storms):
        self.requested[storms[0]].set()
        if storms[0] == 1 and not self.released.wait(timeout=30):
            raise TimeoutError("the first batch was not returned meanwhile")
        return -storms


THREE_STORMS = [np.array([number]) for number in range(3)]


def test_next_batch_is_read_while_one_is_processed():
    fields = RecordedFields()
    reading = read_ahead(fields, THREE_STORMS)
    assert next(reading).tolist() == [0]
    assert fields.requested[1].wait(timeout=30)
    fields.released.set()
    assert next(reading).tolist() == [-1]
    assert [batch.tolist() for batch in reading] == [[-2]]


def test_only_one_batch_is_read_ahead():
    fields = RecordedFields()
    threads = threading.active_count()
    reading = read_ahead(fields, THREE_STORMS)
    next(reading)
    fields.released.set()
    reading.close()
    assert not fields.requested[2].is_set()
    assert threading.active_count() <= threads


def test_error_while_reading_ahead_is_raised(stored):
    fields = hold_fields(stored, None)
    reading = read_ahead(fields, [np.array([0]), np.array([71])])
    next(reading)
    with pytest.raises(IndexError):
        next(reading)


@pytest.mark.slow
def test_copied_fields_are_not_held_in_memory(tmp_path):
    path = prepare(write_run_files(tmp_path / "runs", *[1000] * 8), tmp_path / "batch")
    fields = open_patches([path]).fields
    size = 4 * np.prod(fields.shape)
    tracemalloc.start()
    CopiedFields(fields)[np.arange(0, 8000, 100)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size / 2
