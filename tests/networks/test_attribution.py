"""Attributions add up, agree with finite differences, and depend on the weights."""

import keras
import numpy as np
import pytest

from stormcnn.config.archive_dates import demo_run_dates
from stormcnn.demo.generator import make_storms
from stormcnn.explanation.attribution import Attributor, randomize
from stormcnn.explanation.completeness import TOLERANCE, completeness_error
from stormcnn.explanation.maps import net_share_inside, within_radius
from stormcnn.explanation.means import mean_over_storms
from stormcnn.models.architecture import build_network
from stormcnn.models.prediction import predict_probability
from stormcnn.models.recipes import Recipe
from stormcnn.models.training import fit_network
from stormcnn.sampling.sampler import MemberSampler
from stormcnn.verification.resampling import resample_blocks

PLAIN = {"filters": [4, 6], "kernel_size": 3, "activation": "relu", "pooling": "average"}
ARCHITECTURES = {
    "relu": PLAIN,
    "maximum": PLAIN | {"pooling": "max", "spatial_dropout": 0.3},
    "dense": PLAIN | {"activation": "elu", "dense": [5], "dense_dropout": 0.2, "dropout": 0.1},
}
MEAN, STD = [20.0, 1.0], [10.0, 4.0]


def network_of(architecture, seed=0):
    """Return a network with weights that are large enough for curved log odds."""
    keras.utils.set_random_seed(seed)
    network = build_network(architecture, (8, 8), MEAN, STD)
    network.set_weights([2 * weight for weight in network.get_weights()])
    return network


def patches(storms=5):
    draw = np.random.default_rng(1)
    return (MEAN + draw.normal(size=(storms, 8, 8, 2)) * STD).astype(np.float32)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_attributions_add_up_to_the_difference_of_the_log_odds(name):
    network = network_of(ARCHITECTURES[name])
    fields = patches()
    found = Attributor(network).attribute(fields, steps=8)
    probability = predict_probability(network, fields).astype(float)
    assert found.log_odds == pytest.approx(np.log(probability / (1 - probability)), abs=1e-3)
    at_mean = np.broadcast_to(np.float32(MEAN), (1, 8, 8, 2))
    reference = float(predict_probability(network, at_mean)[0])
    assert found.reference == pytest.approx(np.log(reference / (1 - reference)), abs=1e-4)
    total = found.values.sum(axis=(1, 2, 3), dtype=float)
    assert (completeness_error(total, found.log_odds - found.reference) <= TOLERANCE).all()
    assert set(found.steps) <= {8, 16, 32, 64, 128}


def test_attributions_agree_with_finite_differences():
    network = network_of(ARCHITECTURES["dense"])
    fields = patches(1)
    found = Attributor(network).attribute(fields, steps=32).values[0]
    log_odds = keras.Model(network.inputs, network.layers[-1].input)
    reference = np.broadcast_to(np.float32(MEAN), (8, 8, 2))
    position = (np.arange(200) + 0.5) / 200
    path = reference + position[:, None, None, None] * (fields[0] - reference)
    for place in [(1, 2, 0), (4, 4, 1), (7, 0, 0)]:
        step = np.zeros((8, 8, 2))
        step[place] = 0.05 * STD[place[2]]
        higher, lower = (
            log_odds.predict_on_batch((path + sign * step).astype(np.float32))[:, 0].astype(float)
            for sign in (1, -1)
        )
        slope = (higher - lower).mean() / (2 * step[place])
        expected = slope * (fields[0] - reference)[place]
        assert found[place] == pytest.approx(expected, rel=0.03, abs=2e-4)


@pytest.mark.parametrize("name", ["maximum", "dense"])
def test_members_are_those_of_monte_carlo_dropout(name):
    network = network_of(ARCHITECTURES[name])
    fields = patches()
    sampler = MemberSampler(network, members=3, seed=4)
    probability = sampler.probabilities(fields).astype(float)
    attributor = Attributor(network)
    for member in range(3):
        masks = {name: mask[member] for name, mask in sampler.masks.items()}
        found = attributor.attribute(fields, 8, masks)
        of_log_odds = 1 / (1 + np.exp(-found.log_odds))
        assert of_log_odds == pytest.approx(probability[:, member], abs=1e-5)


def test_random_weights_replace_the_trained_ones_and_leave_the_scaling():
    network = network_of(PLAIN)
    before = network.get_weights()
    one, again, other = (randomize(network, seed) for seed in (3, 3, 4))
    for first, second, trained in zip(one.get_weights(), again.get_weights(), before, strict=True):
        assert (first == second).all()
        assert not (first == trained).all() or not first.any()
    assert all((a == b).all() for a, b in zip(network.get_weights(), before, strict=True))
    assert not (one.get_weights()[0] == other.get_weights()[0]).all()
    assert one.layers[1](patches()).numpy() == pytest.approx(network.layers[1](patches()).numpy())


def test_constant_fields_at_the_mean_get_no_attribution():
    fields = np.broadcast_to(np.float32(MEAN), (1, 8, 8, 2))
    found = Attributor(network_of(PLAIN)).attribute(fields, steps=8)
    assert not found.values.any()
    assert set(found.steps) == {8}


def test_trained_network_looks_at_the_known_vortices_and_random_weights_do_not(tmp_path):
    parts = [
        make_storms(run_date, number, 40, seed=1)
        for number, run_date in enumerate(demo_run_dates(60))
    ]
    names = ("REFL_COM_curr", "U10_curr", "V10_curr")
    fields = np.concatenate([np.stack([run[name] for name in names], -1) for run, _ in parts])
    truth = {name: np.concatenate([known[name] for _, known in parts]) for name in parts[0][1]}
    event = truth["probability"] > 0.3
    mean, std = fields.mean(axis=(0, 1, 2)), fields.std(axis=(0, 1, 2))
    keras.utils.set_random_seed(0)
    network = build_network(PLAIN | {"kernel_size": 5}, (32, 32), mean, std)
    recipe = Recipe(epochs=5, batch_size=64, learning_rate=0.003)
    fit_network(network, fields[600:], event[600:], recipe, 0, tmp_path / "unfinished.npz")

    chosen = np.flatnonzero(truth["vortex_speed"][:600] > 10)[:40]
    known = [truth[f"vortex_{name}"][chosen] for name in ("x", "y", "radius")]
    inside = within_radius((32, 32), 3.0, *known)
    draws = resample_blocks(chosen // 40, 200)

    def share(*networks):
        maps = [Attributor(one).attribute(fields[chosen], 8).values for one in networks]
        shares = np.stack([net_share_inside(one, inside) for one in maps])
        return mean_over_storms("network", shares, draws, 0.95)

    area = inside.mean()
    assert share(network).low > 2 * area
    assert share(*(randomize(network, seed) for seed in range(4))).low < area
