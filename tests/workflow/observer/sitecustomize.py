"""Python imports this at its start: at its end each process notes which modules it imported."""

import atexit
import os
import sys
from pathlib import Path


def write_imports() -> None:
    folder = Path(os.environ["OBSERVED_IMPORTS"])
    (folder / Path(sys.argv[0]).name).write_text("\n".join(sorted(sys.modules)))


atexit.register(write_imports)
