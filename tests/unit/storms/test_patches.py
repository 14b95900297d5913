"""Reading the patches of several batches: all storms, some storms, fields on demand."""

import re
import tracemalloc
from datetime import datetime

import h5py
import numpy as np
import pytest
import xarray as xr
from batches import STORM_COORDINATES, prepare, whole, write_run_files
from hypothesis import given, settings
from hypothesis import strategies as st
from run_files import write_run_file

from stormcnn.errors import UserError
from stormcnn.storms.patches import open_patches, read_storms
from stormcnn.storms.run_files import as_run


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    """Batches of 3, 0, 66 and 2 storms."""
    folder = tmp_path_factory.mktemp("batches")
    runs = write_run_files(folder / "runs", 3, 0, 66, 2)
    return [prepare([run], folder / run.run_date[:10]) for run in runs]


@pytest.mark.slow
def test_batches_are_read_in_the_given_order(batches):
    forward, backward = whole(batches), whole(batches[::-1])
    assert forward.sizes["storm"] == 71
    xr.testing.assert_equal(backward.isel(storm=slice(0, 2)), whole([batches[3]]))
    xr.testing.assert_equal(forward.isel(storm=slice(69, 71)), whole([batches[3]]))


@pytest.fixture(scope="module")
def patches(batches):
    return whole(batches)


def test_storms_have_peaks_and_coordinates_but_no_fields(batches):
    storms = open_patches(batches).storms
    assert set(storms.data_vars) == {"peak"}
    assert set(storms.coords) >= STORM_COORDINATES
    assert storms.sizes["storm"] == 71


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(storms=st.lists(st.integers(-71, 70), max_size=6))
def test_chosen_storms_equal_those_of_all_patches(batches, patches, storms):
    chosen = read_storms(batches, storms)
    xr.testing.assert_equal(chosen, patches.isel(storm=storms))


@pytest.mark.slow
def test_masks_are_read_with_the_fields_if_they_were_needed(tmp_path):
    runs = write_run_files(tmp_path / "runs", 3, 2)
    patches = [prepare([run], tmp_path / run.run_date[:10]) for run in runs]
    with h5py.File(runs[1].file) as file:
        expected = file["masks"][1]
    assert read_storms(patches, [4])["masks"].values[0].tolist() == expected.tolist()
    without = prepare(runs[:1], tmp_path / "patch", region="patch")
    assert "masks" not in read_storms([without], [0])


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 71), size=st.integers(0, 71), ahead=st.integers(1, 71))
def test_slices_of_fields_equal_those_of_all_patches(batches, patches, first, size, ahead):
    fields = open_patches(batches).fields
    assert (fields.shape, len(fields)) == ((71, 8, 8, 3), 71)
    expected = patches["predictors"].values
    np.testing.assert_array_equal(fields[first : first + size], expected[first : first + size])
    for start in range(0, 71, ahead):
        np.testing.assert_array_equal(
            fields[start : start + ahead], expected[start : start + ahead]
        )


@pytest.mark.slow
def test_iterating_over_the_fields_does_not_hold_them_in_memory(tmp_path):
    path = prepare(write_run_files(tmp_path / "runs", *[1000] * 8), tmp_path / "batch")

    def peak(read):
        fields = open_patches([path]).fields
        tracemalloc.start()
        read(fields)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    size = open_patches([path]).fields.in_memory().nbytes
    assert peak(lambda fields: fields.in_memory()) > size
    assert peak(lambda fields: [len(fields[n : n + 64]) for n in range(0, 8000, 64)]) < size / 2


def test_missing_storm_is_an_index_error(batches):
    with pytest.raises(IndexError):
        read_storms(batches, [71])


@pytest.mark.slow
def test_batches_with_file_names_of_different_lengths_can_be_combined(batches, tmp_path):
    name = f"{'LONG' * 20}_20110101-0000_member-1_model_patches.nc"
    path = write_run_file(tmp_path / "runs", run_date=datetime(2011, 1, 1), name=name)
    storms, _ = open_patches([batches[0], prepare([as_run(path, "year")], tmp_path)])
    assert list(storms["run_file"].values[[2, 3]]) == [
        "NCARSTORM_20101024-0000_d01_model_patches.nc",
        name,
    ]
    assert list(storms["ensemble_member"].values[[2, 3]]) == ["d01", "member-1"]


@pytest.mark.slow
def test_batches_with_different_patch_sizes_are_named(batches, tmp_path):
    other = prepare(write_run_files(tmp_path / "runs", 2, size=16), tmp_path)
    with pytest.raises(UserError, match=r"16 x 16 .* 8 x 8") as error:
        open_patches([*batches, other])
    assert str(other) in str(error.value)
    assert str(batches[0]) in str(error.value)


@pytest.mark.parametrize("read", [whole, lambda paths: read_storms(paths, [10])])
@pytest.mark.parametrize("place", ["end", "fields"])
def test_damaged_batch_is_named(batches, tmp_path, read, place):
    content = bytearray(batches[2].read_bytes())
    if place == "end":
        content = content[: len(content) // 2]
    else:  # the file can be opened, but its fields differ from what was written
        with h5py.File(batches[2]) as file:
            chunk = file["predictors"].id.get_chunk_info(0)
        content[chunk.byte_offset + chunk.size // 2] ^= 1
    damaged = tmp_path / "patches.nc"
    damaged.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(str(damaged))):
        read([batches[0], damaged, batches[3]])


@pytest.mark.slow
def test_batches_with_different_predictors_are_named(batches, tmp_path):
    other = prepare(write_run_files(tmp_path / "runs", 2), tmp_path, predictors=["T2_curr"])
    with pytest.raises(UserError, match=r"T2_curr.* REFL_COM_curr, U10_curr"):
        open_patches([*batches, other])
