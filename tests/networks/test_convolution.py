"""Convolutions of many members equal those of Keras, also with fewer multiplications."""

import keras
import numpy as np
import pytest
from keras import layers

from stormcnn.sampling import convolution as fast


@pytest.mark.parametrize("outputs", [1, 2, 4])
@pytest.mark.parametrize("weights", [2, 3, 4, 5])
def test_minimal_filter_equals_its_definition(outputs, weights):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=outputs + weights - 1), rng.normal(size=weights)
    to_outputs, of_kernel, of_inputs = fast.minimal_filter(outputs, weights)
    assert len(of_inputs) == len(x)
    filtered = to_outputs @ ((of_kernel @ w) * (of_inputs @ x))
    np.testing.assert_allclose(filtered, np.correlate(x, w, "valid"), atol=1e-12)


def fields(height=8, width=8, channels=32):
    shape = (3, height, width, channels)
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def built(layer, x):
    layer.build(x.shape)
    for weight in layer.trainable_weights:
        weight.assign(keras.random.normal(weight.shape, stddev=0.1, seed=2))
    return layer


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 7), (2, 2)])
@pytest.mark.parametrize("kernel", [2, 5, (3, 5)])
@pytest.mark.parametrize("pooling", [None, layers.AveragePooling2D(2)])
def test_convolution_by_rows_equals_that_of_keras(height, width, kernel, pooling):
    x = fields(height, width)
    convolution = built(layers.Conv2D(32, kernel, padding="same"), x)
    assert fast.is_faster_by_rows(convolution, keras.ops.convert_to_tensor(x))
    block = [convolution]
    if pooling:
        block += [layers.Activation("elu"), pooling]
    expected = x
    for layer in block:
        expected = layer(expected)
    computed = fast.convolve_rows(keras.ops.convert_to_tensor(x), *block)
    largest = np.abs(expected).max()
    assert largest > 0.3
    np.testing.assert_allclose(computed, expected, atol=1e-5 * largest)


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel_size": 6},
        {"kernel_size": 1},
        {"padding": "valid"},
        {"strides": 2},
        {"dilation_rate": 2},
        {"filters": 8},
        {"dtype": "mixed_bfloat16"},
    ],
    ids=str,
)
def test_other_convolutions_are_left_to_keras(changes):
    x = fields()
    settings = {"filters": 32, "kernel_size": 5, "padding": "same"} | changes
    x = keras.ops.cast(x, "bfloat16" if "dtype" in changes else "float32")
    assert not fast.is_faster_by_rows(built(layers.Conv2D(**settings), x), x)
