"""Train one network with one seed, and predict the storms that it was trained on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.io import write_csv, write_netcdf, write_rows, write_text
from stormcnn.logs import job_log
from stormcnn.models.fields import hold_fields
from stormcnn.models.prediction_files import describe_predictions, event_attributes
from stormcnn.provenance import provenance
from stormcnn.storms.events import check_enough_storms, exceeds
from stormcnn.storms.patches import open_patches
from stormcnn.storms.run_summary import describe_training

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def train_network(
    *,
    patches: list[str],
    scaling: str,
    model: str,
    architecture: dict[str, Any],
    training: dict[str, Any],
    event: dict[str, Any],
    memory_mb: int | None,
    seed: int,
    code: str,
    network: str,
    history: str,
    summary: str,
    size: str,
    predictions: str,
) -> None:
    """Write the trained network, its history, layer table, size and predictions.

    An interrupted training is resumed after its last complete epoch, from the file
    `unfinished.npz` next to the network.
    """
    storms, stored_fields = open_patches(patches)
    label = exceeds(storms["peak"].values, event["threshold"])
    check_enough_storms(label, event["threshold"])
    scales = pd.read_csv(scaling)

    # TensorFlow takes seconds to import, so check the storms first. It also writes messages while
    # it is imported, and the log captures them here.
    from stormcnn.models import backend
    from stormcnn.models.architecture import build_network, measure_size, summarise
    from stormcnn.models.network_files import save_network
    from stormcnn.models.prediction import predict_probability
    from stormcnn.models.training import fit_network

    backend.prepare(training["threads"], seed)
    fields = hold_fields(stored_fields, memory_mb)
    built = build_network(
        architecture, fields.shape[1:3], scales["mean"].tolist(), scales["std"].tolist()
    )
    checkpoint = Path(network).with_name("unfinished.npz")
    losses = fit_network(built, fields, label, training, seed, checkpoint, code)
    settings = {"architecture": architecture, "training": training, "event": event}
    save_network(
        built,
        network,
        {
            "model": model,
            "predictors": scales["variable"].tolist(),
            "event": event,
            "event_attributes": event_attributes(storms["peak"]),
            **describe_training(storms),
            "training_event_frequency": float(label.mean()),
            "training_minimum": scales["minimum"].tolist(),
            "training_maximum": scales["maximum"].tolist(),
            **provenance(settings, seed=seed),
        },
    )
    write_csv(losses, history)
    write_text(summarise(built), summary)
    write_rows([measure_size(built)], size)
    probability = predict_probability(built, fields)
    fitted = describe_predictions(probability, storms["peak"], event["threshold"])
    about = provenance({"model": model, **settings}, model=model, seed=seed)
    write_netcdf(fitted.assign_attrs(title=storms.attrs["title"], **about), predictions)
    # A job that outlived an earlier Snakemake process may have removed the file already.
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        train_network(
            patches=snakemake.input.patches,
            scaling=snakemake.input.scaling,
            model=snakemake.params.model,
            architecture=snakemake.params.architecture,
            training=snakemake.params.training,
            event=snakemake.params.event,
            memory_mb=snakemake.params.memory_mb,
            seed=int(snakemake.params.seed),
            code=snakemake.params.code,
            network=snakemake.output.network,
            history=snakemake.output.history,
            summary=snakemake.output.summary,
            size=snakemake.output.size,
            predictions=snakemake.output.predictions,
        )
