"""Limit the memory of a process that reads a file from elsewhere."""

from __future__ import annotations

import math
import resource
import sys

import psutil

MEGABYTE = 1_000_000

LEAST_SHARE = 0.25
"""Share of a job's memory that a process may take even if its parent already takes the rest."""


def limit_memory(megabytes: float) -> None:
    """Let this process, a fork of a job that may take `megabytes`, take no more than is left of it.

    Only Linux enforces this.
    """
    if sys.platform != "linux":
        return
    now = psutil.Process().memory_info()
    left = max(megabytes * MEGABYTE - now.rss, LEAST_SHARE * megabytes * MEGABYTE)
    limit = now.vms + int(left)
    present, _ = resource.getrlimit(resource.RLIMIT_AS)
    if present == resource.RLIM_INFINITY or limit < present:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def memory_left() -> float:
    """Return how many bytes this process may still allocate, infinity if there is no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return math.inf
    return max(limit - float(psutil.Process().memory_info().vms), 0)
