"""Run files in folders with links, and files that only look like run files."""

import os

import pytest
import xarray as xr

from stormcnn.storms.child_process import read_in_child
from stormcnn.storms.finding import find_run_files

NAME = "NCARSTORM_20101024-0000_d01_model_patches.nc"


def create(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_links_to_files_and_folders_are_followed(tmp_path):
    create(tmp_path / "archive" / "2011" / NAME)
    other = create(tmp_path / "disk" / "storms.nc")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "2011").symlink_to(tmp_path / "archive" / "2011")
    (folder / "2012_model_patches.nc").symlink_to(other)
    assert find_run_files(folder) == [folder / "2011" / NAME, folder / "2012_model_patches.nc"]


def test_loops_of_links_end_and_each_folder_is_searched_once(tmp_path, caplog):
    path = create(tmp_path / "a" / NAME)
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    assert find_run_files(tmp_path) == [path]


@pytest.mark.parametrize(
    "name",
    [
        NAME.upper(),
        f"._{NAME}",
        f"{NAME}4",
        NAME[:-2] + "NC",
        f"{NAME}.gz",
        f"{NAME}.part",
        "model_patches.txt",
    ],
)
def test_files_that_look_like_run_files_are_named(tmp_path, caplog, name):
    path = create(tmp_path / NAME)
    create(tmp_path / "sub" / name)
    create(tmp_path / "notes.txt")
    assert find_run_files(tmp_path) == [path]
    (message,) = caplog.messages
    assert str(tmp_path / "sub" / name) in message
    assert " 1 " in message


def test_names_of_the_config_are_found_and_similar_ones_named(tmp_path, caplog):
    path = create(tmp_path / "d01" / "storms_2024050112.nc")
    similar = [f"._{path.name}", f"{path.name}.gz", path.name.upper(), NAME]
    for name in (*similar, "notes.txt", "other_2024050112.nc"):
        create(tmp_path / name)
    assert find_run_files(tmp_path, "storms_{run_date:%Y%m%d%H}.nc") == [path]
    assert all(name in caplog.text for name in similar)
    assert "other" not in caplog.text


def test_link_to_a_missing_file_is_named(tmp_path, caplog):
    (tmp_path / NAME).symlink_to(tmp_path / "gone.nc")
    assert find_run_files(tmp_path) == []
    assert str(tmp_path / NAME) in caplog.messages[0]


def test_many_files_are_counted(tmp_path, caplog):
    for number in range(20):
        create(tmp_path / f"{number}_model_patches.nc4")
    find_run_files(tmp_path)
    (message,) = caplog.messages
    assert " 20 " in message
    assert message.count("nc4") < 10


def test_closed_folder_is_named(tmp_path):
    path = create(tmp_path / "open" / NAME)
    create(tmp_path / "closed" / NAME).parent.chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if os.geteuid() == 0:
            folder.chmod(folder.stat().st_mode | 0o055)

    def search(_):
        import logging

        messages = []
        handler = logging.Handler()
        handler.emit = lambda record: messages.append(record.getMessage())
        logging.getLogger("stormcnn").addHandler(handler)
        if os.geteuid() == 0:  # root may search every folder
            os.seteuid(65534)
        found = list(map(str, find_run_files(tmp_path)))
        return xr.Dataset(attrs={"found": found, "messages": messages})

    try:
        result = read_in_child(search, "").attrs
    finally:
        (tmp_path / "closed").chmod(0o755)
    (message,) = result["messages"]
    assert result["found"] == [str(path)]
    assert str(tmp_path / "closed") in message
