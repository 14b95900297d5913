"""Draw what the two kinds of dropout make of a field of ones, as the lesson does."""

from typing import TYPE_CHECKING

from stormcnn.logs import job_log
from stormcnn.report.figures import draw_dropout_masks, make_figure, save
from stormcnn.sampling.masks import drop_ones

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_dropout(*, stem: str) -> None:
    """Draw three channels of ten by ten ones after dropout and after spatial dropout."""
    figure, axes = make_figure(2, 3, size=(9, 6))
    draw_dropout_masks(axes, *drop_ones((10, 10, 3), rate=0.5, seed=1))
    save(figure, stem)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_dropout(stem=snakemake.output[0].removesuffix(".png"))
