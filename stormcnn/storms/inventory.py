"""The inventory: a row per run file with its storms, and why storms or the file were rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from stormcnn.errors import UserError
from stormcnn.io import join_csv
from stormcnn.storms.titles import is_made_up_title
from stormcnn.texts import from_cell
from stormcnn.vocabulary import STORM_FAULTS, Array, StrPath

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

COLUMNS = (
    "run_date",
    "file",
    "batch",
    "storms",
    "rejected",
    "reason",
    "missing_hours",
    "missing_storms",
    *STORM_FAULTS,
    "corrections",
    "units",
    "bytes",
    "sha256",
    "title",
    "patch_size",
)
_COUNTS = ("storms", "rejected", "missing_hours", "missing_storms", *STORM_FAULTS, "bytes")


def is_left_out(row: Mapping[Any, Any]) -> bool:
    """Return whether the run file of a row was left out as a whole, which is not due to storms.

    >>> is_left_out({"reason": "cannot be opened", "storms": 0, "rejected": 0, "missing_storms": 0})
    True
    """
    counts = ("storms", "rejected", "missing_storms")
    return bool(row["reason"]) and not any(int(row[name]) for name in counts)


def as_inventory(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with the columns of the inventory, even if there are no rows."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_inventory(path: StrPath | TextIO) -> pd.DataFrame:
    """Read an inventory: counts are integers, and empty texts are not missing values."""
    import pandas as pd

    types = {column: "int64" if column in _COUNTS else str for column in COLUMNS}
    table = pd.read_csv(path, dtype=types, keep_default_na=False)
    texts = {name: table[name].map(from_cell) for name in table if types.get(name) is str}
    return table.assign(**texts)


def merge_inventories(paths: Iterable[StrPath]) -> pd.DataFrame:
    """Return the inventories of all batches as one table, sorted by run date and file.

    Raises `UserError` if `check_inventory` does.
    """
    table = read_inventory(join_csv(paths))
    check_inventory(table.to_dict("records"))
    return table.sort_values(["run_date", "file"], ignore_index=True)


def count_by_file(storms: xr.Dataset, counted: Array, inventory: pd.DataFrame) -> list[int]:
    """Return the number of storms of each run file for which `counted` (storm,) holds."""
    counts = Counter(storms["run_file"].values[counted])
    return [counts[Path(file).name] for file in inventory["file"]]


def check_inventory(rows: Iterable[Mapping[Any, Any]]) -> None:
    """Check that the run files of all batches are compatible; `rows` may have any order.

    Raises `UserError` if two run files with storms have the same content (SHA-256), so that a run
    would count twice, if the size of the patches or the units of a variable differ, or if only some
    files state the units of a variable.
    """
    files_by_content: dict[str, list[str]] = {}
    first_of_size: dict[str, str] = {}
    first_with_units: dict[str, tuple[str, str]] = {}
    for row in sorted(rows, key=lambda row: (row["run_date"], row["file"])):
        if int(row["storms"]):
            files_by_content.setdefault(row["sha256"], []).append(row["file"])
            first_of_size.setdefault(row["patch_size"], row["file"])
            for text in filter(None, row["units"].split("; ")):
                variable, _, units = text.partition(": ")
                first, file = first_with_units.setdefault(variable, (units, row["file"]))
                _check_units(variable, {file: first, row["file"]: units})
    for sha256, files in files_by_content.items():
        if len(files) > 1:
            raise UserError(
                f"{' and '.join(files)} have the same content (SHA-256 {sha256}), so the run would "
                "count twice. Remove all but one of them."
            )
    if len(first_of_size) > 1:
        sizes = ", ".join(f"{file}: {size}" for size, file in first_of_size.items())
        raise UserError(
            f"The run files have patches of different sizes ({sizes} grid points). Remove the run "
            "files of all sizes but one."
        )


def _check_units(variable: str, units: Mapping[str, str]) -> None:
    """Raise `UserError` if the units of a variable differ between one or two files."""
    if len(set(units.values())) == 1:
        return
    (file, first), (other, second) = units.items()
    if not (first and second):
        silent, stating, stated = (other, file, first) if first else (file, other, second)
        raise UserError(
            f"{silent} states no units of {variable}, but {stating} does ({variable}: {stated}), "
            "so the scale is unknown. Add the attribute units with ncatted."
        )
    # Importing it takes longer than reading the inventory.
    from stormcnn.storms.units import are_equal

    if not are_equal(second, first):
        raise UserError(
            f"{file} and {other} have different units ({variable}: {first}; {variable}: {second}), "
            "and the unit to use is unknown. Convert one of them."
        )


def format_units(units: Mapping[str, str]) -> str:
    """Return the units of variables as one text, and only the names of those without units.

    >>> format_units({"U10_curr": "m s-1", "CAPE_curr": ""})
    'U10_curr: m s-1; CAPE_curr'
    """
    return "; ".join(f"{name}: {text}" if text else name for name, text in units.items())


def is_made_up(path: StrPath) -> bool:
    """Return whether any run file of the inventory in `path` contains made-up storms."""
    return any(map(is_made_up_title, read_inventory(path)["title"]))
