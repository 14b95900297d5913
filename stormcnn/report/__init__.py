"""Presentation: labels, figures, tables, and the report page."""
