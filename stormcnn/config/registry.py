"""Settings of the block `registry`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import OptionalText


class Registry(Block):
    """Where retrainings are recorded, in addition to the files in `registry/`."""

    mlflow: OptionalText = Field(
        default="sqlite:///registry/mlflow.db",
        description="Address of an MLflow tracking server or database, without a password. The "
        "environment variable `MLFLOW_TRACKING_URI` takes precedence. null: MLflow is not used.",
    )

    def _faults(self) -> Iterator[str]:
        # The config is copied into the results, so the message does not show the address either.
        if self.mlflow and "@" in self.mlflow:
            yield (
                "mlflow must not contain a user name or password, because the config is copied "
                "into the results. Set the environment variables MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or set MLFLOW_TRACKING_URI to "
                "the whole address."
            )
