"""Draw the figures of the verification."""

from typing import TYPE_CHECKING

from stormcnn.logs import job_log
from stormcnn.report.decision_figures import decision_figures
from stormcnn.report.figure_style import save_figure
from stormcnn.report.reading import read_table
from stormcnn.report.verification_figures import verification_figures
from stormcnn.storms.inventory import is_made_up

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_verification(
    *,
    scores: str,
    differences: str,
    curves: dict[str, str],
    titles: dict[str, str],
    published: list[str],
    decisions: str,
    economic_value: str,
    inventory: str,
    folder: str,
) -> None:
    """Draw the figures of the tables into `folder`, as PNG and SVG."""
    figures = verification_figures(
        scores=read_table(scores, seed=str),
        differences=read_table(differences, seed=str),
        curves={name: read_table(path, seed=str) for name, path in curves.items()},
        titles=titles,
        published=read_table(published[0]) if published else None,
        made_up=is_made_up(inventory),
    )
    figures |= decision_figures(
        read_table(decisions, seed=str),
        read_table(economic_value, seed=str),
        titles,
        made_up=is_made_up(inventory),
    )
    for name, figure in figures.items():
        save_figure(figure, f"{folder}/{name}")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_verification(
            scores=snakemake.input.scores,
            differences=snakemake.input.differences,
            curves={name: snakemake.input[name] for name in ("roc", "reliability", "performance")},
            titles=snakemake.params.titles,
            published=snakemake.input.published,
            decisions=snakemake.input.decisions,
            economic_value=snakemake.input.economic_value,
            inventory=snakemake.input.inventory,
            folder=snakemake.output[0].rpartition("/")[0],
        )
