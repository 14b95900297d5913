"""The benchmark: its pages, its cost model, its command line."""

import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from checkout import ROOT

from benchmark import claims, reruns
from benchmark.claims import Setting
from benchmark.claims_page import write_claims
from benchmark.comparison import fitting_seconds, workflow_config
from benchmark.gpu_page import gpu_lines
from benchmark.measure import ratio
from benchmark.page import measured_on, write_page
from benchmark.recipes import by_training, mean_interval, summarize
from benchmark.recipes_page import BEGIN, END, verdict, write_recipes
from benchmark.run import main
from benchmark.scaling import (
    Rates,
    Stage,
    Task,
    extrapolate_peak,
    runtimes,
    stages,
    wall_seconds,
    write_scaling,
)
from stormcnn.config.config_files import read_config_files
from stormcnn.config.loading import load_config
from stormcnn.verification.measured_coverage import MEASURED_COVERAGE

RESULTS = json.loads((ROOT / "benchmark/results.json").read_text())
RATES = Rates(
    prepare=0.01,
    read=0.001,
    train={"baseline": 0.02, "l2": 0.02, "dropout": 0.04},
    forward=0.5,
    share=0.1,
    sample=0.01,
    score=0.001,
    start_up=1.0,
    start_up_network=3.0,
    run_file=1.0,
    patches=1.0,
    busy=2.0,
)


def test_coverage_in_the_report_is_the_measured_one():
    for blocks, shares in MEASURED_COVERAGE.items():
        intervals = RESULTS["claims"]["intervals"][f"{blocks} days, daily"]["interval"]
        measured = {
            score: counted["covered"] / sum(counted.values())
            for score, counted in intervals.items()
        }
        assert shares == pytest.approx(measured, abs=0.0006)


@pytest.mark.parametrize(
    ("name", "write"), [("performance", write_page), ("scaling", write_scaling)]
)
def test_page_matches_results(name, write, tmp_path):
    write(RESULTS, tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text() == (ROOT / f"docs/{name}.md").read_text()


def test_tables_of_verdicts_match_results(tmp_path):
    page = tmp_path / "science.md"
    page.write_text((ROOT / "docs/science.md").read_text())
    write_claims(RESULTS["claims"], page)
    assert page.read_text() == (ROOT / "docs/science.md").read_text()


def test_settings_without_results_are_named_in_the_page(tmp_path):
    page = tmp_path / "science.md"
    page.write_text((ROOT / "docs/science.md").read_text())
    intervals = RESULTS["claims"]["intervals"]
    settings = ("10 days, hourly", "36 days, hourly")
    fewer = {name: counted for name, counted in intervals.items() if name not in settings}
    counted = intervals["10 days, daily"]
    for results in (fewer, fewer | dict.fromkeys(settings, counted)):
        write_claims({"intervals": results}, page)
        header = page.read_text().split("Coverage (%)")[1]
        for name in settings:
            assert (f"| {name} |" in header) == (name in results)
            listed = page.read_text().partition("Not measured:")[2].partition(".")[0]
            assert (name in listed) == (name not in results)


def test_ratio_is_median_of_pairwise_ratios():
    assert ratio([1, 2, 30], [1, 4, 10]) == {"median": 1, "low": 0.5, "high": 3, "pairs": 3}


def test_fitting_time_is_that_of_busiest_core(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    epochs = {"baseline": [2, 1], "dropout": [4, 3], "l2": [3, 2]}
    assert fitting_seconds(epochs) == 8


def test_cost_model_gives_work_of_each_job():
    task = Task(storms=1000, batches=4, epochs=2, members=10, sampling_jobs=2, cores=4)
    work = {stage.name: stage.work for stage in stages(task, RATES)}
    assert work == pytest.approx(
        {
            "preparation": 1 + 2 * 250 * 0.01,
            "training: baseline": 3 + 2 * 640 * (0.001 + 0.02 * 2.5),
            "training: l2": 3 + 2 * 640 * (0.001 + 0.02 * 2.5),
            "training: dropout": 3 + 2 * 640 * (0.001 + 0.04 * 2.5),
            "prediction: baseline": 3 + 2 * 360 * (0.001 + 0.02 * 0.5),
            "prediction: l2": 3 + 2 * 360 * (0.001 + 0.02 * 0.5),
            "prediction: dropout": 3 + 2 * 360 * (0.001 + 0.04 * 0.5),
            "sampling": 3 + 2 * 180 * (0.001 + 0.1 + 0.01 * 10),
            "scores": 1 + 1000 * 0.001,
        }
    )


def test_wall_time_is_limited_by_longest_job_or_by_cores():
    def wall(cores):
        return wall_seconds(Task(1000, 4, 2, 0, 1, cores, latency=30), RATES)

    # Five kinds of jobs: preparation, training, prediction, sampling (no members) and scores.
    assert wall(100) == pytest.approx(5 * 30 + 6 + 132.28 + 18.12 + 3 + 2)
    training, prediction = 68.28 + 68.28 + 132.28, 10.92 + 10.92 + 18.12
    assert wall(1) == pytest.approx(5 * 30 + 4 * 6 + training + prediction + 3 + 2)


def test_rules_request_half_as_much_time_again_as_their_longest_job():
    hours = {
        "training: baseline": 1,
        "training: l2": 2,
        "training: dropout": 5,
        "prediction: dropout": 0.01,
        "scores": 0.5,
    }
    assert runtimes(Stage(name, 1, 3600 * long) for name, long in hours.items()) == {
        "train_wide_network": 450,
        "train_network": 180,
        "predict_storms": 10,
        "score_networks": 50,
    }


def test_memory_of_scores_is_extrapolated_from_two_sizes():
    sizes = [(1_000_000, 1, 300), (1_000_000, 3, 900), (4_000_000, 1, 600), (4_000_000, 3, 1500)]
    keys = ("storms", "networks", "peak_mib")
    results = {"sizes": [dict(zip(keys, values, strict=True)) for values in sizes]}
    assert extrapolate_peak(results, 44_000_000, networks=1) == pytest.approx(4600)
    assert extrapolate_peak(results, 44_000_000, networks=3) == pytest.approx(9500)


@pytest.mark.slow
def test_simulated_verdicts_do_not_depend_on_the_number_of_processes(monkeypatch):
    monkeypatch.setattr("benchmark.claims.COVERAGE", [Setting(12)])
    one, two = (claims.measure("intervals", 3, processes) for processes in (1, 2))
    assert one == two
    assert sum(one["12 days, daily"]["interval"]["auc"].values()) == 3


@pytest.mark.slow
def test_parts_are_selected_by_the_beginning_of_their_name(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmark.run.RESULTS", tmp_path / "results.json")
    monkeypatch.setattr("benchmark.run.write_page", lambda results, path: None)
    monkeypatch.setattr("benchmark.run.write_claims", lambda results, path: None)
    monkeypatch.setattr("benchmark.claims.COVERAGE", [Setting(12)])
    arguments = ["full", "--only", "claims-int", "--data-sets", "2", "--processes", "1"]
    monkeypatch.setattr("sys.argv", ["run", *arguments])
    main()
    results = json.loads((tmp_path / "results.json").read_text())
    assert list(results["claims"]) == ["intervals"]
    assert sum(results["claims"]["intervals"]["12 days, daily"]["interval"]["auc"].values()) == 2


def test_unknown_part_is_refused_before_measuring(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["run", "small", "--only", "growth"])
    monkeypatch.setattr("benchmark.run.RESULTS", ROOT / "no such file")
    with pytest.raises(SystemExit):
        main()
    message = capsys.readouterr().err
    assert all(name in message for name in ("growth", "small", "kernels", "demo", "workflow"))


def recipe_rows(recipes, seeds=4):
    """Rows of trainings: `fast` is better by 0.05, takes a fifth of the time, and varies half as
    much with the seed."""
    skill = {"lesson": lambda seed: 0.30 + 0.02 * seed, "fast": lambda seed: 0.365 + 0.01 * seed}
    settings = itertools.product(range(seeds), (1, 7), ("baseline", "l2", "dropout"), recipes)
    return [
        {
            "data": data,
            "network": network,
            "recipe": recipe,
            "seed": seed,
            "brier_skill_score": skill.get(recipe, skill["fast"])(seed),
            "core_seconds": 50.0 if recipe == "lesson" else 10.0,
        }
        for seed, data, network, recipe in settings
    ]


def test_recipes_are_compared_by_the_mean_difference_and_the_time_of_all_networks():
    summary = summarize(by_training(recipe_rows(("lesson", "fast"))))
    for network in ("baseline", "l2", "dropout"):
        difference = summary[network]["difference"]
        assert difference["mean"] == pytest.approx(0.05)
        assert difference["low"] < 0.05 < difference["high"]
        spread = summary[network]["standard_deviation"]
        assert spread["lesson"] == pytest.approx(2 * spread["fast"], abs=1e-4)
    assert summary["all"]["ratio"] == {"median": 0.2, "low": 0.2, "high": 0.2, "pairs": 8}


def test_interval_over_seeds_has_the_width_of_a_normal_distribution():
    samples = [np.random.default_rng(seed).normal(0, 0.01, 200) for seed in (1, 2)]
    interval = mean_interval(samples)
    error = np.sqrt(sum(sample.var(ddof=1) / 200 for sample in samples)) / 2
    assert interval["high"] - interval["low"] == pytest.approx(2 * 1.645 * error, abs=2e-4)


def test_measured_parts_are_named_by_day_and_those_of_the_claims_once():
    parts = {
        "claims-counts": "2030-01-02",
        "claims-single": "2030-01-02",
        "many-storms": "2030-01-01",
    }
    assert measured_on({"full": parts}) == [
        "- 2030-01-01: many-storms (full)",
        "- 2030-01-02: claims (full)",
    ]


@pytest.mark.parametrize("settings", [reruns.CONFIG, workflow_config(Path("storms"))])
def test_configs_of_the_benchmark_are_valid(tmp_path, settings):
    data = {"name": "benchmark", "source": "folder", "folder": "runs"}
    path = tmp_path / "benchmark.yaml"
    path.write_text(yaml.safe_dump(settings | {"data": data}))
    load_config(read_config_files([ROOT / "config/config.yaml", path]))


def test_page_says_where_a_recipe_lowers_the_skill():
    intervals = {"baseline": (-0.02, -0.01), "l2": (0.01, 0.02), "dropout": (0.01, 0.03)}
    fast = {
        network: {"difference": {"low": low, "high": high}}
        for network, (low, high) in intervals.items()
    }
    assert verdict(fast, list(intervals)) == (
        "The skill with `fast` is lower for `baseline`; it is higher for `l2` and `dropout`."
    )
    fast["l2"]["difference"]["low"] = -0.01
    assert "not shown to be higher or lower for `l2`" in verdict(fast, list(intervals))


def test_tables_of_recipes_replace_those_between_the_markers(tmp_path):
    page = tmp_path / "science.md"
    science = (ROOT / "docs/science.md").read_text()
    page.write_text(science)
    compared = by_training(recipe_rows(("lesson", "fast")))
    ablated = by_training(recipe_rows(("fast", "2 epochs")))
    results = {"fast": summarize(compared), "compared": compared, "ablated": ablated}
    for _ in range(2):
        write_recipes(results, page)
        text = page.read_text()
        assert text.startswith(science.partition(BEGIN)[0])
        assert text.endswith(science.partition(END)[2])
        assert text.count("+0.050") == 3
        assert text.count("2 epochs") == 1


def test_measured_gpu_replaces_the_estimate(tmp_path):
    trained = {"seconds": 12.3, "storms_per_second": 45_678, "brier_skill_score": 0.4321}
    measured = {
        "training": {"dropout": {"lesson": trained, "fast": trained}},
        "sampling": {"seconds": 98.7, "members_per_second": 456_789},
        "bounds": {
            "sampling_bound": 1e6,
            "training_bound": 2e6,
            "gigabytes_per_second": 3000.0,
            "teraflops": 400.0,
        },
    }
    results = {
        "device": "a GPU",
        "training_storms": 76_377,
        "sampled_storms": 44_760,
        "members": 1000,
        "precisions": {"float32": measured, "bfloat16": measured},
    }
    write_page(RESULTS | {"gpu": results}, tmp_path / "page.md")
    page = (tmp_path / "page.md").read_text()
    assert "\n".join(gpu_lines(results)) in page
    assert page.count("45,678") == 4
    assert page.count("456,789") == 2
    assert "Estimate for a GPU" not in page
