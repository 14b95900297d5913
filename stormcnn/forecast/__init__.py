"""Forecasts of new storms, and their verification when the outcome is known."""
