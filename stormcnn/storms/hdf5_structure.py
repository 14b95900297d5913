"""Check what a run file consists of, before its data are read."""

from __future__ import annotations

from h5py import h5d, h5f, h5g, h5l, h5o, h5p

MOST_OBJECTS = 5_000
DEEPEST = 10
"""Limits of the groups, variables and types in a file: how many, and levels of groups."""

LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link to another file"}


class UnsafeStructure(ValueError):
    """A file that refers to other files, or whose objects are too many or contain each other."""


def check_structure(path: str) -> None:
    """Raise `UnsafeStructure` unless all data of an HDF5 file lie in the file itself, once.

    HDF5 can store the values of a variable in any other file of the machine, which would then be in
    the results, without being part of the file's checksum. The NetCDF library reads all groups when
    it opens a file, so their number is limited here. No values are read.
    """
    access = h5p.create(h5p.FILE_ACCESS)
    # Closing the file closes all objects in it.
    access.set_fclose_degree(h5f.CLOSE_STRONG)
    file = h5f.open(path.encode(), h5f.ACC_RDONLY, access)
    try:
        _check_groups(h5g.open(file, b"/"))
    finally:
        file.close()


def _check_groups(root: h5g.GroupID) -> None:
    seen = {h5o.get_info(root).addr}
    waiting = [(root, 1)]
    while waiting:
        group, depth = waiting.pop()
        if depth > DEEPEST or len(seen) + len(group) > MOST_OBJECTS:
            raise UnsafeStructure(
                f"it has more than {MOST_OBJECTS} variables and groups, or more than {DEEPEST} "
                "levels of groups"
            )
        for name in group:
            link = group.links.get_info(name).type
            if link != h5l.TYPE_HARD:
                kind = LINKS.get(link, "an unknown link")
                raise UnsafeStructure(f"{_shown(name)} is {kind}")
            about = h5o.get_info(group, name)
            if about.addr in seen:
                raise UnsafeStructure(f"{_shown(name)} is another name of an object in the file")
            seen.add(about.addr)
            if about.type == h5o.TYPE_GROUP:
                waiting.append((h5g.open(group, name), depth + 1))
            elif about.type == h5o.TYPE_DATASET:
                _check_storage(name, h5d.open(group, name))


def _check_storage(name: bytes, dataset: h5d.DatasetID) -> None:
    storage = dataset.get_create_plist()
    if storage.get_external_count():
        raise UnsafeStructure(f"the values of variable {_shown(name)} lie in another file")
    if storage.get_layout() == h5d.VIRTUAL:
        raise UnsafeStructure(f"variable {_shown(name)} is virtual, so its values lie elsewhere")


def _shown(name: bytes) -> str:
    return name.decode(errors="replace")
