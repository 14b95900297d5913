"""Compare the speed of training from disk, for a million storms, with that in memory.

`python -m benchmark.large_training FOLDER` prints JSON. The fields on disk need 12 GB in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.measure import ratio
from benchmark.workflow import NETWORKS
from stormcnn.models import backend
from stormcnn.models.architecture import build_network
from stormcnn.models.fields import CopiedFields
from stormcnn.models.recipes import FAST
from stormcnn.models.training import compile_network, fit_epoch, shuffled_batches
from stormcnn.vocabulary import Array

STORMS, IN_MEMORY = 1_000_000, 20_000
PAIRS, SECONDS = 4, 20.0


class RepeatedFields:
    """Fields that repeat those of a few storms until there are `STORMS`."""

    def __init__(self, fields: Array) -> None:
        self._fields = fields
        self.shape = (STORMS, *fields.shape[1:])

    def __len__(self) -> int:
        return STORMS

    def __getitem__(self, storms: slice) -> Array:
        return self._fields[np.arange(STORMS)[storms] % len(self._fields)]


def read_mib() -> float:
    """Return how much this process has read from disks, which excludes the cache of files."""
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counters["read_bytes"]) / 2**20


def measure(folder: Path) -> dict[str, Any]:
    """Train the dropout network on the same storms from disk and in memory, in alternation."""
    backend.prepare(threads=1, seed=0)
    draw = np.random.default_rng(0)
    few = draw.normal(size=(IN_MEMORY, 32, 32, 3)).astype(np.float32)
    tempfile.tempdir = str(folder)
    stored = CopiedFields(RepeatedFields(few))
    os.sync()
    # Files that have just been written are in memory, unless the system is told to forget them.
    os.posix_fadvise(stored.file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    network = build_network(NETWORKS["dropout"], (32, 32), [0.0] * 3, [1.0] * 3)
    compile_network(network)
    batches = shuffled_batches(STORMS, FAST.batch_size, seed=0, epoch=0)
    event = (np.arange(STORMS) % 20 == 0).astype(np.float32)[:, np.newaxis]

    def train(number: int, fields: Any, storms: int) -> float:
        """Train on the batches from the number-th on; return the seconds."""
        chosen = [batch % storms for batch in batches[number : number + per_turn]]
        start = time.perf_counter()
        fit_epoch(network, fields, event, chosen, np.full(len(chosen), 1e-4))
        return time.perf_counter() - start

    per_turn = 50
    train(0, few, IN_MEMORY)  # compiles
    per_turn = round(SECONDS / train(0, few, IN_MEMORY) * per_turn)
    from_disk, in_memory = [], []
    before = read_mib()
    for pair in range(PAIRS):
        from_disk.append(train(pair * per_turn, stored, STORMS))
        in_memory.append(train(pair * per_turn, few, IN_MEMORY))
    storms = PAIRS * per_turn * FAST.batch_size
    return {
        "storms": STORMS,
        "time_vs_memory": ratio(from_disk, in_memory),
        "seconds": round(sum(from_disk), 1),
        "storms_per_second": round(storms / sum(from_disk)),
        "mib_per_second": round((read_mib() - before) / sum(from_disk), 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(json.dumps(measure(parser.parse_args().folder)))
