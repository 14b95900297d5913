"""A prepared batch stays unless bad files may no longer be skipped and one was left out."""

import os

import pytest

from stormcnn.planning.left_out import may_stay
from stormcnn.storms.run_files import list_folder

HEADER = "file,storms,rejected,missing_storms,reason,bytes\n"


@pytest.fixture
def batch(tmp_path):
    """Two run files, the second of which was left out; return them and the inventory."""
    folder = tmp_path / "runs"
    folder.mkdir()
    for day in (1, 2):
        (folder / f"NCARSTORM_2026050{day}-0000_d01_model_patches.nc").write_text("storms")
    runs = list_folder(folder, "month")
    inventory = tmp_path / "inventory.csv"
    rows = [f"{runs[0].file},3,1,0,NaN in U10,6", f"{runs[1].file},0,0,0,truncated,6"]
    inventory.write_text(HEADER + "\n".join(rows) + "\n")
    return runs, inventory


def test_batch_without_its_bad_file_stays_only_while_it_may_be_skipped(batch):
    runs, inventory = batch
    assert may_stay(inventory, runs, skip_bad_files=True)
    assert not may_stay(inventory, runs, skip_bad_files=False)
    # Rejected storms are no bad file.
    assert may_stay(inventory, runs[:1], skip_bad_files=False)


def test_batch_that_is_prepared_again_anyway_stays(batch):
    runs, inventory = batch
    later = os.stat(inventory).st_mtime + 9
    os.utime(runs[1].file, (later, later))
    assert may_stay(inventory, runs, skip_bad_files=False)
    inventory.unlink()
    assert may_stay(inventory, runs, skip_bad_files=False)
