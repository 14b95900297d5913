"""Scale predictors by the statistics of their own period instead of the training period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.errors import UserError

if TYPE_CHECKING:
    from stormcnn.models.fields import Fields
    from stormcnn.vocabulary import Array


class RescaledFields:
    """Fields that are multiplied by `factor` and shifted by `shift`, per variable, when read."""

    def __init__(self, fields: Fields, factor: Array, shift: Array) -> None:
        self._fields, self._factor, self._shift = fields, factor, shift
        self.shape = fields.shape

    def __len__(self) -> int:
        return len(self._fields)

    def __getitem__(self, storms: Any) -> Array:
        return self._fields[storms] * self._factor + self._shift


def exchange_scaling(fields: Fields, own: pd.DataFrame, training: pd.DataFrame) -> RescaledFields:
    """Return fields that a network, which scales by `training`, sees as if scaled by `own`.

    Parameters: `fields`, shape (storm, y, x, variable), in physical units; `own` and
    `training`, tables with one row per variable (`variable`, `mean`, `std`). The order of the
    variables is that of `training`.
    Raises `UserError` if a variable has the same value everywhere according to `own`.

    >>> import numpy as np
    >>> fields = np.array([10.0, 30.0], np.float32).reshape(2, 1, 1, 1)
    >>> own = pd.DataFrame({"variable": ["REFL_COM_curr"], "mean": 20.0, "std": 10.0})
    >>> training = pd.DataFrame({"variable": ["REFL_COM_curr"], "mean": 5.0, "std": 2.0})
    >>> exchange_scaling(fields, own, training)[:].ravel().tolist()
    [3.0, 7.0]
    """
    own = own.set_index("variable").loc[training["variable"]]
    constant = own.index[~(own["std"] > 0)]
    if len(constant):
        raise UserError(
            f"{', '.join(constant)}: the value is the same everywhere in the test period, so it "
            "cannot be scaled by its own statistics. Set comparison.own_scaling to false."
        )
    factor = training["std"].to_numpy() / own["std"].to_numpy()
    shift = training["mean"].to_numpy() - factor * own["mean"].to_numpy()
    return RescaledFields(fields, factor.astype("f4"), shift.astype("f4"))
