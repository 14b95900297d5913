"""Survey one run file: what it holds, whether it can be used, and the values of its fields."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import xarray as xr

from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.storms.child_process import read_in_child
from stormcnn.storms.patch_file import patch_size
from stormcnn.storms.reading import read_content, take_valid
from stormcnn.storms.run_files import BadRunFile
from stormcnn.storms.run_variables import ListedVariable, list_variables
from stormcnn.storms.variables import Selection
from stormcnn.vocabulary import Array

SAMPLED_VALUES = 2000
"""Values of each field that are drawn from the valid storms of a file for histograms."""


class FieldValues(NamedTuple):
    """Values of a field over all storms of a file, in the units that stormcnn uses.

    `size` is the number of values, which includes the missing ones. `minimum` and `maximum` are
    those of all finite values, NaN if there are none. `sample` holds values of valid storms, drawn
    at random.
    """

    size: int
    missing: int
    minimum: float
    maximum: float
    sample: Array


class FileSurvey(NamedTuple):
    """What one run file holds.

    `variables` are all variables in its header; none if it cannot be read. `fault` is the reason
    why the file cannot be used, and empty otherwise. `storms` are its valid storms as `read_run`
    returns them, without fields but with the attribute `patch_size`. They have no `peak` if the
    file lacks what decides on the event, which `lacking` names. `fields` has the values of each
    field that was read.
    """

    variables: list[ListedVariable]
    fault: str
    lacking: list[str]
    storms: xr.Dataset | None
    fields: dict[str, FieldValues]


def survey_file(
    path: str, selection: Selection, sha256: str = "", file_pattern: str = DEFAULT_PATTERN
) -> FileSurvey:
    """Return what a run file holds; it is read in a child process.

    Other than `read_run`, this needs neither the target nor `masks`, and a file that cannot be used
    is a result, not an error.
    """
    try:
        return _from_dataset(read_in_child(_survey_here, path, selection, sha256, file_pattern))
    except BadRunFile as error:
        return FileSurvey([], str(error), [], None, {})


def _survey_here(path: str, selection: Selection, sha256: str, file_pattern: str) -> xr.Dataset:
    """Return the survey as a dataset, which can be passed to another process.

    It has the storms, the samples of the fields as variables, and the rest as an attribute.
    """
    survey = _survey(path, selection, sha256, file_pattern)
    storms = xr.Dataset() if survey.storms is None else survey.storms
    samples = {
        _sample_of(name): (_sample_of(name), values.sample)
        for name, values in survey.fields.items()
    }
    rest = {
        "variables": survey.variables,
        "fault": survey.fault,
        "lacking": survey.lacking,
        "has_storms": survey.storms is not None,
        "fields": {name: values[:4] for name, values in survey.fields.items()},
    }
    return storms.assign(samples).assign_attrs(survey=rest)


def _from_dataset(dataset: xr.Dataset) -> FileSurvey:
    rest = dataset.attrs.pop("survey")
    samples = {name: dataset[_sample_of(name)].values for name in rest["fields"]}
    storms = dataset.drop_vars(map(_sample_of, samples)) if rest["has_storms"] else None
    return FileSurvey(
        [
            ListedVariable(name, tuple(dimensions), units, long_name)
            for name, dimensions, units, long_name in rest["variables"]
        ],
        rest["fault"],
        rest["lacking"],
        storms,
        {
            name: FieldValues(size, missing, minimum, maximum, samples[name])
            for name, (size, missing, minimum, maximum) in rest["fields"].items()
        },
    )


def _sample_of(field: str) -> str:
    return f"sample of {field}"


def _survey(path: str, selection: Selection, sha256: str, file_pattern: str) -> FileSurvey:
    variables = list_variables(path)
    names = {variable.name for variable in variables}
    deciding = [str(selection.target), *(["masks"] if selection.masked else [])]
    lacking = [name for name in deciding if names and name not in names]
    if lacking:
        selection = selection._replace(target=None)
    try:
        content = read_content(path, selection, sha256, file_pattern)
    except BadRunFile as error:
        return FileSurvey(variables, str(error), lacking, None, {})
    storms = take_valid(content, selection)
    fields = {
        name: _summarize(content.variables.values[name], storms["patch"].values, name)
        for name in selection.fields
    }
    storms.attrs["patch_size"] = patch_size(storms["predictors"].shape[1:])
    unneeded = ["predictors", *(["masks"] if "masks" in storms else [])]
    return FileSurvey(variables, "", lacking, storms.drop_vars(unneeded), fields)


def _summarize(field: Array, valid: Array, name: str) -> FieldValues:
    """Return the values of a field (storm, row, col); `valid` are the indices of valid storms."""
    finite = np.isfinite(field)
    known = field if finite.all() else field[finite]
    minimum = maximum = float("nan")
    if known.size:
        minimum, maximum = float(known.min()), float(known.max())
    values = field.reshape(len(field), -1)
    draw = np.random.Generator(np.random.Philox(zlib.crc32(name.encode())))
    sample = np.empty(0, np.float32)
    if valid.size:
        rows = draw.choice(valid, SAMPLED_VALUES)
        sample = values[rows, draw.integers(values.shape[1], size=SAMPLED_VALUES)]
    return FieldValues(field.size, field.size - known.size, minimum, maximum, sample)
