"""Write the reference of the config into its page, from the schema that the workflow checks by."""

from __future__ import annotations

import json
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

Node = Mapping[str, Any]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make `mkdocs serve` write the page anew when the schema changes."""
    config.watch.append(str(SCHEMA))
    return config


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace the marker by the reference."""
    if MARKER not in markdown:
        return markdown
    return markdown.replace(MARKER, describe_schema(json.loads(SCHEMA.read_text("utf-8"))))


def describe_schema(schema: Node) -> str:
    """A chapter for each block of the config: what it is for, and a table of its keys."""
    return "\n".join(
        line
        for block, node in schema["properties"].items()
        for line in _chapter(schema, block, node)
    )


def _chapter(schema: Node, path: str, node: Node) -> Iterator[str]:
    """The chapter of one block, then those of the blocks in it."""
    block, path = _block_of(schema, path, node)
    yield f"## `{path}`\n"
    # Lines of a description's first paragraph are one sentence broken at the margin.
    paragraphs = (" ".join(text.split()) for text in block.get("description", "").split("\n\n"))
    if "description" in node:
        yield f"{node['description']}\n"
    yield from (f"{text}\n" for text in paragraphs)
    inner = {
        key: child for key, child in block["properties"].items() if _holds_block(schema, child)
    }
    yield "| key | allowed | default | meaning |"
    yield "|---|---|---|---|"
    for key, child in block["properties"].items():
        if key in inner:
            _, link = _block_of(schema, f"{path}.{key}", child)
            allowed, default = f"a block, see [`{link}`](#{_anchor(link)})", _default(child, True)
        else:
            allowed, default = _allowed(child), _default(child, False)
        required = " Needed." if key in block.get("required", ()) else ""
        meaning = child.get("description", "").replace("|", "\\|")
        yield f"| `{key}` | {allowed} | {default} | {meaning}{required} |"
    yield ""
    for key, child in inner.items():
        yield from _chapter(schema, f"{path}.{key}", child)


def _anchor(path: str) -> str:
    """The anchor that the heading of a block gets."""
    return path.translate(str.maketrans("", "", "<>.")).lower()


def _block_of(schema: Node, path: str, node: Node) -> tuple[Node, str]:
    """The block that a node stands for, and its path; networks have names of the user's own."""
    for choice in (node, *node.get("anyOf", ())):
        if "$ref" in choice:
            return schema["$defs"][choice["$ref"].rpartition("/")[2]], path
        for named in choice.get("patternProperties", {}).values():
            return _block_of(schema, f"{path}.{NAME}", named)
    return node, path


def _holds_block(schema: Node, node: Node) -> bool:
    return "properties" in _block_of(schema, "", node)[0]


def _default(node: Node, block: bool) -> str:
    if "default" in node and not (block and node["default"]):
        return f"`{json.dumps(node['default'])}`"
    return ""


def _allowed(node: Node) -> str:
    """What a key takes, in words."""
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_allowed(choice) for choice in node["anyOf"]))
    if "enum" in node or "const" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum") or [node["const"]])
    match node.get("type"):
        case "null":
            return "`null`"
        case "boolean":
            return "`true` or `false`"
        case "array":
            least = f" (at least {node['minItems']})" if node.get("minItems") else ""
            most = f" (at most {node['maxItems']})" if "maxItems" in node else ""
            return f"list of {_allowed(node['items'])}{least}{most}"
        case "integer" | "number" as kind:
            return ("whole number" if kind == "integer" else "number") + _range(node)
        case "string" if node.get("format") == "date":
            return "date such as 2015-01-01"
        case "string" if "pattern" in node:
            return f"text that matches `{node['pattern']}`"
        case _:
            return "text"


def _range(node: Node) -> str:
    words = {
        "minimum": "from",
        "exclusiveMinimum": "above",
        "maximum": "to",
        "exclusiveMaximum": "below",
    }
    given = [f" {word} {node[key]}" for key, word in words.items() if key in node]
    return " and".join(given)
