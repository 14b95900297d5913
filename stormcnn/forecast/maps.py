"""Maps of forecast probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from stormcnn.report.figure_style import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@matplotlib.rc_context(STYLE)
def draw_map(
    axes: Axes,
    longitude: np.ndarray,
    latitude: np.ndarray,
    probability: np.ndarray,
    event: str = "the event",
) -> None:
    """Draw storms on a map, colored and sized by probability.

    `longitude` and `latitude` (degrees east and north) and `probability` in [0, 1] have shape
    (storm,). `event` is the event in words. Storms with larger probabilities are drawn on top.
    There are no borders, because no map data are installed with stormcnn.
    """
    order = np.argsort(probability, kind="stable")
    colors = matplotlib.colormaps["YlOrRd"]
    scale = Normalize(0, 1)
    axes.scatter(
        longitude[order],
        latitude[order],
        c=probability[order],
        s=12 + 110 * probability[order],
        cmap=colors,
        norm=scale,
        edgecolors="black",
        linewidths=0.4,
    )
    axes.figure.colorbar(
        ScalarMappable(scale, colors),
        ax=axes,
        label="Probability",
        shrink=0.8,
    )
    if len(latitude):
        axes.set_aspect(1 / np.cos(np.radians(np.mean(latitude))))
    axes.margins(0.08)
    axes.grid(True)
    axes.set_xlabel("Longitude (°E)")
    axes.set_ylabel("Latitude (°N)")
    axes.set_title(f"Probability of {event}")
