"""Scheduled operation: registry, promotion and MLflow."""
