"""The job that trains a network writes all its files, even if another job has done so already."""

import threading

import pandas as pd
import pytest
from run_files import run_values, write_run_file

from scripts.train_network import train_network
from stormcnn.models.network_files import read_metadata
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import list_folder
from stormcnn.vocabulary import LESSON_EVENT

ARCHITECTURE = {"filters": [4], "kernel_size": 3, "activation": "relu", "pooling": "average"}
TRAINING = {
    "recipe": "lesson",
    "epochs": 1,
    "batch_size": 32,
    "learning_rate": 0.01,
    "threads": 1,
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Paths of the patches of 30 storms and of their scaling."""
    folder = tmp_path_factory.mktemp("inputs")
    write_run_file(folder / "runs", run_values(30))
    prepare_batch(
        list_folder(folder / "runs", "day"),
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


def train(inputs, folder):
    names = {
        "network": "network.keras",
        "history": "history.csv",
        "summary": "summary.txt",
        "size": "size.csv",
        "predictions": "predictions.nc",
    }
    train_network(
        **inputs,
        model="baseline",
        architecture=ARCHITECTURE,
        training=TRAINING,
        event=LESSON_EVENT,
        memory_mb=None,
        seed=0,
        code="",
        **{key: str(folder / name) for key, name in names.items()},
    )
    return sorted(path.name for path in folder.iterdir())


def test_all_files_are_written_and_the_checkpoint_is_removed(inputs, tmp_path):
    assert train(inputs, tmp_path) == [
        "history.csv",
        "network.keras",
        "predictions.nc",
        "size.csv",
        "summary.txt",
    ]
    assert len(pd.read_csv(tmp_path / "history.csv")) == 1
    assert read_metadata(tmp_path / "network.keras")["model"] == "baseline"
    size = pd.read_csv(tmp_path / "size.csv")
    assert list(size) == ["trainable_parameters", "small_weight_share"]
    assert size["trainable_parameters"].tolist() == [4 * 9 + 4 + 4 * 4 * 4 + 1]
    assert 0 <= size["small_weight_share"].item() < 0.5


def test_training_completes_if_another_job_removes_the_checkpoint(inputs, tmp_path):
    """Snakemake may have been killed and restarted while its first job went on."""

    def remove_checkpoint():
        while not stop.is_set():
            if (tmp_path / "network.keras").exists():
                (tmp_path / "unfinished.npz").unlink(missing_ok=True)
                return

    stop = threading.Event()
    other = threading.Thread(target=remove_checkpoint)
    other.start()
    try:
        assert "predictions.nc" in train(inputs, tmp_path)
    finally:
        stop.set()
        other.join()
