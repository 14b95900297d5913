"""How often confidence intervals contain the true score, measured on made-up forecasts.

`benchmark/claims.py` measures it; a test compares these numbers with its results.
"""

from __future__ import annotations

MEASURED_CONFIDENCE = 0.95
"""Confidence level of the intervals that were measured."""

MEASURED_COVERAGE = {
    10: {"brier_score": 0.940, "brier_skill_score_training": 0.947, "auc": 0.910},
    20: {"brier_score": 0.943, "brier_skill_score_training": 0.920, "auc": 0.910},
    36: {"brier_score": 0.940, "brier_skill_score_training": 0.947, "auc": 0.912},
    100: {"brier_score": 0.950, "brier_skill_score_training": 0.932, "auc": 0.942},
}
"""Share of the intervals that contain the true score, by number of blocks and score."""
