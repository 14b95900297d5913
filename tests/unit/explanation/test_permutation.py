"""Permuted predictions agree with permutations done by hand."""

import numpy as np
import pytest

from stormcnn.explanation.permutation import (
    PermutedPredictions,
    draw_sources,
    permute_predictors,
)

BLOCK = np.repeat([3, 1, 7], [5, 4, 1])
STORMS = len(BLOCK)


@pytest.fixture
def fields():
    return np.random.default_rng(0).normal(size=(STORMS, 2, 2, 3)).astype(np.float32)


class Networks:
    """Two functions of the fields in place of networks, which count their predictions."""

    def __init__(self):
        self.predictions = 0

    def __call__(self, fields):
        self.predictions += 1
        values = fields[0 : len(fields)].mean(axis=(1, 2))
        first = values @ [3.0, 1.0, 0.2] + values[:, 0] * values[:, 1]
        return 1 / (1 + np.exp(-np.stack([first, -values[:, 2]])))


def test_storms_exchange_predictors_with_storms_of_their_block_only():
    sources = draw_sources(BLOCK, repetitions=20, seed=3)
    assert sources.shape == (20, STORMS)
    assert (BLOCK[sources] == BLOCK).all()
    assert (np.sort(sources, axis=1) == np.arange(STORMS)).all()
    assert len({tuple(row) for row in sources.tolist()}) > 15
    again = draw_sources(BLOCK, repetitions=20, seed=3)
    assert (sources == again).all()


@pytest.mark.parametrize("chosen", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_every_set_gives_the_probabilities_of_a_permutation(fields, chosen):
    networks = Networks()
    sources = draw_sources(BLOCK, repetitions=3, seed=0)
    found = PermutedPredictions(networks, fields, sources)(chosen)
    assert found.shape == (2, 3, STORMS)
    # Sets of more than half of the predictors use the reverse permutations.
    if len(chosen) > 1:
        sources = np.argsort(sources, axis=1)
    for repetition, source in enumerate(sources):
        mixed = fields.copy()
        mixed[..., chosen] = fields[source][..., chosen]
        assert found[:, repetition] == pytest.approx(networks(mixed), rel=1e-5)


def test_a_set_and_its_complement_are_predicted_together(fields):
    networks = Networks()
    predictions = PermutedPredictions(networks, fields, draw_sources(BLOCK, 5, seed=0))
    event = np.arange(STORMS) % 2
    permute_predictors(predictions, event, [(0,), (1,), (2,), (1, 2), (0, 1, 2)], 3)
    # One prediction of the intact fields, and five of each predictor; the two groups are free.
    assert networks.predictions == 1 + 3 * 5


def test_multi_pass_begins_with_the_predictor_that_matters_most_and_ends_with_all(fields):
    predictions = PermutedPredictions(Networks(), fields, draw_sources(BLOCK * 0, 50, seed=0))
    event = fields[..., 0].mean(axis=(1, 2)) > 0
    permuted = permute_predictors(predictions, event, [(0,), (1,), (2,)], 3)
    assert permuted.passes[0] == (0,)
    assert [len(chosen) for chosen in permuted.passes] == [1, 2, 3]
    assert set(permuted.passes[0]) < set(permuted.passes[1]) < set(permuted.passes[2])
    assert permuted.probability.keys() >= {(), (0,), (1,), (2,), *permuted.passes}


def test_single_predictor_needs_no_further_prediction(fields):
    networks = Networks()

    def predict(fields):
        networks.predictions += 1
        return fields[0 : len(fields)].mean(axis=(1, 2, 3))[None]

    predictions = PermutedPredictions(predict, fields[..., :1], draw_sources(BLOCK, 2, seed=0))
    permuted = permute_predictors(predictions, np.zeros(STORMS), [(0,)], 1)
    assert networks.predictions == 1
    assert permuted.passes == [(0,)]


def test_constant_predictor_changes_nothing(fields):
    fields[..., 1] = 4
    predictions = PermutedPredictions(Networks(), fields, draw_sources(BLOCK, 2, seed=0))
    assert (predictions((1,)) == predictions(())).all()
