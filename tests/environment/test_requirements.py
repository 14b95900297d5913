"""The installed software: pinned requirements, conda environments and pyproject.toml agree."""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {
    "requirements.txt": ["cpu", "slurm"],
    "requirements-gpu.txt": ["gpu", "slurm"],
    "requirements-dev.txt": ["cpu", "slurm", "registry", "docs", "dev"],
}
MACHINES = {
    "Linux on x86_64": {"sys_platform": "linux", "platform_machine": "x86_64"},
    "Linux on ARM": {"sys_platform": "linux", "platform_machine": "aarch64"},
    "Apple silicon": {"sys_platform": "darwin", "platform_machine": "arm64"},
}
PYTHONS = ["3.11", "3.12", "3.13"]
OTHER_BACKENDS = {"jax", "torch"}


def load_generator():
    """Import the script that writes envs/, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("from_lock", ROOT / "envs" / "from_lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


from_lock = load_generator()


def applies(marker: str | Marker | None, machine: str, python: str) -> bool:
    environment = MACHINES[machine] | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "extra": "",
    }
    return not marker or Marker(str(marker)).evaluate(environment)


def test_requirements_contain_only_versions_hashes_and_comments():
    pinned = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; [a-z0-9_ .'()=!<>]+)? \\", re.I)
    hashed = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    for lock in [*LOCKS, "requirements-build.txt"]:
        before = ""
        for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                assert "/" not in line, (lock, line)
                continue
            assert bool(hashed.fullmatch(line)) == before.endswith("\\"), (lock, line)
            assert hashed.fullmatch(line) or pinned.fullmatch(line), (lock, line)
            before = line
        assert hashed.fullmatch(before), (lock, before)


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("machine", MACHINES)
def test_requirements_satisfy_pyproject(lock, machine):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in LOCKS[lock]:
        wanted += project["optional-dependencies"][extra]
    pinned = from_lock.read_lock(ROOT / lock)
    for requirement in map(Requirement, wanted):
        for python in PYTHONS:
            if applies(requirement.marker, machine, python):
                version, marker = pinned[canonicalize_name(requirement.name)]
                assert version in requirement.specifier, requirement
                assert applies(marker, machine, python), requirement


@pytest.mark.parametrize("machine", MACHINES)
def test_each_machine_gets_one_tensorflow(machine):
    expected = "tensorflow-cpu" if machine == "Linux on x86_64" else "tensorflow"
    pinned = from_lock.read_lock(ROOT / "requirements.txt")
    names = [
        name
        for name in ("tensorflow", "tensorflow-cpu")
        if applies(pinned[name][1], machine, "3.11")
    ]
    assert names == [expected]


def test_requirements_files_pin_the_same_versions():
    development = from_lock.read_lock(ROOT / "requirements-dev.txt")
    for lock in ("requirements.txt", "requirements-gpu.txt", "requirements-build.txt"):
        for name, (version, _) in from_lock.read_lock(ROOT / lock).items():
            if name in development:
                assert version == development[name][0], (lock, name)


@pytest.mark.parametrize("machine", MACHINES)
def test_development_requirements_include_those_of_runtime(machine):
    """So `make demo` after `make test` installs nothing."""
    run, development = (
        {
            (name, version)
            for name, (version, marker) in from_lock.read_lock(ROOT / lock).items()
            if applies(marker, machine, "3.11")
        }
        for lock in ("requirements.txt", "requirements-dev.txt")
    )
    assert run < development


def test_conda_environments_are_up_to_date():
    lock = from_lock.read_lock()
    for name, packages in from_lock.ENVIRONMENTS.items():
        written = (ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8")
        assert written == from_lock.format_environment(packages, lock), "run `make lock`"


def test_conda_environments_pin_every_package_once():
    for path in (ROOT / "envs").glob("*.yaml"):
        environment = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert environment["channels"] == ["conda-forge", "nodefaults"]
        listed = environment["dependencies"]
        from_pip = [package for item in listed if isinstance(item, dict) for package in item["pip"]]
        # Conda installs pip for a list of its packages, which then is not empty.
        assert bool(from_pip) == ("pip" in listed) == any(isinstance(item, dict) for item in listed)
        names = []
        for package in listed:
            if isinstance(package, str) and package != "pip":
                names.append(re.fullmatch(r"([a-z0-9-]+)=[0-9][0-9.]*", package)[1])
        for package in map(Requirement, from_pip):
            assert [specifier.operator for specifier in package.specifier] == ["=="]
            names.append(package.name)
        assert len(names) == len(set(names)) > 3


@functools.cache
def imports_of(file: Path) -> set[str]:
    """Return the modules that a file imports, and the names that it imports from them."""
    modules: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def imported(file: Path, seen: set[Path]) -> set[str]:
    """Return the third-party packages that a file imports, directly or through our modules."""
    seen.add(file)
    names: set[str] = set()
    for module in imports_of(file):
        own = ROOT / (module.replace(".", "/") + ".py")
        if own.exists() and own not in seen:
            names |= imported(own, seen)
        names.add(module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"stormcnn", "__future__"}


@functools.cache
def installed() -> Mapping[str, list[str]]:
    """Return the distributions that each installed top-level package belongs to."""
    return packages_distributions()


def distributions_of(names: set[str]) -> set[str]:
    return {canonicalize_name(installed()[name][0]) for name in names - OTHER_BACKENDS}


def test_dependencies_include_what_the_library_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in ("cpu", "registry"):
        wanted += project["optional-dependencies"][extra]
    names = set.union(*(imported(path, set()) for path in (ROOT / "stormcnn").rglob("*.py")))
    assert distributions_of(names) <= {
        canonicalize_name(Requirement(requirement).name) for requirement in wanted
    }


def rules_with_environment() -> dict[str, str]:
    """Return the conda environment of each script that a rule runs."""
    environments = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for rule in re.split(r"^ *rule ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            script = re.search(r"scripts/(\w+)\.py", rule.partition("script:")[2])
            environment = re.search(r"envs/(\w+)\.yaml", rule)
            if script:
                environments[script[1]] = environment[1] if environment else "none"
    return environments


@pytest.mark.parametrize(("script", "environment"), rules_with_environment().items())
def test_conda_environment_includes_what_its_jobs_import(script, environment):
    names = imported(ROOT / "scripts" / f"{script}.py", set())
    assert distributions_of(names) <= set(from_lock.ENVIRONMENTS[environment])


def test_every_script_has_an_environment():
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert scripts == set(rules_with_environment())


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def supported_snakemake() -> SpecifierSet:
    """Return the supported versions of Snakemake."""
    requirements = map(Requirement, PROJECT["dependencies"])
    return next(item.specifier for item in requirements if item.name == "snakemake")


def test_supported_snakemake_versions_agree():
    [oldest] = [part.version for part in supported_snakemake() if part.operator == ">="]
    snakefile = (ROOT / "Snakefile").read_text(encoding="utf-8")
    assert f'min_version("{oldest}")' in snakefile
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    matrix = yaml.safe_load(workflow)["jobs"]["supported"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    first, newest = map(SpecifierSet, matrix["snakemake"])
    assert first == SpecifierSet(f"=={oldest}.*")
    assert newest == supported_snakemake()


def test_container_recipes_have_the_same_steps():
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    apptainer = (ROOT / "apptainer.def").read_text(encoding="utf-8")
    patterns = re.findall(r"^COPY (\S+) \S+$", docker, re.M)
    copied = {path.relative_to(ROOT).parts[0] for name in patterns for path in ROOT.glob(name)}
    assert copied == set(re.findall(r"^ +(\S+) /opt/stormcnn/$", apptainer, re.M))
    assert copied > {"Snakefile", "stormcnn", *LOCKS}
    # Anything else is not even sent to the builder.
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [line.removeprefix("!") for line in sent if line.startswith("!")]
    assert copied == {path.name for name in allowed for path in ROOT.glob(name)}

    [image] = re.findall(r"^FROM (.+)$", docker, re.M)
    assert f"From: {image}\n" in apptainer
    python = re.fullmatch(r"python:([\d.]+)-slim-bookworm", image)[1]
    assert python in SpecifierSet(PROJECT["requires-python"])
    assert "\nUSER nobody\n" in docker
    commands = [
        re.findall(r"(?:envs/install \.venv|-m compileall) .*$", recipe, re.M)
        for recipe in (docker.replace('"$REQUIREMENTS"', "{{ REQUIREMENTS }}"), apptainer)
    ]
    assert commands[0] == commands[1]
    assert len(commands[0]) == 2


def test_no_file_contains_package_index_address():
    """Users may have a mirror, which pip and uv read from their own configuration."""
    place = re.compile(r"--(extra-|default-)?index\b|find[-]links|python[h]osted|[/]simple\b")
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in (".ci", ".github", "config", "docs", "envs", "ops", "profiles", "rules", "tests"):
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    for path in files:
        if path.suffix not in {".nc", ".png", ".pyc"}:
            assert not place.search(path.read_text(encoding="utf-8")), path
