"""The inventory: what each run file gave, and why storms of it were set aside."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from stormcnn.errors import UserError
from stormcnn.io import join_csv

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "run_date",
    "file",
    "batch",
    "storms",
    "rejected",
    "reason",
    "bytes",
    "sha256",
    "title",
    "patch_size",
)
MADE_UP = "Made-up"
_COUNTS = ("storms", "rejected", "bytes")


def as_inventory(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows with the inventory's columns as a table, also where there is no row."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_inventory(path: str | os.PathLike[str] | TextIO) -> pd.DataFrame:
    """An inventory as it was written: counts are whole numbers, empty texts stay empty."""
    import pandas as pd

    types = {column: "int64" if column in _COUNTS else str for column in COLUMNS}
    return pd.read_csv(path, dtype=types, keep_default_na=False)


def merge_inventories(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Inventories of batches as one table, sorted by run date and file.

    Raises `UserError` as `check_inventory` does.
    """
    table = read_inventory(join_csv(paths))
    check_inventory(table.to_dict("records"))
    return table.sort_values(["run_date", "file"], ignore_index=True)


def check_inventory(rows: Iterable[Mapping[Any, Any]]) -> None:
    """Check that the run files of all batches go together, given their rows in any order.

    Raises `UserError` where two run files that gave storms have the same content (equal
    SHA-256), for the run would count twice, and where their patches differ in size.
    """
    files_by_content: dict[str, list[str]] = {}
    first_of_size: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (row["run_date"], row["file"])):
        if int(row["storms"]):
            files_by_content.setdefault(row["sha256"], []).append(row["file"])
            first_of_size.setdefault(row["patch_size"], row["file"])
    for sha256, files in files_by_content.items():
        if len(files) > 1:
            raise UserError(
                f"{' and '.join(files)} have the same content (SHA-256 {sha256}), so one run "
                "would count twice. Take one of them away."
            )
    if len(first_of_size) > 1:
        found = ", ".join(f"{file} has {size}" for size, file in first_of_size.items())
        raise UserError(
            f"All patches of a data set must have one size, but {found} grid points. "
            "Take the run files of the other sizes away."
        )


def is_made_up(path: str | os.PathLike[str]) -> bool:
    """Whether any run file of the inventory in `path` says of itself that it is made up."""
    return any(map(is_made_up_title, read_inventory(path)["title"]))


def is_made_up_title(title: str) -> bool:
    """Whether the title of a file says that it holds made-up storms, or what comes of them."""
    return title.startswith(MADE_UP)
