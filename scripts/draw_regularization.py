"""Draw what regularization did to the skill and the weights of the networks."""

from typing import TYPE_CHECKING

from stormcnn.logs import job_log
from stormcnn.report.figure_style import save_figure
from stormcnn.report.reading import read_table
from stormcnn.report.regularization_figures import read_kernels, regularization_figure
from stormcnn.storms.inventory import is_made_up

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_regularization(
    *,
    scores: str,
    networks: dict[tuple[str, int], str],
    titles: dict[str, str],
    inventory: str,
    stem: str,
) -> None:
    """Draw the scores and the weights of the network files to `<stem>.png` and `<stem>.svg`."""
    figure = regularization_figure(
        read_table(scores, seed=str),
        {network: read_kernels(path) for network, path in networks.items()},
        titles,
        made_up=is_made_up(inventory),
    )
    save_figure(figure, stem)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        names = map(tuple, snakemake.params.networks)
        draw_regularization(
            scores=snakemake.input.scores,
            networks=dict(zip(names, snakemake.input.networks, strict=True)),
            titles=snakemake.params.titles,
            inventory=snakemake.input.inventory,
            stem=snakemake.output[0].removesuffix(".png"),
        )
