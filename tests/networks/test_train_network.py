"""The job that trains a network writes the files of every seed, however it was interrupted."""

import logging
import threading
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from result_files import has_weights, read_weights
from run_files import FIRST_RUN, run_values, write_run_file

from scripts.predict_storms import predict_storms
from scripts.train_network import train_network
from stormcnn.forecast.network_metadata import read_about
from stormcnn.io import read_netcdf
from stormcnn.models.network_files import load_network
from stormcnn.models.prediction import predict_probability
from stormcnn.storms.patches import open_patches
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import list_folder
from stormcnn.vocabulary import LESSON_EVENT

ARCHITECTURE = {"filters": [4], "kernel_size": 3, "activation": "relu", "pooling": "average"}
TRAINING = {
    "recipe": "lesson",
    "epochs": 1,
    "batch_size": 8,  # the last batch of 30 storms is smaller
    "learning_rate": 0.01,
    "threads": 1,
}


def prepare(runs, folder):
    """Prepare run files and return the paths of their patches and their scaling."""
    prepare_batch(
        runs,
        folder / "patches.nc",
        folder / "statistics.csv",
        folder / "inventory.csv",
        predictors=["U10_curr"],
        target=LESSON_EVENT["target"],
        region=LESSON_EVENT["region"],
    )
    scaling = {"variable": ["U10_curr"], "mean": 0, "std": 5, "minimum": -30, "maximum": 30}
    pd.DataFrame(scaling).to_csv(folder / "scaling.csv")
    return {"patches": [str(folder / "patches.nc")], "scaling": str(folder / "scaling.csv")}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Paths of the patches of 30 storms and of their scaling."""
    folder = tmp_path_factory.mktemp("inputs")
    write_run_file(folder / "runs", run_values(30))
    return prepare(list_folder(folder / "runs", "day"), folder)


def outputs(folder, seed, test=False):
    """Return the paths that are written for one seed."""
    names = {
        "network": "trained.keras",
        "history": "history.csv",
        "summary": "summary.txt",
        "size": "size.csv",
        "predictions": "predictions.nc",
    }
    names |= {"test_predictions": "test.nc"} if test else {}
    return {key: str(folder / f"seed-{seed}" / name) for key, name in names.items()}


def train(inputs, folder, *seeds, start=None, held_out=(), architecture=ARCHITECTURE, **settings):
    """Train a network with each seed, and return the folders of the seeds."""
    test = bool(settings.get("test_patches"))
    train_network(
        **inputs,
        model="baseline",
        architecture=architecture,
        training=TRAINING,
        event=LESSON_EVENT,
        memory_mb=None,
        code="",
        outputs={seed: outputs(folder, seed, test) for seed in seeds},
        hold_out={"seed": 0, "start": start},
        held_out=[str(path) for path in held_out],
        **({"keep_checkpoints": False} | settings),
    )
    return [folder / f"seed-{seed}" for seed in seeds]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


FILES = ["history.csv", "predictions.nc", "size.csv", "summary.txt", "trained.keras"]


def test_predictions_of_the_test_period_are_those_of_a_job_of_its_own(inputs, tmp_path):
    folders = train(inputs, tmp_path, 0, 3, test_patches=inputs["patches"])
    apart = [tmp_path / "apart-0.nc", tmp_path / "apart-3.nc"]
    predict_storms(
        networks=[str(folder / "trained.keras") for folder in folders],
        patches=inputs["patches"],
        model="baseline",
        seeds=[0, 3],
        threshold=LESSON_EVENT["threshold"],
        threads=1,
        predictions=[str(path) for path in apart],
    )
    for folder, path in zip(folders, apart, strict=True):
        xr.testing.assert_identical(read_netcdf(folder / "test.nc"), read_netcdf(path))


def test_all_files_are_written_and_the_checkpoint_is_removed(inputs, tmp_path):
    (folder,) = train(inputs, tmp_path, 0)
    assert names(folder) == FILES
    assert len(pd.read_csv(folder / "history.csv")) == 1
    assert read_about(folder / "trained.keras")["model"] == "baseline"
    size = pd.read_csv(folder / "size.csv")
    assert list(size) == ["trainable_parameters", "small_weight_share"]
    assert size["trainable_parameters"].tolist() == [4 * 9 + 4 + 4 * 4 * 4 + 1]
    assert 0 <= size["small_weight_share"].item() < 0.5


DROPOUT = ARCHITECTURE | {"spatial_dropout": 0.3}


def test_seeds_trained_together_have_the_weights_of_seeds_trained_apart(inputs, tmp_path):
    held_out = tmp_path / "held-out.nc"
    together = train(
        inputs, tmp_path / "together", 0, 1, 2, architecture=DROPOUT, held_out=[held_out]
    )
    # In another order, so that nothing of an earlier training may matter.
    apart = [
        *train(inputs, tmp_path / "apart", 2, architecture=DROPOUT),
        *train(inputs, tmp_path / "apart", 1, architecture=DROPOUT),
        *train(inputs, tmp_path / "apart", 0, architecture=DROPOUT),
    ]
    for folder, other in zip(together, reversed(apart), strict=True):
        assert has_weights(folder / "trained.keras", read_weights(other / "trained.keras"))
        predictions = [path / "predictions.nc" for path in (folder, other)]
        assert predictions[0].read_bytes() == predictions[1].read_bytes()
    first, second, _ = together
    assert not has_weights(first / "trained.keras", read_weights(second / "trained.keras"))


def test_seed_that_is_added_is_the_only_one_to_be_trained(inputs, tmp_path, caplog):
    before, _ = train(inputs, tmp_path, 0, 1, keep_checkpoints=True)
    assert names(before) == ["checkpoint.npz", *FILES]
    weights = read_weights(before / "trained.keras")
    (before / "trained.keras").unlink()  # as Snakemake does
    with caplog.at_level(logging.INFO):
        train(inputs, tmp_path, 0, 1, 2, keep_checkpoints=True)
    assert caplog.text.count("Epoch 1 of 1") == 1
    assert caplog.text.count("after epoch 1") == 2
    assert has_weights(before / "trained.keras", weights)


# Held-out storms


def prepare_days(folder, days):
    """Prepare that many days of 12 storms and return what a training job reads."""
    for day in range(days):
        run_date = FIRST_RUN + timedelta(days=day)
        write_run_file(folder / "runs", run_values(12, seed=day), run_date=run_date)
    return prepare(list_folder(folder / "runs", "year"), folder)


def test_held_out_storms_are_the_last_blocks_and_not_trained_on(tmp_path):
    inputs = prepare_days(tmp_path, 20)
    start = f"{FIRST_RUN + timedelta(days=10):%Y-%m-%dT%H:%M}"
    train(inputs, tmp_path, start=start, held_out=[tmp_path / "held-out.nc"])
    held_out = read_netcdf(tmp_path / "held-out.nc")
    days = np.unique(held_out["run_date"].values.astype("datetime64[D]"))
    assert days.size == 10
    assert days[0] == np.datetime64(FIRST_RUN + timedelta(days=10), "D")
    assert held_out.sizes["storm"] == 120
    assert held_out.attrs["model"] == "baseline"
    assert held_out.attrs["seed"] == "0"
    # The same as training on the first ten days alone, with the same scaling.
    first = prepare_days(tmp_path / "first", 10)
    (folder,) = train(first | {"scaling": inputs["scaling"]}, tmp_path / "first", 0)
    network = load_network(folder / "trained.keras")
    fields = open_patches(inputs["patches"]).fields.in_memory()[120:]
    np.testing.assert_array_equal(predict_probability(network, fields), held_out["probability"])
    assert not list(tmp_path.glob("*.npz"))


@pytest.mark.parametrize("start", [None, "2000-01-01T00:00"])
def test_nothing_is_held_out_if_too_little_would_be_held_out_or_left(
    inputs, tmp_path, caplog, start
):
    train(inputs, tmp_path, start=start, held_out=[tmp_path / "held-out.nc"])
    assert read_netcdf(tmp_path / "held-out.nc").sizes["storm"] == 0
    assert caplog.text.count("No recalibration") == 1
    assert "Epoch" not in caplog.text


def test_training_completes_if_another_job_removes_the_checkpoint(inputs, tmp_path):
    """Snakemake may have been killed and restarted while its first job went on."""

    def remove_checkpoint():
        while not stop.is_set():
            if (tmp_path / "seed-0/trained.keras").exists():
                (tmp_path / "seed-0/checkpoint.npz").unlink(missing_ok=True)
                return

    stop = threading.Event()
    other = threading.Thread(target=remove_checkpoint)
    other.start()
    try:
        train(inputs, tmp_path, 0)
        assert (tmp_path / "seed-0/predictions.nc").exists()
    finally:
        stop.set()
        other.join()
