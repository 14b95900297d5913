"""Estimate the cost of large data from the measured rates, and write the page about it.

A job takes its start-up time and a time for each of its storms; jobs of the same kind share the
cores. The rates apply to a single busy core. If all cores are busy, each is slower by a factor
that is derived from the training jobs of the measured workflow.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.markdown import table
from benchmark.workflow import NETWORKS
from stormcnn.config.archive_dates import demo_run_dates
from stormcnn.models.recipes import FAST, LESSON
from stormcnn.texts import counted

TRAINING_SHARE = 0.64  # share of the storms, as in the archive
STORMS_PER_RUN = 1211  # the archive has 121,137 storms in 100 runs
GIB = 2**30


class Rates(NamedTuple):
    """Rates of one core, and fixed costs of a job."""

    prepare: float  # core-seconds per storm
    read: float  # core-seconds per storm, to read its fields into memory
    train: dict[str, float]  # core-seconds per storm and epoch, for each network
    forward: float  # prediction of a storm, relative to training on it for an epoch
    share: float  # core-seconds per storm, for what its MC members have in common
    sample: float  # core-seconds per storm and MC member
    score: float  # core-seconds per storm, for all networks and both periods
    start_up: float  # seconds per job without TensorFlow
    start_up_network: float  # seconds per job with TensorFlow
    run_file: float  # bytes per storm
    patches: float  # bytes per storm
    busy: float  # factor by which work takes longer if all cores are busy


class Task(NamedTuple):
    """The amount of work and the number of cores."""

    storms: int
    batches: int
    epochs: int
    members: int
    sampling_jobs: int
    cores: int
    latency: float = 0.0  # seconds that a job waits in the queue


class Stage(NamedTuple):
    """A number of equal jobs; `work` is the work of one job in core-seconds."""

    name: str
    jobs: int
    work: float

    def core_seconds(self) -> float:
        """Return the work of all jobs."""
        return self.jobs * self.work


def measured_rates(results: Mapping[str, Any]) -> Rates:
    """Return the rates, each from the measurement that isolates it best."""
    by_storms = results["growth"]["storms"]
    storms = max(map(int, by_storms))
    most, least = by_storms[str(storms)], by_storms[str(min(map(int, by_storms)))]
    train = {
        name: 1 / of["storms_per_second"] for name, of in results["training"]["by_network"].items()
    }
    read = (most["train"]["start_up"] - least["train"]["start_up"]) / storms
    member = 1 / results["sampling"]["members_per_second"]["ours"]
    small = results["workflow"]
    scoring = small["seconds_by_rule"]["score_networks"] - least["score"]["start_up"]
    # The first epoch includes compilation.
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
        run_file=most["prepare"]["run_file_bytes_per_storm"],
        patches=most["prepare"]["patches_bytes_per_storm"],
        busy=sum(epochs) / (sum(train.values()) * small["storms"] * TRAINING_SHARE),
    )


def stages(task: Task, rates: Rates) -> list[Stage]:
    """Return the jobs in order of their dependencies; a name starts with the kind and a colon."""
    training, test = task.storms * TRAINING_SHARE, task.storms * (1 - TRAINING_SHARE)

    def with_network(storms: float, seconds: float) -> float:
        return rates.start_up_network + rates.busy * storms * seconds

    prepared = rates.busy * rates.prepare * task.storms / task.batches
    sampled = (rates.read + rates.share + rates.sample * task.members) if task.members else 0.0
    return [
        Stage("preparation", task.batches, rates.start_up + prepared),
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
    """Return the wall time if kinds run in sequence and jobs of one kind in parallel.

    A job starts as soon as a core is free, so the work is spread evenly unless one job is longer
    than the average work per core.
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
    """Yield a description, the predicted and the measured seconds of each measured workflow."""
    for block in (results["workflow"], results["full"]["workflow"]):
        years = {date.year for date in demo_run_dates(block["runs"])}
        task = Task(block["storms"], len(years), block["epochs"], 0, 1, results["cores"])
        measured = statistics.median(of["seconds"] for of in block["workflow"])
        description = f"{block['storms']:,} storms, {block['epochs']} epochs"
        yield description, wall_seconds(task, rates), measured


def write_scaling(results: Mapping[str, Any], path: Path) -> None:
    """Write the page; its predictions are computed from `results` alone."""
    rates = measured_rates(results)
    runs = 3652 * 10
    storms = runs * STORMS_PER_RUN
    ten_years = Task(
        storms,
        batches=3652,
        epochs=FAST.epochs,
        members=100,
        sampling_jobs=64,
        cores=64,
        latency=30,
    )
    jobs = stages(ten_years, rates)
    rows = [
        (
            stage.name,
            f"{stage.jobs:,}",
            f"{stage.work / 60:,.1f} min" if stage.work > 60 else f"{stage.work:.1f} s",
            f"{stage.core_seconds() / 3600:,.0f} h",
        )
        for stage in jobs
    ]
    total = sum(stage.core_seconds() for stage in jobs) / 3600
    wall = wall_seconds(ten_years, rates) / 3600
    longest = max(jobs, key=lambda stage: stage.work)
    wall_of_lesson = wall_seconds(ten_years._replace(epochs=LESSON.epochs), rates) / 3600
    compared = [
        (description, f"{predicted:.0f} s", f"{measured:.0f} s", f"{predicted / measured:.2f}")
        for description, predicted, measured in checks(results, rates)
    ]
    lines = [
        "# Scaling",
        "",
        "This page estimates how long ten years of a daily 3 km ensemble would take on a cluster, "
        "with a simple model based on the [measured rates](performance.md). It is generated by "
        "`make benchmark`.",
        "",
        "## The model",
        "",
        "A job takes its start-up time plus a time for each of its storms. Jobs of the same kind "
        "share the cores, and the kinds run one after another. If all cores are busy, work takes "
        f"{rates.busy:.2f} times as long as on a single busy core. This factor comes from the "
        "training jobs of the smaller workflow, which were measured at another time on a machine "
        "with varying speed. The factor and the time of the scores are fitted to that workflow; "
        f"all other rates were measured separately. Machine: {results['machine']}.",
        "",
        *table(("Quantity", "One core"), rate_rows(rates)),
        "",
        "## Validation",
        "",
        "Wall time of the measured workflows, without a queue and without sampling all storms. Two "
        "rates were fitted to the first workflow. The second has ten times the storms and was not "
        "used for fitting.",
        "",
        *table(("Workflow", "Predicted", "Measured", "Ratio"), compared),
        "",
        "## Ten years of a daily ensemble",
        "",
        f"Ten ensemble members per day and {STORMS_PER_RUN:,} storms per run, as in the archive, "
        f"give {runs:,} run files with {storms / 1e6:.0f} million storms. The estimate assumes "
        "three networks trained with the recipe `fast` (one epoch, at the measured time per storm "
        f"and epoch of the recipe `lesson`), {ten_years.members} MC members of every test "
        f"storm in {ten_years.sampling_jobs} jobs, daily batches, {ten_years.cores} cores, and "
        f"{ten_years.latency:g} s in the queue for each kind of job.",
        "",
        *table(("Kind of job", "Jobs", "Time per job", "Core-hours"), rows),
        "",
        f"In total this takes **{wall:,.0f} hours and {total:,.0f} core-hours**, or "
        f"{0.05 * total:,.0f} USD at 0.05 USD per core-hour. On disk, the run files need "
        f"{storms * rates.run_file / GIB:,.0f} GiB and the prepared patches "
        f"{storms * rates.patches / GIB:,.0f} GiB. The wall time is dominated by the job "
        f"`{longest.name}`, which takes {longest.work / 3600:,.1f} hours on one core. With the "
        f"recipe `lesson` ({LESSON.epochs} epochs) the total is {wall_of_lesson:,.0f} hours.",
        "",
        "## Recommendations",
        "",
        "- Use the recipe `fast`. `training.threads` lets a training job use more cores of its "
        "node. More cores for the other jobs do not help beyond that.",
        "- Request hours, not days: `--set-resources "
        + " ".join(f"{rule}:runtime={minutes}" for rule, minutes in runtimes(jobs).items())
        + "` (in minutes, 1.5 times the estimate, rounded up).",
        "- Set `training.memory_mb`: in memory, the training period would need "
        f"{storms * TRAINING_SHARE * 3 * 32 * 32 * 4 / GIB:,.0f} GiB. Each training job then "
        "writes as much to a file in its `TMPDIR`, which must have room for the files of all "
        "training jobs that run on that node.",
        "- With `data.batch: day`, a new day is added by one job. `month` is sufficient for data "
        "that no longer grow, and avoids most of the start-up times.",
        *(memory_of_scores(results["many_storms"], storms) if "many_storms" in results else []),
        "- Snakemake itself checks every run file: see "
        "[Runs with little to do](performance.md#runs-with-little-to-do).",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def runtimes(jobs: Iterable[Stage]) -> dict[str, int]:
    """Return the minutes that the rules of the longest jobs should request."""
    rules = {
        "train_wide_network": ("training: dropout",),
        "train_network": ("training: baseline", "training: l2"),
        "predict_storms": ("prediction: dropout",),
        "score_networks": ("scores",),
    }
    minutes = {stage.name: stage.work / 60 for stage in jobs}
    return {
        rule: 10 * math.ceil(0.15 * max(minutes[name] for name in names))
        for rule, names in rules.items()
    }


def rate_rows(rates: Rates) -> list[tuple[str, str]]:
    """Return the rates of the model with their units."""
    return [
        ("preparation, per storm", f"{1e6 * rates.prepare:,.0f} µs"),
        *(
            (f"training of {name}, per storm and epoch", f"{1e6 * seconds:,.0f} µs")
            for name, seconds in rates.train.items()
        ),
        ("prediction, relative to training for an epoch", f"{rates.forward:.2f}"),
        ("sampling: common to all MC members, per storm", f"{1e6 * rates.share:,.0f} µs"),
        ("sampling: per storm and MC member", f"{1e6 * rates.sample:,.0f} µs"),
        ("reading into memory, per storm", f"{1e6 * rates.read:,.0f} µs"),
        ("all scores with 1000 resamples, per storm", f"{1e6 * rates.score:,.0f} µs"),
        ("start-up of a job", f"{rates.start_up:.1f} s"),
        ("start-up of a job with a network", f"{rates.start_up_network:.1f} s"),
        ("size of a run file, per storm", f"{rates.run_file / 1024:.1f} KiB"),
        ("size of the prepared patches, per storm", f"{rates.patches / 1024:.1f} KiB"),
    ]


def memory_of_scores(results: Mapping[str, Any], storms: int) -> list[str]:
    """Return the recommendation on the memory of the job `score_networks`, as list items."""
    sizes = results["sizes"]
    measured = "; ".join(
        f"{size['peak_mib']:,} MiB for {size['storms'] / 1e6:g} million storms and "
        f"{counted(size['networks'], 'network')}"
        for size in sizes
    )
    most = max(size["networks"] for size in sizes)
    one, several = (extrapolate_peak(results, storms, networks) for networks in (1, most))
    return [
        "- A single job computes the scores, and keeps few forecasts in memory at a time. With "
        f"{results['resamples']} resamples and {results['threads']} threads it needed at most "
        f"{measured}. Extrapolated to {storms / 1e6:.0f} million "
        f"storms, it needs {one / 1024:,.1f} GiB for one network and {several / 1024:,.1f} GiB "
        f"for {most}, of one seed each and without MC members. Request 1.25 times as much: "
        "`--set-resources "
        f"score_networks:mem_mb={100 * math.ceil(1.25 * several * 2**20 / 1e8)}`.",
    ]


def extrapolate_peak(results: Mapping[str, Any], storms: int, networks: int) -> float:
    """Return the memory of the scores of some networks in MiB, from those of two sizes."""
    peaks = {
        size["storms"]: size["peak_mib"]
        for size in results["sizes"]
        if size["networks"] == networks
    }
    fewer, more = sorted(peaks)
    per_storm = (peaks[more] - peaks[fewer]) / (more - fewer)
    return float(peaks[more] + per_storm * (storms - more))
