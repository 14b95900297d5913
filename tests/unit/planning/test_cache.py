"""What identifies a job in a shared cache."""

from __future__ import annotations

import stat

import pytest
from snakemake.caching.local import OutputFileCache

from stormcnn.errors import UserError
from stormcnn.planning.cache import (
    cache_key,
    check_cache_folder,
    check_cached_archive,
    restrict_permissions,
)


@pytest.mark.parametrize("folder", ["", "relative", "/no/such/folder"])
def test_cache_must_be_an_existing_folder(monkeypatch, folder):
    monkeypatch.setenv("CACHE_FOLDER", folder)
    with pytest.raises(UserError, match=rf"CACHE_FOLDER.*'{folder}'"):
        check_cache_folder("CACHE_FOLDER")


def test_existing_folder_can_be_a_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CACHE_FOLDER", str(tmp_path))
    check_cache_folder("CACHE_FOLDER")


def test_entries_of_the_cache_are_not_world_writable(monkeypatch, tmp_path):
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path))
    output_cache = OutputFileCache()
    restrict_permissions(output_cache)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    output_cache.set_permissions(tmp_path / "folder")
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o775
    assert stat.S_IMODE((tmp_path / "folder" / "file").stat().st_mode) == 0o664


def test_archive_without_a_checksum_is_not_cached():
    check_cached_archive({"file": None, "sha256": "0" * 64})
    check_cached_archive({"file": "patches.tar.gz", "sha256": None})
    with pytest.raises(UserError, match=r"data\.ncar\.patches\.sha256"):
        check_cached_archive({"file": None, "sha256": None})


def test_experiments_with_other_names_share_a_cache():
    keys = [
        cache_key(
            {"patches": [f"{data}/patches/2014.nc"]},
            {"network": f"{results}/models/l2/network.keras"},
            {"<data>": data, "<results>": results},
        )
        for data, results in (("resources/a", "results/a"), ("resources/b", "results/b"))
    ]
    assert keys[0] == keys[1]
    assert keys[0]["input"] == {"patches": ["<data>/patches/2014.nc"]}


def test_files_from_elsewhere_are_identified_by_their_content(tmp_path):
    keys = []
    for name, content in (("a.nc", "same"), ("b.nc", "same"), ("c.nc", "other")):
        (tmp_path / name).write_text(content)
        keys.append(cache_key({"runs": [str(tmp_path / name)]}, {}, {"<data>": "resources/x"}))
    assert keys[0] == keys[1] != keys[2]


def test_versions_of_libraries_but_not_of_this_project_are_part_of_the_key():
    software = cache_key({}, {}, {})["software"]
    assert software.keys() >= {"numpy", "keras", "pandas"}
    assert "stormcnn" not in software


def test_exchanged_inputs_have_another_key():
    folders = {"<data>": "resources/x"}
    one, other = "resources/x/a.csv", "resources/x/b.csv"
    key = cache_key({"statistics": one, "inventories": other}, {}, folders)
    assert key != cache_key({"statistics": other, "inventories": one}, {}, folders)
