"""Scaling the predictors of the test period by their own statistics."""

import numpy as np
import pandas as pd
import pytest

from stormcnn.errors import UserError
from stormcnn.models.own_scaling import exchange_scaling

PREDICTORS = ["REFL_COM_curr", "U10_curr"]


def scaling_of(values, variables=PREDICTORS):
    return pd.DataFrame(
        {"variable": variables, "mean": values.mean((0, 1, 2)), "std": values.std((0, 1, 2))}
    )


def test_network_sees_values_scaled_by_their_own_statistics():
    rng = np.random.default_rng(0)
    training = scaling_of(rng.normal([30, 2], [10, 5], (50, 4, 4, 2)))
    patches = rng.normal([20, -3], [5, 9], (50, 4, 4, 2)).astype("f4")
    own = scaling_of(patches)
    exchanged = exchange_scaling(patches, own[::-1], training)
    assert (len(exchanged), exchanged.shape) == (50, patches.shape)
    seen = exchanged[:]
    np.testing.assert_array_equal(exchanged[7:9], seen[7:9])
    assert seen.dtype == "f4"
    scaled = (seen - training["mean"].to_numpy()) / training["std"].to_numpy()
    np.testing.assert_allclose(scaled.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std((0, 1, 2)), 1, rtol=1e-5)
    same = exchange_scaling(patches, training, training)[:]
    np.testing.assert_allclose(same, patches, rtol=1e-6)


def test_constant_variable_is_named():
    training = scaling_of(np.random.default_rng(0).normal(0, 1, (9, 2, 2, 2)))
    own = training.assign(std=[0.5, 0.0])
    with pytest.raises(UserError, match="U10_curr"):
        exchange_scaling(np.zeros((9, 2, 2, 2)), own, training)
