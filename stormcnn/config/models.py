"""Settings of the block `models`: the networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import (
    CountFromOne,
    DropoutRate,
    Name,
    NotNegative,
    Text,
    Title,
    must_be,
    without_nulls,
)
from stormcnn.config.wording import listed, shown
from stormcnn.vocabulary import DROPOUTS

# The activations of Keras 3, without `glu` (halves the channels) and `threshold` (needs arguments).
Activation = Literal[
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink",
]  # fmt: skip


class Regularizer(Block):
    """A penalty on the size of the weights (not of the biases) that is added to the loss."""

    l1: NotNegative = Field(
        default=0.0, description="Factor of the sum of absolute weights (LASSO), dimensionless."
    )
    l2: NotNegative = Field(
        default=0.0, description="Factor of the sum of squared weights (ridge), dimensionless."
    )
    layers: Annotated[
        list[Text] | None,
        Field(min_length=1),
        must_be("a list of one or more layers such as conv_1, dense_1 and output, or null"),
    ] = Field(
        default=None,
        description="Layers whose weights are penalized: `conv_1`, `conv_2`, ... and `dense_1`, "
        "..., counted from the input, and `output`. null: all layers.",
    )


class NetworkSettings(Block):
    """A convolutional network: convolutions, dense layers, and a sigmoid unit as the output.

    Each convolution is followed by its activation and by pooling over 2 x 2 grid points. Dropout of
    single values is applied before the pooling. Spatial dropout is applied after it, which gives
    the same result in less time.
    """

    title: Title = Field(
        default=None, description="Name in tables and figures. null: the key of the network."
    )
    filters: Annotated[
        list[CountFromOne],
        Field(min_length=1, max_length=5),
        must_be(
            "a list of 1 to 5 integers >= 1",
            "A patch of 32 x 32 grid points can be halved by pooling at most five times.",
        ),
    ] = Field(
        default=[8, 16, 32],
        description="Number of filters of each convolution, counted from the input.",
    )
    kernel_size: CountFromOne = Field(
        default=5, description="Width of the convolution kernels in grid points."
    )
    activation: Activation = Field(
        default="relu",
        description="Activation of the convolutions and dense layers, by its name in Keras.",
    )
    pooling: Literal["average", "max"] = Field(
        default="average",
        description="Value that replaces 2 x 2 grid points: their `average` or `max`.",
    )
    regularizer: Regularizer | None = Field(
        default=None, description="Penalty on the weights. null: none."
    )
    spatial_dropout: DropoutRate = Field(
        default=None,
        description="Share of whole channels that is dropped after each convolution. The others "
        "are divided by one minus this rate. null or 0: none. Cannot be combined with `dropout`.",
    )
    dropout: DropoutRate = Field(
        default=None,
        description="Share of single values that is dropped after each convolution. The others "
        "are divided by one minus this rate. null or 0: none.",
    )
    dense: Annotated[list[CountFromOne], must_be("a list of integers >= 1, or []")] = Field(
        default=[],
        description="Number of units of each dense layer between the convolutions and the output.",
    )
    dense_dropout: DropoutRate = Field(
        default=None,
        description="Share of values that is dropped between the convolutions and the first dense "
        "layer (or the output if `dense` is empty). null or 0: none.",
    )

    @property
    def has_dropout(self) -> bool:
        """Whether the MC members of this network can differ."""
        return any(getattr(self, key) for key in DROPOUTS)

    def _faults(self) -> Iterator[str]:
        if self.spatial_dropout and self.dropout:
            yield (
                "dropout must be null or 0 if spatial_dropout is set (got dropout "
                f"{self.dropout} and spatial_dropout {self.spatial_dropout}). Remove one of them."
            )
        if self.regularizer is None:
            return
        if not self.regularizer.l1 and not self.regularizer.l2:
            yield (
                "regularizer must have l1 or l2 > 0 (got 0 for both). Set one of them, or set the "
                "regularizer to null."
            )
        layers = [f"conv_{number + 1}" for number in range(len(self.filters))]
        layers += [f"dense_{number + 1}" for number in range(len(self.dense))]
        layers += ["output"]
        for layer in self.regularizer.layers or ():
            if layer not in layers:
                yield (
                    f"regularizer.layers must be among {listed(layers)}, the layers of this "
                    f"network (got {shown(layer)})."
                )


Models = Annotated[
    dict[Name, NetworkSettings],
    BeforeValidator(without_nulls, json_schema_input_type=dict[Name, NetworkSettings | None]),
]


def lesson_models() -> dict[str, NetworkSettings]:
    """Return the three networks of the AMS lesson by their keys."""
    return {
        "baseline": NetworkSettings(title="Baseline"),
        "l2": NetworkSettings(title="L2", regularizer=Regularizer(l2=0.001)),
        "dropout": NetworkSettings(
            title="Spatial dropout", filters=[16, 32, 64], spatial_dropout=0.2
        ),
    }


def matched_networks(models: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return for each network with dropout the first network that is the same without dropout.

    `models` are those of a checked config. Two such networks have the same number of weights, so
    that dropout alone explains the difference between their scores.
    """
    rest = {
        name: {key: value for key, value in model.items() if key not in ("title", *DROPOUTS)}
        for name, model in models.items()
    }
    plain = [name for name, model in models.items() if not any(map(model.get, DROPOUTS))]
    matched = {}
    for name in models:
        same = [other for other in plain if rest[other] == rest[name]]
        if same and name not in plain:
            matched[name] = same[0]
    return matched
