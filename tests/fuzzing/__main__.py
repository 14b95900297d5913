"""Fuzz for some minutes: `make fuzz MINUTES=30`."""

from __future__ import annotations

import sys

from fuzzing import archives, loading, networks, runs
from fuzzing.runner import describe, run

if __name__ == "__main__":
    families = [*runs.FAMILIES, *archives.FAMILIES, *networks.FAMILIES, *loading.FAMILIES]
    results = run(families, seconds=60 * float(sys.argv[1]))
    sys.stdout.write(f"{describe(results)}\n")
    sys.exit(any(counts.messages for counts in results.values()))
