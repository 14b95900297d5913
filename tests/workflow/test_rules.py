"""The house rules of the wiring, which keep reruns right and the parts apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkout import CACHED, ROOT
from describe_rules import Rule, describe_rules

WIRING = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
LIBRARY = sorted((ROOT / "stormcnn").rglob("*.py"))

# Targets only say what is wanted.
TARGETS = {"all", "prepare", "similar_storms", "tune_dropout", "verify"}
# How fast the network and the disk are says nothing about this workflow. A rule without outputs
# runs only if it has no benchmark.
NOT_MEASURED = {"download_archive", "unpack_runs", "unpack_tracks", "forecast"}
# What was downloaded and checked stays good when the code that downloaded it changes, and an issued
# forecast is never made again.
NOT_TRACKED = {"download_archive", "forecast"}


@pytest.fixture(scope="module")
def rules() -> dict[str, Rule]:
    """All rules that do something, by name."""
    archive = {"data": {"ncar": {"patches": {"sha256": "0" * 64}}}}
    reports = {"reports": ["config/runs/ncar.csv"]}  # only has to exist
    found = describe_rules(ROOT, {"uncertainty": {"jobs": 2}, "observations": reports})
    found |= describe_rules(ROOT, archive, "config/ncar.yaml")
    # Seeds are sampled together only without a cache.
    found["sample_seeds"] = describe_rules(ROOT, {}, cache=False)["sample_seeds"]
    assert found.keys() >= TARGETS
    return {name: rule for name, rule in found.items() if name not in TARGETS}


def script_of(rule: Rule) -> str:
    assert rule.script is not None
    return Path(rule.script).stem


def test_every_script_belongs_to_a_rule(rules: dict[str, Rule]) -> None:
    assert {script_of(rule) for rule in rules.values()} == {path.stem for path in SCRIPTS}
    for rule in rules.values():
        assert rule.script == f"../scripts/{script_of(rule)}.py"


def test_rules_have_a_log_and_an_environment(rules: dict[str, Rule]) -> None:
    for name, rule in rules.items():
        assert [log.rpartition("/")[0] for log in rule.log] == [f"logs/{name}"]
        assert rule.environment is not None
        assert (ROOT / "rules" / rule.environment).is_file()


def test_rules_are_measured_unless_they_only_fetch_or_are_cached(rules: dict[str, Rule]) -> None:
    for name, rule in rules.items():
        if name in NOT_MEASURED or rule.cached:
            assert rule.benchmark is None, name
        else:
            assert rule.benchmark is not None, name
            assert rule.benchmark.startswith(f"benchmarks/{name}/")


def test_expensive_rules_are_cached_with_what_identifies_their_jobs(
    rules: dict[str, Rule],
) -> None:
    assert {script_of(rule) for rule in rules.values() if rule.cached} == CACHED
    for name, rule in rules.items():
        assert rule.cached == ("cache_key" in rule.params), name
        assert rule.cached == (script_of(rule) in CACHED), name
        if rule.cached:
            # Files of a list would all get the name of the list in the cache, and so be one.
            assert None not in rule.outputs, name
            assert rule.several == [], name


def test_guide_names_every_rule_that_a_cache_may_hold(rules: dict[str, Rule]) -> None:
    guide = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    listed = re.search(r"`--cache (\w+[\w\s]+)`", guide)
    assert listed
    assert set(listed[1].split()) == {name for name, rule in rules.items() if rule.cached}


def test_every_config_has_the_rules_that_a_cache_may_hold(rules: dict[str, Rule]) -> None:
    # The guide lists them after --cache, and a name that is no rule is refused there.
    models = {"dropout": {"filters": [8, 16, 32]}}
    few = describe_rules(ROOT, {"models": models, "recalibration": {"methods": []}})
    assert {name for name, rule in rules.items() if rule.cached} == {
        name for name, rule in few.items() if rule.cached
    }


def test_guide_names_every_local_rule(rules: dict[str, Rule]) -> None:
    guide = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    listed = re.search(r"These rules always run where Snakemake itself runs.*?\n\n", guide, re.S)
    assert listed
    local = {name for name, rule in rules.items() if rule.local and not name.startswith("draw_")}
    assert set(re.findall(r"`(\w+_\w+)`", listed[0])) == local


def test_rules_track_the_code_of_their_script(rules: dict[str, Rule]) -> None:
    untracked = {name for name, rule in rules.items() if "code" not in rule.params}
    assert untracked == NOT_TRACKED


def test_inputs_and_params_have_names(rules: dict[str, Rule]) -> None:
    for name, rule in rules.items():
        assert None not in [*rule.inputs, *rule.params], name


def test_rules_ask_for_memory_and_time_unless_they_are_local(rules: dict[str, Rule]) -> None:
    for name, rule in rules.items():
        needed = set() if rule.local else {"mem_mb", "runtime"}
        assert needed <= set(rule.resources) <= needed | {"gpu"}, name


@pytest.mark.parametrize("path", WIRING, ids=lambda path: path.name)
def test_wiring_holds_no_science_and_no_words_of_clusters(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"\bcheckpoint\b|\bretries:|slurm|\bgres\b", text) == []
    imported = set(re.findall(r"^(?:from|import) (\w+)", text, re.M))
    standard = {"functools", "os", "pathlib", "shlex", "sys", "threading"}
    assert imported <= standard | {"snakemake", "stormcnn"}


@pytest.mark.parametrize("path", WIRING, ids=lambda path: path.name)
def test_wiring_has_the_same_format_with_each_python(path: Path) -> None:
    # From Python 3.12 on, snakefmt inserts a space after an equals sign inside an f-string.
    assert re.findall(r"""f(["']).*\{[^}]*=.*\1""", path.read_text()) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_passes_on_what_its_rule_gives_and_nothing_else(path: Path) -> None:
    used = set(re.findall(r"\bsnakemake\.(\w+)", path.read_text()))
    assert used - {"iocontainers"} <= {"input", "output", "params", "log", "threads", "resources"}
    assert "with job_log(snakemake.log[0]):" in path.read_text()


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_library_knows_neither_the_workflow_nor_its_paths(path: Path) -> None:
    text = path.read_text()
    assert "snakemake" not in text.lower()
    # The config explains where the workflow puts its files.
    if path.parent.name != "config":
        assert re.findall(r"\b(?:results|resources)/", text) == []
    assert "argparse" not in text
