"""Tables of the models and of the dropout rates tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stormcnn.report.table_cells import Cell, Table, number, percentage, text_cell

if TYPE_CHECKING:
    import pandas as pd


def model_table(comparison: pd.DataFrame) -> Table:
    """Return the size and training time of each model, with one row per model."""
    rows = [
        [
            text_cell(str(row.title)),
            Cell(number(row.trainable_parameters, 0), float(row.trainable_parameters)),
            Cell(number(row.training_seconds, 1), float(row.training_seconds)),
            Cell(percentage(row.small_weight_share), float(row.small_weight_share)),
        ]
        for row in comparison.itertuples()
    ]
    return Table(
        "The models. Training time is that of one network, without start-up. Small weights are "
        "kernel weights with an absolute value below 0.001; the lasso penalty drives weights to 0.",
        ["Model", "Trainable parameters", "Training (s)", "Small weights"],
        [False, True, True, True],
        rows,
    )


def rate_table(choice: pd.DataFrame) -> Table:
    """Return the criteria for each dropout rate tried, with one row per rate."""
    columns = {
        "log_score": ("Log score", 4),
        "difference": ("Excess over the lowest", 4),
        "standard_error": ("Standard error", 4),
        "count_crps": ("CRPS of counts", 3),
        "count_coverage_90": ("Coverage of 90 % intervals", 3),
        "spread_skill_ratio": ("Spread-skill ratio", 3),
    }
    rows = [
        [
            Cell(f"{row['rate']:g}", float(row["rate"])),
            *(Cell(number(row[name], digits), row[name]) for name, (_, digits) in columns.items()),
            *[text_cell(text) for text in ("yes" if row["chosen"] else "no", row["reason"])],
        ]
        for row in choice.to_dict("records")
    ]
    return Table(
        "The dropout rates tried. The spread-skill ratio of single storms is not a criterion.",
        ["Rate", *(label for label, _ in columns.values()), "Chosen", "Reason"],
        [True] * (1 + len(columns)) + [False, False],
        rows,
    )
