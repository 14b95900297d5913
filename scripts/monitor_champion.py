"""Compare the runs that have arrived since the champion's training with its training period."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.operations.monitoring import Skill, monitor

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def monitor_champion(
    *,
    training: str,
    recent: str,
    champion: dict[str, Any],
    scored_until: str,
    window: int,
    verification: dict[str, Any],
    output: str,
) -> None:
    """Write one row per recent run."""
    before = pd.read_csv(training)
    skill = Skill(
        climatology=before["events"].sum() / before["storms"].sum(),
        at_promotion=champion["scores"]["brier_skill_score_training"]["value"],
        after=scored_until,
        window=window,
        confidence=verification["confidence"],
        resamples=verification["resamples"],
    )
    rows = monitor(
        before, pd.read_csv(recent), champion["predictors"], verification["block"], skill
    )
    rows.insert(1, "network", champion["sha256"][:12])
    write_csv(rows, output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        monitor_champion(
            training=snakemake.input.training,
            recent=snakemake.input.recent,
            champion=snakemake.params.champion,
            scored_until=snakemake.params.scored_until,
            window=snakemake.params.window,
            verification=snakemake.params.verification,
            output=snakemake.output.runs,
        )
