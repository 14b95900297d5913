"""Edits of Python files that change no result."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

Edit = Callable[[str], str]
"""Gives the new text of a file."""


class _Docstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = "Other words."
        return node


class _Annotations(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = ast.Name("object")
        for argument in [*node.args.args, *node.args.kwonlyargs]:
            argument.annotation = ast.Name("object")
        self.generic_visit(node)
        return node


class _Messages(ast.NodeTransformer):
    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                part.value += " Other words."
        return node


def reword(text: str) -> str:
    """Change comments, formatting, docstrings, annotations and error messages of a file."""
    tree = ast.parse(text)
    for transformer in (_Docstrings(), _Annotations(), _Messages()):
        tree = transformer.visit(tree)
    return f"# A comment.\n{ast.unparse(ast.fix_missing_locations(tree))}\n# Another comment.\n"


def edit_modules(root: Path, edit: Edit, *folders: str) -> None:
    """Edit all Python files in some folders of a checkout."""
    paths = [path for folder in folders for path in (root / folder).rglob("*.py")]
    assert paths
    for path in paths:
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
