"""Draw the cases of one network: each storm beside its members' probabilities."""

from typing import TYPE_CHECKING

from stormcnn.io import read_netcdf
from stormcnn.logs import job_log
from stormcnn.report.figures import draw_case, make_figure, save
from stormcnn.storms.inventory import is_made_up_title

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_cases(*, cases: str, stem: str) -> None:
    """Draw one row a case."""
    storms = read_netcdf(cases)
    made_up = is_made_up_title(storms.attrs["title"])
    count = storms.sizes["storm"]
    figure, axes = make_figure(count, 2, size=(10, 4 * count), made_up=made_up)
    for index in range(count):
        draw_case(axes[index], storms.isel(storm=index))
    save(figure, stem)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_cases(
            cases=snakemake.input.cases,
            stem=snakemake.output[0].removesuffix(".png"),
        )
