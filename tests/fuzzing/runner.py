"""Read many inputs in child processes, and count what became of them."""

from __future__ import annotations

import json
import multiprocessing
import resource
import shutil
import signal
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO

import numpy as np
from fuzzing.outcomes import CHANGED, FAILED, KINDS, Family, Outcome

from stormcnn.storms import child_process
from stormcnn.storms.memory import limit_memory

SEED = 20101024
WORKERS = 2
CPU_SECONDS = 2.0
"""Some files send HDF5 into an endless loop; a valid file takes 0.01 s."""

WALL_SECONDS = 120.0
"""Time after which an input hangs."""


@dataclass
class Counts:
    """What became of the inputs of a family."""

    kinds: Counter[str] = field(default_factory=Counter)
    alone: int = 0  # how many crashed or took too long when they were read without protection
    seconds: float = 0
    megabytes: float = 0
    messages: list[str] = field(default_factory=list)  # of failures, and of unnoticed changes

    def add(self, other: Counts) -> None:
        self.kinds += other.kinds
        self.alone += other.alone
        self.seconds = max(self.seconds, other.seconds)
        self.megabytes = max(self.megabytes, other.megabytes)
        self.messages += other.messages


def read_inputs(family: Family, numbers: range) -> Counts:
    """Read inputs in one process; an input that stops it is read again with all protection."""
    counts = Counts()
    folder = Path(tempfile.mkdtemp(prefix="fuzzing-"))
    try:
        while numbers:
            done = _read_in_one_process(family, numbers, folder, counts, alone=False)
            numbers = numbers[done:]
            if numbers:
                counts.alone += 1
                if not _read_in_one_process(family, numbers[:1], folder, counts, alone=True):
                    counts.kinds[FAILED] += 1
                    counts.messages.append(f"{family.name} {numbers[0]}: the process ended")
                numbers = numbers[1:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return counts


def _read_in_one_process(
    family: Family, numbers: range, folder: Path, counts: Counts, *, alone: bool
) -> int:
    """Add the outcomes of inputs until one stops the process; return how many there are."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stream:
        process = multiprocessing.get_context("fork").Process(
            target=_write_outcomes, args=(family, numbers, folder, stream, alone)
        )
        process.start()
        process.join(WALL_SECONDS + 10 * len(numbers) * CPU_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        stream.seek(0)
        lines = stream.readlines()
    done = 0
    for line in lines:
        number, kind, message, seconds, megabytes = json.loads(line)
        counts.kinds[kind] += 1
        counts.seconds = max(counts.seconds, seconds)
        counts.megabytes = max(counts.megabytes, megabytes)
        if kind == FAILED or (kind == CHANGED and not family.may_change):
            counts.messages.append(f"{family.name} {number}, {kind}: {message}")
        done += 1
    return done


def _write_outcomes(
    family: Family, numbers: range, folder: Path, stream: IO[str], alone: bool
) -> None:
    child_process.CPU_SECONDS = CPU_SECONDS
    if family.at_once <= 20:  # TensorFlow reserves more addresses than it uses
        limit_memory(child_process.MEMORY_MB)
    for number in numbers:
        if not alone and number != numbers[0] and family.at_once <= 20:
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        start = time.monotonic()
        outcome = attempt(family, number, folder, alone)
        seconds = time.monotonic() - start
        used = max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        line = [number, *outcome, round(seconds, 3), round(used * 1024 / 1e6)]
        print(json.dumps(line), file=stream, flush=True)


def attempt(family: Family, number: int, folder: Path, alone: bool) -> Outcome:
    """Make and read the input of a family with this number."""
    for earlier in filter(Path.is_file, folder.iterdir()):
        earlier.unlink()  # the library may not have closed it after an error
    random = np.random.default_rng([SEED, zlib.crc32(family.name.encode()), number])
    try:
        return family.attempt(random, folder, alone)
    except Exception:  # noqa: BLE001 - any exception but those for users is a failure
        return Outcome(FAILED, traceback.format_exc())


def run(
    families: Sequence[Family], *, inputs: int | None = None, seconds: float | None = None
) -> dict[str, Counts]:
    """Read the same number of `inputs` of each family, or as many as `seconds` allow."""
    results = {family.name: Counts() for family in families}
    end = time.monotonic() + seconds if seconds else None
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("fork")) as pool:
        shares = [
            pool.submit(_read_share, families, inputs, end, worker) for worker in range(WORKERS)
        ]
        for share in shares:
            for name, counts in share.result().items():
                results[name].add(counts)
    return results


def _read_share(
    families: Sequence[Family], inputs: int | None, end: float | None, worker: int
) -> dict[str, Counts]:
    results = {family.name: Counts() for family in families}
    for number, (family, numbers) in enumerate(_tasks(families, inputs, end)):
        # Each worker gets inputs of each family, whose times differ.
        if (number + number // len(families)) % WORKERS == worker:
            results[family.name].add(read_inputs(family, numbers))
    return results


def _tasks(
    families: Sequence[Family], inputs: int | None, end: float | None
) -> Iterator[tuple[Family, range]]:
    for round_number in count():
        for family in families:
            if end is not None and time.monotonic() > end:
                return
            start = round_number * family.at_once
            stop = start + family.at_once
            if inputs is not None:
                stop = min(stop, inputs)
            if start < stop:
                yield family, range(start, stop)
        if inputs is not None and all(
            (round_number + 1) * family.at_once >= inputs for family in families
        ):
            return


def describe(results: dict[str, Counts]) -> str:
    """Return a table of what became of the inputs, and what must not have happened."""
    header = ["inputs", *KINDS, "stopped", "longest (s)", "memory (MB)"]
    lines = ["".join([f"{'':24}", *(f"{name:>13}" for name in header)])]
    for name, counts in results.items():
        numbers = [counts.kinds.total(), *(counts.kinds[kind] for kind in KINDS), counts.alone]
        cells = [*map(str, numbers), f"{counts.seconds:.1f}", f"{counts.megabytes:.0f}"]
        lines.append("".join([f"{name:24}", *(f"{cell:>13}" for cell in cells)]))
    return "\n".join(
        lines + [message for counts in results.values() for message in counts.messages]
    )
