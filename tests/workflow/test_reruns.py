"""What runs again after a change, and what does not."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from checkout import ROOT, RUN_DATES, SETTINGS, Checkout, copy_code, write_runs
from edits import edit_modules, reword
from run_files import run_file_name

from stormcnn.planning.digests import imported_files

EXPENSIVE = {"prepare_patches", "train_network", "predict_storms", "sample_members", "sample_cases"}
EXPLAINING = {"explain_networks", "score_explanations", "draw_explanations"}
# What the figures, the comparison and the report come from.
SCORING = {"score_networks", "score_uncertainty", "score_decisions"}
REPORTING = {
    "draw_training",
    "draw_verification",
    "draw_uncertainty",
    "draw_regularization",
    "compare_models",
    "write_report",
    "all",
}
MODELS = ("baseline", "dropout")
IN_OPEN = 0x20  # of <sys/inotify.h>


def rules(plan: Iterable[str]) -> set[str]:
    return {name.split()[0] for name in plan}


def append(checkout: Checkout, file: str, text: str = "\nCHANGED = True\n") -> None:
    with open(checkout.path / file, "a") as stream:
        stream.write(text)


def test_second_run_does_nothing(rerun: Checkout) -> None:
    said = rerun.run()
    assert "Nothing to be done" in said
    assert rerun.rules_run() == set()


def test_fresh_clone_with_the_results_copied_does_nothing(
    finished: Checkout, tmp_path: Path
) -> None:
    clone = finished.copy(tmp_path / "clone")
    before = {path: path.stat().st_mtime for path in clone.path.rglob("*.py")}
    copy_code(clone.path, finished.path)
    assert all(path.stat().st_mtime > time for path, time in before.items())
    assert clone.plan() == {}


def test_fresh_clone_with_the_results_copied_without_their_times_does_nothing(
    finished: Checkout, tmp_path: Path
) -> None:
    path = tmp_path / "clone"
    shutil.copytree(finished.path, path, copy_function=shutil.copyfile)
    copy_code(path, finished.path)
    assert Checkout(path).plan() == {}


def test_settings_written_in_another_order_rerun_nothing(rerun: Checkout) -> None:
    rerun.configure(dict(reversed(SETTINGS.items())))
    assert rerun.plan() == {}


def test_other_dropout_rate_reruns_the_dropout_branch_alone(rerun: Checkout) -> None:
    rerun.change({"models": {"dropout": {"spatial_dropout": 0.5}}})
    branch = {"train_network", "recalibrate_network", "predict_storms"}
    branch |= {"sample_members", "sample_cases", "draw_cases"}
    others = SCORING | REPORTING | {"write_config", "score_explanations", "draw_explanations"}
    expected = {f"{rule} dropout 0" for rule in branch} | others | {"explain_networks dropout"}
    assert rerun.plan().keys() == expected


def test_other_title_reruns_the_report_alone(rerun: Checkout) -> None:
    rerun.change({"models": {"dropout": {"title": "Channels dropped"}}})
    again = rules(rerun.plan())
    assert {"write_config", "write_report", "compare_models", "draw_verification"} <= again
    assert again <= REPORTING | {"write_config", "draw_cases", "draw_explanations"}


def test_other_threshold_trains_again_but_prepares_nothing(rerun: Checkout) -> None:
    rerun.change({"event": {"threshold": 0.004}})
    again = rerun.plan()
    assert {"train_network baseline 0", "train_network dropout 0"} < again.keys()
    assert {"prepare_patches", "merge_inventory", "fit_scaling"} & rules(again) == set()


def test_more_members_sample_again_but_train_nothing(rerun: Checkout) -> None:
    rerun.change({"uncertainty": {"members": 11}})
    again = rules(rerun.plan())
    assert "sample_members" in again
    assert {"train_network", "predict_storms", "sample_cases"} & again == set()


def test_added_network_trains_that_one_alone(rerun: Checkout) -> None:
    rerun.change({"models": {"other": {"filters": [4], "kernel_size": 5}}})
    again = rerun.plan()
    assert {name for name in again if name.startswith("train_network")} == {"train_network other 0"}
    assert {"prepare_patches", "sample_members", "sample_cases"} & rules(again) == set()


def test_added_seed_trains_with_that_one_alone(rerun: Checkout) -> None:
    rerun.change({"training": {"seeds": [0, 7]}})
    again = rerun.plan()
    assert {name for name in again if rules([name]) & EXPENSIVE} == {
        *(f"{rule} {model} 7" for rule in ("train_network", "predict_storms") for model in MODELS),
        "sample_members dropout 7",
    }


def test_without_opponents_only_scores_and_report_are_made_again(rerun: Checkout) -> None:
    rerun.change({"opponents": []})
    again = rules(rerun.plan())
    assert {"score_networks", "score_decisions", "write_report"} <= again
    assert again & EXPENSIVE == set()


def test_recalibration_trains_only_without_the_held_out_storms(rerun: Checkout) -> None:
    rerun.change({"recalibration": {"methods": ["intercept"]}})
    again = rerun.plan()
    assert {name for name in again if rules([name]) & EXPENSIVE} == set()
    trained = {name for name in again if name.startswith("train_")}
    assert trained == {f"train_held_out {model}" for model in MODELS}
    assert {"score_networks", "recalibrate_network"} < rules(again)
    assert {"sample_cases", "score_uncertainty"} & rules(again) == set()


def test_other_run_shares_the_prepared_data(rerun: Checkout) -> None:
    rerun.change({"experiment": {"name": "other"}})
    again = rerun.plan()
    assert {"prepare_patches", "merge_inventory"} & rules(again) == set()
    made = [file for job in again.values() for file in job.outputs]
    assert made
    assert all(file.startswith("results/other/") for file in made)


def test_wording_notation_and_equivalent_wiring_rerun_nothing(rerun: Checkout) -> None:
    edit_modules(rerun.path, reword, "scripts", "stormcnn")
    append(rerun, "rules/common.smk", "\n# Nothing that a job reads.\n")
    append(rerun, "stormcnn/logs.py")
    append(rerun, "stormcnn/planning/runs.py")
    assert rerun.plan() == {}


@pytest.mark.parametrize(
    ("file", "reruns", "keeps"),
    [
        ("scripts/fit_scaling.py", {"fit_scaling", "train_network"}, {"prepare_patches"}),
        (
            "stormcnn/models/boosted_trees.py",
            {"predict_boosted_trees", "write_report"} | SCORING - {"score_uncertainty"},
            EXPENSIVE | {"compute_features", "predict_threshold_rule"},
        ),
        ("report/report.css", {"write_report"}, EXPENSIVE | SCORING | {"draw_verification"}),
        ("stormcnn/explanation/maps.py", EXPLAINING | {"write_report"}, EXPENSIVE | SCORING),
    ],
)
def test_edited_file_reruns_the_jobs_that_use_it(
    rerun: Checkout, file: str, reruns: set[str], keeps: set[str]
) -> None:
    append(rerun, file, "\n/* changed */\n" if file.endswith("css") else "\nCHANGED = True\n")
    again = rules(rerun.plan())
    assert again >= reruns
    assert again & keeps == set()


def test_edit_that_is_older_than_the_results_is_noticed(rerun: Checkout) -> None:
    append(rerun, "stormcnn/models/training.py")
    os.utime(rerun.path / "stormcnn/models/training.py", (0, 0))
    again = rules(rerun.plan())
    assert again >= {"train_network", "sample_members"}
    assert "prepare_patches" not in again


STAGES = {
    "Preparing": {"prepare_patches", "merge_inventory"},
    "Scaling": {"fit_scaling"},
    "Training": {"train_network"},
    "Prediction": {
        "predict_storms",
        "compute_features",
        "predict_boosted_trees",
        "predict_threshold_rule",
        "predict_logistic_regression",
    },
    "Sampling": {"sample_members", "sample_cases"},
    "Explanation": {"explain_networks", "score_explanations"},
    "Scores": SCORING | {"recalibrate_network"},
    "Report": REPORTING | {"draw_cases", "draw_dropout", "draw_explanations"},
}


@pytest.fixture(scope="module")
def stages_by_package(
    finished: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """Stages of the workflow that an edit of all modules of a package reruns."""
    found = {}
    packages = sorted(path.parent.name for path in (finished.path / "stormcnn").glob("*/*.py"))
    for package in dict.fromkeys(packages):
        checkout = finished.copy(tmp_path_factory.mktemp("edited") / package)
        edit_modules(checkout.path, lambda text: f"{text}\nCHANGED = True\n", f"stormcnn/{package}")
        again = rules(checkout.plan()) - {"write_config"}
        found[package] = {stage for stage, members in STAGES.items() if again & members}
        assert again <= set().union(*STAGES.values())
    return found


def test_edit_of_a_package_reruns_what_follows_from_it(
    stages_by_package: dict[str, set[str]],
) -> None:
    assert stages_by_package["report"] == {"Report"}
    assert stages_by_package["verification"] == {"Explanation", "Scores", "Report"}
    assert stages_by_package["explanation"] == {"Explanation", "Report"}
    assert stages_by_package["planning"] == set()
    assert "Training" not in stages_by_package["sampling"]
    assert "Preparing" not in stages_by_package["models"]


def test_guide_says_what_an_edit_of_each_package_reruns(
    stages_by_package: dict[str, set[str]],
) -> None:
    header = "| Package | " + " | ".join(STAGES) + " |"
    lines = [header, "|---" + "|:---:" * len(STAGES) + "|"]
    for package, stages in stages_by_package.items():
        marks = ["✓" if stage in stages else " " for stage in STAGES]
        lines.append(f"| `{package}` | " + " | ".join(marks) + " |")
    guide = (ROOT / "docs" / "developing.md").read_text(encoding="utf-8")
    table = re.search(r"<!-- reruns: begin -->\n+(.*?)\n+<!-- reruns: end -->", guide, re.S)
    assert table
    assert table[1].splitlines() == lines, "Replace the table by:\n" + "\n".join(lines)


def test_code_that_a_job_tracks_is_the_code_that_it_imports(finished: Checkout) -> None:
    for rule in finished.rules_run():
        tracked = imported_files(finished.path, f"scripts/{rule}.py")
        modules = {name for name in finished.imports(rule) if name.startswith("stormcnn.")}
        # The second is imported by the first, whose messages change no result.
        modules -= {"stormcnn.logs", "stormcnn.os_errors"}
        imported = {str(module_file(finished.path, name)) for name in modules}
        assert imported - tracked == set(), rule


def module_file(root: Path, module: str) -> Path:
    """The file of a module or package, relative to `root`."""
    path = Path(*module.split("."))
    return path / "__init__.py" if (root / path).is_dir() else path.with_suffix(".py")


def test_added_training_run_redoes_its_batch_and_no_other(rerun: Checkout) -> None:
    write_runs(rerun.path / "runs", [datetime(2014, 5, 3)])
    again = rerun.plan()
    prepared = {name for name in again if name.startswith("prepare_patches")}
    assert prepared == {"prepare_patches 2014-05"}
    assert {"fit_scaling", "merge_inventory", "train_network baseline 0"} < again.keys()


def test_added_test_run_trains_nothing(rerun: Checkout) -> None:
    write_runs(rerun.path / "runs", [datetime(2015, 7, 1)])
    again = rerun.plan()
    prepared = {name for name in again if name.startswith("prepare_patches")}
    assert prepared == {"prepare_patches 2015-07"}
    assert {"predict_storms baseline 0", "score_networks", "write_report"} < again.keys()
    assert {"fit_scaling", "train_network"} & rules(again) == set()


def test_taken_away_run_redoes_its_batch_and_no_other(rerun: Checkout) -> None:
    (rerun.path / "runs" / run_file_name(datetime(2014, 5, 2))).unlink()
    prepared = {name for name in rerun.plan() if name.startswith("prepare_patches")}
    assert prepared == {"prepare_patches 2014-05"}


@pytest.mark.parametrize(
    ("added", "opened"),
    [
        (datetime(2014, 5, 3), [datetime(2014, 5, day) for day in (1, 2, 3)]),
        (datetime(2014, 7, 1), [datetime(2014, 7, 1)]),
    ],
)
def test_added_run_opens_the_run_files_of_its_batch_and_no_other(
    rerun: Checkout, added: datetime, opened: list[datetime]
) -> None:
    write_runs(rerun.path / "runs", [added])
    with watch_openings(rerun.path / "runs") as names:
        rerun.run("resources/tiny/inventory.csv", "results/tiny/scaling.csv")
    assert names == {run_file_name(date) for date in opened}
    assert rerun.rules_run() == {"prepare_patches", "merge_inventory", "fit_scaling"}
    assert len(list((rerun.path / "imports").glob("tmp*.prepare_patches.py"))) == 1
    inventory = pd.read_csv(rerun.path / "resources/tiny/inventory.csv")
    assert len(inventory) == len(RUN_DATES) + 1
    assert set(inventory["storms"]) == {12}


@contextmanager
def watch_openings(folder: Path) -> Iterator[set[str]]:
    """Names of the files of a folder that any process opens, as the kernel (inotify) tells them.

    The set is filled when the block ends.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    descriptor = kernel.inotify_init1(os.O_NONBLOCK)
    names: set[str] = set()
    try:
        assert kernel.inotify_add_watch(descriptor, os.fsencode(folder), IN_OPEN) > 0
        yield names
        with suppress(BlockingIOError):
            while events := os.read(descriptor, 65536):
                names |= set(re.findall(r"[\w-]+\.nc", events.decode("latin-1")))
    finally:
        os.close(descriptor)


def test_plan_leaves_the_run_list_to_the_jobs_of_others(rerun: Checkout) -> None:
    """Another call may be at work, whose jobs read the list."""
    run_list = rerun.path / "resources/tiny/runs.csv"
    before = run_list.read_bytes()
    write_runs(rerun.path / "runs", [datetime(2015, 7, 1)])
    assert "prepare_patches 2015-07" in rerun.plan()
    assert run_list.read_bytes() == before
    rerun.run("resources/tiny/inventory.csv")
    assert b"2015-07" in run_list.read_bytes()
