"""The page on performance, from the results of the benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmark.measure import ratio

RATIOS = {
    ("sampling", "vs_batched"): (
        "members a second over those of one batched `network(x, training=True)`",
        "≥ 3",
    ),
    ("sampling", "vs_call"): ("members a second over those of one compiled call each", "≥ 20"),
    ("sampling", "vs_bound"): (
        "members a second over those of the third convolution alone, as Keras computes it",
        "≥ 0.8",
    ),
    ("training", "vs_bound"): (
        "storms a second over what the convolutions alone allow, least of the three networks",
        "≥ 0.8",
    ),
    ("training", "vs_script"): (
        "time of the three training jobs, start-ups included, over the script's trainings",
        "≤ 0.8",
    ),
    ("training", "fits_vs_script"): (
        "epochs alone, on the core that has most of them, over the script's trainings",
        "",
    ),
    ("training", "threads"): (
        "time of the three training jobs with a core each, over one after another on all cores",
        "",
    ),
    ("workflow", "vs_script"): ("time of the workflow over the script's", "≤ 1.0"),
    ("workflow", "memory_vs_script"): ("largest process over the script's", "≤ 1.0"),
}
"""What is compared, in words, and the aim."""


STAGES = {
    "prepare": "preparing",
    "train": "training, 2 epochs of the dropout network in memory",
    "predict": "prediction",
    "sample": "10 members of every storm",
    "score": "1000 resamples of one network's scores",
}


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Lines of a Markdown table."""
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


def ratios(results: Mapping[str, Any]) -> list[str]:
    """Lines of the table of ratios, of those that were measured."""
    rows = []
    for (block, key), (meaning, aim) in RATIOS.items():
        if found := results.get(block, {}).get(key):
            rows.append((f"`{block}.{key}`", meaning, aim, *spread(found), found["pairs"]))
    return [
        "Medians of pairs that took turns, with their range: the workflow's times, memory and "
        "rates over those of what it is compared with.",
        "",
        *table(("", "ratio of", "aim", "median", "range", "pairs"), rows),
    ]


def spread(found: Mapping[str, float]) -> tuple[str, str]:
    """Median of some ratios, and their range."""
    return f"{found['median']:g}", f"{found['low']:g} to {found['high']:g}"


def kernels(results: Mapping[str, Any]) -> list[str]:
    """Lines on the rates of sampling and training."""
    lines = []
    if sampling := results.get("sampling"):
        rates = sampling["members_a_second"]
        aims = {way: times * rates[way] for way, times in (("batched", 3), ("call", 20))}
        lines += [
            "## Sampling, one thread",
            "",
            *table(("way", "members a second"), rates.items()),
            "",
            f"Ours are {sampling['members']} members of each of {sampling['storms']} storms, with "
            "masks drawn before, once for all storms. "
            "`batched` is `network(x, training=True)` for 512 members at once, `call` the same, "
            "compiled, for each member; `bound` is the third convolution alone, 512 members at "
            "once, as Keras computes it; ours takes fewer products. The aims would be "
            f"{aims['batched']:,} and {aims['call']:,} members a second, "
            f"{aims['batched'] / rates['bound']:.2f} and {aims['call'] / rates['bound']:.2f} times "
            "the bound.",
            "",
        ]
    if training := results.get("training", {}).get("by_network"):
        rows = [
            (
                name,
                found["storms_a_second"],
                found["bound_storms_a_second"],
                *spread(found["vs_bound"]),
                f"{100 * found['share_of_matrix_product_rate']:.0f} %",
            )
            for name, found in training.items()
        ]
        header = (
            *("network", "storms a second", "bound", "ratio", "its range"),
            "of the matrix-product rate",
        )
        gflops = results["training"]["matrix_product_gflops"]
        lines += [
            "## Training, one thread",
            "",
            "The bound is the time of the convolutions alone, forward and for both gradients. "
            f"A large matrix product makes {gflops} billion operations a second.",
            "",
            *table(header, rows),
            "",
            *gpu(results["training"]),
        ]
    return lines


def gpu(training: Mapping[str, Any]) -> list[str]:
    """Lines on what a GPU would change, on paper."""
    of = training["by_network"]["dropout"]
    rate = 1e9 * training["matrix_product_gflops"] * of["share_of_matrix_product_rate"]
    operations = rate / of["storms_a_second"]
    storms, epochs = 76_377, 10
    kept = 1e13  # supposed, far below what cards can: few channels keep none of them busy
    whole = operations * storms * epochs
    return [
        "## On a GPU",
        "",
        "No GPU was at hand, so neither one nor bf16 was measured; this is on paper. To train the "
        "dropout "
        f"network takes {operations / 1e6:.0f} million operations a storm and epoch; {storms:,} "
        f"storms and {epochs} epochs take {whole / 1e12:.0f} trillion, which is "
        f"{storms * epochs / of['storms_a_second'] / 60:.0f} minutes on the one core above. A card "
        f"that kept up {kept / 1e12:.0f} trillion operations a second in convolutions of this "
        f"size would need {whole / kept:.0f} s, less than it takes to start and to compile. So at "
        "the lesson's size a GPU gains minutes; it pays for many seeds, dropout rates or members, "
        "and from some million storms on.",
        "",
    ]


def workflow(name: str, block: Mapping[str, Any]) -> list[str]:
    """Lines on one comparison of the workflow with the script."""
    rows = [
        (
            pair,
            *(
                f"{measured[key]:.0f}"
                for measured in (ours, theirs)
                for key in ("seconds", "process_mib", "all_mib")
            ),
        )
        for pair, (ours, theirs) in enumerate(
            zip(block["workflow"], block["script"], strict=True), start=1
        )
    ]
    epochs = [
        (network, f"{seconds[0]:.2f}", f"{median(seconds[1:]):.2f}", f"{seconds[-1]:.2f}")
        for network, seconds in block["epoch_seconds"].items()
    ]
    columns = ("s", "largest process, MiB", "all processes, MiB")
    header = ("pair", *(f"{who}: {what}" for who in ("workflow", "script") for what in columns))
    lines: list[str] = []
    if block.get("seconds_by_rule"):
        by_rule = sorted(block["seconds_by_rule"].items(), key=lambda item: -item[1])
        lines = [
            "Seconds of all jobs of a rule in the first pair, start-ups included "
            "(`train_wide_network` is the dropout network's training):",
            "",
            *table(("rule", "s"), by_rule),
            "",
        ]
    if scores := block.get("workflow_scores"):
        theirs = {of["model"]: of for of in block["script_scores"]}
        names = ("auc", "brier_score", "brier_skill_score")
        lines += [
            "Scores of the first pair, whose networks begin with other random weights:",
            "",
            *table(
                (
                    "network",
                    *(f"{who}: {name}" for name in names for who in ("workflow", "script")),
                ),
                (
                    (
                        ours["model"],
                        *(
                            f"{of[name]:.4f}"
                            for name in names
                            for of in (ours, theirs[ours["model"]])
                        ),
                    )
                    for ours in scores
                    if ours["model"] in theirs
                ),
            ),
            "",
        ]
    return [
        f"## {name}: {block['storms']:,} storms in {block['runs']} run files, "
        f"{block['epochs']} epochs",
        "",
        *table(header, rows),
        "",
        "The largest process is that with the most resident memory, looked at twice a second; in "
        "the sum of all, looked at every five seconds, memory that they share counts once.",
        "",
        "Seconds of an epoch in the last pair, with trainings beside each other. The cost is "
        "linear in epochs as far as those after the first, which also compiles, are alike; one "
        "epoch is the most that a kill can cost:",
        "",
        *table(("network", "first", "median of the others", "last"), epochs),
        "",
        *lines,
    ]


def growth(found: Mapping[str, Any]) -> list[str]:
    """Lines on how time and memory of each stage grow."""
    lines = ["## How it grows", "", "Seconds without start-up, and peak memory in MiB.", ""]
    for axis, name in (("storms", "storms"), ("runs", "run files of 12 storms")):
        stages = list(next(iter(found[axis].values())))
        rows = [
            (
                f"{int(size):,}",
                *(f"{of[stage]['seconds']:g} s, {of[stage]['peak_mib']} MiB" for stage in stages),
            )
            for size, of in found[axis].items()
        ]
        lines += [*table((name, *(STAGES[stage] for stage in stages)), rows), ""]
    return lines


def bounded(found: Mapping[str, Any]) -> list[str]:
    """Lines on training with the fields on disk."""
    time, span = spread(found["time_vs_memory"])
    peaks = " and ".join(
        f"{mib} MiB with {int(storms):,} storms" for storms, mib in found["peak_mib"].items()
    )
    return [
        "With `training.memory_mb` the fields stay on disk. Then the largest memory of a job, "
        f"which trains the same network and predicts, is {peaks} ({found['peak_mib_in_memory']} "
        f"MiB with the first in memory), and it takes {time} ({span}, "
        f"{found['time_vs_memory']['pairs']} pairs that took turns) of its time in memory; with "
        f"ten times the storms it takes {found['time_of_ten_times']:g} times as long.",
        "",
    ]


def skill(found: Mapping[str, Any]) -> list[str]:
    """Lines on the skill of the lesson's recipe at its size, and on the time to skill."""
    lesson = [
        (
            of["data"],
            *(of["lesson"][score][0] for score in ("auc", "brier_skill_score")),
            f"{of['storms']:,}",
        )
        for of in found["lesson"]
    ]
    rows = [
        (
            of["data"],
            f"{of['storms']:,}",
            *(f"{median(of[recipe]['brier_skill_score']):.3f}" for recipe in ("lesson", "fast")),
            *(f"{median(of[recipe]['core_seconds']):.0f} s" for recipe in ("lesson", "fast")),
            *spread(ratio(of["fast"]["core_seconds"], of["lesson"]["core_seconds"])),
        )
        for of in found["recipes"]
    ]
    seeds = len(found["recipes"][0]["fast"]["core_seconds"])
    return [
        "## Skill on made-up storms",
        "",
        "The lesson's baseline and recipe, for three sets of made-up storms (`1` to `3` are those "
        "of `data.demo.seed`, 100 runs of 1,211 storms; `other` is seed 7, 200 runs of 600):",
        "",
        *table(("storms made with seed", "AUC", "Brier skill score", "training storms"), lesson),
        "",
        f"The recipe `fast` against that of the lesson: medians of {seeds} baselines, trained by "
        "turns and scored on the storms after the split, which neither recipe was chosen with. "
        "Aims: at most half of the time, and at most 0.01 less skill.",
        "",
        *table(
            (
                "storms made with seed",
                "training storms",
                "Brier skill score: lesson",
                "fast",
                "training, core-seconds: lesson",
                "fast",
                "ratio",
                "its range",
            ),
            rows,
        ),
        "",
    ]


def reruns(found: Mapping[str, Any]) -> list[str]:
    """Lines on runs that have little to do."""
    new = found["new_run"]
    jobs = " and ".join(f"`{rule}` {seconds:g} s" for rule, seconds in new["jobs"].items())
    nothing = found["nothing_to_do"]
    return [
        "## Runs with little to do",
        "",
        f"A run with nothing to do: {nothing['100']:g} s with 100 run files in daily batches, "
        f"{nothing['3000']:g} s with 3,000 in yearly ones. Preparing and scaling with one new run "
        f"file of 1,211 storms among 100: {new['seconds']:g} s, where the same without it takes "
        f"{new['nothing_to_do']:g} s; its jobs: {jobs}. What comes on top is "
        f"{new['batches_on_top']:g} times the batch's job; the rest is the start of another "
        "process, and what Snakemake does around a job.",
        "",
    ]


def measured_on(days: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Lines on when each part was measured."""
    by_day: dict[str, list[str]] = {}
    for size, parts in days.items():
        for part, day in parts.items():
            by_day.setdefault(day, []).append(f"{part} ({size})")
    return [f"Measured on {day}: {', '.join(by_day[day])}." for day in sorted(by_day)]


def write_page(results: Mapping[str, Any], path: Path) -> None:
    """Write the page."""
    lines = [
        "# Performance",
        "",
        "Written by `make benchmark` (minutes) and `make benchmark SIZE=full`. Absolute times are "
        f"those of one machine ({results['machine']}, Python {results['python']}). The script is "
        "`benchmark/seed_script.py`: the lesson's steps one after another in one process, on the "
        "same files, up to the scores and 1000 members of one storm; so here the workflow samples "
        "no other storms and writes no report. It does more than the script in that it checks "
        "every storm, predicts and scores the training period too, recalibrates, and resamples all "
        "scores 1000 times.",
        "",
        *measured_on(results.get("days", {})),
        "",
        *ratios(results),
        "",
        *kernels(results),
    ]
    if demo := results.get("demo"):
        lines += [
            f"`make demo`, once installed: {demo['seconds']:.0f} s (aim: 180); largest process "
            f"{demo['process_mib']:.0f} MiB.",
            "",
        ]
    if block := results.get("workflow"):
        lines += workflow("The workflow", block)
    if found := results.get("growth"):
        lines += growth(found)
    if found := results.get("bounded"):
        lines += bounded(found)
    if found := results.get("reruns"):
        lines += reruns(found)
    if found := results.get("skill"):
        lines += skill(found)
    if block := results.get("full"):
        full = {("full", "training"): block["training"], ("full", "workflow"): block["workflow"]}
        lines += workflow("Full size", block["workflow"])
        rows = [
            (f"`{key}`", *spread(found))
            for (_, part), values in full.items()
            for key, found in (
                (f"{part}.{name}", value)
                for name, value in values.items()
                if isinstance(value, Mapping) and "median" in value
            )
        ]
        lines += [*table(("", "median", "range"), rows), ""]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
