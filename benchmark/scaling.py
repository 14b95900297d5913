"""A cost model from what was measured, and the page that it is on.

A job takes its start-up and a time for each of its storms; jobs of one kind share the cores. The
rates are those of one core alone; with every core at work each is slower by a factor that the
workflow's own trainings tell.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.page import table
from benchmark.workflow import NETWORKS
from stormcnn.config.archive_dates import demo_run_dates

TRAINING_SHARE = 0.64  # of the storms, as in the archive
STORMS_A_RUN = 1211  # 121,137 storms in the archive's 100 runs
GIB = 2**30


class Rates(NamedTuple):
    """What one core does, and what a job costs before it begins."""

    prepare: float  # core-seconds a storm
    read: float  # core-seconds a storm, to hold its fields in memory
    train: dict[str, float]  # core-seconds a storm and epoch, by network
    forward: float  # what a prediction costs, as a share of a training on the same storm
    share: float  # core-seconds a storm, for what its members share
    sample: float  # core-seconds a storm and member
    score: float  # core-seconds a storm, of all networks in both periods
    start_up: float  # seconds a job without TensorFlow
    start_up_network: float  # seconds a job with it
    run_file: float  # bytes a storm
    patches: float  # bytes a storm
    busy: float  # how many times longer everything takes where all cores work


class Task(NamedTuple):
    """What is to be computed, and on how many cores."""

    storms: int
    batches: int
    epochs: int
    members: int
    sampling_jobs: int
    cores: int
    latency: float = 0.0  # seconds until a job of the queue runs


class Stage(NamedTuple):
    """Equal jobs: of which kind, how many, with how much work each, in core-seconds."""

    name: str
    jobs: int
    work: float

    def core_seconds(self) -> float:
        """Work of all jobs."""
        return self.jobs * self.work


def measured_rates(results: Mapping[str, Any]) -> Rates:
    """What each kind of work takes, from where it is measured at its purest."""
    by_storms = results["growth"]["storms"]
    storms = max(map(int, by_storms))
    most, least = by_storms[str(storms)], by_storms[str(min(map(int, by_storms)))]
    train = {
        name: 1 / of["storms_a_second"] for name, of in results["training"]["by_network"].items()
    }
    read = (most["train"]["start_up"] - least["train"]["start_up"]) / storms
    member = 1 / results["sampling"]["members_a_second"]["ours"]
    small = results["workflow"]
    scoring = small["seconds_by_rule"]["score_networks"] - least["score"]["start_up"]
    # The first epoch also compiles.
    epochs = [statistics.median(seconds[1:]) for seconds in small["epoch_seconds"].values()]
    return Rates(
        prepare=most["prepare"]["seconds"] / storms,
        read=read,
        train=train,
        forward=(most["predict"]["seconds"] / storms - read) / train["dropout"],
        share=most["sample"]["seconds"] / storms - results["growth"]["members"] * member,
        sample=member,
        score=scoring / small["storms"],
        start_up=least["prepare"]["start_up"],
        start_up_network=least["predict"]["start_up"],
        run_file=most["prepare"]["run_file_bytes_a_storm"],
        patches=most["prepare"]["patches_bytes_a_storm"],
        busy=sum(epochs) / (sum(train.values()) * small["storms"] * TRAINING_SHARE),
    )


def stages(task: Task, rates: Rates) -> list[Stage]:
    """The jobs in the order in which they wait for each other; a kind is told before a colon."""
    training, test = task.storms * TRAINING_SHARE, task.storms * (1 - TRAINING_SHARE)

    def with_network(storms: float, seconds: float) -> float:
        return rates.start_up_network + rates.busy * storms * seconds

    prepared = rates.busy * rates.prepare * task.storms / task.batches
    sampled = (rates.read + rates.share + rates.sample * task.members) if task.members else 0.0
    return [
        Stage("preparing", task.batches, rates.start_up + prepared),
        *(
            Stage(
                f"training: {name}",
                1,
                with_network(
                    training, rates.read + rates.train[name] * (task.epochs + rates.forward)
                ),
            )
            for name in NETWORKS
        ),
        *(
            Stage(
                f"prediction: {name}",
                1,
                with_network(test, rates.read + rates.train[name] * rates.forward),
            )
            for name in NETWORKS
        ),
        Stage("sampling", task.sampling_jobs, with_network(test / task.sampling_jobs, sampled)),
        Stage("scores", 1, rates.start_up + rates.score * task.storms),
    ]


def wall_seconds(task: Task, rates: Rates) -> float:
    """Wall time: one kind of job after the other, those of a kind beside each other.

    A job that finds a free core begins at once, so work is shared evenly but for the longest job.
    """
    kinds: dict[str, list[Stage]] = {}
    for stage in stages(task, rates):
        kinds.setdefault(stage.name.partition(":")[0], []).append(stage)
    return sum(
        task.latency
        + max(
            *(stage.work for stage in kind),
            sum(stage.core_seconds() for stage in kind) / task.cores,
        )
        for kind in kinds.values()
    )


def checks(results: Mapping[str, Any], rates: Rates) -> Iterable[tuple[str, float, float]]:
    """Storms and epochs, predicted and measured seconds of the workflows that were run."""
    for block in (results["workflow"], results["full"]["workflow"]):
        years = {date.year for date in demo_run_dates(block["runs"])}
        task = Task(block["storms"], len(years), block["epochs"], 0, 1, results["cores"])
        measured = statistics.median(of["seconds"] for of in block["workflow"])
        words = f"{block['storms']:,} storms, {block['epochs']} epochs"
        yield words, wall_seconds(task, rates), measured


def write_scaling(results: Mapping[str, Any], path: Path) -> None:
    """Write the page; what it predicts is computed from `results` alone."""
    rates = measured_rates(results)
    runs = 3652 * 10
    storms = runs * STORMS_A_RUN
    ten_years = Task(
        storms, batches=3652, epochs=10, members=100, sampling_jobs=64, cores=64, latency=30
    )
    found = stages(ten_years, rates)
    rows = [
        (
            stage.name,
            f"{stage.jobs:,}",
            f"{stage.work / 60:,.1f} min" if stage.work > 60 else f"{stage.work:.1f} s",
            f"{stage.core_seconds() / 3600:,.0f} h",
        )
        for stage in found
    ]
    total = sum(stage.core_seconds() for stage in found) / 3600
    wall = wall_seconds(ten_years, rates) / 3600
    longest = max(found, key=lambda stage: stage.work)
    compared = [
        (words, f"{predicted:.0f} s", f"{measured:.0f} s", f"{predicted / measured:.2f}")
        for words, predicted, measured in checks(results, rates)
    ]
    lines = [
        "# Past one machine",
        "",
        "What ten years of a daily 3 km ensemble would take on a cluster, by a model of the rates "
        "that the [benchmark](performance.md) measured. Written by `make benchmark`.",
        "",
        "## The model",
        "",
        "A job takes its start-up and a time for each of its storms. Jobs of one kind share the "
        "cores; one kind follows the other. With all cores at work, each "
        f"takes {rates.busy:.2f} times as long as alone: that is what the trainings of the smaller "
        "workflow took, at another hour of a noisy machine. It and the time of the scores are "
        "fitted to that workflow; the other rates come from measurements of their own. Machine: "
        f"{results['machine']}.",
        "",
        *table(("what", "one core"), rate_rows(rates)),
        "",
        "## Checked",
        "",
        "Wall time of the workflows of the benchmark, without a queue and without members of every "
        "storm. Two rates come from the first one; the second one has ten times the storms and was "
        "not used.",
        "",
        *table(("workflow", "predicted", "measured", "ratio"), compared),
        "",
        "## Ten years of a daily ensemble",
        "",
        f"Ten members a day, {STORMS_A_RUN:,} storms a run as in the archive: {runs:,} run files, "
        f"{storms / 1e6:.0f} million storms. Three networks, {ten_years.epochs} epochs, "
        f"{ten_years.members} members of every test storm in {ten_years.sampling_jobs} jobs, daily "
        f"batches, {ten_years.cores} cores, {ten_years.latency:g} s in the queue for each kind of "
        "job.",
        "",
        *table(("jobs of", "number", "each", "core-hours"), rows),
        "",
        f"**{wall:,.0f} hours and {total:,.0f} core-hours**; at 0.05 USD a core-hour, "
        f"{0.05 * total:,.0f} USD. On disk: run files {storms * rates.run_file / GIB:,.0f} "
        f"GiB, prepared patches {storms * rates.patches / GIB:,.0f} GiB. What decides the wall "
        f"time is {longest.name}, one job on one core: {longest.work / 3600:,.0f} hours.",
        "",
        "## What to do about it",
        "",
        "- `training.recipe: fast` takes half of the time "
        "([measured](performance.md#skill-on-made-up-storms)); `training.threads` lets a training "
        "use more cores of its node. More cores for the other jobs help only up to there.",
        "- Jobs ask for hours, not days: `--set-resources "
        + " ".join(f"{rule}:runtime={minutes}" for rule, minutes in runtimes(found).items())
        + "` (minutes: half as much again as above, rounded up).",
        "- `training.memory_mb` must be set: as numbers in memory, the training period takes "
        f"{storms * TRAINING_SHARE * 3 * 32 * 32 * 4 / GIB:,.0f} GiB. Each training then writes as "
        "much into a file in its `TMPDIR`, which must have room for it, and for those of the "
        "trainings beside it.",
        "- `data.batch: day` adds a new day by one job; `month` is enough where the data grow no "
        "more, and saves most of the start-ups.",
        "- The scores are one job, which holds the storms' probabilities: "
        f"for each network {storms * score_bytes(results) / GIB:,.0f} GiB by the growth that was "
        "measured. It must ask for that times their number: "
        "`--set-resources score_networks:mem_mb=…`.",
        "- Snakemake itself looks at every run file: see "
        "[runs with little to do](performance.md#runs-with-little-to-do).",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def runtimes(found: Iterable[Stage]) -> dict[str, int]:
    """Minutes that the longest jobs' rules should ask for."""
    rules = {
        "train_wide_network": ("training: dropout",),
        "train_network": ("training: baseline", "training: l2"),
        "predict_storms": ("prediction: dropout",),
        "score_networks": ("scores",),
    }
    minutes = {stage.name: stage.work / 60 for stage in found}
    return {
        rule: 10 * math.ceil(0.15 * max(minutes[name] for name in names))
        for rule, names in rules.items()
    }


def rate_rows(rates: Rates) -> list[tuple[str, str]]:
    """What the model rests on, in words and numbers."""
    return [
        ("preparing a storm", f"{1e6 * rates.prepare:,.0f} µs"),
        *(
            (f"training on a storm for an epoch, {name}", f"{1e6 * seconds:,.0f} µs")
            for name, seconds in rates.train.items()
        ),
        ("prediction of a storm, as a share of its training", f"{rates.forward:.2f}"),
        ("what the members of a storm share", f"{1e6 * rates.share:,.0f} µs"),
        ("a member of a storm", f"{1e6 * rates.sample:,.0f} µs"),
        ("reading a storm into memory", f"{1e6 * rates.read:,.0f} µs"),
        ("all scores with 1000 resamples, a storm", f"{1e6 * rates.score:,.0f} µs"),
        ("start of a job", f"{rates.start_up:.1f} s"),
        ("start of a job with a network", f"{rates.start_up_network:.1f} s"),
        ("a storm in a run file", f"{rates.run_file / 1024:.1f} KiB"),
        ("a storm in the prepared patches", f"{rates.patches / 1024:.1f} KiB"),
    ]


def score_bytes(results: Mapping[str, Any]) -> float:
    """Bytes of memory that scoring takes a storm, from the two largest sizes."""
    by_storms = results["growth"]["storms"]
    fewer, more = sorted(map(int, by_storms))[-2:]
    peaks = [by_storms[str(size)]["score"]["peak_mib"] for size in (fewer, more)]
    return (peaks[1] - peaks[0]) * 2**20 / (more - fewer)
