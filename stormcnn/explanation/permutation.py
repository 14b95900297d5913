"""Probabilities of networks with some predictors permuted among the storms of a block.

Permutation importance: Breiman (2001), section 10. Storms exchange predictors only with storms of
their own block, so blocks stay independent of each other and can be resampled. All predictors of a
set are taken from the same storm. A storm with the permuted set of one storm and the other
predictors of a second one therefore serves twice: for the set, with the outcome of the second
storm, and for all other predictors, with the outcome of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stormcnn.explanation.predictor_sets import PredictorSet

if TYPE_CHECKING:
    from stormcnn.models.fields import Fields
    from stormcnn.vocabulary import Array


def draw_sources(block: Array, repetitions: int, seed: int) -> Array:
    """Return from which storm each storm takes permuted predictors (repetition, storm).

    `block` (storm,) has a label for the block of each storm; every repetition permutes the storms
    of each block.

    >>> draw_sources(np.array([0, 0, 1]), repetitions=2, seed=1)[:, 2]
    array([2, 2])
    """
    random = np.random.Generator(np.random.Philox(seed))
    sources = np.empty((repetitions, block.size), np.int64)
    for label in np.unique(block):
        members = np.flatnonzero(block == label)
        sources[:, members] = random.permuted(np.tile(members, (repetitions, 1)), axis=1)
    return sources


class MixedFields:
    """Fields (storm, y, x, variable) with some predictors of other storms, which `sources` names.

    >>> fields = np.arange(4.0).reshape(2, 1, 1, 2)
    >>> MixedFields(fields, (1,), np.array([1, 0]))[0:2].reshape(2, 2).tolist()
    [[0.0, 3.0], [2.0, 1.0]]
    """

    def __init__(self, fields: Fields, chosen: PredictorSet, sources: Array) -> None:
        self.shape = fields.shape
        self._fields, self._chosen, self._sources = fields, list(chosen), sources

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, storms: slice) -> Array:
        mixed = np.array(self._fields[storms])
        mixed[..., self._chosen] = self._fields[self._sources[storms]][..., self._chosen]
        return mixed


class PermutedPredictions:
    """The probabilities of several networks with any set of predictors permuted.

    Parameters: `predict`, which takes fields and returns probabilities (network, storm); the
    `fields` of the storms; and the `sources` of `draw_sources`.

    >>> fields = np.array([[1.0, 4.0], [2.0, 8.0]]).reshape(2, 1, 1, 2)
    >>> predict = lambda fields: fields[0:2].sum(axis=(1, 2, 3))[None]
    >>> permuted = PermutedPredictions(predict, fields, np.array([[1, 0]]))
    >>> permuted((0,)).tolist(), permuted((1,)).tolist(), permuted((0, 1)).tolist()
    ([[[6.0, 9.0]]], [[[9.0, 6.0]]], [[[10.0, 5.0]]])
    """

    def __init__(self, predict: Callable[[Fields], Array], fields: Fields, sources: Array) -> None:
        self._predict, self._fields, self._sources = predict, fields, sources
        self._predictors = range(fields.shape[-1])
        self._inverse = np.argsort(sources, axis=1)
        self._known: dict[PredictorSet, Array] = {}

    def __call__(self, chosen: PredictorSet) -> Array:
        """Return the probabilities with the predictors `chosen` permuted.

        The shape is (network, repetition, storm).
        """
        others = tuple(index for index in self._predictors if index not in chosen)
        if (len(chosen), chosen) <= (len(others), others):
            return self._mix(chosen)
        mixed = self._mix(others)
        return np.take_along_axis(mixed, self._inverse[None], axis=2)

    def _mix(self, chosen: PredictorSet) -> Array:
        if chosen not in self._known:
            repetitions = len(self._sources)
            if not chosen:
                plain = self._predict(self._fields)
                self._known[chosen] = np.repeat(plain[:, None], repetitions, axis=1)
            else:
                parts = [
                    self._predict(MixedFields(self._fields, chosen, sources))
                    for sources in self._sources
                ]
                self._known[chosen] = np.stack(parts, axis=1)
        return self._known[chosen]


class Permuted(NamedTuple):
    """Probabilities by permuted set, of which the first is empty, and the path of the multi-pass.

    `passes` are the sets after each pass of multi-pass importance.
    """

    probability: dict[PredictorSet, Array]
    passes: list[PredictorSet]


def permute_predictors(
    predictions: PermutedPredictions, event: Array, sets: Sequence[PredictorSet], predictors: int
) -> Permuted:
    """Return the probabilities that single-pass and multi-pass importance need.

    The first pass of multi-pass importance permutes the predictor whose permutation gives the
    worst mean Brier score over networks and repetitions; each further pass keeps the permuted ones
    and adds the predictor that then gives the worst (Lakshmanan et al. 2015).
    """
    event = np.asarray(event, np.float64)
    probability = {chosen: predictions(chosen) for chosen in [(), *sets]}
    passes: list[PredictorSet] = []
    last: PredictorSet = ()
    for _ in range(predictors):
        candidates = [
            tuple(sorted([*last, index])) for index in range(predictors) if index not in last
        ]
        for candidate in candidates:
            if candidate not in probability:
                probability[candidate] = predictions(candidate)
        brier = [float(np.mean((probability[one] - event) ** 2)) for one in candidates]
        last = candidates[int(np.argmax(brier))]
        passes.append(last)
    return Permuted(probability, passes)
