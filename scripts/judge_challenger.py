"""Compare a newly trained network with the champion on storms that neither has seen."""

import json
from typing import TYPE_CHECKING, Any

from stormcnn.io import write_csv, write_text
from stormcnn.logs import job_log
from stormcnn.operations.cutoff import check_enough, count_events
from stormcnn.operations.promotion import (
    Difference,
    check_same_question,
    check_unseen,
    judge_challenge,
    judge_first,
    select_estimates,
)
from stormcnn.provenance import sha256_of
from stormcnn.verification.reading import read_by_network
from stormcnn.verification.tables import verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


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
    """Write the decision with its reason, and the scores and differences that support it."""
    (fitted,) = read_by_network([training]).values()
    (unseen,) = read_by_network([challenger]).values()
    events = count_events(unseen["run_date"].values, unseen["label"].values)
    evidence = check_enough(events, verification["block"])
    predictions = {("challenger", 0): unseen}
    if champion:
        check_same_question(champion, about)
        check_unseen(events, champion["cutoff"])
        (predictions["champion", 0],) = read_by_network(champion_predictions).values()
    tables = verify(
        predictions,
        reference=list(predictions)[-1][0],
        training_climatology=float(fitted["label"].mean()),
        resamples=verification["resamples"],
        curves=False,
        confidence=verification["confidence"],
        block=verification["block"],
    )
    all_storms = tables.scores[tables.scores["stratum"] == "all"].set_index(["model", "score"])
    estimates = {role: select_estimates(all_storms.loc[role]) for role, _ in predictions}
    described = {
        role: {score: estimate.as_json() for score, estimate in selected.items()}
        for role, selected in estimates.items()
    }
    difference = None
    if champion:
        brier_score = tables.differences.set_index("score").loc["brier_score"]
        columns = ["difference", "low", "high", "p_value"]
        difference = Difference(*brier_score[columns].astype(float))
        verdict = judge_challenge(difference, verification["confidence"])
    else:
        verdict = judge_first(
            estimates["challenger"]["brier_skill_score_training"], verification["confidence"]
        )
    content = {
        "promote": verdict.promote,
        "why": verdict.why,
        "scored_from": min(events),
        "scored_until": max(events),
        "blocks": evidence.blocks,
        "runs": evidence.runs,
        "storms": unseen.sizes["storm"],
        "events": evidence.events,
        "difference": difference and difference.as_json(),
        "challenger": {
            "network": network,
            "sha256": sha256_of(network),
            "commit": fitted.attrs.get("stormcnn_commit"),
            **about,
            "scores": described["challenger"],
        },
        "champion": champion and {"sha256": champion["sha256"], "scores": described["champion"]},
    }
    write_csv(tables.scores, scores)
    write_csv(tables.differences, differences)
    write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", decision)


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
