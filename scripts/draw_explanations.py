"""Draw the permutation importance, and the attributions of each explained model."""

from typing import TYPE_CHECKING

from stormcnn.io import read_netcdf
from stormcnn.logs import job_log
from stormcnn.report.explanation_figures import attribution_figure, importance_figure
from stormcnn.report.explanation_texts import SHOWN_SCORE
from stormcnn.report.figure_style import save_figure
from stormcnn.report.reading import read_table
from stormcnn.storms.inventory import is_made_up

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_explanations(
    *, permutation: str, storms: list[str], inventory: str, titles: dict[str, str], folder: str
) -> None:
    """Draw `importance`, and `attributions-<model>` for each file of `storms`, into `folder`."""
    figure = importance_figure(
        read_table(permutation), titles, SHOWN_SCORE, made_up=is_made_up(inventory)
    )
    save_figure(figure, f"{folder}/importance")
    for path in storms:
        explained = read_netcdf(path)
        save_figure(
            attribution_figure(explained), f"{folder}/attributions-{explained.attrs['model']}"
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_explanations(
            permutation=snakemake.input.permutation,
            storms=snakemake.input.storms,
            inventory=snakemake.input.inventory,
            titles=snakemake.params.titles,
            folder=snakemake.output[0].rpartition("/")[0],
        )
