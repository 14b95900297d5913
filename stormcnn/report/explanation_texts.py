"""What the explanations show, in words: importance, counterfactuals, and the tests of the maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.explanation import checks
from stormcnn.explanation.importance import MULTI_PASS, SINGLE_PASS
from stormcnn.report.predictor_names import predictor_name
from stormcnn.report.series import select_headline
from stormcnn.report.table_cells import Cell, Table, number, text_cell, with_interval
from stormcnn.report.verdicts import Statement
from stormcnn.report.words import block_name, join, percent
from stormcnn.texts import counted
from stormcnn.verification.claim_types import Estimate
from stormcnn.verification.score_registry import score_text
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_SEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr

    from stormcnn.report.verdicts import Wording

SHOWN_SCORE = "brier_skill_score"
"""The score whose losses are described in words and drawn."""

VERDICT_CLASSES = {checks.PASSED: "better", checks.FAILED: "worse", checks.NOT_JUDGED: "none"}


def describe_importance(importance: pd.DataFrame, wording: Wording) -> list[Statement]:
    """Return a sentence for each model and each set of predictors that was permuted alone."""
    rows = importance[
        (importance["score"] == SHOWN_SCORE) & (importance["pass"] == SINGLE_PASS)
    ].sort_values("loss", ascending=False, kind="stable")
    statements = []
    for model in importance["model"].unique():
        own = select_headline(rows[rows["model"] == model])
        seeds = rows.loc[rows["model"] == model, "seed"].nunique() - 1
        about = "As a method" if seeds >= LEAST_SEEDS else "As trained here"
        for row in own.itertuples():
            name = predictor_name(row.predictors)
            loss = wording.interval(Estimate(row.loss, row.low, row.high), 3)
            if np.isnan(row.loss):
                text = (
                    f"{wording.titles[model]}: the importance of {name} is unknown, because no "
                    f"{block_name(wording.block, 1)} has two storms whose fields could be "
                    "exchanged, or because there are no events."
                )
            else:
                text = (
                    f"{about}, {wording.titles[model]} loses {loss} of Brier skill score if "
                    f"storms of the same {block_name(wording.block, 1)} exchange their {name}."
                )
                if row.blocks < LEAST_BLOCKS:
                    text += f" With {wording.blocks(int(row.blocks))} nothing is claimed."
                elif not row.low > 0:
                    text += " A loss is not shown."
            statements.append(Statement("none", text))
    return statements


def describe_permuted(importance: pd.DataFrame, wording: Wording) -> str:
    """Return how many storms were permuted, and how the intervals were computed."""
    row = importance.iloc[0]
    return (
        f"This was computed with {counted(int(row['storms']), 'test storm')}, among them "
        f"{counted(int(row['events']), 'event')}, of {wording.blocks(int(row['blocks']))}. "
        f"Intervals are from {wording.resamples:,} resamples of {block_name(wording.block)} and, "
        f"with at least {LEAST_SEEDS} seeds, of seeds."
    )


def importance_cells(importance: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Return the table of the losses of all scores, averaged over the seeds."""
    scores = list(dict.fromkeys(importance["score"]))
    keys = ["model", "pass", "predictors"]
    rows = []
    for (model, name, predictors), group in select_headline(importance).groupby(keys, sort=False):
        losses = group.set_index("score")[["loss", "low", "high"]].astype(float)
        cells = []
        for score in scores:
            loss, low, high = losses.loc[score]
            cells.append(with_interval(loss, low, high, decimals=3))
        kind = {SINGLE_PASS: "alone", MULTI_PASS: "in this order"}[str(name)]
        permuted = predictor_name(str(predictors))
        rows.append([text_cell(titles[str(model)]), text_cell(permuted), text_cell(kind), *cells])
    return Table(
        "Loss of each score by permuted predictors, with intervals. A positive loss means that the "
        "forecast gets worse.",
        ["Model", "Permuted", "How", *(score_text(score).label for score in scores)],
        [False, False, False, *(True for _ in scores)],
        rows,
    )


def describe_counterfactuals(storms: xr.Dataset, title: str) -> str:
    """Return how flat predictors change the mean probability of the explained storms of a model."""
    before = float(storms["probability"].mean())
    parts = [
        f"{percent(float(storms['flattened_probability'].sel(flattened=name).mean()))} with flat "
        f"{predictor_name(str(name))}"
        for name in storms["flattened"].values
    ]
    return (
        f"{title}: the mean probability of the "
        f"{counted(storms.sizes['storm'], 'explained storm')} is {percent(before)}, {join(parts)}."
    )


def describe_checks(table: pd.DataFrame, wording: Wording) -> list[Statement]:
    """Return a sentence for each test of the maps and counterfactuals."""
    return [
        Statement(VERDICT_CLASSES[row["verdict"]], _describe_check(row, wording))
        for row in table.to_dict("records")
    ]


def _describe_check(row: Mapping[str, Any], wording: Wording) -> str:
    """Return one row of `checks.csv` in words."""
    estimate = Estimate(row["value"], row["low"], row["high"])
    shares = Estimate(*(100 * part for part in estimate))
    ends = wording.interval(estimate, 2)
    in_percent = wording.interval(shares, 0).replace(" (", " % (", 1)
    area = f"{100 * row['limit']:.1f} %"
    storms = counted(int(row["storms"]), "storm")
    texts = {
        checks.COMPLETENESS: (
            "Completeness",
            f"the sum of an attribution misses the difference of the log odds by at most "
            f"{100 * row['value']:.2f} % (limit {100 * row['limit']:g} %)",
        ),
        checks.RANDOM_WEIGHTS: (
            "Random weights",
            "the rank correlation of a map with that of a network with random weights is "
            f"{ends} on average, in absolute value (limit {row['limit']:g})",
        ),
        checks.SEEDS: (
            "Seeds",
            f"the rank correlation of the maps of two seeds is {ends} on average",
        ),
        checks.MEMBERS: (
            "MC members",
            f"the rank correlation of the maps of two MC members is {ends} on average",
        ),
        checks.VORTEX: (
            "Known vortices",
            f"on balance, {in_percent} of the attribution lies within the radius of the vortex and "
            f"raises the probability; this is {area} of the area ({storms} with a visible vortex)",
        ),
        checks.RANDOM_VORTEX: (
            "Known vortices, random weights",
            f"with random weights, {in_percent} of the attribution lies there on balance, which "
            f"must not exceed the area, {area}, by more than chance",
        ),
        checks.POSITIVE: (
            "Known vortices, positive attribution",
            f"{in_percent} of the attribution that raises the probability lies there, which must "
            f"exceed both the area and the share with random weights ({area} is the larger)",
        ),
        checks.CALM: (
            "Known vortices, flat wind",
            f"with flat wind, the probability changes by "
            f"{in_percent.replace(' %', ' percentage points', 1)} in {storms} with a visible "
            "vortex, and must fall",
        ),
    }
    name, text = texts[row["check"]]
    verdict = {
        checks.PASSED: " Passed.",
        checks.FAILED: " FAILED: do not trust these maps.",
        checks.NOT_JUDGED: "",
    }[row["verdict"]]
    if row["verdict"] == checks.NOT_JUDGED and not np.isnan(row["limit"]):
        verdict = (
            f" Not judged: at least {LEAST_BLOCKS} {block_name(wording.block)} are needed, and for "
            f"random weights {LEAST_SEEDS} seeds."
        )
    return f"{name} ({wording.titles[row['model']]}): {text}.{verdict}"


def explained_table(explained: Sequence[tuple[str, xr.Dataset]]) -> Table:
    """Return the probabilities and tests of each explained storm, for each title of a model."""
    rows = []
    sets: dict[str, None] = {}
    for _, storms in explained:
        sets |= dict.fromkeys(str(name) for name in storms["flattened"].values)
    for title, storms in explained:
        for place in range(storms.sizes["storm"]):
            one = storms.isel(storm=place)
            flat = dict(
                zip(one["flattened"].values, one["flattened_probability"].values, strict=True)
            )
            measured = (
                float(one[name])
                for name in ("completeness_error", "random_weights", "seed_agreement")
            )
            rows.append(
                [
                    text_cell(title),
                    Cell(str(int(one["index"])), float(one["index"])),
                    text_cell("yes" if int(one["label"]) else "no"),
                    Cell(percent(float(one["probability"])), float(one["probability"])),
                    *(
                        Cell(percent(value), float(value)) if value is not None else text_cell("")
                        for value in (flat.get(name) for name in sets)
                    ),
                    *(Cell(number(value, 3), value) for value in measured),
                    text_cell("passed" if int(one["passed"]) else "FAILED"),
                ]
            )
    return Table(
        "Explained storms: probability, averaged over the seeds, and with flat predictors; error "
        "of completeness, rank correlation with random weights, and that between seeds.",
        [
            "Model",
            "Test storm",
            "Event",
            "Probability",
            *(f"Flat {predictor_name(name)}" for name in sets),
            "Completeness",
            "Random weights",
            "Seeds",
            "Tests",
        ],
        [False, True, False, True, *(True for _ in sets), True, True, True, False],
        rows,
    )
