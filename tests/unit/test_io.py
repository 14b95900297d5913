"""Files are whole or absent, equal for equal content, and say where they are from."""

import os
import stat

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import (
    join_csv,
    read_netcdf,
    read_rows,
    replacing,
    write_csv,
    write_netcdf,
    write_rows,
    write_text,
)
from stormcnn.provenance import digest, library_versions, provenance, sha256_of


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.suffix == ".csv"
    assert path.read_text() == "half"


def test_an_error_leaves_the_earlier_file_and_no_temporary_one(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("earlier")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text(f"{1 / 0}")
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "earlier"


def test_files_get_the_mode_that_the_user_set(tmp_path):
    mask = os.umask(0o027)
    try:
        write_text("x", tmp_path / "x.txt")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == 0o640


def test_numbers_in_csv_read_back_exactly(tmp_path):
    table = pd.DataFrame({"value": [0.1 + 0.2, 1 / 3, np.nan], "name": ["a", "b", "c"]})
    write_csv(table, tmp_path / "t.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), table)


def test_rows_are_written_and_read_as_the_same_table(tmp_path):
    rows = [{"value": 0.1 + 0.2, "name": "a, b"}, {"value": 1 / 3, "name": ""}]
    write_rows(rows, tmp_path / "rows.csv")
    write_csv(pd.DataFrame(rows), tmp_path / "t.csv")
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()
    read = read_rows(2 * [tmp_path / "rows.csv"])
    assert read == 2 * [{key: str(value) for key, value in row.items()} for row in rows]


def storms():
    return xr.Dataset(
        {"probability": ("storm", np.array([0.25, np.nan], np.float32), {"units": "1"})},
        coords={
            "run_date": ("storm", np.array(["2010-10-24", "2011-01-01"], "datetime64[ns]")),
            "ensemble_member": ("storm", ["d01", "d02"]),
        },
        attrs={"title": "Made-up storms"},
    )


def test_tables_are_joined_under_one_header(tmp_path):
    texts = ['day,note\n1,"a\nb"\n2,c\n', "day,note\n", "day,note\n3,d\n"]
    paths = [tmp_path / f"{number}.csv" for number in range(3)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    assert join_csv(paths).read() == 'day,note\n1,"a\nb"\n2,c\n3,d\n'
    assert join_csv(paths[1:]).read() == "day,note\n3,d\n"


def test_netcdf_reads_back_and_equal_data_give_equal_bytes(tmp_path):
    write_netcdf(storms(), tmp_path / "a.nc")
    write_netcdf(storms(), tmp_path / "b.nc")
    with xr.open_dataset(tmp_path / "a.nc") as read:
        xr.testing.assert_equal(read.load(), storms())
        assert read.attrs == {"title": "Made-up storms", "Conventions": "CF-1.8"}
        assert "_FillValue" not in read["probability"].encoding or np.isnan(
            read["probability"].encoding["_FillValue"]
        )
        assert read["probability"].encoding["zlib"]
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_digest_tells_settings_apart_but_not_their_order():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert len(digest({})) == 16


def test_sha256_is_of_the_content(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "x") == expected


def test_provenance_names_settings_software_and_what_else_is_given():
    made = provenance({"epochs": 10}, seed=3, source=None)
    assert made["settings_digest"] == digest({"epochs": 10})
    assert f"numpy={np.__version__}" in made["software"]
    assert made["seed"] == "3"
    assert "source" not in made


def test_versions_are_found_under_the_name_of_the_cpu_build():
    assert {"stormcnn", "tensorflow", "keras"} <= set(library_versions())


@pytest.mark.parametrize("spoil", ["cut", "text", "missing"])
def test_damaged_netcdf_file_is_named_with_the_way_out(tmp_path, spoil):
    path = tmp_path / "a.nc"
    write_netcdf(storms(), path)
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif spoil == "text":
        path.write_text("no NetCDF")
    else:
        path.unlink()
    with pytest.raises(UserError, match="remove it and run the workflow again") as refused:
        read_netcdf(path)
    assert str(refused.value).startswith(f"{path}: cannot be read")


def test_content_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        call = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, n=name, c=call: (done.append(n), c(*given)))
    write_text("whole", tmp_path / "a.txt")
    assert done == ["fsync", "replace"]
