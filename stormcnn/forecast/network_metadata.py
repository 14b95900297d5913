"""What the file of a network says about its training, event, recalibration and thresholds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from stormcnn.config.field_types import Variable
from stormcnn.errors import UserError
from stormcnn.models.network_archive import METADATA, RECALIBRATION, THRESHOLDS, read_json
from stormcnn.models.stored_recalibration import read_recalibration
from stormcnn.storms.run_summary import TRAINING_ATTRIBUTES
from stormcnn.texts import printable
from stormcnn.verification.recalibration import Recalibration
from stormcnn.vocabulary import ISOTONIC, Array, RecalibrationMethod, Region, StrPath

_ADVICE = "Use a network.keras that stormcnn has written."

ShortText = Annotated[str, Field(max_length=1000)]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    target: Variable
    region: Region
    threshold: float


class _Metadata(BaseModel):
    """Keys that a forecast needs. A file from elsewhere may contain anything."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: ShortText
    seed: int | ShortText
    predictors: Annotated[list[Variable], Field(min_length=1, max_length=1000)]
    predictor_units: dict[Variable, ShortText]
    event: _Event
    event_attributes: dict[ShortText, str | int | float]
    training_event_frequency: Annotated[float, Field(ge=0, le=1)]
    training_minimum: list[float]
    training_maximum: list[float]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not len(self.predictors) == len(self.training_minimum) == len(self.training_maximum):
            raise ValueError("the numbers of predictors and of their limits differ")
        if set(self.predictor_units) != set(self.predictors):
            raise ValueError("the predictors and those with units differ")
        others = self.model_extra or {}
        for name in TRAINING_ATTRIBUTES:
            if not isinstance(others.get(name), str | int | float):
                raise ValueError(f"{name} is missing or is neither a text nor a number")
            if isinstance(others[name], str) and len(others[name]) > 1000:
                raise ValueError(f"{name} is too long")
            if isinstance(others[name], float) and not math.isfinite(others[name]):
                raise ValueError(f"{name} is not finite")
        for name in ("trained_from", "trained_until"):
            if not _is_time(others[name]):
                raise ValueError(f"{name} is not a time")
        return self


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and not np.isnat(np.datetime64(value))
    except ValueError:
        return False


class _Recalibration(BaseModel):
    """The fields of `verification.recalibration.Recalibration`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    method: RecalibrationMethod
    intercept: float = 0
    slope: float = 1
    knots: list[float] = []
    frequencies: list[Annotated[float, Field(ge=0, le=1)]] = []

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.method == ISOTONIC and not self.knots:
            raise ValueError("knots are missing")
        if len(self.knots) != len(self.frequencies) or self.knots != sorted(self.knots):
            raise ValueError("knots do not increase, or not every knot has a frequency")
        return self


class _Thresholds(RootModel[dict[ShortText, Annotated[float, Field(ge=0, le=1)] | None]]):
    """Probabilities at which to act, by aim; None for never."""


def read_about(network: StrPath) -> dict[str, Any]:
    """Return the metadata in the file of a network, without loading the network.

    Texts are printable. Raises `UserError` if the file is missing or damaged, or if its metadata
    are not those of a network that stormcnn has trained.
    """
    content = read_json(network, METADATA)
    _check_content(network, METADATA, _Metadata, content)
    return {
        name: printable(value) if isinstance(value, str) else value
        for name, value in content.items()
    }


def read_recalibration_settings(network: StrPath) -> dict[str, Any] | None:
    """Return the recalibration in the file of a network, or None if it has none.

    Raises `UserError` if the file is missing or damaged, or if it is not a recalibration.
    """
    content = read_recalibration(network)
    if content is not None:
        _check_content(network, RECALIBRATION, _Recalibration, content)
    return content


def recalibration_of(network: StrPath) -> Callable[[Array], Array]:
    """Return the function by which forecasts recalibrate the probabilities of a network.

    It returns them as they are if the file has no recalibration. Raises `UserError` like
    `read_recalibration_settings`.
    """
    settings = read_recalibration_settings(network)
    return Recalibration.from_json(settings).apply if settings else np.asarray


def read_thresholds(network: StrPath) -> dict[str, float]:
    """Return the probabilities at which to act in the file of a network, by aim.

    Aims for which it is best never to act are left out, and a file without thresholds has none.
    Raises `UserError` if the file is missing or damaged, or if it does not hold thresholds.
    """
    content = read_json(network, THRESHOLDS) or {}
    _check_content(network, THRESHOLDS, _Thresholds, content)
    return {printable(aim): value for aim, value in content.items() if value is not None}


def _check_content(network: StrPath, name: str, model: type[BaseModel], content: Any) -> None:
    try:
        model.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        place = printable(".".join(map(str, fault["loc"])), longest=100)
        cause = printable(fault["msg"], longest=200)
        raise UserError(f"{network}: {name}, {place or 'all'}: {cause}. {_ADVICE}") from None
