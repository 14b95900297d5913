"""The setting `opponents`: models that are no networks, against which the networks are compared."""

from __future__ import annotations

from typing import Annotated

from stormcnn.config.field_types import UNIQUE, must_be
from stormcnn.config.wording import listed
from stormcnn.vocabulary import BOOSTED_TREES, LOGISTIC_REGRESSION, THRESHOLD_RULE, Opponent

OPPONENT_TITLES: dict[Opponent, str] = {
    BOOSTED_TREES: "Boosted trees",
    THRESHOLD_RULE: "Threshold rule",
    LOGISTIC_REGRESSION: "Logistic regression",
}
"""Names of the opponents in tables and figures, by their keys."""

Opponents = Annotated[
    list[Opponent],
    *UNIQUE,
    must_be(f"a list of {listed(OPPONENT_TITLES)} without duplicates, or []"),
]
