"""Survey all run files before anything is prepared or trained."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.storms.grid_spacing import common_spacing
from stormcnn.storms.inventory import as_inventory, check_inventory, format_units
from stormcnn.storms.run_files import Run
from stormcnn.storms.run_variables import ListedVariable
from stormcnn.storms.survey_file import FieldValues, FileSurvey, survey_file
from stormcnn.storms.variables import Selection
from stormcnn.vocabulary import STORM_FAULTS, Array

MOST_SAMPLED = 200_000
"""Values of each field that are kept for histograms."""

logger = logging.getLogger(__name__)


@dataclass
class FieldSurvey:
    """The values of one field in all files that were read; see `FieldValues`."""

    units: str = ""
    files: int = 0
    size: int = 0
    missing: int = 0
    minimum: float = np.nan
    maximum: float = np.nan
    sample: Array = field(default_factory=lambda: np.empty(0, np.float32))

    @property
    def share_missing(self) -> float:
        """Share of the values that are missing."""
        return self.missing / self.size if self.size else float("nan")

    def add(self, values: FieldValues, units: str) -> None:
        """Add the values of one file, in `units`."""
        self.units = self.units or units
        self.files += 1
        self.size += values.size
        self.missing += values.missing
        self.minimum = float(np.fmin(self.minimum, values.minimum))
        self.maximum = float(np.fmax(self.maximum, values.maximum))
        room = MOST_SAMPLED - self.sample.size
        self.sample = np.concatenate([self.sample, values.sample[:room]])


@dataclass(frozen=True)
class Survey:
    """What the run files hold."""

    files: pd.DataFrame
    """The inventory with a row per run file, and the columns `fault`, the reason why a file cannot
    be used, and `lacking`, what it lacks to decide on the event."""
    storms: xr.Dataset
    """All valid storms without their fields, as `read_run` returns them; `peak` is NaN where it is
    unknown."""
    fields: dict[str, FieldSurvey]
    """The values of each field that is used."""
    variables: dict[str, ListedVariable]
    """All variables in the headers of the files, as the first file with them describes them."""
    files_with: Counter[str]
    """Number of files that have each of these variables."""
    oriented: int
    """Number of files that were read and have positions that tell the directions of rows and
    columns."""
    grid_spacing_km: float
    """Distance of neighboring grid points, NaN if it is unknown or differs between files."""
    without_units: list[str]
    """Variables of known quantities for which some file states no units."""
    conflict: str
    """Why the files cannot be used together, or an empty text."""

    def long_name(self, variable: str) -> str:
        """Return the name of a variable in the files, or an empty text."""
        listed = self.variables.get(variable)
        return listed.long_name if listed else ""

    def units_of(self, variable: str) -> str:
        """Return the units of a variable that was read, or an empty text if they are unknown."""
        values = self.fields.get(variable)
        return values.units if values else ""

    @property
    def usable(self) -> pd.DataFrame:
        """The files that were read."""
        return self.files[self.files["fault"] == ""]


def survey_runs(
    runs: Sequence[Run], selection: Selection, file_pattern: str = DEFAULT_PATTERN
) -> Survey:
    """Return what run files hold, in the order of `runs`. Memory holds one file at a time.

    Raises `UserError` if no file has a valid storm.
    """
    rows: list[dict[str, Any]] = []
    storms: list[xr.Dataset] = []
    fields: dict[str, FieldSurvey] = {}
    variables: dict[str, ListedVariable] = {}
    files_with: Counter[str] = Counter()
    units: dict[str, str] = {}
    without_units: dict[str, None] = {}
    oriented = 0
    spacings: list[float] = []
    for run in runs:
        found = survey_file(run.file, selection._replace(units=units), run.sha256, file_pattern)
        variables = {one.name: one for one in found.variables} | variables
        files_with.update(one.name for one in found.variables)
        fault = found.fault if run.is_unchanged() else _changed(run)
        if fault or found.storms is None:
            logger.warning("Not usable: %s", fault)
            rows.append(_row(run, fault=fault))
            continue
        attributes = found.storms.attrs
        units |= {name: text for name, text in attributes["units"].items() if text}
        without_units |= dict.fromkeys(attributes["without_units"])
        for name, values in found.fields.items():
            fields.setdefault(name, FieldSurvey()).add(values, attributes["units"].get(name, ""))
        oriented += bool(attributes["oriented"])
        spacings.append(attributes["grid_spacing_km"])
        rows.append(_row(run, found))
        if found.storms.sizes["storm"]:
            storms.append(_columns(found.storms))
    files = _as_table(rows)
    if not storms:
        raise UserError(_nothing_usable(files, variables.values()))
    try:
        check_inventory(files.to_dict("records"))
        conflict = ""
    except UserError as error:
        conflict = str(error)
    return Survey(
        files,
        xr.concat(storms, "storm", combine_attrs="drop"),
        fields,
        variables,
        files_with,
        oriented,
        common_spacing(spacings),
        list(without_units),
        conflict,
    )


def _as_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return rows of files as an inventory with the columns `fault` and `lacking`."""
    extra = pd.DataFrame(rows, columns=["fault", "lacking"])
    return as_inventory(rows).join(extra)


def _row(run: Run, found: FileSurvey | None = None, fault: str = "") -> dict[str, Any]:
    """Return the row of a file, which is empty if it cannot be used."""
    counts = ("storms", "rejected", "missing_hours", "missing_storms", *STORM_FAULTS, "bytes")
    texts = ("reason", "corrections", "units", "sha256", "title", "patch_size", "lacking")
    row: dict[str, Any] = dict.fromkeys(counts, 0) | dict.fromkeys(texts, "")
    row |= {"run_date": run.run_date, "file": run.file, "batch": run.batch, "fault": fault}
    if found is not None and found.storms is not None:
        known: Mapping[str, Any] = found.storms.attrs
        row |= {name: known[name] for name in row.keys() & known.keys()}
        row |= {
            "storms": found.storms.sizes["storm"],
            "units": format_units(known["units"]),
            "lacking": ", ".join(found.lacking),
        }
    return row


def _columns(storms: xr.Dataset) -> xr.Dataset:
    """Return the coordinates and the peak of storms."""
    if "peak" not in storms:
        storms = storms.assign(peak=("storm", np.full(storms.sizes["storm"], np.nan, np.float32)))
    along = [name for name, variable in storms.variables.items() if variable.dims == ("storm",)]
    return storms[along].drop_attrs(deep=False)


def _changed(run: Run) -> str:
    return f"{run.file}: the file has changed since it was listed. Run again when it is complete."


def _nothing_usable(files: pd.DataFrame, variables: Iterable[ListedVariable]) -> str:
    """Return why no file can be used, and what the files have."""
    first = files[files["fault"] != ""] if (files["fault"] != "").any() else files
    example = first.iloc[0]
    reason = example["fault"] or f"{example['file']}: {example['reason'] or 'no storms'}."
    message = f"None of the {len(files)} run files has a storm that can be used. {reason}"
    fields = [one.name for one in variables if len(one.dimensions) == 3]
    if "is missing" in reason and fields:
        message += f" The files have the fields {', '.join(fields)}."
    return message
