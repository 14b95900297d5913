"""Check the run files before any training, and write what was understood of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.report.check_page import write_check
from stormcnn.report.check_summary import make_check, selection_of
from stormcnn.report.check_warnings import find_warnings, texts_of
from stormcnn.storms.examples import read_examples
from stormcnn.storms.run_files import read_run_list

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

EXAMPLES = 12
"""Storms whose fields are shown."""


def check_data(
    *,
    run_list: str,
    folder: str | None,
    name: str,
    settings: dict[str, dict[str, Any]],
    template: str,
    page: str,
    table: str,
) -> None:
    """Write the page and the table; `settings` are those of `make_check`."""
    check = make_check(read_run_list(run_list), folder, name, **settings)
    warnings = find_warnings(check)
    chosen = check.choose_examples(EXAMPLES).tolist()
    selection = selection_of(settings["data"])
    storms = read_examples(check.survey, chosen, selection, check.file_pattern)
    write_csv(check.table(texts_of(warnings)), table)
    write_check(page, template, check, warnings, storms)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check_data(
            run_list=str(Path(snakemake.output.page).parent / "runs.csv"),
            folder=snakemake.params.folder,
            name=snakemake.params.name,
            settings=snakemake.params.settings,
            template=snakemake.input.template,
            page=snakemake.output.page,
            table=snakemake.output.table,
        )
