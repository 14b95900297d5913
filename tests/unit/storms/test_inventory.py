"""The inventory of run files."""

import pandas as pd
import pytest

from stormcnn.errors import UserError
from stormcnn.storms.inventory import (
    COLUMNS,
    as_inventory,
    is_made_up,
    merge_inventories,
    read_inventory,
)


def line(file, **changes):
    run = {
        "run_date": "2010-10-24T00:00",
        "file": file,
        "batch": "2010",
        "storms": 4,
        "rejected": 1,
        "reason": "1 x NaN in U10_curr (p = 3)",
        "bytes": 1000,
        "sha256": f"digest of {file}",
        "title": "Storms",
        "patch_size": "32 x 32",
    }
    return run | changes


def write(folder, name, *lines):
    path = folder / f"{name}.csv"
    as_inventory(lines).to_csv(path, index=False)
    return path


def test_inventories_of_batches_become_one_sorted_by_run_date_and_file(tmp_path):
    late = write(tmp_path, "2011", line("c.nc", run_date="2011-01-01T00:00"))
    early = write(tmp_path, "2010", line("b.nc"), line("a.nc"))
    table = merge_inventories([late, early])
    assert list(table) == list(COLUMNS)
    assert table["file"].tolist() == ["a.nc", "b.nc", "c.nc"]
    assert table["storms"].sum() == 12


def test_empty_texts_and_digits_stay_texts(tmp_path):
    path = write(tmp_path, "2010", line("a.nc", reason="", title="", sha256="0123", batch="2010"))
    row = read_inventory(path).iloc[0]
    assert (row["reason"], row["title"], row["sha256"], row["batch"]) == ("", "", "0123", "2010")


def test_an_inventory_without_a_run_has_its_columns(tmp_path):
    table = merge_inventories([write(tmp_path, "2010"), write(tmp_path, "2011", line("a.nc"))])
    assert table["storms"].tolist() == [4]
    pd.testing.assert_index_equal(read_inventory(tmp_path / "2010.csv").columns, table.columns)


def test_the_same_run_under_two_names_is_refused(tmp_path):
    first = write(tmp_path, "2010", line("a.nc", sha256="same"), line("b.nc"))
    second = write(tmp_path, "2011", line("copy.nc", sha256="same", run_date="2011-01-01T00:00"))
    with pytest.raises(UserError, match=r"^a\.nc and copy\.nc have the same content"):
        merge_inventories([first, second])


def test_files_that_gave_no_storms_may_be_alike(tmp_path):
    path = write(
        tmp_path,
        "2010",
        line("a.nc", sha256="same", storms=0),
        line("b.nc", sha256="same", storms=0),
        line("c.nc", sha256="same"),
    )
    assert len(merge_inventories([path])) == 3


def test_patches_of_two_sizes_are_refused(tmp_path):
    first = write(tmp_path, "2010", line("a.nc"), line("b.nc", patch_size="16 x 16", storms=0))
    second = write(tmp_path, "2011", line("c.nc", patch_size="80 x 80"))
    with pytest.raises(UserError, match=r"a\.nc has 32 x 32, c\.nc has 80 x 80 grid points"):
        merge_inventories([first, second])


@pytest.mark.parametrize(("title", "expected"), [("Made-up storms", True), ("Storms", False)])
def test_made_up_run_files_are_known_by_their_title(tmp_path, title, expected):
    assert is_made_up(write(tmp_path, "2010", line("a.nc"), line("b.nc", title=title))) is expected
