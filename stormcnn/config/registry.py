"""Settings of the block `registry`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from stormcnn.addresses import secret_parts
from stormcnn.config.block import Block
from stormcnn.config.field_types import Address
from stormcnn.config.wording import listed


class Registry(Block):
    """Where retrainings are recorded, in addition to the files in `registry/`."""

    mlflow: Address = Field(
        default="sqlite:///registry/mlflow.db",
        description="Address of an MLflow tracking server or database, without a password. The "
        "environment variable `MLFLOW_TRACKING_URI` takes precedence. null: MLflow is not used.",
    )

    def _faults(self) -> Iterator[str]:
        # The config is copied into the results, so the message does not show the address either.
        if self.mlflow and (secrets := secret_parts(self.mlflow)):
            yield (
                f"mlflow must not contain a {listed(secrets, 'or')}, because the config is copied "
                "into the results. Set the environment variables MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or set MLFLOW_TRACKING_URI to "
                "the whole address."
            )
