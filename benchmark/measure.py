"""Run commands and measure their run time and the memory of all their processes."""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
INTERVAL = 0.5  # seconds between samples of the memory
SHARING = 10  # samples between those of shared memory, which take 20 ms per process


@dataclass(frozen=True)
class Measured:
    """Wall time, and the peak memory of the largest process and of all processes together.

    The memory of a process is its resident set size, sampled twice per second. That of all
    processes is the sum of the proportional set sizes, which count shared memory once, sampled
    every five seconds.
    """

    seconds: float
    process_mib: float
    all_mib: float


class _MemoryWatch(threading.Thread):
    """Sample the memory of a process and its descendants until it ends."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.most_of_one = 0.0
        self.most_of_all = 0.0

    def run(self) -> None:
        """Update the peak values until the process has ended."""
        for sample in itertools.count():
            try:
                family = [self.process, *self.process.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            together = 0.0
            for member in family:
                try:
                    self.most_of_one = max(self.most_of_one, member.memory_info().rss / 2**20)
                    if sample % SHARING == 0:
                        together += member.memory_full_info().pss / 2**20
                except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
                    continue
            self.most_of_all = max(self.most_of_all, together)
            time.sleep(INTERVAL)


def run(command: Sequence[str], folder: Path, log: Path) -> Measured:
    """Run a command in a folder with its output in `log`; raise `RuntimeError` if it fails."""
    with log.open("w") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        watch = _MemoryWatch(psutil.Process(process.pid))
        watch.start()
        code = process.wait()
        seconds = time.perf_counter() - start
    watch.join()
    if code:
        raise RuntimeError(f"{' '.join(command)} failed with exit code {code}. See {log}.")
    return Measured(seconds, watch.most_of_one, watch.most_of_all)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float | int]:
    """Return the median and the range of the pairwise ratios of `ours` to `theirs`."""
    ratios = [own / other for own, other in zip(ours, theirs, strict=True)]
    return {
        "median": round(statistics.median(ratios), 3),
        "low": round(min(ratios), 3),
        "high": round(max(ratios), 3),
        "pairs": len(ratios),
    }


def call_module(name: str, *arguments: object, **options: object) -> Any:
    """Run another module of this package in a separate process and return its JSON output."""
    command = [sys.executable, "-m", f"benchmark.{name}", *map(str, arguments)]
    command += [f"--{option}={value}" for option, value in options.items()]
    printed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(printed) if printed else None
