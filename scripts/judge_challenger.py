"""Compare newly trained networks with the champion on storms that none of them has seen."""

import json
from typing import TYPE_CHECKING, Any

from stormcnn.forecast.network_metadata import recalibration_of
from stormcnn.io import write_csv, write_text
from stormcnn.logs import job_log
from stormcnn.operations.cutoff import check_enough, count_events
from stormcnn.operations.promotion import (
    check_same_question,
    check_unseen,
    corrected_confidence,
    judge,
)
from stormcnn.operations.registry import CHAMPION
from stormcnn.provenance import sha256_of
from stormcnn.verification.reading import read_by_network
from stormcnn.verification.tables import verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def judge_challenger(
    *,
    networks: list[str],
    training: list[str],
    candidates: list[str],
    champion_predictions: list[str],
    champion: dict[str, Any] | None,
    about: dict[str, Any],
    verification: dict[str, Any],
    decision: str,
    scores: str,
    differences: str,
) -> None:
    """Write the decision with its reason, and the scores and differences that support it.

    `networks` are the files of the candidates; `training` and `candidates` are their predictions
    for the training period and for the runs that decide, in the same order. Probabilities are
    recalibrated as in forecasts.
    """
    fitted, unseen = read_by_network(training), read_by_network(candidates)
    names = [f"{model}/seed-{seed}" for model, seed in unseen]
    storms = next(iter(unseen.values()))
    events = count_events(storms["run_date"].values, storms["label"].values)
    evidence = check_enough(events, verification["block"])
    forecasts = dict(zip(names, zip(unseen.values(), networks, strict=True), strict=True))
    if champion:
        check_same_question(champion, about)
        check_unseen(events, champion["cutoff"])
        (of_champion,) = read_by_network(champion_predictions).values()
        forecasts[CHAMPION] = of_champion, champion["network"]
    predictions = {}
    for name, (forecast, network) in forecasts.items():
        probability = recalibration_of(network)(forecast["probability"].values)
        predictions[name, 0] = forecast.assign(probability=("storm", probability))
    confidence = corrected_confidence(verification["confidence"], len(names))
    tables = verify(
        predictions,
        reference=list(forecasts)[-1],
        training_climatology=float(next(iter(fitted.values()))["label"].mean()),
        resamples=verification["resamples"],
        curves=False,
        confidence=confidence,
        block=verification["block"],
    )
    judged = judge(tables.scores, tables.differences, names, confidence)
    tried = [
        {
            "model": model,
            "seed": seed,
            "sha256": sha256_of(network),
            "scores": judged.scores_as_json(name),
            "difference": judged.difference_as_json(name),
        }
        for name, (model, seed), network in zip(names, unseen, networks, strict=True)
    ]
    best = names.index(judged.challenger)
    content = {
        "promote": judged.verdict.promote,
        "why": judged.verdict.why,
        "scored_from": min(events),
        "scored_until": max(events),
        "blocks": evidence.blocks,
        "runs": evidence.runs,
        "storms": storms.sizes["storm"],
        "events": evidence.events,
        "confidence": confidence,
        "difference": tried[best]["difference"],
        "challenger": {
            "network": networks[best],
            **{name: tried[best][name] for name in ("sha256", "model", "seed", "scores")},
            "commit": fitted[list(unseen)[best]].attrs.get("stormcnn_commit"),
            **about,
        },
        "champion": champion
        and {"sha256": champion["sha256"], "scores": judged.scores_as_json(CHAMPION)},
        "candidates": tried,
    }
    write_csv(tables.scores, scores)
    write_csv(tables.differences, differences)
    write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", decision)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        judge_challenger(
            networks=snakemake.input.networks,
            training=snakemake.input.training,
            candidates=snakemake.input.candidates,
            champion_predictions=snakemake.input.champion,
            champion=snakemake.params.champion,
            about=snakemake.params.about,
            verification=snakemake.params.verification,
            decision=snakemake.output.decision,
            scores=snakemake.output.scores,
            differences=snakemake.output.differences,
        )
