"""Files are written atomically, are equal for equal content, and are read with clear errors."""

import csv
import os
import stat

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import (
    extend_netcdf,
    forbid_world_writable_files,
    join_csv,
    read_netcdf,
    read_rows,
    replacing,
    write_csv,
    write_netcdf,
    write_rows,
    write_text,
)


def test_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.suffix == ".csv"
    assert path.read_text() == "half"


def test_error_keeps_the_earlier_file_and_no_temporary_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("earlier")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text(f"{1 / 0}")
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "earlier"


def test_file_mode_follows_the_umask(tmp_path):
    mask = os.umask(0o027)
    try:
        write_text("x", tmp_path / "x.txt")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == 0o640


def test_files_are_never_world_writable(tmp_path):
    mask = os.umask(0)
    try:
        write_text("x", tmp_path / "x.txt")
        with replacing(tmp_path / "y.txt") as y:
            assert stat.S_IMODE(y.stat().st_mode) == 0o600
        forbid_world_writable_files()
        (tmp_path / "z.txt").touch()
    finally:
        os.umask(mask)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o664}


def test_texts_in_csv_are_no_formulas(tmp_path):
    texts = ["=1+1", "+1+1", "-1+1", "@a", "\t=1", "'=1", "a=1", "-1.5", ""]
    table = pd.DataFrame({"=name": texts, "value": [-0.5] * len(texts)})
    write_csv(table, tmp_path / "t.csv")
    write_rows(table.to_dict("records"), tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()
    with open(tmp_path / "t.csv", newline="") as stream:
        header, *rows = csv.reader(stream)
    cells = [row[0] for row in rows]
    assert header == ["'=name", "value"]
    assert cells == ["'=1+1", "'+1+1", "'-1+1", "'@a", "'\t=1", "''=1", "a=1", "-1.5", ""]
    assert [row[1] for row in rows] == ["-0.5"] * len(texts)


def test_numbers_in_csv_are_exact(tmp_path):
    table = pd.DataFrame({"value": [0.1 + 0.2, 1 / 3, np.nan], "name": ["a", "b", "c"]})
    write_csv(table, tmp_path / "t.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), table)


def test_rows_are_written_like_a_table_and_read_as_texts(tmp_path):
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


def test_equal_datasets_give_equal_netcdf_files(tmp_path):
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


def test_copy_of_a_file_has_its_content_and_the_new_variables(tmp_path):
    source = tmp_path / "a.nc"
    write_netcdf(storms(), source)
    before = source.read_bytes()
    doubled = xr.Dataset(
        {"doubled": ("storm", np.array([0.5, 1], np.float32), {"units": "1"})},
        attrs={"model": "l2"},
    )
    for name in ("b.nc", "c.nc"):
        extend_netcdf(source, tmp_path / name, doubled)
    with xr.open_dataset(tmp_path / "b.nc") as read:
        expected = storms().assign(doubled.data_vars)
        xr.testing.assert_equal(read.load(), expected)
        attributes = {"title": "Made-up storms", "model": "l2", "Conventions": "CF-1.8"}
        assert read.attrs == attributes
        assert read["doubled"].attrs == {"units": "1"}
        for name in ("zlib", "coordinates"):
            assert read["doubled"].encoding[name] == read["probability"].encoding[name]
    assert source.read_bytes() == before
    assert (tmp_path / "b.nc").read_bytes() == (tmp_path / "c.nc").read_bytes()


@pytest.mark.parametrize("fault", ["truncated", "text", "missing"])
def test_damaged_netcdf_file_is_named(tmp_path, fault):
    path = tmp_path / "a.nc"
    write_netcdf(storms(), path)
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    elif fault == "text":
        path.write_text("text")
    else:
        path.unlink()
    with pytest.raises(UserError) as error:
        read_netcdf(path)
    assert str(error.value).startswith(f"{path}: ")


def test_cached_file_is_named_with_the_link_to_it(tmp_path):
    (tmp_path / "cached.nc").write_text("text")
    (tmp_path / "link.nc").symlink_to(tmp_path / "cached.nc")
    with pytest.raises(UserError) as error:
        read_netcdf(tmp_path / "link.nc")
    assert str(tmp_path / "link.nc") in str(error.value)
    assert str(tmp_path / "cached.nc") in str(error.value)


def test_content_is_on_the_disk_before_the_file_is_renamed(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        call = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, n=name, c=call: (calls.append(n), c(*args)))
    write_text("complete", tmp_path / "a.txt")
    assert calls == ["fsync", "replace"]
