"""Write the reference of the config into docs/config.md, from `config/schema.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

SCHEMA = Path(__file__).parent.parent / "config" / "schema.json"
MARKER = "<!-- reference of the config -->"
NAME = "<name>"
HEADER = ["| key | value | default | meaning |", "|---|---|---|---|"]

Node = Mapping[str, Any]
"""A part of the schema."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make `mkdocs serve` rebuild the page when the schema changes."""
    config.watch.append(str(SCHEMA))
    return config


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace the marker in a page by the reference."""
    if MARKER not in markdown:
        return markdown
    return markdown.replace(MARKER, describe_schema(json.loads(SCHEMA.read_text("utf-8"))))


def describe_schema(schema: Node) -> str:
    """Return a section for each block of the config: its purpose, and a table of its keys."""
    return "\n".join(
        line
        for key, node in schema["properties"].items()
        for line in _section(schema, key, node, required=key in schema.get("required", ()))
    )


def _section(schema: Node, path: str, node: Node, required: bool) -> Iterator[str]:
    """Yield the section of a block, then those of the blocks in it."""
    block, path = _block_of(schema, path, node)
    yield f"## `{path}`\n"
    if "properties" not in block:
        yield from [*HEADER, _row(path, node, required), ""]
        return
    if "description" in node:
        yield f"{node['description']}\n"
    # The lines of a paragraph are joined, because they are broken at the margin of the code.
    paragraphs = block.get("description", "").split("\n\n")
    yield from (f"{' '.join(text.split())}\n" for text in paragraphs)
    inner = {key: child for key, child in block["properties"].items() if _is_block(schema, child)}
    yield from HEADER
    for key, child in block["properties"].items():
        link = _block_of(schema, f"{path}.{key}", child)[1] if key in inner else ""
        yield _row(key, child, key in block.get("required", ()), link)
    yield ""
    for key, child in inner.items():
        yield from _section(schema, f"{path}.{key}", child, required=False)


def _row(key: str, node: Node, required: bool, link: str = "") -> str:
    """Return the row of a key in a table. `link` is the path of the block that it holds."""
    value = f"block, see [`{link}`](#{_anchor(link)})" if link else _value(node)
    # The defaults of blocks are those of their keys.
    has_default = "default" in node and not (link and node["default"])
    default = f"`{json.dumps(node['default'])}`" if has_default else ""
    meaning = node.get("description", "").replace("|", "\\|") + (" Required." if required else "")
    return f"| `{key}` | {value} | {default} | {meaning} |"


def _anchor(path: str) -> str:
    """Return the anchor of the section of a block."""
    return path.translate(str.maketrans("", "", "<>.")).lower()


def _block_of(schema: Node, path: str, node: Node) -> tuple[Node, str]:
    """Return the block that a node stands for, and its path. Users choose the names of networks."""
    for choice in (node, *node.get("anyOf", ())):
        if "$ref" in choice:
            return schema["$defs"][choice["$ref"].rpartition("/")[2]], path
        for named in choice.get("patternProperties", {}).values():
            return _block_of(schema, f"{path}.{NAME}", named)
    return node, path


def _is_block(schema: Node, node: Node) -> bool:
    return "properties" in _block_of(schema, "", node)[0]


def _value(node: Node) -> str:
    """Return in words what a key takes."""
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_value(choice) for choice in node["anyOf"]))
    if "enum" in node or "const" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum") or [node["const"]])
    match node.get("type"):
        case "null":
            return "`null`"
        case "boolean":
            return "`true` or `false`"
        case "array" if "prefixItems" in node:
            return "list of " + " and ".join(map(_value, node["prefixItems"]))
        case "array":
            items = re.sub(r"^(integer|number|string)\b", r"\1s", _value(node["items"]))
            return f"list of {items}{_length(node)}"
        case "integer" | "number" as kind:
            return kind + _range(node)
        case "string" if node.get("format") == "date":
            return "date such as 2015-01-01"
        case "string" if "pattern" in node:
            return f"string that matches `{node['pattern']}`"
        case _:
            return "string"


def _length(node: Node) -> str:
    """Return how many items a list may have."""
    words = {"minItems": "at least", "maxItems": "at most"}
    limits = [f"{word} {node[key]}" for key, word in words.items() if node.get(key)]
    return f" ({' and '.join(limits)})" if limits else ""


def _range(node: Node) -> str:
    """Return the limits of a number."""
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f" {sign} {node[key]:,}" for key, sign in signs.items() if key in node]
    return " and".join(limits)
