"""What can become of an input, and of the attempt to read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

REFUSED, SET_ASIDE, EQUAL, CHANGED, FAILED = "refused", "set aside", "equal", "changed", "failed"
KINDS = (REFUSED, SET_ASIDE, EQUAL, CHANGED, FAILED)


class Outcome(NamedTuple):
    """The result of reading one input.

    It was refused with a message, set aside in part, accepted with equal or with changed values, or
    reading it failed in a way that no input may cause.
    """

    kind: str
    message: str = ""


class Family(NamedTuple):
    """Inputs of one kind.

    `attempt` makes an input from random numbers in a folder, reads it, and judges the result. If
    its last argument is true, it reads with all protection that the workflow has, otherwise in this
    process, which the input may crash. `may_change` says whether inputs may be accepted with other
    values, because nothing in them tells the right ones. `at_once` inputs share a process.
    """

    attempt: Callable[[np.random.Generator, Path, bool], Outcome]
    may_change: bool = False
    at_once: int = 20

    @property
    def name(self) -> str:
        return self.attempt.__name__


def refused(error: Exception, named: str) -> Outcome:
    """Return the outcome for an error for users, whose message must be a short sentence."""
    message = str(error)
    good = named in message and message.endswith(".") and message.isprintable()
    return Outcome(REFUSED if good and len(message) < 1000 else FAILED, message)


def damage(random: np.random.Generator, content: bytes) -> bytes:
    """Return content with flipped bits, or with bytes that are replaced, moved, cut or added."""
    changed = bytearray(content)
    for _ in range(int(random.choice([1, 1, 1, 2, 5]))):
        length = int(min(random.choice([1, 2, 4, 8, 64, 512]), len(changed)))
        start = int(random.integers(len(changed) - length + 1)) if changed else 0
        part = slice(start, start + length)
        kind = random.integers(7)
        if kind <= 1 and changed:
            changed[random.integers(len(changed))] ^= 1 << random.integers(8)
        elif kind == 2:
            changed[part] = [bytes(length), b"\xff" * length, random.bytes(length)][
                random.integers(3)
            ]
        elif kind == 3:
            other = int(random.integers(len(changed) - length + 1))
            changed[part] = changed[other : other + length]
        elif kind == 4:
            del changed[start:]
        elif kind == 5:
            del changed[part]
        else:
            changed[start:start] = random.bytes(length)
    return bytes(changed)
