"""Checks of settings in different blocks against each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from stormcnn.config.experiment import DEMO
from stormcnn.config.opponents import OPPONENT_TITLES
from stormcnn.config.wording import listed, shown
from stormcnn.vocabulary import DROPOUTS

if TYPE_CHECKING:
    from stormcnn.config.config import Config


def faults(config: Config) -> Iterator[str]:
    """Yield a sentence for each contradiction between settings in different blocks.

    A sentence begins with the key that it is about.
    """
    yield from _source_faults(config)
    yield from _split_faults(config)
    if not config.models:
        yield "models must have at least one network that is not null (got none)."
        return
    yield from _title_faults(config)
    yield from _model_faults(config, "comparison.reference", config.comparison.reference)
    yield from _sampling_faults(config)
    yield from _tuning_faults(config)
    for name in config.explanation.models or ():
        yield from _model_faults(config, "explanation.models", name)
    yield from _forecast_faults(config)


def _source_faults(config: Config) -> Iterator[str]:
    data = config.data
    for key, name in {"experiment.name": config.experiment.name, "data.name": data.name}.items():
        if name == DEMO and data.source != "demo":
            yield (
                f"{key} must not be {DEMO} if data.source is {data.source}, because this name is "
                "reserved for made-up data. Choose another name."
            )
    if data.source == "folder" and data.folder is None:
        yield (
            "data.folder must be the path of the folder with your run files if data.source is "
            "folder (got null)."
        )
    if data.source != "folder" and data.folder is not None:
        yield (
            f"data.folder must be null if data.source is {data.source} (got "
            f"{shown(data.folder)}). Remove it, or set data.source to folder."
        )
    if data.source == "ncar" and data.ncar is None:
        yield (
            "data.ncar must have the addresses of the archives if data.source is ncar (got null). "
            "Copy the block from config/ncar.yaml."
        )


def _split_faults(config: Config) -> Iterator[str]:
    test_start, validation_start = config.split.test_start, config.tuning.validation_start
    yield from _batch_faults(config, "split.test_start", test_start)
    if training_start := config.split.training_start:
        yield from _batch_faults(config, "split.training_start", training_start)
        if training_start >= test_start:
            yield (
                f"split.training_start must be before split.test_start, {test_start} (got "
                f"{training_start}). Choose an earlier day."
            )
    if validation_start is None:
        return
    yield from _batch_faults(config, "tuning.validation_start", validation_start)
    if validation_start >= test_start:
        yield (
            f"tuning.validation_start must be before split.test_start, {test_start} (got "
            f"{validation_start}). The test period must not be used for tuning."
        )


def _batch_faults(config: Config, key: str, day: date) -> Iterator[str]:
    batch = config.data.batch
    first = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[batch]
    if day != first:
        yield (
            f"{key} must be the first day of a {batch}, such as {first}, because data.batch is "
            f"{batch} (got {day}). Change one of the two."
        )


def _title_faults(config: Config) -> Iterator[str]:
    titles = {f"models.{name}": network.title or name for name, network in config.models.items()}
    for name in config.models:
        if name in OPPONENT_TITLES:
            yield (
                f"models.{name} must have another key, because this one is reserved for a model "
                "in opponents. Rename the network."
            )
    for opponent in config.opponents:
        titles[f"opponents.{opponent}"] = OPPONENT_TITLES[opponent]
    for title in dict.fromkeys(titles.values()):
        owners = [owner for owner in titles if titles[owner] == title]
        if len(owners) > 1:
            yield (
                f"{listed(owners)} must have different titles (got {shown(title)}). Change a "
                "title, or the key of a network without title."
            )


def _sampling_faults(config: Config) -> Iterator[str]:
    for name in config.uncertainty.models:
        yield from _dropout_faults(config, "uncertainty.models", name)


def _tuning_faults(config: Config) -> Iterator[str]:
    if config.tuning.model is not None:
        yield from _dropout_faults(config, "tuning.model", config.tuning.model)
    elif config.tuning.report and not any(
        network.has_dropout for network in config.models.values()
    ):
        yield "tuning.report must be false if no network has dropout (got true)."


def _forecast_faults(config: Config) -> Iterator[str]:
    """Yield the faults of forecasts by a network of this experiment."""
    forecast = config.forecast
    if not forecast.runs or forecast.network is not None:
        return
    yield from _model_faults(config, "forecast.model", forecast.model)
    network = config.models.get(forecast.model)
    if forecast.members and network and not network.has_dropout:
        yield (
            f"forecast.members must be 0, because models.{forecast.model} has no dropout (got "
            f"{forecast.members})."
        )
    seeds = config.training.seeds
    if forecast.seed not in seeds:
        yield (
            f"forecast.seed must be one of training.seeds, {listed(map(str, seeds), 'or')} (got "
            f"{forecast.seed})."
        )


def _model_faults(config: Config, key: str, name: str) -> Iterator[str]:
    if name not in config.models:
        yield (
            f"{key} must be a network in models: {listed(config.models, 'or')} (got {shown(name)})."
        )


def _dropout_faults(config: Config, key: str, name: str) -> Iterator[str]:
    yield from _model_faults(config, key, name)
    if name in config.models and not config.models[name].has_dropout:
        yield (
            f"{key} must be a network with dropout (got {name}). Set {listed(DROPOUTS, 'or')} of "
            f"models.{name}, or choose another network."
        )
