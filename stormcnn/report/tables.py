"""The tables of the report: what a reader sees of tidy tables, sorted and worded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from stormcnn.io import read_netcdf
from stormcnn.report.figures import (
    FORECASTS,
    VARIANTS,
    first_seed,
    headline,
    series_of,
    without_variants,
)
from stormcnn.report.labels import stratum_name
from stormcnn.verification.score_registry import SCORES, score_text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    StrPath = str | os.PathLike[str]

MOST_ROWS = 200
"""Rows of the inventory that the page shows; the file to download has all."""

MISSING = "–"

MAIN_SCORES = ("auc", "brier_score", "brier_skill_score", "log_score", "average_precision")
GAINED = ("brier_skill_score", "log_score")
CALIBRATED = ("brier_score", "log_score", "murphy_reliability")
RECALIBRATIONS = ("logistic", "isotonic")
OVER_SEEDS = "mean"
ONE_NETWORK = {
    "single": "one network",
    "mc_mean": "Monte Carlo mean of one network",
    "seed_mean": FORECASTS["seed_mean"],
    "seed_mc_mean": FORECASTS["seed_mc_mean"],
}
PUBLISHED_SCORES = ("auc", "brier_score", "brier_score_climatology", "brier_skill_score")


class Cell(NamedTuple):
    """What a table shows, and what it is sorted by."""

    text: str
    sort: float | str


class Table(NamedTuple):
    """A table of the page; `numeric` says which columns hold numbers."""

    caption: str
    columns: list[str]
    numeric: list[bool]
    rows: list[list[Cell]]


def compared_forecasts(row: Mapping[str, Any], titles: Mapping[str, str]) -> tuple[str, str]:
    """Names of the two forecasts that a row of differences compares."""
    forecast = str(row["forecast"])
    reference_forecast = str(row.get("reference_forecast", forecast))
    return (
        forecast_name(titles[row["model"]], forecast),
        forecast_name(titles[row["reference"]], reference_forecast),
    )


def forecast_name(title: str, forecast: str) -> str:
    """Name a forecast by its model's title and, unless it is one network's, its kind."""
    kind = (FORECASTS | VARIANTS)[forecast]
    return f"{title} ({kind})" if kind else title


def number(value: float, decimals: int) -> str:
    """Write a number with a true minus sign, but none before zeros; a dash where there is none."""
    return MISSING if pd.isna(value) else f"{value:z,.{decimals}f}".replace("-", "−")


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign; a dash where there is none."""
    return MISSING if pd.isna(value) else f"{value:+.{decimals}f}".replace("-", "−")


def p_value(value: float) -> str:
    """Write a p-value with three decimals."""
    return MISSING if pd.isna(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def share(value: float) -> str:
    """Write a share in percent; a dash where there is none."""
    return MISSING if pd.isna(value) else f"{100 * value:.1f} %"


def with_interval(value: float, low: float, high: float, decimals: int) -> Cell:
    """A score as `0.413 (0.380 to 0.441)`."""
    text = number(value, decimals)
    if not (pd.isna(low) or pd.isna(high)):
        text += f" ({number(low, decimals)} to {number(high, decimals)})"
    return Cell(text, float(value))


def main_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of the whole test period, of the forecast that stands for each model."""
    whole = whole_test(scores)
    return headline(whole[whole["forecast"].isin(["single", "seed_mean"])])


def whole_test(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of the whole test period."""
    return scores[(scores["period"] == "test") & (scores["stratum"] == "all")]


def model_table(comparison: pd.DataFrame) -> Table:
    """Size and training time: a row a model."""
    rows = [
        [
            Cell(str(row.title), str(row.title)),
            Cell(f"{row.trainable_parameters:,}", float(row.trainable_parameters)),
            Cell(number(row.training_seconds, 1), float(row.training_seconds)),
            Cell(share(row.small_weight_share), float(row.small_weight_share)),
        ]
        for row in comparison.itertuples()
    ]
    return Table(
        "The models. Training seconds are those of one network, without start-up; small weights "
        "are kernel weights below 0.001 in size, which the lasso drives to 0.",
        ["Model", "Trainable parameters", "Training (s)", "Small weights"],
        [False, True, True, True],
        rows,
    )


def rate_table(choice: pd.DataFrame) -> Table:
    """The dropout rates tried: a row a rate, with what the choice looked at and why."""
    columns = {
        "log_score": ("Log score", 4),
        "difference": ("Above the lowest", 4),
        "standard_error": ("Standard error", 4),
        "count_crps": ("CRPS of counts", 3),
        "count_coverage_90": ("Coverage of 90 % of counts", 3),
        "spread_skill_ratio": ("Spread-skill ratio", 3),
    }
    rows = [
        [
            Cell(f"{row['rate']:g}", float(row["rate"])),
            *(Cell(number(row[name], digits), row[name]) for name, (_, digits) in columns.items()),
            *[Cell(text, text) for text in ("yes" if row["chosen"] else "no", row["reason"])],
        ]
        for row in choice.to_dict("records")
    ]
    return Table(
        "The dropout rates tried. The spread-skill ratio of single storms decided nothing.",
        ["Rate", *(label for label, _ in columns.values()), "Chosen", "Why"],
        [True] * (1 + len(columns)) + [False, False],
        rows,
    )


def score_columns(scores: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """The main scores: a row a forecast, a column a score."""
    names = [name for name in MAIN_SCORES if (scores["score"] == name).any()]
    rows = [
        [
            Cell(series.label, series.label),
            *(_cell_of(series.rows, name) for name in names),
        ]
        for series in series_of(headline(without_variants(scores)), titles)
    ]
    return Table(
        "Main scores of the test period with their intervals.",
        ["Forecast", *(score_text(name).label for name in names)],
        [False] + [True] * len(names),
        rows,
    )


def _cell_of(rows: pd.DataFrame, name: str) -> Cell:
    """One score of one forecast; a dash where the table has none."""
    found = rows[rows["score"] == name]
    if found.empty:
        return Cell(MISSING, float("nan"))
    row = found.iloc[0]
    return with_interval(row["value"], row["low"], row["high"], score_text(name).decimals)


def score_rows(scores: pd.DataFrame, titles: Mapping[str, str], caption: str) -> Table:
    """All scores: a row a score with its meaning, a column a forecast."""
    forecasts = list(series_of(headline(without_variants(scores)), titles))
    present = scores["score"].unique()
    names = [name for name in SCORES if name in present]
    names += [name for name in present if name not in SCORES]
    rows = [
        [
            Cell(score_text(name).label, score_text(name).label),
            *(_cell_of(series.rows, name) for series in forecasts),
            Cell(score_text(name).meaning, score_text(name).meaning),
        ]
        for name in names
    ]
    return Table(
        f"{caption}, with their intervals.",
        ["Score", *(series.label for series in forecasts), "Meaning"],
        [False, *(True for _ in forecasts), False],
        rows,
    )


def strata_table(scores: pd.DataFrame, titles: Mapping[str, str]) -> Table | None:
    """Brier skill score by part of the test period: a row a part, a column a forecast."""
    parts = scores[
        (scores["period"] == "test")
        & (scores["stratum"] != "all")
        & (scores["score"] == "brier_skill_score")
    ]
    if parts.empty:
        return None
    forecasts = list(series_of(headline(parts), titles))
    rows = []
    for stratum, group in parts.groupby("stratum", sort=False):
        kind, _, value = str(stratum).partition("=")
        name = stratum_name(str(stratum))
        first = group.iloc[0]
        rows.append(
            [
                Cell(name, f"{kind} {value:>8}"),
                *(
                    Cell(f"{int(first[n]):,}", float(first[n]))
                    for n in ("storms", "events", "runs")
                ),
                *(
                    _cell_of(series.rows[series.rows["stratum"] == stratum], "brier_skill_score")
                    for series in forecasts
                ),
            ]
        )
    return Table(
        "Brier skill score of parts of the test period. A dash stands where events are too few.",
        ["Part", "Storms", "Events", "Runs", *(series.label for series in forecasts)],
        [False] + [True] * (3 + len(forecasts)),
        rows,
    )


def difference_tables(differences: pd.DataFrame, titles: Mapping[str, str]) -> tuple[Table, Table]:
    """Differences between forecasts in the main scores, and in the others: a row a pair and score.

    DeLong's p-values, which there are of the area under the ROC curve only, stand in the first.
    """
    main: list[list[Cell]] = []
    others: list[list[Cell]] = []
    test = without_variants(differences[differences["period"] == "test"])
    for row in headline(test).to_dict("records"):
        subject, other = compared_forecasts(row, titles)
        score = score_text(row["score"])
        low, high = (signed(row[end], score.decimals) for end in ("low", "high"))
        interval = MISSING if pd.isna(row["low"]) else f"{low} to {high}"
        cells = [
            Cell(subject, subject),
            Cell(other, other),
            Cell(score.label, score.label),
            Cell(signed(row["difference"], score.decimals), float(row["difference"])),
            Cell(interval, float(row["low"])),
            *(Cell(p_value(p), float(p)) for p in (row["p_value"], row["p_holm"])),
        ]
        if row["score"] in MAIN_SCORES:
            delong = row.get("p_delong_independent_storms", np.nan)
            main.append([*cells, Cell(p_value(delong), float(delong))])
        else:
            others.append(cells)
    columns = ["Forecast", "Against", "Score", "Difference", "Interval", "p", "p (Holm)"]
    numeric = [False, False, False, True, True, True, True]
    return (
        Table(
            "Differences in the main scores, on the same resampled run dates. DeLong's test "
            "assumes independent storms, which storms of one run are not: its p-values are too "
            "small.",
            [*columns, "p (DeLong)"],
            [*numeric, True],
            main,
        ),
        Table(
            "Differences in the other scores, on the same resampled run dates.",
            columns,
            numeric,
            others,
        ),
    )


def gain_table(
    scores: pd.DataFrame, differences: pd.DataFrame, titles: Mapping[str, str]
) -> Table | None:
    """What seeds and members add to one network: a row a comparison; None with a single seed.

    `scores` are those of the whole test period. Of one network it is the score averaged over the
    seeds, and so is every difference.
    """
    steps = differences[
        (differences["period"] == "test") & (differences["seed"].astype(str) == OVER_SEEDS)
    ]
    pooled = scores[scores["seed"].astype(str).isin([OVER_SEEDS, "all"])]
    rows = []
    for model, title in titles.items():
        for forecast, kind in ONE_NETWORK.items():
            own = pooled[(pooled["model"] == model) & (pooled["forecast"] == forecast)]
            if own.empty:
                continue
            compared = steps[(steps["model"] == model) & (steps["forecast"] == forecast)]
            for reference in list(compared["reference"].unique()) or [None]:
                against = f"{titles[reference]}: {ONE_NETWORK['single']}" if reference else MISSING
                step = compared[compared["reference"] == reference]
                rows.append(
                    [
                        Cell(f"{title}: {kind}", f"{title}: {kind}"),
                        *(_cell_of(own, name) for name in GAINED),
                        Cell(against, against),
                        *(_difference_of(step, name) for name in GAINED),
                        _p_holm_of(step, GAINED[0]),
                    ]
                )
    if not rows:
        return None
    labels = [score_text(name).label for name in GAINED]
    return Table(
        "What the gain is made of. One network is the average of the scores over the seeds.",
        ["Forecast", *labels, "Against", *(f"{label}, difference" for label in labels), "p (Holm)"],
        [False, *(True for _ in GAINED), False, *(True for _ in GAINED), True],
        rows,
    )


def recalibration_table(
    scores: pd.DataFrame, differences: pd.DataFrame, titles: Mapping[str, str]
) -> Table | None:
    """One network's probabilities as they are and recalibrated: a row a forecast.

    `scores` are those of the whole test period; None where nothing was recalibrated.
    """
    chosen = scores["forecast"].isin(["single", *RECALIBRATIONS])
    of_network = first_seed(scores[chosen])
    recalibrated = of_network.loc[of_network["forecast"] != "single", "model"]
    if recalibrated.empty:
        return None
    of_network = of_network[of_network["model"].isin(recalibrated)]
    gained = first_seed(differences[differences["period"] == "test"])
    rows = []
    for series in series_of(of_network, titles):
        forecast = series.rows["forecast"].iloc[0]
        gain = gained[(gained["model"] == series.model) & (gained["forecast"] == forecast)]
        gain = gain[gain["reference"] == series.model]
        test = series.rows.loc[series.rows["score"] == "spiegelhalter_p_value", "value"]
        rows.append(
            [
                Cell(series.label, series.label),
                *(_cell_of(series.rows, name) for name in CALIBRATED),
                *(Cell(p_value(value), float(value)) for value in test),
                *(_difference_of(gain, name) for name in CALIBRATED[:2]),
            ]
        )
    labels = [score_text(name).label for name in CALIBRATED]
    return Table(
        "Recalibration of the networks of the first seed, judged on the test period, and what it "
        "changes.",
        ["Forecast", *labels, "p (Z = 0)", *(f"{label}, difference" for label in labels[:2])],
        [False, *(True for _ in range(len(labels) + 3))],
        rows,
    )


def chosen_recalibrations(scores: pd.DataFrame) -> dict[str, str]:
    """For each model, the recalibration that has the lower log score over the training period.

    It is that of `probability_calibrated`, judged by the network of the first seed.
    """
    judged = scores[
        (scores["period"] == "train")
        & (scores["stratum"] == "all")
        & (scores["score"] == "log_score")
        & scores["forecast"].isin(RECALIBRATIONS)
    ]
    best = first_seed(judged).sort_values("value", kind="stable").drop_duplicates("model")
    return dict(zip(best["model"], best["forecast"], strict=True))


def _difference_of(rows: pd.DataFrame, name: str) -> Cell:
    """A difference with its sign and interval; a dash where the table has none."""
    found = rows[rows["score"] == name]
    if found.empty:
        return Cell(MISSING, float("nan"))
    row, decimals = found.iloc[0], score_text(name).decimals
    text = signed(row["difference"], decimals)
    if not pd.isna(row["low"]):
        text += f" ({signed(row['low'], decimals)} to {signed(row['high'], decimals)})"
    return Cell(text, float(row["difference"]))


def _p_holm_of(rows: pd.DataFrame, name: str) -> Cell:
    found = rows.loc[rows["score"] == name, "p_holm"]
    return Cell(p_value(found.iloc[0]), float(found.iloc[0])) if len(found) else Cell(MISSING, 2.0)


def published_table(comparison: pd.DataFrame, published: StrPath) -> Table:
    """Ours beside the published scores: a row a model and score, a column a source."""
    printed = pd.read_csv(published)
    sources = list(printed["source"].unique())
    rows = []
    for model in comparison.to_dict("records"):
        for name in PUBLISHED_SCORES:
            score = score_text(name)
            same = printed[(printed["model"] == model["model"]) & (printed["score"] == name)]
            values = same.set_index("source")["value"]
            if values.empty or name not in model:
                continue
            ours = with_interval(
                model[name], model[f"{name}_low"], model[f"{name}_high"], score.decimals
            )
            others = (values.get(source, np.nan) for source in sources)
            rows.append(
                [
                    Cell(str(model["title"]), str(model["title"])),
                    Cell(score.label, score.label),
                    ours,
                    *(Cell(number(value, 3), float(value)) for value in others),
                ]
            )
    references = printed.drop_duplicates("source")
    cited = "; ".join(f"{row.source}: {row.reference}" for row in references.itertuples())
    return Table(
        f"Our scores beside the printed ones. {cited}.",
        ["Model", "Score", "Here", *(str(source).capitalize() for source in sources)],
        [False, False, True, *(True for _ in sources)],
        rows,
    )


def case_table(cases: Iterable[StrPath], titles: Mapping[str, str]) -> Table | None:
    """The distribution of the members' probabilities of each case, in numbers."""
    rows = []
    for file in cases:
        data = read_netcdf(file)
        label = f"{titles[data.attrs['model']]}, seed {data.attrs['seed']}"
        low, median, high = np.quantile(data["probability"].values, (0.05, 0.5, 0.95), axis=1)
        means = data["probability"].values.mean(axis=1)
        for storm, mean in enumerate(means):
            one = data.isel(storm=storm)
            deterministic = float(one["deterministic"])
            time = f"{pd.Timestamp(one['valid_time'].values):%Y-%m-%d %H} UTC"
            happened = "yes" if int(one["label"]) else "no"
            rows.append(
                [
                    Cell(label, label),
                    Cell(str(int(one["index"])), float(one["index"])),
                    Cell(time, time),
                    Cell(happened, happened),
                    *(
                        Cell(number(value, 3), float(value))
                        for value in (deterministic, mean, median[storm])
                    ),
                    Cell(
                        f"{number(low[storm], 3)} to {number(high[storm], 3)}",
                        float(high[storm] - low[storm]),
                    ),
                ]
            )
    if not rows:
        return None
    return Table(
        "The cases: probability without dropout, and mean, median and range of the members.",
        ["Network", "Test storm", "Valid", "Event", "Deterministic", "Mean", "Median", "5 to 95 %"],
        [False, True, False, False, True, True, True, True],
        rows,
    )


def inventory_table(inventory: pd.DataFrame) -> Table:
    """Run files, those with rejected storms first; long inventories are cut."""
    ordered = inventory.sort_values("rejected", ascending=False, kind="stable")
    shown = ordered.head(MOST_ROWS)
    rows = [
        [
            Cell(row.run_date, row.run_date),
            Cell(Path(row.file).name, Path(row.file).name),
            Cell(row.batch, row.batch),
            Cell(f"{row.storms:,}", float(row.storms)),
            Cell(f"{row.rejected:,}", float(row.rejected)),
            Cell(row.reason, row.reason),
            Cell(number(row.bytes / 1e6, 1), float(row.bytes)),
        ]
        for row in shown.itertuples()
    ]
    cut = f" The first {MOST_ROWS} of {len(inventory):,}." if len(inventory) > MOST_ROWS else ""
    return Table(
        f"Run files, those with rejected storms first.{cut}",
        ["Run date", "File", "Batch", "Storms", "Rejected", "Reason", "MB"],
        [False, False, False, True, True, False, True],
        rows,
    )
