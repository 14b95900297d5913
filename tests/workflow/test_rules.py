"""The house rules of the wiring, which keep reruns right and the parts apart."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from checkout import CACHED, ROOT

WIRING = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
LIBRARY = sorted((ROOT / "stormcnn").glob("*.py"))


def read_rules(heading: str) -> dict[str, dict[str, str]]:
    """The directives of the rules whose heading matches, each with the text below it."""
    rules = {}
    for path in WIRING:
        parts = re.split(rf"^( *){heading}:\n", path.read_text(), flags=re.M)
        for indent, name, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            inner = f"{indent}    "
            block = re.match(rf"(?:(?:{inner}.*)?\n)*", text)
            assert block
            found = re.split(rf"^{inner}(\w+):(.*\n)", block[0], flags=re.M)[1:]
            assert name not in rules
            rules[name] = {
                directive: f"{first}{rest}"
                for directive, first, rest in zip(*(found[i::3] for i in range(3)), strict=True)
            }
    return rules


RULES = read_rules(r"rule (\w+)")
# Those that do what another rule does with other files.
DERIVED = read_rules(r"use rule \w+ as (\w+) with")
DERIVED_FROM = {
    name: rule
    for path in WIRING
    for rule, name in re.findall(r"use rule (\w+) as (\w+) with", path.read_text())
}
# The others are targets: they only say what is wanted.
WORKING = {name: rule for name, rule in RULES.items() if "output" in rule}
# Rules of the network and the disk; how fast those are says nothing about this workflow.
NOT_MEASURED = {"download_archive", "unpack_runs", "unpack_tracks"}
SCRIPT_OF = {"unpack_runs": "unpack_files", "unpack_tracks": "unpack_files"}


def named(directive: str) -> list[str]:
    """Names of the values of a directive, in a text such as `input`'s."""
    call = ast.parse(f"f({directive})", mode="eval").body
    assert isinstance(call, ast.Call)
    assert call.args == [], "a value has no name"
    return [str(keyword.arg) for keyword in call.keywords]


def test_all_rules_are_read() -> None:
    written = sum(len(re.findall(r"^ *(?:use )?rule ", path.read_text(), re.M)) for path in WIRING)
    assert len(RULES) + len(DERIVED) == written > 20
    assert RULES.keys() - WORKING.keys() == {"all", "forecast", "tune_dropout", "verify"}


@pytest.mark.parametrize("name", WORKING)
def test_rule_has_a_log_and_an_environment(name: str) -> None:
    rule = WORKING[name]
    assert f'"<logs>/{name}/' in rule["log"]
    environment = re.search(r'"\.\./(envs/\w+\.yaml)"', rule["conda"])
    assert environment
    assert (ROOT / environment[1]).is_file()


@pytest.mark.parametrize("name", WORKING)
def test_rule_is_measured_unless_it_only_fetches_or_is_cached(name: str) -> None:
    if name in NOT_MEASURED:
        assert "benchmark" not in WORKING[name]
        assert "localrule" in WORKING[name]
    elif name in CACHED:
        assert "benchmark" not in WORKING[name]
    else:
        assert f'"<benchmarks>/{name}/' in WORKING[name]["benchmark"]


@pytest.mark.parametrize("name", WORKING)
def test_cached_rule_gives_the_cache_what_tells_its_jobs_apart(name: str) -> None:
    rule = WORKING[name]
    params = rule.get("params", "")
    if name not in CACHED:
        assert "cache" not in rule
        assert "cache_key" not in params
        return
    assert rule["cache"].strip() == "CACHE"
    assert "cache_key=cache_key," in params
    # Files of a list would all get the name of the list in the cache, and so be one.
    assert named(rule["output"])
    assert re.search(r"\[|expand|report", rule["output"]) is None


def test_guide_names_every_rule_that_a_cache_may_hold() -> None:
    text = (ROOT / "docs" / "howto.md").read_text()
    listed = re.search(r"`--cache (\w+[\w\s]+)`", text)
    assert listed
    assert set(listed[1].split()) == CACHED | {
        name for name, rule in DERIVED_FROM.items() if rule in CACHED
    }


@pytest.mark.parametrize("name", DERIVED)
def test_derived_rule_has_its_own_log_and_benchmark(name: str) -> None:
    original = WORKING[DERIVED_FROM[name]]
    assert f'"<logs>/{name}/' in DERIVED[name]["log"]
    if DERIVED_FROM[name] in CACHED:
        assert "benchmark" not in DERIVED[name]
        assert "cache_key" not in DERIVED[name].get("params", "")
    else:
        assert f'"<benchmarks>/{name}/' in DERIVED[name]["benchmark"]
    # Of the rule that it is derived from, Snakemake hands on neither of these.
    for directive in ("cache", "localrule"):
        given = (rule.get(directive, "").strip() for rule in (DERIVED[name], original))
        assert len(set(given)) == 1, directive
    # Without inputs of its own it has those of the rule that it is derived from.
    assert re.search(r'\bcode=code\("\w+"\)', DERIVED[name].get("input", 'code=code("same")'))


@pytest.mark.parametrize("name", WORKING)
def test_rule_runs_the_script_of_its_name_and_declares_its_code(name: str) -> None:
    assert {"run", "shell"} & WORKING[name].keys() == set()
    script = SCRIPT_OF.get(name, name)
    assert f'"../scripts/{script}.py"' in WORKING[name]["script"]
    assert re.search(rf'\bcode=(ancient\()?code\("{script}"\)', WORKING[name]["input"])


@pytest.mark.parametrize("name", WORKING)
def test_rule_names_its_inputs_and_params(name: str) -> None:
    for directive in ("input", "params"):
        named(WORKING[name].get(directive, ""))


@pytest.mark.parametrize("name", WORKING)
def test_rule_asks_for_memory_and_time_unless_it_is_local(name: str) -> None:
    rule = WORKING[name]
    if "localrule" in rule:
        assert "resources" not in rule
    else:
        assert (
            {"mem_mb", "runtime"} <= set(named(rule["resources"])) <= {"mem_mb", "runtime", "gpu"}
        )


def test_every_script_belongs_to_a_rule() -> None:
    assert {path.stem for path in SCRIPTS} == {SCRIPT_OF.get(name, name) for name in WORKING}


@pytest.mark.parametrize("path", WIRING, ids=lambda path: path.name)
def test_wiring_holds_no_science_and_no_words_of_clusters(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"\bcheckpoint\b|\bretries:|slurm|\bgres\b", text) == []
    imported = set(re.findall(r"^(?:from|import) (\w+)", text, re.M))
    standard = {"ast", "functools", "os", "pathlib", "sys", "threading"}
    assert imported <= standard | {"snakemake", "stormcnn"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_passes_on_what_its_rule_gives_and_nothing_else(path: Path) -> None:
    used = set(re.findall(r"\bsnakemake\.(\w+)", path.read_text()))
    assert used - {"iocontainers"} <= {"input", "output", "params", "log", "threads"}
    assert "with job_log(snakemake.log[0]):" in path.read_text()


@pytest.mark.parametrize("path", [*SCRIPTS, *LIBRARY], ids=lambda path: path.name)
def test_imports_are_written_so_that_the_wiring_can_follow_them(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert [alias.name for alias in node.names if alias.name.startswith("stormcnn")] == []
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_library_knows_neither_the_workflow_nor_its_paths(path: Path) -> None:
    text = path.read_text()
    assert "snakemake" not in text.lower()
    # What the config does in the workflow is for its own module to explain.
    if path.name != "config.py":
        assert re.findall(r"\b(?:results|resources)/", text) == []
    assert "argparse" not in text
