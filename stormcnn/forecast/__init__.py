"""Forecasts of new storms, and their outcomes."""
