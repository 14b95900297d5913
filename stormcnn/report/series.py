"""Which rows of a tidy table stand for a model, and how each forecast is named and drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from stormcnn.errors import UserError
from stormcnn.report.figure_style import model_style
from stormcnn.vocabulary import (
    ALL_SEEDS,
    INTERCEPT,
    ISOTONIC,
    LOGISTIC,
    MC_MEAN,
    OWN_SCALING,
    SEED_MEANS,
    SINGLE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORECASTS = {
    SINGLE: "",
    SEED_MEANS[SINGLE]: "mean over seeds",
    MC_MEAN: "Monte Carlo mean",
    SEED_MEANS[MC_MEAN]: "Monte Carlo mean over seeds",
}
"""Names of the kinds of forecasts; a single network without dropout needs none."""

VARIANT_NAMES = {
    INTERCEPT: "intercept recalibration",
    ISOTONIC: "isotonic recalibration",
    LOGISTIC: "logistic recalibration",
    OWN_SCALING: "storms scaled by their own statistics",
}
"""Names of the variants of a single network's forecast."""


class Series(NamedTuple):
    """One forecast of one model: its label, its rows, and the style it is drawn in."""

    model: str
    label: str
    rows: pd.DataFrame
    style: dict[str, Any]


def select_headline(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that stand for each model: those of all its seeds, or else of the first.

    `table` has the columns `model` and `seed`; rows over all seeds have the seed `ALL_SEEDS`.
    """
    seed = table["seed"].astype(str)
    joint = table["model"].isin(table.loc[seed == ALL_SEEDS, "model"])
    return table[(seed == ALL_SEEDS) | (~joint & _is_first_seed(table))]


def select_first_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first seed of each model."""
    return table[_is_first_seed(table)]


def _is_first_seed(table: pd.DataFrame) -> pd.Series:
    numbers = pd.to_numeric(table["seed"].astype(str), errors="coerce")
    return numbers == numbers.groupby(table["model"]).transform("min")


def drop_variants(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of forecasts that are neither recalibrated nor scaled differently."""
    return table[table["forecast"].isin(FORECASTS)]


def select_test_period(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the whole test period."""
    return scores[(scores["period"] == "test") & (scores["stratum"] == "all")]


def select_main_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the whole test period of the forecast that stands for each model."""
    whole = select_test_period(scores)
    return select_headline(whole[whole["forecast"].isin([SINGLE, SEED_MEANS[SINGLE]])])


def forecast_name(title: str, forecast: str) -> str:
    """Return a model's title, followed by the kind of forecast unless it is a single network's."""
    kind = (FORECASTS | VARIANT_NAMES)[forecast]
    return f"{title} ({kind})" if kind else title


def compared_names(row: Mapping[str, Any], titles: Mapping[str, str]) -> tuple[str, str]:
    """Return the names of the two forecasts that a row of `differences.csv` compares."""
    forecast = str(row["forecast"])
    reference_forecast = str(row.get("reference_forecast", forecast))
    return (
        forecast_name(titles[row["model"]], forecast),
        forecast_name(titles[row["reference"]], reference_forecast),
    )


def series_of(table: pd.DataFrame, titles: Mapping[str, str]) -> Iterator[Series]:
    """Yield the table's forecasts, one per model, forecast and seed, in the order of `titles`.

    Raises `UserError` if the table has a model without a title.
    """
    unknown = set(table["model"]) - set(titles)
    if unknown:
        raise UserError(
            f"The table has models without a title: {', '.join(sorted(unknown))}. "
            "Run the workflow again, so that the table is made from the models of the config."
        )
    labels = FORECASTS | VARIANT_NAMES
    for index, (model, title) in enumerate(titles.items()):
        own = table[table["model"] == model]
        for forecast in (name for name in labels if (own["forecast"] == name).any()):
            of_forecast = own[own["forecast"] == forecast]
            seeds = of_forecast["seed"].astype(str)
            for seed in seeds.unique():
                label = ", ".join(
                    part
                    for part in (
                        title,
                        labels[forecast],
                        f"seed {seed}" if seeds.nunique() > 1 and seed != ALL_SEEDS else "",
                    )
                    if part
                )
                style = model_style(index)
                if forecast.endswith("mc_mean"):
                    style |= {"markerfacecolor": "white", "linewidth": 1.2}
                yield Series(model, label, of_forecast[seeds == seed], style)
