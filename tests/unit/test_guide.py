"""The documentation: reference of the config, links, names of rules and settings."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from guide_pages import PAGES, commands_of, configs_of, text_of

from ops import forecasting, retraining
from stormcnn.operations.journal import Event

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


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
    """Yield every block of the schema below a node, once for each time it is used."""
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


def test_reference_describes_every_key(schema, reference):
    top, *inner = blocks(schema, schema)
    keys = [key for block in inner for key in block["properties"]]
    keys += [key for key, node in top["properties"].items() if not list(blocks(schema, node))]
    assert len(keys) > 40
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| .* \| (.+) \|$", reference, re.MULTILINE)
    assert sorted(key for key, _, _ in rows) == sorted(keys)
    assert all(value.strip() for _, value, _ in rows)
    for block in top["properties"]:
        assert re.search(rf"^## `{block}\b", reference, re.MULTILINE)


def test_reference_gives_limits_and_defaults(hooks):
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
                            {"type": "array", "items": {"type": "string"}, "minItems": 7},
                            {"type": "null"},
                        ],
                        "default": None,
                    },
                },
            }
        },
    }
    reference = hooks.describe_schema(schema)
    assert reference.startswith("## `split`\n\nWhen the test period begins.\n")
    rows = {
        cells[1].strip(" `"): cells[2:-1]
        for line in reference.splitlines()
        if (cells := re.split(r"(?<!\\)\|", line))[1:2] and "`" in cells[1]
    }
    assert sorted(rows) == ["names", "share"]
    allowed, default, meaning = rows["share"]
    assert re.findall(r"\d+", allowed) == ["0", "1"]
    assert default.strip() == ""
    assert "Of a\\|b." in meaning
    allowed, default, _ = rows["names"]
    assert "list" in allowed
    assert "7" in allowed
    assert "`null`" in allowed
    assert default.strip() == "`null`"


def test_reference_replaces_marker(hooks, reference):
    page = (DOCS / "config.md").read_text(encoding="utf-8")
    assert page.count(hooks.MARKER) == 1
    written = hooks.on_page_markdown(page, None, None, None)
    assert hooks.MARKER not in written
    assert reference in written
    assert hooks.on_page_markdown("Another page.", None, None, None) == "Another page."


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name
)
def test_linked_files_and_headings_exist(path, reference):
    text = path.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^()\s:#]*)(?:#([\w-]+))?\)", text):
        file = path.parent / target if target else path
        assert file.is_file(), target
        if anchor:
            page = file.read_text(encoding="utf-8") + reference
            assert anchor in {slug(line) for line in re.findall(r"^#+ (.+)$", page, re.M)}, anchor


def slug(heading):
    """Return the anchor of a heading."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


@pytest.mark.parametrize("page", sorted({*PAGES, "files", "science"}))
def test_settings_that_a_page_names_exist(schema, page):
    top = [block for block in schema["properties"] if block != "models"]
    files = "|".join(("csv", "html", "json", "jsonl", "nc", "py"))
    pattern = rf"`({'|'.join(top)})\.(?!(?:{files})\b)(\w+)"
    for block, key in re.findall(pattern, text_of(page)):
        keys = [
            key
            for each in blocks(schema, schema["properties"][block])
            for key in each["properties"]
        ]
        assert key in keys, f"{block}.{key}"


def test_pages_describe_every_event_of_the_logs():
    pages = text_of("operations") + text_of("forecasts")
    for event in get_args(Event):
        assert f"`{event}`" in pages, event


@pytest.mark.parametrize(
    ("page", "codes"), [("operations", retraining.ExitCode), ("forecasts", forecasting.ExitCode)]
)
def test_page_lists_every_exit_code(page, codes):
    table = text_of(page).partition("| Exit code | Meaning |\n")[2].partition("\n\n")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)] == sorted(codes)


def test_developers_guide_describes_every_package():
    text = (DOCS / "developing.md").read_text(encoding="utf-8")
    picture = (DOCS / "images" / "architecture.svg").read_text(encoding="utf-8")
    packages = [path.parent.name for path in (ROOT / "stormcnn").glob("*/__init__.py")]
    assert "storms" in packages
    for package in packages:
        assert f"`stormcnn.{package}`" in text
        assert f">{package}<" in picture


def test_pre_commit_runs_what_make_check_runs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    tools = re.findall(r"\.venv/bin/(\S+(?: check| format)?)", recipe)
    assert len(tools) >= 6
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook["entry"] for repository in config["repos"] for hook in repository["hooks"]]
    assert len(hooks) == len(tools)
    for tool in tools:
        assert any(f".venv/bin/{tool}" in hook for hook in hooks), tool


def test_guide_prints_every_config_that_its_commands_read_once():
    names = [name for page in PAGES for name, _ in configs_of(page)]
    configs = set(names)
    assert len(names) == len(configs)
    for command in (command for page in PAGES for command in commands_of(page)):
        for name in re.findall(r"[\w./-]+\.yaml\b", command.text):
            assert name in configs or (ROOT / name).exists(), command
