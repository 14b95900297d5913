"""Which networks are trained, sampled and tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stormcnn.errors import UserError
from stormcnn.vocabulary import DROPOUTS

Architectures = Mapping[str, Mapping[str, Any]]
"""Settings of each network without its title, so that a new title retrains nothing."""


class TunedDropout(NamedTuple):
    """The network whose dropout rate is tuned, the key of the rate, and its present value."""

    model: str
    key: str
    rate: float


def architectures(models: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what determines each network of the config block `models`: all but its title."""
    return {
        name: {key: value for key, value in model.items() if key != "title"}
        for name, model in models.items()
    }


def wide_models(networks: Architectures) -> list[str]:
    """Return the networks with more filters than the average.

    They take longest to train and are started first.
    """
    filters = {name: sum(network["filters"]) for name, network in networks.items()}
    return [name for name in networks if filters[name] * len(filters) > sum(filters.values())]


def find_tuned_dropout(networks: Architectures, model: str | None) -> TunedDropout:
    """Return the dropout rate to tune: that of `model`, or of the first network that has one.

    Raises `UserError` if no network has a dropout rate.
    """
    for name in [model] if model else networks:
        for key in DROPOUTS:
            if rate := networks[name][key]:
                return TunedDropout(name, key, rate)
    raise UserError(
        "tuning.model: no network has a dropout rate to tune. Add a network with "
        f"{', '.join(DROPOUTS[:-1])} or {DROPOUTS[-1]} to models."
    )


def explained_models(
    explained: list[str] | None, sampled: Sequence[str], reference: str
) -> list[str]:
    """Return the networks to explain: `explained`, or by default one network.

    The default is the first of the networks that are sampled, or else the `reference`.

    >>> explained_models(None, ["dropout"], "baseline"), explained_models(None, [], "baseline")
    (['dropout'], ['baseline'])
    """
    return [*sampled, reference][:1] if explained is None else explained
