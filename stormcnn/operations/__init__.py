"""Scheduled operation: the registry of champions, promotion, and the MLflow registry."""
