"""Mean and standard deviation of the predictors, merged from the statistics of single runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stormcnn.errors import UserError
from stormcnn.io import read_rows
from stormcnn.vocabulary import StrPath

COLUMNS = ["variable", "mean", "std", "minimum", "maximum", "count"]
MOMENTS = ["count", "mean", "m2", "minimum", "maximum"]


def merge_statistics(statistics: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Merge the moments of many runs into one row per variable.

    `statistics` has one row per run and variable with the columns
    `variable,count,mean,m2,minimum,maximum`; `m2` is the sum of squared deviations from the row's
    own mean. Rows with a count of 0 are ignored. Returns rows with the columns
    `variable,mean,std,minimum,maximum,count` in the units of the variables, ordered by their first
    appearance; `std` divides by the count.

    Source: Chan, Golub and LeVeque (1983), generalized from two groups to many.
    """
    by_variable: dict[str, list[list[float]]] = {}
    for row in statistics:
        if int(row["count"]):
            moments = [float(row[moment]) for moment in MOMENTS]
            by_variable.setdefault(row["variable"], []).append(moments)
    merged = []
    for variable, rows in by_variable.items():
        count, means, m2, minimum, maximum = np.array(rows).T
        # Subtracting one run's mean first avoids cancellation if a mean is large compared with the
        # standard deviation.
        mean = means[0] + count @ (means - means[0]) / count.sum()
        squares = m2.sum() + count @ (means - mean) ** 2
        std = np.sqrt(squares / count.sum())
        values = [float(value) for value in (mean, std, minimum.min(), maximum.max())]
        merged.append(dict(zip(COLUMNS, [variable, *values, int(count.sum())], strict=True)))
    return merged


def fit_scaling(
    statistics: Sequence[StrPath], predictors: Sequence[str], before: str
) -> list[dict[str, Any]]:
    """Return the scaling of the predictors from all runs with a run date earlier than `before`.

    `statistics` are paths of statistics files. Returns the result of `merge_statistics` for these
    runs, in the order of `predictors`. Raises `UserError` if there is no storm, or if a predictor
    is missing or constant.
    """
    merged = merge_statistics(row for row in read_rows(statistics) if row["run_date"] < before)
    if not merged:
        raise UserError(
            f"split.test_start: the training period (run dates before {before}) contains no valid "
            "storm; inventory.csv gives the reasons. Set a later day (when tuning dropout rates: "
            "tuning.validation_start)."
        )
    scaling = {row["variable"]: row for row in merged}
    for variable in predictors:
        if variable not in scaling:
            raise UserError(
                f"data.predictors: there are no statistics of {variable}. Prepare the run files "
                "again, or remove it from data.predictors."
            )
        if not scaling[variable]["std"] > 0:
            raise UserError(
                f"data.predictors: {variable} is constant in the training period (always "
                f"{scaling[variable]['mean']:g}), so it carries no information. Remove it."
            )
    return [scaling[variable] for variable in predictors]
