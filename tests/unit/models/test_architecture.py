"""Networks have the layers, weights and penalties that their settings describe."""

from typing import get_args

import keras
import numpy as np
import pytest

from stormcnn.config.models import Activation
from stormcnn.errors import UserError
from stormcnn.models.architecture import build_network, measure_size, summarize

LESSON = {"filters": [8, 16, 32], "kernel_size": 5, "activation": "relu", "pooling": "average"}
DROPOUT = LESSON | {"filters": [16, 32, 64], "spatial_dropout": 0.2}
EXERCISE = LESSON | {
    "activation": "elu",
    "dense": [64, 16],
    "dense_dropout": 0.3,
    "regularizer": {"l2": 0.01, "layers": ["conv_1"]},
}
MEAN, STD = [22.0, -0.3, 0.8], [15.0, 4.7, 5.0]


def build(architecture, size=32):
    return build_network(architecture, (size, size), MEAN, STD)


def test_activations_in_the_config_are_those_of_keras():
    known = {name for name, _ in vars(keras.activations).items() if not name.startswith("_")}
    others = {"get", "serialize", "deserialize", "glu", "threshold"}
    assert set(get_args(Activation)) == known - others


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [(LESSON, 17_169), (LESSON | {"regularizer": {"l2": 0.001}}, 17_169), (DROPOUT, 66_337)],
)
def test_networks_of_the_lesson_have_as_many_parameters(architecture, parameters):
    network = build(architecture)
    assert measure_size(network)["trainable_parameters"] == parameters
    assert f"{parameters:,}" in summarize(network)


def test_layer_table_of_the_lesson():
    shapes = [(layer.name, tuple(layer.output.shape[1:])) for layer in build(DROPOUT).layers]
    assert shapes == [
        ("patch", (32, 32, 3)),
        ("scaling", (32, 32, 3)),
        ("conv_1", (32, 32, 16)),
        ("conv_1_activation", (32, 32, 16)),
        ("conv_1_pooling", (16, 16, 16)),
        ("conv_1_dropout", (16, 16, 16)),
        ("conv_2", (16, 16, 32)),
        ("conv_2_activation", (16, 16, 32)),
        ("conv_2_pooling", (8, 8, 32)),
        ("conv_2_dropout", (8, 8, 32)),
        ("conv_3", (8, 8, 64)),
        ("conv_3_activation", (8, 8, 64)),
        ("conv_3_pooling", (4, 4, 64)),
        ("conv_3_dropout", (4, 4, 64)),
        ("flatten", (1024,)),
        ("output", (1,)),
        ("probability", (1,)),
    ]
    assert "spatial_dropout" not in summarize(build(LESSON)).lower()


def test_scaling_is_the_first_layer_and_takes_physical_units():
    patches = np.random.default_rng(0).normal(MEAN, STD, (4, 32, 32, 3)).astype(np.float32)
    scaled = np.asarray(build(LESSON).get_layer("scaling")(patches))
    expected = (patches - np.float32(MEAN)) / np.float32(STD)
    np.testing.assert_allclose(scaled, expected, atol=1e-5)


def test_network_of_the_lesson_exercise_is_built():
    network = build(EXERCISE)
    names = [layer.name for layer in network.layers]
    assert names.index("dense_dropout") == names.index("dense_1") - 1
    assert {"dense_1", "dense_2"} < set(names)
    assert network.get_layer("conv_1").kernel_regularizer.l2 == pytest.approx(0.01)
    assert network.get_layer("conv_2").kernel_regularizer is None
    assert network.get_layer("conv_1_activation").activation is keras.activations.elu


def test_penalty_without_layers_applies_to_all_layers():
    network = build(LESSON | {"regularizer": {"l1": 0.002}})
    penalties = [layer.kernel_regularizer for layer in network.layers if hasattr(layer, "kernel")]
    assert [penalty.l1 for penalty in penalties] == pytest.approx([0.002] * 4)
    kernels = [layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")]
    total = sum(float(np.abs(kernel).sum()) for kernel in kernels)
    assert float(sum(network.losses)) == pytest.approx(0.002 * total, rel=1e-4)


def test_plain_dropout_and_max_pooling_can_be_chosen():
    network = build(LESSON | {"dropout": 0.1, "pooling": "max"})
    assert type(network.get_layer("conv_2_dropout")) is keras.layers.Dropout
    assert isinstance(network.get_layer("conv_2_pooling"), keras.layers.MaxPooling2D)


def test_patch_too_small_for_the_poolings_is_refused():
    with pytest.raises(UserError, match=r"models.*8 x 8.*7 x 7"):
        build(LESSON, size=7)


def test_share_of_small_weights_ignores_biases():
    network = build(LESSON | {"filters": [2]}, size=4)
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(np.full(layer.kernel.shape, 0.5))
            layer.bias.assign(np.zeros(layer.bias.shape))
    assert measure_size(network)["small_weight_share"] == 0
    output = network.get_layer("output").kernel
    output.assign(np.full(output.shape, -0.0009))
    assert measure_size(network)["small_weight_share"] == pytest.approx(8 / (8 + 150))
