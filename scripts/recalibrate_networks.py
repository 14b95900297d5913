"""Store with each trained network how to recalibrate its probabilities, and when to act on them."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import as_list
from stormcnn.logs import job_log
from stormcnn.models.stored_recalibration import add_recalibration
from stormcnn.verification.calibration import judge_held_out, used_recalibration
from stormcnn.verification.decisions import choose_thresholds
from stormcnn.verification.reading import read_by_network

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def recalibrate_networks(
    *,
    models: list[str],
    trained: list[str],
    held_out: list[str],
    recalibration: dict[str, Any],
    cost_loss: list[float],
    networks: list[str],
) -> None:
    """Write each trained network with the recalibration that is shown to help, if there is one.

    `models`, `trained` and `networks` are in the same order. `held_out` are the paths of the
    held-out predictions of these models, or empty if nothing is recalibrated. `recalibration` has
    the settings `methods`, `block` and `confidence`. The thresholds at which to act, also those for
    the ratios `cost_loss`, are chosen on the recalibrated held-out predictions.
    """
    stored: dict[str, tuple[dict[str, Any] | None, dict[str, float | None]]] = {}
    for (model, _), predictions in read_by_network(held_out).items():
        function = used_recalibration(judge_held_out(predictions, **recalibration))
        probability = predictions["probability"].values
        thresholds = choose_thresholds(
            function.apply(probability) if function else probability,
            predictions["label"].values,
            cost_loss,
        )
        stored[model] = function.as_json() if function else None, thresholds
    for model, source, network in zip(models, trained, networks, strict=True):
        function_settings, thresholds = stored.get(model, (None, {}))
        add_recalibration(source, function_settings, network, thresholds)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        recalibrate_networks(
            models=snakemake.params.models,
            trained=as_list(snakemake.input.trained),
            held_out=as_list(snakemake.input.held_out),
            recalibration=snakemake.params.recalibration,
            cost_loss=snakemake.params.cost_loss,
            networks=list(snakemake.output),
        )
