"""The workflow keeps names as they are written in config files, and refuses duplicate keys."""

from __future__ import annotations

import pytest
from checkout import Checkout, error_line


def write(checkout: Checkout, text: str) -> None:
    (checkout.path / checkout.config).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", ["010", "no", "2015-01-01"])
def test_names_are_kept_as_written(checkout: Checkout, name: str) -> None:
    write(
        checkout,
        f"experiment: {{name: {name}}}\nmodels: {{{name}: {{dropout: 0.1}}}}\n"
        f"uncertainty: {{models: [{name}]}}\n",
    )
    plan = checkout.plan()
    assert f"results/{name}/report.html" in plan["write_report"].outputs
    assert f"train_seeds {name}" in plan
    assert f"sample_seeds {name}" in plan


def test_duplicate_key_is_named_with_its_lines(checkout: Checkout) -> None:
    write(checkout, "event: {threshold: 0.01}\nreport: {storms: 5}\nevent: {threshold: 0.02}\n")
    message = error_line(checkout.fail("--dry-run"), "event ")
    assert "tiny.yaml" in message
    assert "lines 1 and 3" in message


def test_duplicate_key_in_the_default_config_is_named(checkout: Checkout) -> None:
    path = checkout.path / "config/config.yaml"
    path.write_text(f"{path.read_text(encoding='utf-8')}event: {{threshold: 0.01}}\n")
    assert "config/config.yaml" in error_line(checkout.fail("--dry-run"), "event ")


@pytest.mark.parametrize(
    "content",
    [b"event: {title: \xe9}\n", b"event:\n\ttitle: a\n", b"event: " + 2000 * b"[" + 2000 * b"]"],
    ids=["Latin-1", "tab", "deep"],
)
def test_config_file_that_cannot_be_read_is_named(checkout: Checkout, content: bytes) -> None:
    (checkout.path / checkout.config).write_bytes(content)
    error_line(checkout.fail("--dry-run"), "tiny.yaml ")


def test_setting_of_the_command_line_without_a_block_is_named(checkout: Checkout) -> None:
    message = error_line(checkout.fail("--dry-run", "--config", "training:epochs=2"), "--config ")
    assert "training={epochs: 2}" in message
