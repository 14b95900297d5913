"""The address of the MLflow registry must not contain secrets."""

from __future__ import annotations

import pytest
from config_helpers import assert_refused, messages


@pytest.mark.parametrize(
    "address",
    [
        "https://ann:mar-ker@host",
        "postgresql://host/db?password=mar-ker",
        "https://host/;mar-ker",
        "https://host/#mar-ker",
    ],
)
def test_address_with_a_secret_is_refused_and_not_shown(address):
    changes = {"registry": {"mlflow": address}}
    assert_refused(changes, "registry.mlflow", "MLFLOW_TRACKING_PASSWORD")
    assert "mar-ker" not in messages(changes)[0]
