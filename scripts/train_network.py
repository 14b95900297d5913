"""Train one network with one or more seeds, and apply it to storms."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.io import as_list, write_csv, write_rows, write_text
from stormcnn.logs import job_log
from stormcnn.models.fields import hold_fields
from stormcnn.models.held_out import held_out_start
from stormcnn.models.prediction_files import event_attributes, write_predictions
from stormcnn.provenance import provenance
from stormcnn.storms.events import check_any_storm, check_enough_storms, exceeds
from stormcnn.storms.patches import open_patches
from stormcnn.storms.run_summary import describe_training

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logger = logging.getLogger(__name__)


def train_network(
    *,
    patches: list[str],
    scaling: str,
    model: str,
    architecture: dict[str, Any],
    training: dict[str, Any],
    event: dict[str, Any],
    memory_mb: int | None,
    code: str,
    outputs: dict[int, dict[str, str]],
    keep_checkpoints: bool,
    hold_out: dict[str, Any],
    held_out: list[str],
    test_patches: Sequence[str] = (),
) -> None:
    """Write the trained network, its history, layer table, size and predictions for each seed.

    `outputs` has the paths of `network`, `history`, `summary`, `size` and `predictions` by seed,
    and with `test_patches` that of `test_predictions`, which are those of `predict_storms`.
    An interrupted training is resumed after its last complete epoch, from the file
    `checkpoint.npz` next to the network. With `keep_checkpoints` it stays there, so that a later
    job with more seeds trains only the new ones.

    If `held_out` has a path, the network is also trained without the last blocks of the training
    period, and its predictions for their storms are written there. `hold_out` has the `seed` of
    this training and the run date of their `start`, or None if they are too few.
    """
    storms, fields = open_patches(patches)
    threshold = event["threshold"]
    label = exceeds(storms["peak"].values, threshold)
    check_enough_storms(label, threshold)
    scales = pd.read_csv(scaling)
    if test_patches:
        test_storms, test_fields = open_patches(test_patches)
        check_any_storm(test_storms.sizes["storm"])
        held_test_fields = hold_fields(test_fields, memory_mb)

    # TensorFlow takes seconds to import, so check the storms first. It also writes messages while
    # it is imported, and the log captures them here.
    from stormcnn.models.trainer import Trainer  # isort: skip # it prepares the import of Keras
    from stormcnn.models.architecture import measure_size, summarize
    from stormcnn.models.network_files import save_network
    from stormcnn.models.prediction import predict_probability

    seeds = [*outputs, *([hold_out["seed"]] if held_out else [])]
    trainer = Trainer(fields, label, scales, architecture, training, memory_mb, code, seeds)
    settings = {"architecture": architecture, "training": training, "event": event}
    units = storms["units"].to_series().to_dict()
    for seed, paths in outputs.items():
        logger.info("Training %s with seed %d.", model, seed)
        network, history = trainer.train(seed, Path(paths["network"]).with_name("checkpoint.npz"))
        metadata = {
            "model": model,
            "predictors": scales["variable"].tolist(),
            "predictor_units": units,
            "event": event,
            "event_attributes": event_attributes(storms["peak"]),
            **describe_training(storms),
            "training_event_frequency": float(label.mean()),
            "training_minimum": scales["minimum"].tolist(),
            "training_maximum": scales["maximum"].tolist(),
            **provenance(settings, seed=seed),
        }
        save_network(network, paths["network"], metadata)
        write_csv(history, paths["history"])
        write_text(summarize(network), paths["summary"])
        write_rows([measure_size(network)], paths["size"])
        probability = predict_probability(network, trainer.fields)
        write_predictions(
            paths["predictions"], probability, storms, threshold, settings, model, seed
        )
        if test_patches:
            write_predictions(
                paths["test_predictions"],
                predict_probability(network, held_test_fields),
                test_storms,
                threshold,
                {"threshold": threshold},
                model,
                seed,
            )
    for path in held_out:
        seed = hold_out["seed"]
        start = held_out_start(storms["run_date"].values, label, hold_out["start"])
        probability = np.zeros(label.size, np.float32)
        if start < label.size:
            logger.info("Training %s with seed %d on the first %d storms.", model, seed, start)
            network, _ = trainer.train(seed, Path(path).with_suffix(".npz"), start)
            probability = predict_probability(network, trainer.fields)
        tail = slice(start, None)
        write_predictions(
            path,
            probability[tail],
            storms.isel(storm=tail),
            threshold,
            {**settings, **hold_out},
            model,
            seed,
        )
    if not keep_checkpoints:
        trainer.remove_checkpoints()


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        params, files = snakemake.params, dict(snakemake.output.items())
        held_out = as_list(files.pop("held_out", []))
        seeds = [int(seed) for seed in as_list(params.seed)]
        train_network(
            patches=snakemake.input.patches,
            scaling=snakemake.input.scaling,
            model=params.model,
            architecture=params.architecture,
            training=params.training,
            event=params.event,
            memory_mb=params.memory_mb,
            code=params.code,
            outputs={
                seed: {kind: as_list(paths)[number] for kind, paths in files.items()}
                for number, seed in enumerate(seeds)
            },
            keep_checkpoints=params.get("keep_checkpoints", False),
            hold_out=params.get("hold_out", {}),
            held_out=held_out,
            test_patches=snakemake.input.get("test_patches", []),
        )
