"""Write the figure captions of the workflow report from the registry of figures.

After a change of `FIGURES`, run `python -m stormcnn.report.captions` in the root of the project.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from stormcnn.io import write_text
from stormcnn.report.labels import FIGURES

if TYPE_CHECKING:
    from stormcnn.vocabulary import StrPath

# Captions are rendered with Jinja, which drops this comment.
HEADER = "{# Generated: edit stormcnn/report/labels.py, run python -m stormcnn.report.captions #}"


def write_captions(folder: StrPath) -> None:
    """Write one file `<key of FIGURES>.rst` per figure."""
    for name, figure in FIGURES.items():
        caption = textwrap.fill(figure.caption, 100, break_on_hyphens=False)
        write_text(f"{HEADER}\n{caption}\n", Path(folder, f"{name}.rst"))


if __name__ == "__main__":
    write_captions("report/captions")
