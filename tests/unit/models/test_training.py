"""Training is repeatable, learns, and refuses what cannot be learnt from."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from run_files import run_values, write_run_file

from scripts.train_network import train_network
from stormcnn.errors import UserError
from stormcnn.models import backend, training
from stormcnn.models.fields import CopiedFields
from stormcnn.models.networks import build_network
from stormcnn.models.training import fit_network, predict_probability, shuffled_batches
from stormcnn.storms.events import check_any_storm, check_enough_storms, exceeds
from stormcnn.storms.patches import prepare_batch
from stormcnn.storms.run_files import list_folder

SMALL = {
    "filters": [4],
    "kernel_size": 3,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.2,
}
TRAINING = {"recipe": "lesson", "epochs": 3, "batch_size": 32, "learning_rate": 0.01}


def storms(count=200):
    rng = np.random.default_rng(0)
    patches = rng.normal(0, 1, (count, 8, 8, 2)).astype(np.float32)
    return patches, patches[:, 2:6, 2:6, 0].mean(axis=(1, 2)) > 0.1


def train(seed, folder, fields=None, recipe="lesson", **changes):
    keras.utils.set_random_seed(seed)
    network = build_network({**SMALL, **changes}, (8, 8), [0, 0], [1, 1])
    patches, event = storms()
    patches = patches if fields is None else fields
    history = fit_network(
        network, patches, event, TRAINING | {"recipe": recipe}, seed, folder / "unfinished.npz"
    )
    return network, history


def equal_weights(network, other):
    return all(
        np.array_equal(a, b)
        for a, b in zip(network.get_weights(), other.get_weights(), strict=True)
    )


class BreaksOff:
    """Fields of which no more can be read after a number of batches, as when a job is killed."""

    def __init__(self, fields, batches):
        self.fields, self.left, self.shape = fields, batches, fields.shape

    def __len__(self):
        return len(self.fields)

    def __getitem__(self, storms):
        self.left -= 1
        if self.left < 0:
            raise InterruptedError("killed")
        return self.fields[storms]


def test_history_has_a_row_an_epoch_and_the_loss_falls(tmp_path):
    _, history = train(0, tmp_path)
    assert history["epoch"].tolist() == [1, 2, 3]
    assert {"loss", "seconds"} < set(history)
    assert history["loss"].iloc[-1] < 0.9 * history["loss"].iloc[0]


def test_equal_seeds_give_equal_weights_and_other_seeds_others(tmp_path):
    first, again, other = (
        train(seed, tmp_path / str(number))[0] for number, seed in enumerate((1, 1, 2))
    )
    assert equal_weights(first, again)
    assert not equal_weights(first, other)


def test_loss_of_each_epoch_is_that_of_the_network_with_its_weight_penalty(tmp_path, monkeypatch):
    monkeypatch.setitem(TRAINING, "learning_rate", 0.0)
    patches, event = storms()
    for penalty in (None, {"l2": 0.1}):
        network, history = train(
            0, tmp_path / str(penalty), spatial_dropout=None, regularizer=penalty
        )
        loss = network.evaluate(patches, event[:, np.newaxis], verbose=0)
        np.testing.assert_allclose(history["loss"], [loss] * 3, rtol=1e-5)


@pytest.mark.parametrize("recipe", ["lesson", "fast"])
def test_weights_are_those_that_keras_fit_leads_to(tmp_path, recipe):
    network, history = train(0, tmp_path, recipe=recipe)
    keras.utils.set_random_seed(0)
    fitted = build_network(SMALL, (8, 8), [0, 0], [1, 1])
    optimizer = keras.optimizers.Adam.from_config(network.optimizer.get_config())
    fitted.compile(optimizer=optimizer, loss="binary_crossentropy")
    patches, event = storms()
    size = {"lesson": 32, "fast": 128}[recipe]
    for epoch in range(len(history)):
        order = np.concatenate(shuffled_batches(len(event), size, 0, epoch))
        fitted.fit(
            patches[order], event[order, np.newaxis], batch_size=size, shuffle=False, verbose=0
        )
    for ours, theirs in zip(network.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_every_epoch_shows_each_storm_once_in_another_order():
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


def test_each_storm_is_trained_on_with_its_own_event(tmp_path, monkeypatch):
    """What the network is shown, put together again, is what it was to be shown."""
    shown = []
    train_on_batch = keras.Model.train_on_batch

    def noted(network, fields, event):
        shown.append((fields, event))
        return train_on_batch(network, fields, event)

    monkeypatch.setattr(keras.Model, "train_on_batch", noted)
    train(0, tmp_path)
    patches, event = storms()
    assert len(shown) == 3 * 7
    for epoch in range(3):
        batches = shown[7 * epoch : 7 * epoch + 7]
        order = np.concatenate(shuffled_batches(len(event), 32, 0, epoch))
        np.testing.assert_array_equal(np.concatenate([f for f, _ in batches]), patches[order])
        np.testing.assert_array_equal(np.concatenate([e for _, e in batches])[:, 0], event[order])


def test_loss_of_an_epoch_is_the_mean_over_its_storms(tmp_path, monkeypatch):
    """The last of 7 batches has 8 storms, the others 32."""
    losses = iter([1.0] * 6 + [26.0] + [0.0] * 14)
    monkeypatch.setattr(keras.Model, "train_on_batch", lambda *batch: next(losses))
    assert train(0, tmp_path)[1]["loss"].tolist() == [2, 0, 0]


# An epoch has 7 batches of 32 storms.
@pytest.mark.parametrize(("batches", "epochs"), [(5, 0), (12, 1), (20, 2)])
def test_broken_off_training_goes_on_and_ends_with_the_same_weights(
    tmp_path, batches, epochs, caplog
):
    whole, history = train(0, tmp_path / "whole")
    with pytest.raises(Exception, match="killed"):
        train(0, tmp_path, BreaksOff(storms()[0], batches))
    with caplog.at_level("INFO"):
        resumed, joined = train(0, tmp_path)
    assert (f"going on after epoch {epochs}" in caplog.text) == (epochs > 0)
    assert equal_weights(resumed, whole)
    assert joined["epoch"].tolist() == [1, 2, 3]
    assert joined["loss"].tolist() == history["loss"].tolist()


def test_broken_off_training_of_another_network_or_seed_is_left_alone(tmp_path, caplog):
    for seed, changes in ((0, {}), (1, {}), (1, {"filters": [3]})):
        with pytest.raises(Exception, match="killed"):
            train(seed, tmp_path, BreaksOff(storms()[0], 12), **changes)
    with caplog.at_level("INFO"):
        _, history = train(0, tmp_path)
    assert "is of another training: starting anew" in caplog.text
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["loss"].tolist() == train(0, tmp_path / "other")[1]["loss"].tolist()


def test_fields_on_disk_train_the_same_network(tmp_path):
    in_memory, _ = train(0, tmp_path / "memory")
    from_disk, _ = train(0, tmp_path / "disk", CopiedFields(storms()[0]))
    assert equal_weights(from_disk, in_memory)


class Bomb:
    """What is done when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def test_no_object_is_unpickled_from_a_checkpoint(tmp_path, caplog):
    bomb = np.array([Bomb()], dtype=object)
    with pytest.raises(SystemExit, match="unpickled"):
        pickle.loads(pickle.dumps(bomb))
    np.savez(tmp_path / "unfinished.npz", key=bomb)
    train(0, tmp_path)
    assert "unfinished.npz cannot be read" in caplog.text


def test_training_that_another_job_has_ended_meanwhile_is_ended_too(tmp_path, monkeypatch):
    """As when Snakemake was killed and its job has gone on beside the one that came after it."""

    def fit_beside_another(*arguments):
        history = fit_network(*arguments)
        arguments[-1].unlink()
        return history

    monkeypatch.setattr(training, "fit_network", fit_beside_another)
    # The threads of TensorFlow can be set once a process, and here it has been at work.
    monkeypatch.setattr(backend, "prepare", lambda threads, seed: None)
    write_run_file(tmp_path / "runs", run_values(30))
    patches, statistics, inventory, scaling, network, history, summary, predictions = (
        str(tmp_path / name)
        for name in (
            *("patches.nc", "statistics.csv", "inventory.csv", "scaling.csv"),
            *("network.keras", "history.csv", "summary.txt", "predictions.nc"),
        )
    )
    event = {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005}
    prepare_batch(
        list_folder(tmp_path / "runs", "day"),
        patches,
        statistics,
        inventory,
        predictors=["U10_curr"],
        target=event["target"],
        region=event["region"],
    )
    scales = {"variable": ["U10_curr"], "mean": 0, "std": 5, "minimum": -30, "maximum": 30}
    pd.DataFrame(scales).to_csv(scaling)
    train_network(
        patches=[patches],
        scaling=scaling,
        model="dropout",
        architecture=SMALL,
        training=TRAINING | {"epochs": 1, "threads": 1},
        event=event,
        memory_mb=None,
        seed=0,
        network=network,
        history=history,
        summary=summary,
        predictions=predictions,
    )
    assert len(pd.read_csv(history)) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive"])
def test_damaged_checkpoint_is_no_obstacle(tmp_path, caplog, content):
    (tmp_path / "unfinished.npz").write_bytes(content)
    _, history = train(0, tmp_path)
    assert "unfinished.npz cannot be read" in caplog.text
    assert history["epoch"].tolist() == [1, 2, 3]


def test_fast_recipe_raises_the_learning_rate_and_lowers_it_to_nothing(tmp_path):
    network, history = train(0, tmp_path, recipe="fast")
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    course = network.optimizer._learning_rate  # 8 steps, of 128 storms and of 72 by turns
    rates = [float(course(step)) for step in range(9)]
    assert rates.index(max(rates)) == 1
    assert max(rates) == pytest.approx(0.006)
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert rates[8] == pytest.approx(0, abs=1e-9)


def test_broken_off_fast_training_goes_on_with_its_learning_rate(tmp_path):
    whole, _ = train(0, tmp_path / "whole", recipe="fast")
    with pytest.raises(Exception, match="killed"):
        train(0, tmp_path, BreaksOff(storms()[0], 7), recipe="fast")
    resumed, _ = train(0, tmp_path, recipe="fast")
    assert equal_weights(resumed, whole)


def test_diverging_training_says_what_to_lower(tmp_path):
    keras.utils.set_random_seed(0)
    network = build_network({**SMALL, "activation": "exponential"}, (8, 8), [0, 0], [1e-3, 1e-3])
    patches, event = storms()
    path = tmp_path / "unfinished.npz"
    with pytest.raises(UserError, match=r"Lower training\.learning_rate"):
        fit_network(network, patches * 1e3, event, TRAINING | {"learning_rate": 1e6}, 0, path)


def test_diverged_epoch_ends_at_once_and_is_not_kept(tmp_path, monkeypatch, caplog):
    losses = iter([1.0] * 8 + [np.inf])
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "train_on_batch", lambda *batch: next(losses))
        with pytest.raises(UserError, match="finite number"):
            train(0, tmp_path)
    with caplog.at_level("INFO"):
        train(0, tmp_path)
    assert "going on after epoch 1" in caplog.text


def test_probability_of_a_storm_does_not_depend_on_its_company(tmp_path):
    network, _ = train(0, tmp_path)
    patches, _ = storms()
    whole = predict_probability(network, patches, batch=64)
    assert whole.shape == (200,)
    np.testing.assert_array_equal(predict_probability(network, patches[70:75], 64), whole[70:75])
    np.testing.assert_allclose(whole, network.predict(patches, verbose=0)[:, 0], atol=1e-6)


def test_no_storms_give_no_probabilities(tmp_path):
    network, _ = train(0, tmp_path)
    assert predict_probability(network, np.empty((0, 8, 8, 2), np.float32)).shape == (0,)


def test_patches_of_another_size_are_refused(tmp_path):
    network, _ = train(0, tmp_path)
    with pytest.raises(UserError, match=r"takes patches of 8 x 8 x 2 .* these have 16 x 16 x 2"):
        predict_probability(network, np.zeros((1, 16, 16, 2), np.float32))


@pytest.mark.parametrize(("events", "others"), [(9, 100), (100, 9), (0, 18)])
def test_too_few_storms_of_a_class_are_refused(events, others):
    event = np.array([True] * events + [False] * others)
    with pytest.raises(UserError, match="There are too few") as error:
        check_enough_storms(event, 0.005)
    assert f"{events} exceed event.threshold 0.005 and {others} do not" in str(error.value)


def test_ten_of_each_are_enough():
    check_enough_storms(np.arange(20) < 10, 0.005)


def test_period_without_a_storm_is_refused():
    check_any_storm(1)
    with pytest.raises(UserError, match="There is no storm to forecast"):
        check_any_storm(0)


def test_event_is_a_peak_above_the_threshold_not_at_it():
    peak = np.array([0.00499, 0.005, 0.00501], np.float32)
    assert exceeds(peak, 0.005).tolist() == [False, False, True]
