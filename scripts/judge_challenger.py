"""Judge a newly trained network by storms that neither it nor the champion has seen."""

import json
import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.io import write_csv, write_text
from stormcnn.logs import job_log
from stormcnn.models.prediction_files import read_by_network
from stormcnn.operations.promotion import (
    Estimate,
    check_enough,
    check_same_question,
    check_unseen,
    count_events,
    judge_challenge,
    judge_first,
)
from stormcnn.provenance import sha256_of
from stormcnn.verification.tables import verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

SHOWN = ("brier_score", "brier_skill_score_training", "log_score", "auc")


def judge_challenger(
    *,
    network: str,
    training: str,
    challenger: str,
    champion_predictions: list[str],
    champion: dict[str, Any] | None,
    about: dict[str, Any],
    verification: dict[str, Any],
    decision: str,
    scores: str,
    differences: str,
) -> None:
    """Write the decision and why, and the scores and the difference that it rests on."""
    (learned,) = read_by_network([training]).values()
    (judged,) = read_by_network([challenger]).values()
    events = count_events(judged["run_date"].values, judged["label"].values)
    check_enough(events)
    predictions = {("challenger", 0): judged}
    if champion:
        check_same_question(champion, about)
        check_unseen(events, champion["cutoff"])
        (predictions["champion", 0],) = read_by_network(champion_predictions).values()
    tables = verify(
        predictions,
        reference=list(predictions)[-1][0],
        training_climatology=float(learned["label"].mean()),
        resamples=verification["resamples"],
        curves=False,
        confidence=verification["confidence"],
    )
    whole = tables.scores[tables.scores["stratum"] == "all"].set_index(["model", "score"])
    difference = None
    if champion:
        compared = tables.differences.set_index("score").loc["brier_score"]
        difference = Estimate(*compared[["difference", "low", "high"]].astype(float))
        verdict = judge_challenge(difference, verification["confidence"])
    else:
        skill = estimates_of(whole.loc["challenger"])["brier_skill_score_training"]
        verdict = judge_first(skill, verification["confidence"])
    decided = {
        "promote": verdict.promote,
        "why": verdict.why,
        "scored_from": min(events),
        "scored_until": max(events),
        "runs": len(events),
        "storms": judged.sizes["storm"],
        "events": sum(events.values()),
        "difference": difference and plain(difference),
        "challenger": {
            "network": network,
            "sha256": sha256_of(network),
            **about,
            "scores": described(whole.loc["challenger"]),
        },
        "champion": champion
        and {"sha256": champion["sha256"], "scores": described(whole.loc["champion"])},
    }
    write_csv(tables.scores, scores)
    write_csv(tables.differences, differences)
    write_text(json.dumps(decided, indent=2, allow_nan=False) + "\n", decision)


def estimates_of(scores: pd.DataFrame) -> dict[str, Estimate]:
    """The scores that are shown, of one network's table by score."""
    table = scores.loc[list(SHOWN), list(Estimate._fields)].astype(float)
    return {str(row[0]): Estimate(*row[1:]) for row in table.itertuples()}


def described(scores: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    return {score: plain(estimate) for score, estimate in estimates_of(scores).items()}


def plain(estimate: Estimate) -> dict[str, float | None]:
    """For JSON, which has no NaN."""
    return {
        name: value if math.isfinite(value) else None for name, value in estimate._asdict().items()
    }


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        judge_challenger(
            network=snakemake.input.network,
            training=snakemake.input.training,
            challenger=snakemake.input.challenger,
            champion_predictions=snakemake.input.champion,
            champion=snakemake.params.champion,
            about=snakemake.params.about,
            verification=snakemake.params.verification,
            decision=snakemake.output.decision,
            scores=snakemake.output.scores,
            differences=snakemake.output.differences,
        )
