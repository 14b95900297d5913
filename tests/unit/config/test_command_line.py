"""Settings that cannot be read end the process with a message, before the workflow reads them."""

import pytest

from stormcnn.config.command_line import check_entry, exit_if_unreadable
from stormcnn.errors import UserError


@pytest.mark.parametrize(
    ("entry", "example"),
    [
        ("training:epochs=2", "training={epochs: 2}"),
        ("training.epochs=2", "training={epochs: 2}"),
        ("training:epochs: 2", "training={epochs: 2}"),
        ("a:b:c=d", "={"),
        ("epochs", "={"),
        ("=2", "={"),
    ],
)
def test_entry_without_a_block_is_named_with_an_example(entry, example):
    with pytest.raises(UserError) as error:
        check_entry(entry)
    assert entry in str(error.value)
    assert example in str(error.value)


@pytest.mark.parametrize("entry", ["training={epochs: 2}", "experiment={name: a=b}", "training="])
def test_entry_with_a_block_passes(entry):
    check_entry(entry)


def test_process_ends_with_the_message(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_bytes(b"a: \xe9\n")
    with pytest.raises(SystemExit) as end:
        exit_if_unreadable(["training={epochs: 2}"], [path])
    assert str(path) in str(end.value.code)


def test_readable_settings_do_not_end_the_process(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("training: {epochs: 2}\n", encoding="utf-8")
    exit_if_unreadable([], [path])
