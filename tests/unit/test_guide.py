"""The user's guide: the reference of the config tells of every key."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def schema(hooks):
    return json.loads(hooks.SCHEMA.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reference(hooks, schema):
    return hooks.describe_schema(schema)


def blocks(schema, node):
    """Every block of the schema below a node, once for each time it is used."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    if "properties" in node:
        yield node
    for part in (
        *node.get("properties", {}).values(),
        *node.get("patternProperties", {}).values(),
        *node.get("anyOf", ()),
    ):
        yield from blocks(schema, part)


def test_every_key_of_the_schema_has_a_row_with_its_meaning(schema, reference):
    top, *inner = blocks(schema, schema)
    keys = [key for block in inner for key in block["properties"]]
    assert len(keys) > 40
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| .* \| (.+) \|$", reference, re.MULTILINE)
    assert sorted(key for key, _, _ in rows) == sorted(keys)
    assert all(allowed.strip() for _, allowed, _ in rows)
    for block in top["properties"]:
        assert re.search(rf"^## `{block}\b", reference, re.MULTILINE)


def test_defaults_and_limits_are_those_of_the_schema(hooks):
    schema = {
        "properties": {"split": {"$ref": "#/$defs/Split"}},
        "$defs": {
            "Split": {
                "description": "When the test\nperiod begins.",
                "required": ["share"],
                "properties": {
                    "share": {
                        "type": "number",
                        "exclusiveMinimum": 0,
                        "maximum": 1,
                        "description": "Of a|b.",
                    },
                    "names": {
                        "anyOf": [
                            {"type": "array", "items": {"type": "string"}, "minItems": 1},
                            {"type": "null"},
                        ],
                        "default": None,
                    },
                },
            }
        },
    }
    assert hooks.describe_schema(schema) == (
        "## `split`\n\n"
        "When the test period begins.\n\n"
        "| key | allowed | default | meaning |\n"
        "|---|---|---|---|\n"
        "| `share` | number above 0 and to 1 |  | Of a\\|b. Needed. |\n"
        "| `names` | list of text (at least 1) or `null` | `null` |  |\n"
    )


def test_reference_takes_the_place_of_its_marker(hooks, reference):
    page = (DOCS / "config.md").read_text(encoding="utf-8")
    assert page.count(hooks.MARKER) == 1
    written = hooks.on_page_markdown(page, None, None, None)
    assert hooks.MARKER not in written
    assert reference in written
    assert hooks.on_page_markdown("Another page.", None, None, None) == "Another page."
