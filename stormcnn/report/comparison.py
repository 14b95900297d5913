"""The table that compares the models, `comparison.csv`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.report.series import select_main_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stormcnn.vocabulary import NetworkId


def compare_models(
    scores: pd.DataFrame,
    titles: Mapping[str, str],
    histories: Mapping[NetworkId, pd.DataFrame],
    sizes: Mapping[NetworkId, pd.DataFrame],
    coefficients: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Return one row per model with its size, training time and scores of the test period.

    `scores` is the table `scores.csv`. A model of several seeds is represented by the mean over
    its seeds (see the columns `forecast` and `seed`). `histories` gives `seconds` per epoch and
    `sizes` one row of `trainable_parameters,small_weight_share` for each network; training time
    and small weights are averaged over the seeds. Models that are not networks have neither, but
    may have a table of `coefficients`.
    """
    main = select_main_scores(scores)
    rows = []
    for model, title in titles.items():
        own = main[main["model"] == model]
        parameters: float = np.nan
        seconds = small = np.nan
        networks = sorted(network for network in sizes if network[0] == model)
        if coefficients and model in coefficients:
            parameters = len(coefficients[model])
        elif networks:
            table = pd.concat(sizes[network] for network in networks)
            parameters = int(table["trainable_parameters"].iloc[0])
            small = float(np.mean(table["small_weight_share"]))
            seconds = float(np.mean([histories[network]["seconds"].sum() for network in networks]))
        row: dict[str, Any] = {
            "model": model,
            "title": title,
            "trainable_parameters": parameters,
            "training_seconds": round(seconds, 1),
            "small_weight_share": round(small, 4),
            "forecast": own["forecast"].iloc[0],
            "seed": own["seed"].iloc[0],
        }
        for score in own.itertuples():
            row |= {
                score.score: score.value,
                f"{score.score}_low": score.low,
                f"{score.score}_high": score.high,
            }
        rows.append(row)
    return pd.DataFrame(rows).astype({"trainable_parameters": "Int64"})
