"""The address of the MLflow registry must not contain secrets."""

from __future__ import annotations

from config_helpers import assert_refused, messages


def test_address_with_a_password_is_refused_and_not_shown():
    changes = {"registry": {"mlflow": "https://ann:secret@host"}}
    assert_refused(changes, "registry.mlflow", "MLFLOW_TRACKING_PASSWORD")
    assert "secret" not in messages(changes)[0]
