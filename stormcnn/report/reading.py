"""Read the tables of the results."""

from __future__ import annotations

import pandas as pd

from stormcnn.vocabulary import StrPath

NAMES = ("model", "reference", "title")
"""Columns with names that users choose."""


def read_table(path: StrPath, **types: type) -> pd.DataFrame:
    """Read a table of the results, with the names of models as they were written.

    Otherwise pandas takes names such as `010`, `1e3` or `NA` for numbers or for missing values.
    `types` are those of other columns.
    """
    texts = dict.fromkeys(NAMES, str)
    return pd.read_csv(path, dtype=texts | types, keep_default_na=False, na_values=[""])
