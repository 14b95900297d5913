"""Intervals over seeds and blocks account for both, in any proportion."""

import numpy as np
import pytest

from stormcnn.verification.multi_bootstrap import draw_seeds, multi_bootstrap
from stormcnn.verification.resampling import widened_interval, widened_p_value


def difference(seeds, blocks, seed_sd, block_sd, true=0.0, seed=0, resamples=400):
    """Return value, resamples and degrees of freedom for two groups of made-up seeds."""
    draw = np.random.default_rng(seed)
    groups = [draw.normal(shift, seed_sd, n) for shift, n in zip((true, 0), seeds, strict=True)]
    of_blocks = draw.normal(0, block_sd, blocks)
    value = groups[0].mean() - groups[1].mean() + of_blocks.mean()
    weights = draw.multinomial(blocks, np.full(blocks, 1 / blocks), resamples)
    samples = value + weights @ of_blocks / blocks - of_blocks.mean()
    drawn = [draw_seeds(name, n, resamples, seed) for name, n in zip("ab", seeds, strict=True)]
    return value, multi_bootstrap(value, samples, blocks, list(zip(groups, drawn, strict=True)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "seed_sd", "block_sd"),
    [((5, 5), 1, 0), ((5, 5), 1, 3), ((3, 3), 1, 0), ((3, 10), 1, 1), ((5, 5), 0, 1)],
)
def test_equal_methods_are_rarely_told_apart(seeds, seed_sd, block_sd):
    rejected = 0
    for seed in range(150):
        value, spread = difference(seeds, 36, seed_sd, block_sd, seed=seed)
        rejected += widened_p_value(value, *spread) < 0.05
    assert rejected <= 0.08 * 150


def test_different_methods_are_told_apart():
    found = 0
    for seed in range(60):
        value, spread = difference((5, 5), 36, 1, 1, true=3, seed=seed)
        low, _ = widened_interval(value, *spread, 0.95)
        found += low > 0
    assert found >= 50


def test_degrees_of_freedom_follow_the_larger_source():
    of_seeds = difference((5, 5), 100, 1, 0.01)[1].degrees_of_freedom
    of_blocks = difference((5, 5), 100, 0.001, 10)[1].degrees_of_freedom
    assert 4 <= of_seeds <= 8.1
    assert of_blocks == pytest.approx(99, abs=0.5)


def test_models_draw_their_own_seeds_and_the_same_ones_again():
    first, second = draw_seeds("a", 4, 300, 0), draw_seeds("b", 4, 300, 0)
    assert (first != second).any()
    assert np.array_equal(first, draw_seeds("a", 4, 300, 0))
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.2
    assert (first.sum(axis=1) == 0).all()


def test_equal_networks_have_no_spread():
    drawn = draw_seeds("a", 3, 50, 0)
    spread = multi_bootstrap(0.2, np.full(50, 0.2), 12, [(np.full(3, 0.2), drawn)])
    assert spread.samples == pytest.approx(0.2)
    assert widened_p_value(0.2, *spread) == pytest.approx(2 / 51)
