"""Digests of the code that a job runs: what it does, not how it is written.

A digest covers a script and all modules of the project that it imports, directly or not. It is
made from the syntax trees without what changes no result: comments, docstrings, formatting,
annotations, and the texts of error messages and log lines. (The reason in the inventory is such a
text.) Modules must be imported by statements, because calls of `importlib` are not followed.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = "stormcnn"
INIT = "__init__.py"
LOGGING = f"{PACKAGE}.logs"
"""What a job logs changes no result, so this module belongs to no digest."""
NOTATION = {"annotation", "returns", "type_comment", "kind", "simple", "ctx"}
"""Fields of syntax trees that change no result, or follow from others (`ctx`)."""


@cache
def code_digest(root: Path, script: str) -> str:
    """Return 16 hexadecimal digits that identify what a script of the checkout `root` does.

    `script` is a path relative to `root`. The digest also covers the modules of `imported_files`.
    Of a module that only defines constants, it covers those that are imported.
    """
    visits = _visits(root, script)
    whole = {visit.file for visit in visits if visit.names is None}
    names: dict[str, frozenset[str]] = {}
    for visit in visits:
        names[visit.file] = names.get(visit.file, frozenset()) | (visit.names or frozenset())
    return _digest(
        {
            file: _file_digest(root, file, None if file in whole else names[file])
            for file in sorted(names)
        }
    )


@cache
def imported_files(root: Path, file: str) -> frozenset[str]:
    """Return the project's modules that a Python file imports, directly or not.

    Paths are relative to `root`. Imports inside functions count, imports for type checking do
    not. The `__init__.py` of a package runs when anything in the package is imported, but the
    functions in it only when one of its own names is.
    """
    return frozenset(visit.file for visit in _visits(root, file)) - {file}


class _Visit(NamedTuple):
    """One import of a file. `names` are the names that it takes, or None for the whole module."""

    file: str
    with_functions: bool = True
    names: frozenset[str] | None = None


@cache
def _visits(root: Path, file: str) -> frozenset[_Visit]:
    """Return all imports that a file causes, directly or not, and itself."""
    visited: set[_Visit] = set()
    waiting = {_Visit(file)}
    while waiting:
        visit = waiting.pop()
        visited.add(visit)
        waiting |= _imports(root, visit.file, visit.with_functions) - visited
    return frozenset(visited)


@cache
def _imports(root: Path, file: str, with_functions: bool) -> frozenset[_Visit]:
    """Return the imports in a file."""
    found: set[_Visit] = set()
    for node in _statements(_parse(root, file), with_functions):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= set(_resolve(root, alias.name, []))
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            found |= set(_resolve(root, _absolute(file, node), names))
    return frozenset(found)


def _statements(tree: ast.AST, with_functions: bool) -> Iterator[ast.AST]:
    """Yield the nodes below `tree`, except those that only type checkers run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.expr):
            continue
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            for other in node.orelse:
                yield from [other, *_statements(other, with_functions)]
        elif with_functions or not isinstance(node, ast.FunctionDef):
            yield node
            yield from _statements(node, with_functions)


def _at_runtime(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements without those that only type checkers run."""
    for statement in statements:
        if isinstance(statement, ast.If) and _is_type_checking(statement.test):
            yield from statement.orelse
        else:
            yield statement


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _absolute(file: str, node: ast.ImportFrom) -> str:
    """Return the absolute name of the module that a `from` statement names."""
    if not node.level:
        return node.module or ""
    package = Path(file).with_suffix("").parts[: -node.level]
    return ".".join([*package, *filter(None, [node.module])])


def _resolve(root: Path, module: str, names: Sequence[str]) -> Iterator[_Visit]:
    """Yield the files that run when a module, and names from it, are imported."""
    parts = module.split(".")
    if parts[0] != PACKAGE or module == LOGGING:
        return
    # The package's own `__init__.py` only has the version, which changes no result.
    for depth in range(2, len(parts)):
        yield _Visit("/".join([*parts[:depth], INIT]), with_functions=False)
    path = "/".join(parts)
    if (root / f"{path}.py").exists():
        yield _Visit(f"{path}.py", names=frozenset(names) or None)
        return
    own_names = not names
    for name in names:
        if (root / path / f"{name}.py").exists() or (root / path / name).is_dir():
            yield from _resolve(root, f"{module}.{name}", [])
        else:
            own_names = True
    if module != PACKAGE:
        yield _Visit(f"{path}/{INIT}", with_functions=own_names)


@cache
def _file_digest(root: Path, file: str, names: frozenset[str] | None) -> str:
    tree = _parse(root, file)
    if names is None:
        return _digest(_meaning(tree))
    constants = _constants(tree)
    if not names <= constants.keys():
        # Computed once, whatever names are imported.
        return _file_digest(root, file, None)
    needed: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        needed.add(name)
        used = {node.id for node in ast.walk(constants[name]) if isinstance(node, ast.Name)}
        waiting |= (used & constants.keys()) - needed
    return _digest({name: _meaning(constants[name]) for name in sorted(needed)})


def _constants(tree: ast.Module) -> dict[str, ast.stmt]:
    """Return the assignment of each constant, if a module only assigns names, each of them once."""
    constants: dict[str, ast.stmt] = {}
    for statement in _at_runtime(tree.body):
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [name for target in targets for name in getattr(target, "elts", [target])]
            for name in names:
                if not isinstance(name, ast.Name) or name.id in constants:
                    return {}
                constants[name.id] = statement
        elif not (isinstance(statement, ast.Import | ast.ImportFrom) or _is_docstring(statement)):
            return {}
    return constants


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


@cache
def _parse(root: Path, file: str) -> ast.Module:
    return ast.parse((root / file).read_text(encoding="utf-8"))


def _meaning(node: Any, texts: bool = True, in_class: bool = False) -> Any:
    """Return what a syntax tree computes as nested lists, equal for all versions of Python.

    Without `texts`, the constant parts of strings are left out. `in_class` distinguishes fields of
    a class, which an annotation makes, from variables.
    """
    if isinstance(node, list):
        parts = [part for part in node if not _is_without_effect(part, in_class)]
        return [_meaning(part, texts, in_class) for part in parts]
    if not isinstance(node, ast.AST):
        return repr(node)
    kind = type(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and not texts:
        return ["text"]
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        return _meaning(node.orelse)
    texts = texts and kind is not ast.Raise and not _is_log_line(node)
    fields = {}
    for name in node._fields:
        # Versions of Python differ in the empty fields that they have.
        if name in NOTATION or (value := getattr(node, name, None)) is None:
            continue
        if meaning := _meaning(value, texts, kind is ast.ClassDef):
            fields[name] = meaning
    if kind is ast.AnnAssign and "value" in fields and not in_class:
        return ["Assign", {"targets": [fields["target"]], "value": fields["value"]}]
    return [kind.__name__, fields]


def _is_without_effect(node: Any, in_class: bool) -> bool:
    """Return whether a statement only documents the code or helps type checkers."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    if isinstance(node, ast.If):
        return _is_type_checking(node.test) and not node.orelse
    if isinstance(node, ast.AnnAssign):
        return node.value is None and not in_class
    return _is_docstring(node)


def _is_docstring(node: Any) -> bool:
    """Return whether a statement is a string alone."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_log_line(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "logger"
    )
