"""Mean and spread of the predictors, from statistics that can be merged run by run."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.files import join_csv

if TYPE_CHECKING:
    from stormcnn.patches import Fields

COLUMNS = ["variable", "mean", "std", "minimum", "maximum", "count"]


def merge_statistics(statistics: pd.DataFrame) -> pd.DataFrame:
    """Merge the moments of many runs into one row a variable.

    `statistics` has the columns `variable,count,mean,m2,minimum,maximum`, a row a run and
    variable; `m2` is the sum of squared deviations from the row's own mean. The result has
    `variable,mean,std,minimum,maximum,count` in the order in which the variables first appear,
    in the variables' own units; `std` divides by the count. Rows without data count for nothing.

    Pairwise merging of moments: Chan, Golub & LeVeque (1983), in its form for many groups.
    """
    rows = []
    for variable, part in statistics[statistics["count"] > 0].groupby("variable", sort=False):
        count = part["count"].to_numpy(np.int64)
        mean = part["mean"].to_numpy(np.float64)
        total = int(count.sum())
        # Deviations from one run's mean keep their digits where a mean is large beside its spread.
        merged = mean[0] + float(count @ (mean - mean[0])) / total
        squares = float(part["m2"].sum() + count @ (mean - merged) ** 2)
        rows.append(
            (
                variable,
                merged,
                np.sqrt(squares / total),
                part["minimum"].min(),
                part["maximum"].max(),
                total,
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def fit_scaling(
    statistics: Sequence[str | PathLike[str]], predictors: Sequence[str], before: str
) -> pd.DataFrame:
    """Scaling of the predictors from the statistics files of the runs dated before `before`.

    Returns `merge_statistics` of those runs, in the order of `predictors`. Raises `ValueError`
    where no storm is left, a predictor is missing, or a predictor is the same everywhere.
    """
    table = pd.DataFrame(columns=["run_date", "variable"])
    if statistics:
        table = pd.read_csv(join_csv(statistics), parse_dates=["run_date"])
    training = table[table["run_date"] < pd.Timestamp(before)]
    if training.empty or not training["count"].sum():
        raise ValueError(
            f"split.test_start: no storm of the training period (run dates before {before}) is "
            "left after checking. Set a later day (of dropout rates: tuning.validation_start), or "
            "see inventory.csv for what was set aside."
        )
    scaling = merge_statistics(training).set_index("variable")
    for variable in predictors:
        if variable not in scaling.index:
            raise ValueError(f"data.predictors: there are no statistics of {variable}.")
        if not scaling.loc[variable, "std"] > 0:
            value = scaling.loc[variable, "mean"]
            raise ValueError(
                f"{variable} is {value:g} everywhere in the training period and can tell nothing "
                "about storms. Leave it out of data.predictors."
            )
    return scaling.loc[list(predictors)].reset_index()[COLUMNS]


class ExchangedFields:
    """Fields of which each variable is multiplied by a factor and shifted as it is taken."""

    def __init__(self, fields: Fields, factor: np.ndarray, shift: np.ndarray) -> None:
        self._fields, self._factor, self._shift = fields, factor, shift
        self.shape = fields.shape

    def __len__(self) -> int:
        return len(self._fields)

    def __getitem__(self, storms: Any) -> np.ndarray:
        return self._fields[storms] * self._factor + self._shift


def exchange_scaling(
    predictors: Fields, own: pd.DataFrame, training: pd.DataFrame
) -> ExchangedFields:
    """Predictors that a network, scaling by `training`, sees as if it scaled them by `own`.

    `predictors` has shape (storm, y, x, variable) and physical units; the scalings have a row a
    variable (`variable,mean,std`) in the order of `training`, or, `own`, any order. Raises
    `ValueError` where a variable is the same everywhere in `own`.
    """
    own = own.set_index("variable").loc[training["variable"]]
    constant = own.index[~(own["std"] > 0)]
    if len(constant):
        raise ValueError(
            f"{', '.join(constant)}: the same value everywhere in the test period, which therefore "
            "cannot be scaled by its own statistics. Set comparison.own_scaling to false."
        )
    factor = training["std"].to_numpy() / own["std"].to_numpy()
    shift = training["mean"].to_numpy() - factor * own["mean"].to_numpy()
    return ExchangedFields(predictors, factor.astype("f4"), shift.astype("f4"))
