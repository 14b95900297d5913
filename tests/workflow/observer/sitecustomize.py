"""Make each Python process write the modules that it imported to a file when it ends."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path


def write_imports() -> None:
    folder = Path(os.environ["OBSERVED_IMPORTS"])
    (folder / Path(sys.argv[0]).name).write_text("\n".join(sorted(sys.modules)))


atexit.register(write_imports)
# Keras imports jax if it is installed. Only the tests of other backends need it, so here jobs run
# without it, like in an installation without the development requirements.
sys.modules["jax"] = None
