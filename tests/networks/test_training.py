"""Training is reproducible, resumes after an interruption, and refuses to diverge."""

import pickle
from dataclasses import replace

import keras
import numpy as np
import pytest

from stormcnn.errors import UserError
from stormcnn.models.architecture import build_network
from stormcnn.models.fields import CopiedFields
from stormcnn.models.recipes import Recipe, learning_rates
from stormcnn.models.training import fit_network, shuffled_batches

SMALL = {
    "filters": [4],
    "kernel_size": 3,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.2,
}
LESSON = Recipe(epochs=3, batch_size=32, learning_rate=0.01)
RECIPES = {"lesson": LESSON, "fast": replace(LESSON, one_cycle=True, output_bias=True)}
STORMS = 256
BATCHES_PER_EPOCH = 8


def make_storms(count=STORMS):
    rng = np.random.default_rng(0)
    patches = rng.normal(0, 1, (count, 8, 8, 2)).astype(np.float32)
    return patches, patches[:, 2:6, 2:6, 0].mean(axis=(1, 2)) > 0.1


def build(seed=0, **changes):
    keras.utils.set_random_seed(seed)
    return build_network(SMALL | changes, (8, 8), [0, 0], [1, 1])


def train(folder, seed=0, fields=None, changes=None, version="", recipe=LESSON, **settings):
    """Train a small network on made-up storms, or on `fields` of the same storms."""
    network = build(seed, **(changes or {}))
    patches, event = make_storms()
    history = fit_network(
        network,
        patches if fields is None else fields,
        event,
        replace(recipe, **settings),
        seed,
        folder / "unfinished.npz",
        version,
    )
    return network, history


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The network and history of an uninterrupted training with seed 0."""
    return train(tmp_path_factory.mktemp("lesson"))


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """The same with the recipe `fast`."""
    return train(tmp_path_factory.mktemp("fast"), recipe=RECIPES["fast"])


def equal_weights(network, other):
    return all(
        np.array_equal(a, b)
        for a, b in zip(network.get_weights(), other.get_weights(), strict=True)
    )


class Readings:
    """Fields that count how often they are read.

    After `limit` readings they raise an error, as if the job was killed, or return `then`.
    """

    def __init__(self, fields, limit=np.inf, then=None):
        self.fields, self.limit, self.then = fields, limit, then
        self.shape, self.count = fields.shape, 0

    def __len__(self):
        return len(self.fields)

    def __getitem__(self, storms):
        self.count += 1
        if self.count <= self.limit:
            return self.fields[storms]
        if self.then is None:
            raise InterruptedError("killed")
        return np.full_like(self.fields[storms], self.then)


def test_history_has_a_row_per_epoch_and_the_loss_falls(lesson):
    _, history = lesson
    assert history["epoch"].tolist() == [1, 2, 3]
    assert list(history) == ["epoch", "loss", "seconds"]
    assert history["loss"].iloc[-1] < 0.9 * history["loss"].iloc[0]


def test_equal_seeds_give_equal_weights_and_other_seeds_others(tmp_path, lesson):
    assert equal_weights(train(tmp_path / "same")[0], lesson[0])
    assert not equal_weights(train(tmp_path / "other", seed=1)[0], lesson[0])


@pytest.mark.parametrize("penalty", [None, {"l2": 0.1}])
def test_loss_is_the_mean_over_storms_plus_the_weight_penalty(tmp_path, penalty):
    network = build(spatial_dropout=None, regularizer=penalty)
    patches, event = make_storms(200)  # The last of 7 batches has 8 storms, the others 32.
    recipe = replace(LESSON, learning_rate=0.0)
    history = fit_network(network, patches, event, recipe, 0, tmp_path / "unfinished.npz")
    loss = network.evaluate(patches, event[:, np.newaxis], verbose=0)
    np.testing.assert_allclose(history["loss"], [loss] * 3, rtol=1e-5)


@pytest.mark.parametrize("name", RECIPES)
def test_weights_equal_those_of_keras_fit_on_the_same_batches(tmp_path, name):
    recipe = RECIPES[name]
    network = build()
    patches, event = make_storms(200)
    history = fit_network(network, patches, event, recipe, 0, tmp_path / "unfinished.npz")
    fitted = build()
    if recipe.output_bias:
        start = np.log(event.mean() / (1 - event.mean()))
        fitted.get_layer("output").bias.assign([start])
    fitted.compile(optimizer=keras.optimizers.Adam(), loss="binary_crossentropy")
    rates = iter(learning_rates(recipe, 3 * 7))
    set_rate = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda *_, **__: setattr(
            fitted.optimizer, "learning_rate", next(rates)
        )
    )
    for epoch in range(len(history)):
        order = np.concatenate(shuffled_batches(len(event), recipe.batch_size, 0, epoch))
        fitted.fit(
            patches[order],
            event[order, np.newaxis],
            batch_size=recipe.batch_size,
            shuffle=False,
            verbose=0,
            callbacks=[set_rate],
        )
    for ours, theirs in zip(network.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_every_epoch_has_each_storm_once_in_another_order():
    epochs = [shuffled_batches(10, batch_size=4, seed=5, epoch=epoch) for epoch in range(3)]
    for batches in epochs:
        assert [len(batch) for batch in batches] == [4, 4, 2]
        assert sorted(np.concatenate(batches)) == list(range(10))
    assert len({tuple(np.concatenate(batches)) for batches in epochs}) == 3


def test_order_of_an_epoch_depends_on_seed_and_epoch_alone():
    first, again, other = (
        np.concatenate(shuffled_batches(10, 4, seed, epoch=2)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert first.tolist() != other.tolist()


@pytest.mark.parametrize("name", RECIPES)
def test_training_interrupted_again_and_again_ends_with_the_same_weights(tmp_path, request, name):
    network, history = request.getfixturevalue(name)
    recipe = RECIPES[name]
    patches, _ = make_storms()
    # Killed in the first epoch, then twice after one more epoch.
    for completed in (0, 1, 1):
        fields = Readings(patches, limit=BATCHES_PER_EPOCH * (completed + 1) - 1)
        with pytest.raises(InterruptedError):
            train(tmp_path, fields=fields, recipe=recipe)
    fields = Readings(patches)
    resumed, joined = train(tmp_path, fields=fields, recipe=recipe)
    assert fields.count == BATCHES_PER_EPOCH * (len(history) - 2)
    assert equal_weights(resumed, network)
    assert joined[["epoch", "loss"]].equals(history[["epoch", "loss"]])


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"changes": {"filters": [3]}}, {"version": "older"}]
)
def test_interrupted_training_of_another_network_seed_or_code_is_ignored(tmp_path, lesson, other):
    with pytest.raises(InterruptedError):
        train(tmp_path, fields=Readings(make_storms()[0], 12), **other)
    network, history = train(tmp_path)
    assert equal_weights(network, lesson[0])
    assert history["loss"].tolist() == lesson[1]["loss"].tolist()


def test_fields_on_disk_train_the_same_network(tmp_path, lesson):
    network, _ = train(tmp_path, fields=CopiedFields(make_storms()[0]))
    assert equal_weights(network, lesson[0])


class Bomb:
    """An object that raises an error when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def test_no_object_is_unpickled_from_a_checkpoint(tmp_path, caplog):
    bomb = np.array([Bomb()], dtype=object)
    with pytest.raises(SystemExit, match="unpickled"):
        pickle.loads(pickle.dumps(bomb))
    np.savez(tmp_path / "unfinished.npz", key=bomb)
    train(tmp_path, epochs=1)
    assert "unfinished.npz" in caplog.text


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive"])
def test_damaged_checkpoint_is_named_and_ignored(tmp_path, caplog, content):
    (tmp_path / "unfinished.npz").write_bytes(content)
    _, history = train(tmp_path, epochs=1)
    assert "unfinished.npz" in caplog.text
    assert history["epoch"].tolist() == [1]


def test_lesson_recipe_keeps_the_learning_rate(lesson):
    network, _ = lesson
    assert float(network.optimizer.learning_rate) == pytest.approx(0.01)


def test_untrained_output_of_the_recipe_fast_is_near_the_event_frequency(tmp_path):
    network = build()
    patches, _ = make_storms(200)
    event = np.arange(200) < 20
    recipe = replace(RECIPES["fast"], learning_rate=0.0)
    fit_network(network, patches, event, recipe, 0, tmp_path / "unfinished.npz")
    [bias] = network.get_layer("output").bias.numpy()
    assert 1 / (1 + np.exp(-bias)) == pytest.approx(0.1)


def test_diverging_training_names_the_learning_rate(tmp_path):
    network = build(activation="exponential")
    patches, event = make_storms()
    with pytest.raises(UserError, match=r"training\.learning_rate"):
        fit_network(
            network,
            patches * 1e6,
            event,
            replace(LESSON, learning_rate=1e6),
            0,
            tmp_path / "unfinished.npz",
        )


def test_diverged_epoch_ends_at_once_and_is_not_saved(tmp_path, lesson):
    diverging = Readings(make_storms()[0], limit=10, then=3e38)
    with pytest.raises(UserError, match=r"training\.learning_rate"):
        train(tmp_path, fields=diverging)
    assert diverging.count == 12  # The batch after the one that diverged has been read ahead.
    network, _ = train(tmp_path)
    assert equal_weights(network, lesson[0])
