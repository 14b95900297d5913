"""Read config files (YAML) with each value as its author wrote it.

YAML takes the name `no` for a truth value, `010` for the number 8 and `2015-01-01` for a date, and
most readers silently drop the first of two keys with the same name. Here all values stay strings,
and a key that is defined twice is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from stormcnn.errors import UserError
from stormcnn.vocabulary import StrPath

DEEPEST = 20
"""Largest number of levels of blocks in a config file."""

MOST_VALUES = 100_000
"""Largest number of values in a config file, counting what an alias stands for each time."""


class _TextLoader(yaml.SafeLoader):
    """Reads all values as strings. Merge keys (`<<`) keep their meaning."""


_TextLoader.yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}


def read_config_files(paths: Iterable[StrPath]) -> dict[str, Any]:
    """Return the settings in some YAML files, in which later files override earlier ones.

    All values are strings, as they are written in the files. Blocks are merged key by key, as in
    the workflow.

    Raises
    ------
    UserError
        If a file is not YAML with keys and values, or if it defines a key twice.
    """
    settings: dict[str, Any] = {}
    for path in paths:
        settings = _merge(settings, _read_file(Path(path)))
    return settings


def as_written(settings: Any, paths: Iterable[StrPath]) -> Any:
    """Return `settings`, which were read from some YAML files, with the text of the files.

    Settings from elsewhere, such as the command line, stay as they are. Raises `UserError` as
    `read_config_files` does.
    """
    return _with_text(settings, read_config_files(paths))


def with_defaults(settings: Mapping[str, Any], path: StrPath) -> dict[str, Any]:
    """Return the settings in a YAML file, overridden by `settings`."""
    return _merge(read_config_files([path]), settings)


def check_config_file(path: StrPath) -> None:
    """Raise `UserError` if a file cannot be read, as `read_config_files` does.

    A number or a date that is none, such as 2015-02-30, is refused, too: not everyone who reads the
    file keeps values as text.
    """
    _read_file(Path(path))
    text = Path(path).read_text(encoding="utf-8")
    for node in _scalars(_TextLoader(text).get_single_node()):
        if node.style is None and node.tag == "tag:yaml.org,2002:str":
            try:
                _as_yaml(node.value)
            except ValueError as error:
                raise UserError(
                    f"{_shown_path(Path(path))} has an invalid value: {node.value}, {error} (line "
                    f"{node.start_mark.line + 1}). Correct it, or put it in quotes."
                ) from None


def _scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Yield the keys and values in a node. Those that an alias repeats may occur several times."""
    rest = [node]
    while rest:
        inner = rest.pop()
        if isinstance(inner, yaml.ScalarNode):
            yield inner
        elif isinstance(inner, yaml.MappingNode):
            rest += [part for pair in inner.value for part in pair]
        elif isinstance(inner, yaml.SequenceNode):
            rest += inner.value


def _read_text(path: Path, name: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{name} cannot be read: {error.strerror}. Check the path of the config file."
        ) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{name} is not UTF-8 text: {error.reason} (line {line}). Save it as UTF-8."
        ) from None


def _read_file(path: Path) -> dict[str, Any]:
    name = _shown_path(path)
    text = _read_text(path, name)
    try:
        loader = _TextLoader(text)
        node = loader.get_single_node()
        if node is None:
            return {}
        _check_size(node, name)
        if duplicates := list(_duplicates(node, (), name, set())):
            raise UserError("\n".join(duplicates))
        settings = loader.construct_document(node)
    except RecursionError:  # the reader itself follows the nesting
        raise UserError(_too_large(name)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "unknown"
        raise UserError(
            f"{name} is not valid YAML: {error.problem} (line {line}). Correct this line."
        ) from None
    except UserError:
        raise
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(
            f"{name} is not valid YAML: the character U+{error.character:04X} is not allowed (line "
            f"{line}). Remove it."
        ) from None
    # The last three are raised for values that contradict their tag, such as `!!int a`.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{name} is not valid YAML: {error}. Correct the file.") from None
    if not isinstance(settings, dict):
        raise UserError(f"{name} must have keys with values, such as experiment: {{name: mine}}.")
    return settings


def _check_size(node: yaml.Node, file: str) -> None:
    """Raise `UserError` if a file is nested too deeply or endlessly, or has too many values."""
    rest, values = [(node, 1)], 0
    while rest:
        inner, depth = rest.pop()
        values += 1
        if depth > DEEPEST or values > MOST_VALUES:
            raise UserError(_too_large(file))
        if isinstance(inner, yaml.MappingNode):
            rest += [(part, depth + 1) for pair in inner.value for part in pair]
        elif isinstance(inner, yaml.SequenceNode):
            rest += [(item, depth + 1) for item in inner.value]


def _too_large(file: str) -> str:
    return (
        f"{file} has more than {DEEPEST} levels of blocks, or more than {MOST_VALUES} values, "
        "which includes aliases (*) that contain themselves. Remove what is not a setting."
    )


def _shown_path(path: Path) -> str:
    """Return a path relative to the working directory if it lies there."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path)


def _duplicates(
    node: yaml.Node, path: tuple[str, ...], file: str, visited: set[int]
) -> Iterator[str]:
    """Yield a message for each key that is defined twice, in `node` and below."""
    if id(node) in visited:  # an alias
        return
    visited.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item, path, file, visited)
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[Any, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line + 1
        inner = (*path, key.value)
        # Other readers take `010` and `8` for the same key.
        names = {key.value, _yaml_value(key.value) if key.style is None else key.value}
        if first := next((lines[name] for name in names if name in lines), None):
            yield (
                f"{'.'.join(inner)} is defined twice in {file} (lines {first} and {line}). "
                "Remove one of them."
            )
        lines |= dict.fromkeys(names, line)
        yield from _duplicates(value, inner, file, visited)


def _merge(settings: Any, changes: Mapping[str, Any]) -> Any:
    """Return `settings` with `changes`; an empty block changes nothing."""
    if changes and not isinstance(settings, dict):
        settings = {}
    for key, value in changes.items():
        settings[key] = _merge(settings.get(key, {}), value) if isinstance(value, dict) else value
    return settings


def _with_text(value: Any, text: Any) -> Any:
    """Return `value` with the text of all keys and values in it that stand for the same."""
    if isinstance(value, Mapping) and isinstance(text, Mapping):
        names = {_yaml_value(name): name for name in text}
        result: dict[str, Any] = {}
        for key, item in value.items():
            name = str(key if key in text else names.get(key, key))
            result[name] = _with_text(item, text.get(name))
        return result
    if isinstance(value, list) and isinstance(text, list) and len(value) == len(text):
        return [_with_text(*pair) for pair in zip(value, text, strict=True)]
    if isinstance(text, str) and not isinstance(value, str) and _yaml_value(text) == value:
        return text
    return value


def _yaml_value(text: str) -> Any:
    """Return what YAML takes an unquoted text for."""
    # There is no day 2015-02-30.
    with suppress(ValueError):
        return _as_yaml(text)
    return text


def _as_yaml(text: str) -> Any:
    """Return what `_yaml_value` does; raise `ValueError` for a number or date that is none."""
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    # The merge key `<<` stands for no value.
    with suppress(yaml.YAMLError):
        return loader.construct_object(yaml.ScalarNode(tag, text))
    return text
