"""Write the report."""

from pathlib import Path
from typing import TYPE_CHECKING

from stormcnn.io import read_netcdf, write_text
from stormcnn.logs import job_log
from stormcnn.report.headline import summarize
from stormcnn.report.page import ReportInputs, write_report
from stormcnn.storms.event_texts import event_texts
from stormcnn.storms.inventory import is_made_up
from stormcnn.verification.shared_storms import count_shared_storms

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        test = read_netcdf(snakemake.input.predictions[0])
        networks = [(model, seed) for model, seed in snakemake.params.networks]
        inputs = ReportInputs(
            template=snakemake.input.template,
            experiment=snakemake.params.experiment,
            event=event_texts(**snakemake.params.event, attributes=test["label"].attrs),
            made_up=is_made_up(snakemake.input.inventory),
            confidence=snakemake.params.verification["confidence"],
            resamples=snakemake.params.verification["resamples"],
            block=snakemake.params.verification["block"],
            shared_storms=count_shared_storms(
                read_netcdf(snakemake.input.training),
                test,
                snakemake.params.verification["block"],
                snakemake.params.file_pattern,
            ),
            recipe=snakemake.params.recipe,
            config=snakemake.input.config,
            comparison=snakemake.input.comparison,
            scores=snakemake.input.scores,
            inventory=snakemake.input.inventory,
            summaries=dict(zip(networks, snakemake.input.summaries, strict=True)),
            histories=dict(zip(networks, snakemake.input.histories, strict=True)),
            predictions=snakemake.input.predictions,
            patches=snakemake.input.patches,
            differences=snakemake.input.differences,
            recalibration=snakemake.input.recalibration,
            decisions=snakemake.input.decisions,
            curves={
                name: snakemake.input[name]
                for name in ("roc", "reliability", "performance", "thresholds", "economic_value")
            },
            uncertainty={Path(path).stem: path for path in snakemake.input.uncertainty},
            members=snakemake.input.members,
            cases=snakemake.input.cases,
            explanations={Path(path).stem: path for path in snakemake.input.explanations},
            explained=snakemake.input.explained,
            tuning={Path(path).stem: path for path in snakemake.input.tuning},
            observed={
                Path(path).stem.removeprefix("observed_"): path for path in snakemake.input.observed
            },
            figures=[*snakemake.input.figures, *snakemake.input.pictures],
            published=next(iter(snakemake.input.published), None),
            coefficients=next(iter(snakemake.input.coefficients), None),
            explored=snakemake.params.explored,
        )
        headline = write_report(snakemake.output.report, inputs)
        write_text(summarize(headline), snakemake.output.summary)
