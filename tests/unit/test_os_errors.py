"""Errors of the operating system name the path and the remedy."""

import errno
import os

import pytest

from stormcnn.os_errors import describe


def error(number, *paths):
    return OSError(number, os.strerror(number), *paths)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "Shared folders"),
        (errno.EPERM, "Shared folders"),
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.ENOENT, "No such file"),
    ],
)
def test_path_and_remedy_are_named(number, remedy):
    text = describe(error(number, "registry/retrain.lock"))
    assert text.startswith("registry/retrain.lock: ")
    assert remedy in text
    assert "Errno" not in text
    assert remedy in describe(error(number))


def test_target_of_a_rename_is_named():
    assert describe(error(errno.EACCES, "a", None, "b")).startswith("b: ")


def test_error_without_a_number_keeps_its_message():
    assert describe(OSError("unreadable")) == "unreadable"
