"""The whole config, one field per block.

`Config` defines the settings: `config/schema.json` and `config/config.yaml` are generated from it,
and its descriptions are the reference of the config in the documentation. The workflow imports this
module at every start, so it imports nothing heavier than pydantic.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pydantic import Field, model_validator

from stormcnn.config import between_blocks
from stormcnn.config.block import Block
from stormcnn.config.comparison import Comparison
from stormcnn.config.data import Data
from stormcnn.config.decisions import Decisions
from stormcnn.config.event import Event
from stormcnn.config.experiment import Experiment
from stormcnn.config.explanation import Explanation
from stormcnn.config.forecast import Forecast
from stormcnn.config.models import Models, lesson_models
from stormcnn.config.monitoring import Monitoring
from stormcnn.config.observations import Observations
from stormcnn.config.opponents import OPPONENT_TITLES, Opponents
from stormcnn.config.recalibration import Recalibration
from stormcnn.config.registry import Registry
from stormcnn.config.report import Report
from stormcnn.config.retraining import Retraining
from stormcnn.config.split import Split
from stormcnn.config.training import Training
from stormcnn.config.tuning import Tuning
from stormcnn.config.uncertainty import Uncertainty
from stormcnn.config.verification import Verification


class Config(Block):
    """Settings of the workflow. The defaults are those of the demo."""

    experiment: Experiment = Field(default_factory=Experiment)
    data: Data = Field(default_factory=Data)
    event: Event = Field(default_factory=Event)
    split: Split = Field(default_factory=Split)
    models: Models = Field(
        default_factory=lesson_models,
        description="The networks. Each has its own key, which names its files. A network that "
        "is set to null is left out.",
    )
    opponents: Opponents = Field(
        default=list(OPPONENT_TITLES),
        description="Models that are no networks, to show whether a network is worth it. "
        "`boosted_trees`: gradient-boosted trees on statistics of each predictor, curl and "
        "divergence of the wind, size of the storm, place and time, with the seeds of the "
        "networks. `threshold_rule`: the one of these statistics with the largest area under the "
        "ROC curve in the training period, turned into a probability. `logistic_regression`: "
        "logistic regression on the mean of each predictor over the patch. `[]`: none.",
    )
    comparison: Comparison = Field(default_factory=Comparison)
    training: Training = Field(default_factory=Training)
    recalibration: Recalibration = Field(default_factory=Recalibration)
    verification: Verification = Field(default_factory=Verification)
    observations: Observations = Field(default_factory=Observations)
    decisions: Decisions = Field(default_factory=Decisions)
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)
    tuning: Tuning = Field(default_factory=Tuning)
    explanation: Explanation = Field(default_factory=Explanation)
    report: Report = Field(default_factory=Report)
    forecast: Forecast = Field(default_factory=Forecast)
    retraining: Retraining = Field(default_factory=Retraining)
    monitoring: Monitoring = Field(default_factory=Monitoring)
    registry: Registry = Field(default_factory=Registry)

    def _faults(self) -> Iterator[str]:
        return between_blocks.faults(self)

    @model_validator(mode="after")
    def _fill_in_titles(self) -> Self:
        for name, network in self.models.items():
            network.title = network.title or name
        return self


def schema() -> dict[str, Any]:
    """Return the JSON schema of the config, which files with only some of the keys match too."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect} | Config.model_json_schema()
