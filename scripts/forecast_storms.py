"""Forecast the storms of one run file with a trained network."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.forecast.contents import ForecastContents
from stormcnn.forecast.files import assemble_forecast, outside_range, tabulate_forecast
from stormcnn.forecast.geojson import as_geojson
from stormcnn.forecast.maps import draw_map
from stormcnn.forecast.network_metadata import read_about, read_recalibration_settings
from stormcnn.forecast.outlines import storm_outlines
from stormcnn.forecast.run_inputs import read_for_network
from stormcnn.io import write_csv, write_netcdf, write_text
from stormcnn.logs import job_log
from stormcnn.provenance import provenance, sha256_of
from stormcnn.report.figure_style import make_figure, save_figure
from stormcnn.sampling.members import summarize_members
from stormcnn.storms.event_texts import event_texts
from stormcnn.storms.run_files import parse_run_name
from stormcnn.storms.run_summary import TRAINING_ATTRIBUTES
from stormcnn.storms.titles import is_made_up_title
from stormcnn.verification.recalibration import Recalibration

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def forecast_storms(
    *,
    run_file: str,
    network: str,
    event: dict[str, Any],
    reject: list[str],
    file_pattern: str,
    members: int,
    seed: int,
    threads: int,
    memory_mb: float,
    dataset: str,
    table: str,
    geojson: str,
    picture: str,
) -> None:
    """Write the forecast of every storm of a run file as NetCDF, CSV, GeoJSON and a map.

    If the file of the network has a recalibration, it is applied to the probabilities, also to
    those of each MC member.
    `event` has the settings `title`, `units` and `lead` for texts about the network's event.
    """
    # TensorFlow writes messages while it is imported, so import it after the log is opened.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.models.prediction import predict_probability
    from stormcnn.sampling.sampler import MemberSampler, dropout_layers

    about, recalibration = read_about(network), read_recalibration_settings(network)
    recalibrate = Recalibration.from_json(recalibration).apply if recalibration else np.asarray
    texts = event_texts(**about["event"], **event, attributes=about["event_attributes"])
    predictors = about["predictors"]
    storms = read_for_network(
        run_file,
        predictors=predictors,
        units=about["predictor_units"],
        reject=reject,
        file_pattern=file_pattern,
        outlines=True,
        memory_mb=memory_mb,
    )
    fields = storms["predictors"].values
    backend.prepare(threads, seed)
    trained = load_network(network)
    raw = predict_probability(trained, fields)
    summary: dict[str, np.ndarray] = {}
    if members and dropout_layers(trained) and len(fields):
        sampler = MemberSampler(trained, members, seed)
        parts = [summarize_members(recalibrate(values)) for _, values in sampler.batches(fields)]
        summary = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    outside = outside_range(fields, about["training_minimum"], about["training_maximum"])
    forecast = assemble_forecast(storms, recalibrate(raw), raw, summary, outside, texts.phrase)
    forecast = forecast.assign_attrs(
        title=storms.attrs["title"],
        **{name: about[name] for name in TRAINING_ATTRIBUTES},
        predictors=",".join(predictors),
        predictor_units=json.dumps(about["predictor_units"]),
        **{f"event_{key}": value for key, value in about["event"].items()},
        event_title=texts.title,
        event_lead=texts.lead,
        event_units=texts.units,
        event_threshold_units=about["event_attributes"].get("threshold_units", ""),
        training_event_frequency=about["training_event_frequency"],
        recalibration=json.dumps(recalibration) if recalibration else "none",
        members=members if summary else 0,
        members_seed=seed,
        rejected_storms=storms.attrs["rejected"],
        rejected_reason=storms.attrs["reason"],
        **provenance(
            {"network": about, "recalibration": recalibration, "members": members},
            model=about["model"],
            seed=about["seed"],
        ),
        network_sha256=sha256_of(network),
    )
    write_netcdf(forecast, dataset)
    rows = tabulate_forecast(forecast)
    write_csv(rows, table)
    ranked = storms.isel(storm=np.searchsorted(storms["patch"], forecast["patch"]))
    contents = ForecastContents(forecast, ranked, storm_outlines(ranked))
    write_text(as_geojson(contents), geojson)
    figure, ((panel,),) = make_figure(
        size=(9, 6.5), made_up=is_made_up_title(storms.attrs["title"])
    )
    longitude, latitude, shown = (
        rows[name].to_numpy() for name in ("longitude", "latitude", "probability")
    )
    draw_map(panel, longitude, latitude, shown, texts.phrase)
    run_date = parse_run_name(run_file, file_pattern).run_date
    when = f"{run_date:%Y-%m-%d %H} UTC"
    panel.set_title(f"{panel.get_title(loc='left')}, run of {when}", loc="left")
    save_figure(figure, picture)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        forecast_storms(
            run_file=snakemake.input.run_file,
            network=snakemake.params.network,
            event=snakemake.params.event,
            reject=snakemake.params.reject,
            file_pattern=snakemake.params.file_pattern,
            members=snakemake.params.members,
            seed=snakemake.params.seed,
            threads=snakemake.params.threads,
            memory_mb=snakemake.resources.mem_mb,
            dataset=snakemake.output.dataset,
            table=snakemake.output.table,
            geojson=snakemake.output.geojson,
            picture=snakemake.output.map.removesuffix(".png"),
        )
