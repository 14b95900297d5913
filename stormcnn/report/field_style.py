"""How the fields of storms are named and colored."""

from __future__ import annotations

from matplotlib.colors import LinearSegmentedColormap

from stormcnn.storms.event_texts import display_units, name_of

# Lightness decreases throughout, so that the colors can be told apart in grayscale.
REFLECTIVITY = LinearSegmentedColormap.from_list(
    "reflectivity",
    ["#ffffff", "#d3e6f3", "#8fc1dd", "#5a9e6f", "#e0a030", "#b23a1e", "#4a0d2f"],
)
REFLECTIVITY_RANGE = (0.0, 75.0)


def field_label(variable: str, units: str) -> str:
    """Return the name of a variable with its units: `Composite reflectivity (dBZ)`."""
    name = name_of(variable)
    shown = display_units(units)
    return f"{name[:1].upper()}{name[1:]}" + (f" ({shown})" if shown else "")
