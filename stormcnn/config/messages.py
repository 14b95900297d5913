"""Messages about settings: pydantic's errors, and keys of earlier versions, as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic_core import ErrorDetails

from stormcnn.config.block import CHECKS, Block
from stormcnn.config.config import Config
from stormcnn.config.field_types import MUST_BE
from stormcnn.config.wording import listed, shown

RENAMED_KEYS = {
    "run.name": "was renamed to experiment.name. Write experiment: {name: ...} instead.",
    "verification.bootstrap": "was renamed to verification.resamples. Rename it.",
    "comparison.simple_reference": (
        "was replaced by opponents. Write opponents: [logistic_regression] instead of true, or "
        "opponents: [] instead of false."
    ),
    "retraining.model": "was replaced by retraining.models. Write models: [dropout], for example.",
    "retraining.seed": "was replaced by retraining.seeds. Write seeds: [0], for example.",
}
"""What to write instead of keys of earlier versions."""


def remove_renamed_keys(settings: dict[str, Any]) -> list[str]:
    """Remove keys of earlier versions from `settings`, and return a message for each of them."""
    messages = []
    for old, advice in RENAMED_KEYS.items():
        block, _, key = old.partition(".")
        if isinstance(settings.get(block), dict) and key in settings[block]:
            messages.append(f"{old} {advice}")
            del settings[block][key]
            if not settings[block]:
                del settings[block]
    return messages


def messages_of(error: ErrorDetails) -> Iterator[str]:
    """Yield the messages for one of pydantic's errors: the key, what it must be, and its value."""
    path = [str(part) for part in error["loc"] if part != "[key]"]
    key = ".".join(path) or "The config"
    value = f"(got {shown(error['input'])})."
    match error["type"]:
        case str(kind) if kind == CHECKS:
            yield from (".".join([*path, fault]) for fault in error["ctx"]["faults"])
        case str(kind) if kind == MUST_BE:
            expected, reason = error["ctx"]["expected"], error["ctx"]["reason"]
            yield f"{key} must be {expected} {value} {reason}".rstrip()
        case "literal_error":
            yield f"{key} must be {error['ctx']['expected'].replace(chr(39), '')} {value}"
        case "bool_type" | "bool_parsing":
            yield f"{key} must be true or false {value}"
        case "extra_forbidden":
            yield f"{key} is not a known key. {_advice(path)}"
        case "missing":
            yield f"{key} is missing. Add it to {'.'.join(path[:-1])}."
        case "dict_type":
            entries = {"models": "networks"}.get(path[-1], path[-1])
            yield f"{key} must be a block of {entries}, each with its own key {value}"
        case _:
            known = listed(_block_at(path).model_fields, "or")
            yield f"{key} must be a block of settings with keys such as {known} {value}"


def _advice(path: list[str]) -> str:
    """Return what to do about an unknown key."""
    *block, key = path
    known = list(_block_at(block).model_fields)
    nearest = get_close_matches(key, known, n=1)
    if nearest:
        return f"Did you mean {'.'.join([*block, *nearest])}?"
    return f"Remove it, or use one of the keys {listed(known)}."


def _block_at(path: list[str]) -> type[Block]:
    """Return the block of settings at a path of keys."""
    block: type[Block] = Config
    parts = iter(path)
    for part in parts:
        annotation = block.model_fields[part].annotation
        if get_origin(annotation) is dict:
            next(parts)
        choices = (annotation, *get_args(annotation))
        block = next(c for c in choices if isinstance(c, type) and issubclass(c, Block))
    return block
