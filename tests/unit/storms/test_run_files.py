"""Names of run files, and lists of runs."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from stormcnn.errors import UserError
from stormcnn.storms.finding import MOST_NAMED
from stormcnn.storms.run_files import (
    Run,
    as_run,
    batch_of,
    check_runs,
    format_run_list,
    list_folder,
    parse_run_name,
    read_archive_list,
    read_run_list,
)

ARCHIVE_RUNS = Path(__file__).parents[3] / "config/runs/ncar.csv"
NAME = "NCARSTORM_20101024-0000_d01_model_patches.nc"


def test_name_contains_ensemble_run_date_and_ensemble_member():
    assert parse_run_name(f"some/where/{NAME}") == ("NCARSTORM", datetime(2010, 10, 24), "d01")
    other = parse_run_name("MY_ENS_20110203-1230_mem_7_model_patches.nc")
    assert other == ("MY_ENS", datetime(2011, 2, 3, 12, 30), "mem_7")


@pytest.mark.parametrize(
    "name",
    [
        "NCARSTORM_20101324-0000_d01_model_patches.nc",
        "NCARSTORM_2010-10-24_d01_model_patches.nc",
        "storms.nc",
        "NCARSTORM_20101024-0000_d01_model_patches.nc.part",
    ],
)
def test_name_without_valid_run_date_is_refused_with_the_expected_form(name):
    with pytest.raises(UserError, match="YYYYMMDD-HHMM") as error:
        parse_run_name(name)
    assert name in str(error.value)
    assert_names_a_setting(error.value)


def assert_names_a_setting(error):
    """A run file with another name would be taken for another run, so no name may be changed."""
    assert "data.folder" in str(error)
    assert "rename" not in str(error).lower()


@pytest.mark.parametrize("part", ["\x1b[2J", "a\nb", "\udcff", "\u202e", "<b>", "{member}", "a\\b"])
def test_unprintable_and_reserved_characters_are_refused_and_escaped(part):
    with pytest.raises(UserError) as error:
        parse_run_name(f"runs/{part}_20101024-0000_d01_model_patches.nc")
    assert str(error.value).isascii()
    assert str(error.value).isprintable()
    assert_names_a_setting(error.value)


@pytest.mark.parametrize(
    ("size", "batch"), [("day", "2010-10-24"), ("month", "2010-10"), ("year", "2010")]
)
def test_batch_is_the_day_month_or_year_of_the_run_date(size, batch):
    assert batch_of(datetime(2010, 10, 24), size) == batch


def folder_of(tmp_path, *names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_subfolders_are_listed_too_sorted_by_run_date(tmp_path):
    later = NAME.replace("20101024", "20110101")
    folder_of(tmp_path, later, f"2010/{NAME}", "notes.txt", "other.nc")
    runs = list_folder(tmp_path, "month")
    assert [run.batch for run in runs] == ["2010-10", "2011-01"]
    assert [run.file for run in runs] == [str(tmp_path / "2010" / NAME), str(tmp_path / later)]
    assert runs[0].run_date == "2010-10-24T00:00"


def test_missing_folder_and_folder_without_run_files_are_named(tmp_path):
    with pytest.raises(UserError, match="nowhere is not a folder"):
        list_folder(tmp_path / "nowhere", "year")
    with pytest.raises(UserError, match=r"data\.folder: .*_model_patches\.nc"):
        list_folder(tmp_path, "year")


def test_both_files_of_the_same_run_are_named(tmp_path):
    folder_of(tmp_path, f"a/{NAME}", f"b/{NAME}")
    with pytest.raises(UserError) as error:
        list_folder(tmp_path, "year")
    assert f"a/{NAME}" in str(error.value)
    assert f"b/{NAME}" in str(error.value)


def test_ensemble_members_of_one_run_date_are_different_runs():
    runs = [as_run(NAME, "year"), as_run(NAME.replace("d01", "d02"), "year")]
    assert len(check_runs(runs)) == 2


@pytest.mark.parametrize("sha256", ["", "ab" * 32])
def test_run_list_is_read_as_it_was_written(tmp_path, sha256):
    runs = [Run("2010-10-24T00:00", f"with, comma/{NAME}", "2010", sha256)]
    path = tmp_path / "runs.csv"
    path.write_text(format_run_list(runs))
    assert read_run_list(path) == runs
    assert ("sha256" in path.read_text()) == bool(sha256)


def test_size_and_time_of_listed_files_are_kept_in_the_run_list(tmp_path):
    (tmp_path / NAME).write_bytes(b"1234")
    os.utime(tmp_path / NAME, ns=(0, 12345678901234567))
    (run,) = list_folder(tmp_path, "year")
    assert (run.bytes, run.modified) == (4, 12345678901234567)
    path = tmp_path / "runs.csv"
    path.write_text(format_run_list([run]))
    assert read_run_list(path) == [run]
    assert run.is_unchanged()
    os.utime(tmp_path / NAME)
    assert not run.is_unchanged()


def test_young_files_are_left_for_the_next_call_and_named(tmp_path, caplog):
    later = NAME.replace("20101024", "20110101")
    folder_of(tmp_path, NAME, later)
    os.utime(tmp_path / NAME, (0, 0))
    (run,) = list_folder(tmp_path, "year", settle_seconds=60)
    assert run.file == str(tmp_path / NAME)
    (message,) = caplog.messages
    assert str(tmp_path / later) in message
    assert str(tmp_path / NAME) not in message
    assert len(list_folder(tmp_path, "year")) == 2
    (tmp_path / NAME).unlink()
    with pytest.raises(UserError, match=rf"data\.settle_seconds.*{later}"):
        list_folder(tmp_path, "year", settle_seconds=60)


@pytest.mark.parametrize("settled", [0, 1])
def test_many_young_files_are_counted_and_the_first_named(tmp_path, caplog, settled):
    names = [NAME.replace("2010", str(2010 + year)) for year in range(settled + 40)]
    folder_of(tmp_path, *names)
    for name in names[:settled]:
        os.utime(tmp_path / name, (0, 0))
    if settled:
        assert len(list_folder(tmp_path, "year", settle_seconds=60)) == settled
        (message,) = caplog.messages
    else:
        with pytest.raises(UserError) as error:
            list_folder(tmp_path, "year", settle_seconds=60)
        message = str(error.value)
    assert "40" in message.split()
    assert [name for name in names if name in message] == names[settled : settled + MOST_NAMED]


def test_column_missing_from_the_run_list_is_named(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("run_date,file\n2010-10-24,x\n")
    with pytest.raises(UserError, match=r"runs\.csv.*batch"):
        read_run_list(path)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "column"),
        (b"date,file\n2010-10-24,x\n", "column run_date"),
        (b"run_date,file\n", "no rows"),
        (f"run_date,file\n,{NAME}\n".encode(), "line 2: run_date"),
        (f"run_date,file\n2010-10-24T00:00,{NAME}\n2010-10-25T00:00\n".encode(), "line 3: file"),
        ("run_date,file\n2010-10-24T00:00,é".encode("latin-1"), "UTF-8"),
        ("run_date,file\r2010-10-24T00:00,é".encode("latin-1"), "line 2"),
        (f"run_date,file\n0001-01-01T00:00+01:00,{NAME}\n".encode(), "line 2, column run_date"),
        (f'run_date,file\n"2010-10-24T00:00,{NAME}\n2010-10-25T00:00,x\n'.encode(), "line 2: "),
        (f"run_date,file\n\n2010-10-24T00:00,{'x' * 200_000}\n".encode(), "line 3: "),
        (f'run_date,file\n"2010-10-24"T00:00,{NAME}\n'.encode(), "line 2: "),
        (b"run_date,file\n\n2010-10-24T00:00,storms.nc\n", "line 3, column file: storms"),
        (b"run_date,file\n2010-10-24T00:00,a/b.nc\n", "line 2, column file: 'a/b.nc'"),
        (f"run_date,file\nnever,{NAME}\n".encode(), "line 2, column run_date: .*never"),
        (f"run_date,file\n2010-10-24T01:00,{NAME}\n".encode(), "line 2, column run_date: "),
        (f"run_date,file\n2010-10-24T00:00\0,{NAME}\n".encode(), "line 2, column run_date: "),
        (f"run_date,file\n2010-10-24T00:00,\0{NAME}\n".encode(), "line 2, column file: "),
        (f"run_date,fi\0le\n2010-10-24T00:00,{NAME}\n".encode(), "line 1: column file"),
    ],
)
def test_fault_of_an_archive_list_is_named(tmp_path, content, named):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"list\.csv.*{named}") as error:
        read_archive_list(path, "data", "year")
    assert str(error.value).isprintable()


@pytest.mark.slow
@pytest.mark.parametrize(
    "save",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace(",", " ,", 1).encode(),
        lambda text: text.replace(",", " , ").replace("\n", " \n").encode(),
        lambda text: text.replace("\n", "\n,,\n , \n").encode(),
        lambda text: b"\n" + text.replace(",", ";").encode(),
        lambda text: text.replace("T00:00,", "T00:00:00,").encode(),
        lambda text: text.replace("T00:00,", " 00:00:00,").encode(),
        lambda text: text.replace("T00:00,", "T00:00Z,").encode(),
        lambda text: text.replace("T00:00,", "T01:00+01:00,").encode(),
        lambda text: "\n".join(",".join(reversed(row.split(","))) for row in text.split()).encode(),
    ],
    ids=[
        "BOM",
        "semicolons",
        "UTF-16 and tabs",
        "CRLF",
        "CR",
        "space in the header",
        "spaces",
        "empty rows",
        "empty first line",
        "seconds",
        "space and seconds",
        "UTC",
        "time zone",
        "other order",
    ],
)
def test_archive_list_saved_by_a_spreadsheet_is_read(tmp_path, save):
    text = ARCHIVE_RUNS.read_text(encoding="utf-8")
    path = tmp_path / "list.csv"
    path.write_bytes(save(text))
    expected = read_archive_list(ARCHIVE_RUNS, "data", "year")
    assert read_archive_list(path, "data", "year") == expected


def test_archive_list_gives_paths_in_the_folder():
    runs = read_archive_list(ARCHIVE_RUNS, "data", "year")
    assert len(runs) == 100
    assert runs[0] == Run("2010-10-24T00:00", f"data/{NAME}", "2010")
    assert sum(run.run_date < "2015-01-01" for run in runs) == 64


def test_run_date_that_differs_from_the_file_name_is_named(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(f"run_date,file\n2010-10-25T00:00,{NAME}\n")
    with pytest.raises(UserError, match=r"2010-10-25T00:00.* 2010-10-24T00:00"):
        read_archive_list(path, "data", "year")


@pytest.mark.parametrize("folder", ["..", "../..", "/etc", "a", ".", "a/.."])
def test_archive_list_names_files_without_folders(tmp_path, folder):
    name = f"{folder}/NCARSTORM_20101024-0000_d01_model_patches.nc"
    (tmp_path / "list.csv").write_text(f"run_date,file\n2010-10-24T00:00,{name}\n")
    with pytest.raises(UserError) as error:
        read_archive_list(tmp_path / "list.csv", tmp_path / "runs", "year")
    assert str(tmp_path / "list.csv") in str(error.value)
    assert name in str(error.value)


def test_folder_is_listed_with_the_names_of_the_config(tmp_path):
    pattern = "{ensemble_member}_{run_date:%y%m%d%H}.nc"
    for name in ("d01_24050112.nc", "d02_24050112.nc", "d01_24050100.nc"):
        (tmp_path / name).touch()
    runs = list_folder(tmp_path, "month", file_pattern=pattern)
    assert [run.run_date for run in runs] == ["2024-05-01T00:00"] + 2 * ["2024-05-01T12:00"]
    (tmp_path / "mean.nc").touch()
    with pytest.raises(UserError, match=r"mean\.nc.*MEMBER_YYMMDDHH\.nc.*data\.file_pattern"):
        list_folder(tmp_path, "month", file_pattern=pattern)


def test_two_names_of_one_run_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "240501.nc").touch()
    with pytest.raises(UserError, match=r"a/240501\.nc and .*b/240501\.nc"):
        list_folder(tmp_path, "year", file_pattern="{run_date:%y%m%d}.nc")
