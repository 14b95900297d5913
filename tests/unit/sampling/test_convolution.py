"""Convolution as Fourier series along y: the same result from fewer products."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from stormcnn.sampling.convolution import convolve, series


@given(rows=st.integers(2, 24), taps=st.integers(1, 9), seed=st.integers(0, 99))
def test_series_convolves_a_column_as_a_layer_with_same_padding(rows, taps, seed):
    draw = np.random.default_rng(seed)
    column, kernel = draw.normal(size=rows), draw.normal(size=taps)
    form = series(rows, taps)
    found = form.gather @ ((form.spread @ column) * (form.weigh @ kernel))
    padded = np.pad(column, ((taps - 1) // 2, taps // 2))
    np.testing.assert_allclose(found, np.correlate(padded, kernel, "valid"), atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "taps", "products"), [(8, 5, 14), (8, 3, 13), (4, 5, 8), (16, 5, 26)]
)
def test_series_takes_three_products_for_two_rows(rows, taps, products):
    assert len(series(rows, taps).spread) == products


@pytest.mark.parametrize("size", [(8, 8), (9, 7), (4, 6), (2, 3)])
@pytest.mark.parametrize("kernel", [(5, 5), (3, 3), (4, 2), (1, 5)])
def test_convolution_is_that_of_keras(size, kernel):
    draw = np.random.default_rng(1)
    x = draw.normal(size=(3, *size, 4)).astype(np.float32)
    weights = draw.normal(size=(*kernel, 4, 6)).astype(np.float32)
    found = convolve(x, weights, lambda x: 2 * x, lambda rows: ops.stack(rows, axis=1))
    expected = ops.conv(2 * x, weights, padding="same")
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_rounding_errors_are_not_larger_than_those_of_the_plain_convolution():
    draw = np.random.default_rng(1)
    x, weights = draw.normal(size=(50, 8, 8, 32)), draw.normal(size=(5, 5, 32, 64)) / 30
    exact = ops.convert_to_numpy(ops.conv(x, weights, padding="same"))
    x, weights = x.astype(np.float32), weights.astype(np.float32)
    plain = ops.convert_to_numpy(ops.conv(x, weights, padding="same"))
    ours = convolve(x, weights, lambda x: x, lambda rows: ops.stack(rows, axis=1))
    errors = [np.abs(ops.convert_to_numpy(made) - exact).max() for made in (ours, plain)]
    assert errors[0] <= errors[1]
