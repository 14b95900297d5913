"""Digests of code follow what it does."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from stormcnn.planning import digests
from stormcnn.planning.digests import code_digest, imported_files

ROOT = Path(__file__).parents[3]
SCRIPT = "scripts/job.py"


class Project:
    """A small checkout whose files a test writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("stormcnn/__init__.py")

    def write(self, file: str, text: str = "") -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        if path.parent != self.root / "scripts" and not (path.parent / "__init__.py").exists():
            (path.parent / "__init__.py").write_text('"""A package."""\n')

    def imports(self, text: str) -> set[str]:
        """Return the files that a script with this text imports."""
        self.write(SCRIPT, text)
        self._forget()
        return set(imported_files(self.root, SCRIPT))

    def digest(self, text: str) -> str:
        self.write(SCRIPT, text)
        self._forget()
        return code_digest(self.root, SCRIPT)

    def _forget(self) -> None:
        for function in vars(digests).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write("stormcnn/io.py")
    project.write("stormcnn/logs.py")
    project.write("stormcnn/models/__init__.py")
    project.write("stormcnn/models/training.py", "from stormcnn.models import fields")
    project.write("stormcnn/models/fields.py", "import stormcnn.io")
    project.write(
        "stormcnn/scores/__init__.py",
        """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from stormcnn.scores.tables import verify
        def __getattr__(name):
            from stormcnn.scores.tables import verify
            return verify
        """,
    )
    project.write("stormcnn/scores/tables.py")
    project.write("stormcnn/scores/brier.py")
    return project


MODELS = {"stormcnn/models/__init__.py"}
FIELDS = MODELS | {"stormcnn/models/fields.py", "stormcnn/io.py"}
SCORES = {"stormcnn/scores/__init__.py"}


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("import os, numpy", set()),
        ("import stormcnn", set()),
        ("import stormcnn.io", {"stormcnn/io.py"}),
        ("from stormcnn import io as files", {"stormcnn/io.py"}),
        ("from stormcnn.io import read", {"stormcnn/io.py"}),
        ("from stormcnn.models.fields import hold", FIELDS),
        ("from stormcnn.models import training", FIELDS | {"stormcnn/models/training.py"}),
        ("def late():\n    import stormcnn.models.fields", FIELDS),
        ("from stormcnn.logs import job_log", set()),
        ("from stormcnn import logs", set()),
        ("from stormcnn import __version__", set()),
        ("from stormcnn.scores.brier import score", SCORES | {"stormcnn/scores/brier.py"}),
        ("from stormcnn import scores", SCORES | {"stormcnn/scores/tables.py"}),
        ("import stormcnn.scores as s", SCORES | {"stormcnn/scores/tables.py"}),
        ("if typing.TYPE_CHECKING:\n    import stormcnn.io", set()),
        ("from stormcnn.scores import verify", SCORES | {"stormcnn/scores/tables.py"}),
        ("if TYPE_CHECKING:\n    import stormcnn.io", set()),
        (
            "if TYPE_CHECKING:\n    pass\nelse:\n    import stormcnn.io",
            {"stormcnn/io.py"},
        ),
        ("try:\n    import stormcnn.io\nexcept ImportError:\n    pass", {"stormcnn/io.py"}),
    ],
)
def test_imported_files_are_found(project: Project, text: str, files: set[str]) -> None:
    assert project.imports(text) == files


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("from . import fields", FIELDS),
        ("from .fields import hold", FIELDS),
        ("from ..io import read", MODELS | {"stormcnn/io.py"}),
        ("from .. import io", MODELS | {"stormcnn/io.py"}),
    ],
)
def test_relative_imports_are_found(project: Project, line: str, files: set[str]) -> None:
    project.write("stormcnn/models/relative.py", line)
    found = project.imports("from stormcnn.models.relative import *")
    assert found == files | {"stormcnn/models/relative.py"}


def test_modules_that_import_each_other_are_found(project: Project) -> None:
    project.write("stormcnn/one.py", "import stormcnn.two")
    project.write("stormcnn/two.py", "import stormcnn.one")
    assert project.imports("import stormcnn.one") == {"stormcnn/one.py", "stormcnn/two.py"}


CODE = '''
"""Job."""
LIMIT: int = 3
def check(value: float) -> float:
    """Check it."""
    if value > LIMIT:
        raise ValueError(f"{value} is too large: at most {LIMIT}")
    logger.info("value %g", value)
    return value
class Pair(NamedTuple):
    first: int = 1
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Job."""', ""),
        ('"""Check it."""', '"""Check that it is small."""'),
        ("LIMIT: int = 3", "LIMIT = 3  # the most"),
        ("LIMIT: int = 3", "LIMIT: float = 3\n'''The most.'''"),
        ("value: float", "value: int"),
        (" -> float", ""),
        ("LIMIT: int = 3", "LIMIT: int = 3\nother: list"),
        ("LIMIT: int = 3", "LIMIT: int = 3\nif TYPE_CHECKING:\n    import os"),
        ("LIMIT: int = 3", "from __future__ import annotations\nLIMIT: int = 3"),
        ("first: int", "first: float"),
        ("value > LIMIT", "value  >  (LIMIT)"),
        ("is too large: at most", "must be at most"),
        ("value %g", "got %g"),
        ("    return value", "\n\n    return (value)"),
    ],
)
def test_wording_and_notation_keep_the_digest(project: Project, old: str, new: str) -> None:
    assert old in CODE
    assert project.digest(CODE.replace(old, new)) == project.digest(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= 3", "= 4"),
        ("= 3", "= '3'"),
        ("= 3", "= 3.0"),
        ("= 3", "= True"),
        ("value > LIMIT", "value >= LIMIT"),
        ("ValueError", "TypeError"),
        ("first: int = 1", "first = 1"),
        ("return value", "return LIMIT"),
        ("check(value: float)", "check(value: float = 1)"),
        ("    logger.info", "    print('value')\n    logger.info"),
    ],
)
def test_other_behavior_has_another_digest(project: Project, old: str, new: str) -> None:
    assert old in CODE
    assert project.digest(CODE.replace(old, new)) != project.digest(CODE)


def test_digest_covers_imported_modules_but_not_their_wording(project: Project) -> None:
    script = "from stormcnn.models.training import fit"
    before = project.digest(script)
    project.write("stormcnn/io.py", '"""Files."""\n')
    assert project.digest(script) == before
    project.write("stormcnn/io.py", "SUFFIX = '.nc'\n")
    assert project.digest(script) != before


CONSTANTS = """
import os
if TYPE_CHECKING:
    from numpy.typing import NDArray as Array
else:
    Array = object
SMALL, LARGE = 1, 2
BOTH = [SMALL, LARGE]
OTHER: int = 3
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("OTHER: int = 3", "OTHER: int = 4", True),
        ("OTHER: int = 3", "OTHER: int = 3\nNEW = 5", True),
        ("= 1, 2", "= 1, 3", False),
        ("[SMALL, LARGE]", "[LARGE, SMALL]", False),
        ("OTHER: int = 3", "OTHER: int = print()\nprint(SMALL)", False),
        ("OTHER: int = 3", "def function(): SMALL = 3", False),
        ("OTHER: int = 3", "BOTH[0] = 5", False),
        ("OTHER: int = 3", "SMALL = SMALL + 1", False),
        ("OTHER: int = 3", "OTHER = [SMALL for SMALL in 'ab']", True),
    ],
)
def test_constants_count_only_if_they_are_used(
    project: Project, old: str, new: str, same: bool
) -> None:
    assert old in CONSTANTS
    script = "from stormcnn.names import BOTH, Array"
    project.write("stormcnn/names.py", CONSTANTS)
    before = project.digest(script)
    project.write("stormcnn/names.py", CONSTANTS.replace(old, new))
    assert (project.digest(script) == before) == same


@pytest.mark.slow
def test_every_script_of_this_project_has_a_digest_of_its_own() -> None:
    scripts = [f"scripts/{path.name}" for path in (ROOT / "scripts").glob("*.py")]
    assert len({code_digest(ROOT, script) for script in scripts}) == len(scripts) > 20
