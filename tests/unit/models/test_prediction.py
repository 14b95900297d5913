"""The probability of a storm does not depend on the storms that are predicted with it."""

import keras
import numpy as np
import pytest

from stormcnn.errors import UserError
from stormcnn.models.architecture import build_network
from stormcnn.models.prediction import predict_probability


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    architecture = {"filters": [4], "kernel_size": 3, "activation": "relu", "pooling": "average"}
    return build_network(architecture, (8, 8), [0.0, 0.0], [1.0, 1.0])


@pytest.mark.slow
def test_probability_of_a_storm_does_not_depend_on_other_storms(network):
    patches = np.random.default_rng(0).normal(size=(200, 8, 8, 2)).astype(np.float32)
    whole = predict_probability(network, patches, batch=64)
    assert whole.shape == (200,)
    np.testing.assert_array_equal(predict_probability(network, patches[70:75], 64), whole[70:75])
    np.testing.assert_allclose(whole, network.predict(patches, verbose=0)[:, 0], atol=1e-6)
    assert whole.std() > 0.01


def test_no_storms_give_no_probabilities(network):
    assert predict_probability(network, np.empty((0, 8, 8, 2), np.float32)).shape == (0,)


def test_patches_of_another_size_are_refused(network):
    with pytest.raises(UserError, match=r"8 x 8 x 2.*16 x 16 x 2"):
        predict_probability(network, np.zeros((1, 16, 16, 2), np.float32))
