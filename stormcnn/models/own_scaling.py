"""Scale the predictors by the statistics of their own period instead of the training period's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from stormcnn.errors import UserError
from stormcnn.models.fields import Fields


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
    `UserError` where a variable is the same everywhere in `own`.
    """
    own = own.set_index("variable").loc[training["variable"]]
    constant = own.index[~(own["std"] > 0)]
    if len(constant):
        raise UserError(
            f"{', '.join(constant)}: the same value everywhere in the test period, which therefore "
            "cannot be scaled by its own statistics. Set comparison.own_scaling to false."
        )
    factor = training["std"].to_numpy() / own["std"].to_numpy()
    shift = training["mean"].to_numpy() - factor * own["mean"].to_numpy()
    return ExchangedFields(predictors, factor.astype("f4"), shift.astype("f4"))
