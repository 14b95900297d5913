"""Mean and spread of the predictors, from statistics that can be merged run by run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.errors import UserError
from stormcnn.io import read_rows

if TYPE_CHECKING:
    pass

COLUMNS = ["variable", "mean", "std", "minimum", "maximum", "count"]
MOMENTS = ["count", "mean", "m2", "minimum", "maximum"]


def merge_statistics(statistics: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Merge the moments of many runs into one row a variable.

    `statistics` has the columns `variable,count,mean,m2,minimum,maximum`, a row a run and
    variable; `m2` is the sum of squared deviations from the row's own mean. The result has
    `variable,mean,std,minimum,maximum,count` in the order in which the variables first appear,
    in the variables' own units; `std` divides by the count. Rows without data count for nothing.

    Pairwise merging of moments: Chan, Golub & LeVeque (1983), in its form for many groups.
    """
    by_variable: dict[str, list[list[float]]] = {}
    for row in statistics:
        if int(row["count"]):
            by_variable.setdefault(row["variable"], []).append([float(row[of]) for of in MOMENTS])
    merged = []
    for variable, rows in by_variable.items():
        count, means, m2, minimum, maximum = np.array(rows).T
        # Deviations from one run's mean keep their digits where a mean is large beside its spread.
        mean = means[0] + count @ (means - means[0]) / count.sum()
        squares = m2.sum() + count @ (means - mean) ** 2
        std = np.sqrt(squares / count.sum())
        values = [float(value) for value in (mean, std, minimum.min(), maximum.max())]
        merged.append(dict(zip(COLUMNS, [variable, *values, int(count.sum())], strict=True)))
    return merged


def fit_scaling(
    statistics: Sequence[str | PathLike[str]], predictors: Sequence[str], before: str
) -> list[dict[str, Any]]:
    """Scaling of the predictors from the statistics files of the runs dated before `before`.

    Returns `merge_statistics` of those runs, in the order of `predictors`. Raises `UserError`
    where no storm is left, a predictor is missing, or a predictor is the same everywhere.
    """
    merged = merge_statistics(row for row in read_rows(statistics) if row["run_date"] < before)
    if not merged:
        raise UserError(
            f"split.test_start: no storm of the training period (run dates before {before}) is "
            "left after checking. Set a later day (of dropout rates: tuning.validation_start), or "
            "see inventory.csv for what was set aside."
        )
    scaling = {row["variable"]: row for row in merged}
    for variable in predictors:
        if variable not in scaling:
            raise UserError(f"data.predictors: there are no statistics of {variable}.")
        if not scaling[variable]["std"] > 0:
            raise UserError(
                f"{variable} is {scaling[variable]['mean']:g} everywhere in the training period "
                "and can tell nothing about storms. Leave it out of data.predictors."
            )
    return [scaling[variable] for variable in predictors]
