"""Python imports this at its start: at its end each process notes which modules it imported."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path


def write_imports() -> None:
    folder = Path(os.environ["OBSERVED_IMPORTS"])
    (folder / Path(sys.argv[0]).name).write_text("\n".join(sorted(sys.modules)))


atexit.register(write_imports)
# Keras imports jax where it is found. Only the tests of the second backend bring it: jobs run here
# as they do without it, and start sooner.
sys.modules["jax"] = None
