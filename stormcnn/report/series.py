"""Which rows of a tidy table stand for a model, and how each forecast is named and drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from stormcnn.errors import UserError
from stormcnn.report.palette import model_style
from stormcnn.report.words import RECALIBRATION_WORDS
from stormcnn.vocabulary import (
    MC_MEAN,
    OVER_SEEDS,
    OWN_SCALING,
    SEED_MEANS,
    SINGLE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORECASTS = {
    SINGLE: "",
    SEED_MEANS[SINGLE]: "mean probability of all seeds",
    MC_MEAN: "Monte Carlo mean",
    SEED_MEANS[MC_MEAN]: "Monte Carlo mean of all seeds",
}
"""Names of the kinds of forecasts; a single network without dropout needs none."""

VARIANT_NAMES = {
    **RECALIBRATION_WORDS,
    OWN_SCALING: "storms scaled by their own statistics",
}
"""Names of the variants of a single network's forecast."""


class Series(NamedTuple):
    """One forecast of one model: its label, its rows, and the style it is drawn in."""

    model: str
    label: str
    rows: pd.DataFrame
    style: dict[str, Any]
    thin: bool = False
    """Whether it is one of several seeds, drawn as a thin line without a label."""


def select_headline(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that stand for each model: averages over its seeds, or else its first seed.

    `table` has the columns `model` and `seed`; rows that average the scores of the networks of all
    seeds have the seed `OVER_SEEDS`.
    """
    averaged = table["seed"].astype(str) == OVER_SEEDS
    several = table["model"].isin(table.loc[averaged, "model"])
    return table[averaged | (~several & _is_first_seed(table))]


def select_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of single networks, which have the number of their seed."""
    return table[pd.to_numeric(table["seed"].astype(str), errors="coerce").notna()]


def average_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of single networks averaged over seeds, point by point.

    All curves of a forecast have the same points in the same order. The ends of intervals are
    averaged as well. These account for the choice of blocks, but not for that of seeds.
    """
    networks = select_seeds(table)
    point = networks.groupby(["model", "forecast", "seed"], sort=False).cumcount()
    keys = [networks["model"], networks["forecast"], point.rename("point")]
    values = networks.select_dtypes("number").drop(columns="seed", errors="ignore")
    averaged = values.groupby(keys, sort=False).mean().reset_index()
    return averaged.drop(columns="point").assign(seed=OVER_SEEDS)


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
    return select_headline(whole[whole["forecast"] == SINGLE])


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
                        f"seed {seed}" if seeds.nunique() > 1 and seed != OVER_SEEDS else "",
                    )
                    if part
                )
                style = model_style(index)
                if forecast.endswith("mc_mean"):
                    style |= {"markerfacecolor": "white", "linewidth": 1.2}
                yield Series(model, label, of_forecast[seeds == seed], style)


def network_curves(table: pd.DataFrame, titles: Mapping[str, str]) -> Iterator[Series]:
    """Yield the curves of each model's networks, and then their average over the seeds.

    The curve of a model with a single seed is yielded once.
    """
    networks = select_seeds(table)
    for average in series_of(average_seeds(networks), titles):
        own = networks[networks["model"] == average.model]
        seeds = own["seed"].astype(str)
        if seeds.nunique() == 1:
            yield average._replace(rows=own)
            continue
        for seed in seeds.unique():
            yield average._replace(rows=own[seeds == seed], thin=True)
        yield average


def thin_line(series: Series) -> dict[str, Any]:
    """Return the style of one of several seeds."""
    color, line = series.style["color"], series.style["linestyle"]
    return {"color": color, "linestyle": line, "linewidth": 0.7, "alpha": 0.5}
