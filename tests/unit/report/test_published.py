from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

PUBLISHED = Path(__file__).parents[3] / "report" / "published_scores.csv"


def test_published_brier_skill_follows_from_the_published_brier_scores():
    published = pd.read_csv(PUBLISHED).pivot_table(
        index=["source", "model"], columns="score", values="value"
    )
    skill = 1 - published["brier_score"] / published["brier_score_climatology"]
    # Scores are published with three decimals, so skill is known to about 0.02.
    assert np.abs(skill - published["brier_skill_score"]).max() < 0.03
    assert set(published.index) == {
        ("lesson", "l2"),
        ("lesson", "dropout"),
        ("course", "baseline"),
        ("course", "l2"),
        ("course", "dropout"),
    }


def test_published_losses_decrease_with_every_epoch():
    published = pd.read_csv(PUBLISHED.with_name("published_losses.csv"))
    for _, losses in published.groupby(["source", "model"]):
        assert losses["epoch"].tolist() == list(range(1, len(losses) + 1))
        assert losses["loss"].is_monotonic_decreasing
    assert published.groupby(["source", "model"]).size().to_dict() == {
        ("course", "baseline"): 10,
        ("course", "dropout"): 10,
        ("course", "l2"): 5,
        ("lesson", "dropout"): 10,
        ("lesson", "l2"): 10,
    }
