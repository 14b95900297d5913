"""Merging the inventories of batches, and checking that run files are compatible."""

import pandas as pd
import pytest

from stormcnn.errors import UserError
from stormcnn.io import read_rows, write_csv
from stormcnn.storms.inventory import (
    COLUMNS,
    as_inventory,
    is_made_up,
    merge_inventories,
    read_inventory,
)


def row(file, **changes):
    run = {
        "run_date": "2010-10-24T00:00",
        "file": file,
        "batch": "2010",
        "storms": 4,
        "rejected": 1,
        "reason": "1 x NaN in U10_curr (p = 3)",
        "missing_hours": 0,
        "missing_storms": 0,
        "duplicate": 0,
        "padded": 0,
        "constant": 0,
        "corrections": "",
        "units": "U10_curr: m s-1",
        "bytes": 1000,
        "sha256": f"digest of {file}",
        "title": "Storms",
        "patch_size": "32 x 32",
    }
    return run | changes


def write(folder, name, *rows):
    path = folder / f"{name}.csv"
    as_inventory(rows).to_csv(path, index=False)
    return path


def test_merged_inventory_is_sorted_by_run_date_and_file(tmp_path):
    late = write(tmp_path, "2011", row("c.nc", run_date="2011-01-01T00:00"))
    early = write(tmp_path, "2010", row("b.nc"), row("a.nc"))
    table = merge_inventories([late, early])
    assert list(table) == list(COLUMNS)
    assert table["file"].tolist() == ["a.nc", "b.nc", "c.nc"]
    assert table["storms"].sum() == 12


def test_empty_texts_and_digits_are_read_as_texts(tmp_path):
    path = write(tmp_path, "2010", row("a.nc", reason="", title="", sha256="0123", batch="2010"))
    read = read_inventory(path).iloc[0]
    assert read[["reason", "title", "sha256", "batch"]].tolist() == ["", "", "0123", "2010"]


def test_texts_that_spreadsheets_would_compute_are_read_back(tmp_path):
    texts = {"file": "=1.nc", "title": "'=1", "reason": "@a"}
    write_csv(as_inventory([row(**texts)]), tmp_path / "2010.csv")
    write_csv(merge_inventories([tmp_path / "2010.csv"]), tmp_path / "merged.csv")
    assert (tmp_path / "merged.csv").read_bytes() == (tmp_path / "2010.csv").read_bytes()
    for read in (read_inventory(tmp_path / "merged.csv"), read_rows([tmp_path / "merged.csv"])):
        (first,) = read.to_dict("records") if isinstance(read, pd.DataFrame) else read
        assert {name: first[name] for name in texts} == texts
    assert "'=1.nc" in (tmp_path / "merged.csv").read_text()


def test_inventory_without_runs_has_all_columns(tmp_path):
    table = merge_inventories([write(tmp_path, "2010"), write(tmp_path, "2011", row("a.nc"))])
    assert table["storms"].tolist() == [4]
    pd.testing.assert_index_equal(read_inventory(tmp_path / "2010.csv").columns, table.columns)


def test_files_with_the_same_content_are_named(tmp_path):
    first = write(tmp_path, "2010", row("a.nc", sha256="same"), row("b.nc"))
    second = write(tmp_path, "2011", row("copy.nc", sha256="same", run_date="2011-01-01T00:00"))
    with pytest.raises(UserError, match=r"a\.nc .*copy\.nc .*same"):
        merge_inventories([first, second])


def test_files_without_storms_may_have_the_same_content(tmp_path):
    path = write(
        tmp_path,
        "2010",
        row("a.nc", sha256="same", storms=0),
        row("b.nc", sha256="same", storms=0),
        row("c.nc", sha256="same"),
    )
    assert len(merge_inventories([path])) == 3


def test_files_with_different_patch_sizes_are_named(tmp_path):
    first = write(tmp_path, "2010", row("a.nc"), row("b.nc", patch_size="16 x 16", storms=0))
    second = write(tmp_path, "2011", row("c.nc", patch_size="80 x 80"))
    with pytest.raises(UserError, match=r"a\.nc.* 32 x 32.* c\.nc.* 80 x 80"):
        merge_inventories([first, second])


def test_files_with_different_units_are_named(tmp_path):
    first = write(tmp_path, "2010", row("a.nc", units=""), row("b.nc", units="HAIL: mm; CAPE: J"))
    second = write(tmp_path, "2011", row("c.nc", units="HAIL: m"))
    with pytest.raises(UserError, match=r"b\.nc and c\.nc .*HAIL: mm.*HAIL: m\)"):
        merge_inventories([first, second])
    assert len(merge_inventories([first])) == 2


@pytest.mark.parametrize("other", ["J/kg", "J kg**-1", "m2 s-2"])
def test_other_spellings_of_the_same_units_are_accepted(tmp_path, other):
    rows = [row("a.nc", units="CAPE: J kg-1"), row("b.nc", units=f"CAPE: {other}")]
    assert len(merge_inventories([write(tmp_path, "2010", *rows)])) == 2


@pytest.mark.parametrize("units", [("HAIL", "HAIL: mm"), ("HAIL: mm", "CAPE: J; HAIL")])
def test_file_without_units_is_named_with_one_that_has_some(tmp_path, units):
    rows = [row(file, units=text) for file, text in zip(["a.nc", "b.nc"], units, strict=True)]
    silent, stating = ("a.nc", "b.nc") if "mm" in units[1] else ("b.nc", "a.nc")
    with pytest.raises(UserError, match=rf"{silent} .*of HAIL.* {stating} .*HAIL: mm"):
        merge_inventories([write(tmp_path, "2010", *rows)])
    assert len(merge_inventories([write(tmp_path, "2011", rows[0])])) == 1


@pytest.mark.parametrize(("title", "expected"), [("Made-up storms", True), ("Storms", False)])
def test_made_up_run_files_are_recognized_by_their_title(tmp_path, title, expected):
    assert is_made_up(write(tmp_path, "2010", row("a.nc"), row("b.nc", title=title))) is expected
