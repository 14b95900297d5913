"""Write the performance page of the documentation from the results of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmark.gpu_page import gpu_lines
from benchmark.markdown import spread, table

RATIOS = {
    ("sampling", "vs_batched"): (
        "MC members per second, relative to one batched call of `network(x, training=True)`",
        "≥ 3",
    ),
    ("sampling", "vs_call"): (
        "MC members per second, relative to one compiled call per MC member",
        "",
    ),
    ("sampling", "vs_bound"): (
        "MC members per second, relative to the third convolution alone, as computed by Keras",
        "≥ 0.85",
    ),
    ("training", "vs_bound"): (
        "storms per second, relative to the convolutions alone; the lowest of the three networks",
        "≥ 0.8",
    ),
    ("training", "vs_script"): (
        "time of the three training jobs including start-up, relative to training in the script",
        "≤ 0.8",
    ),
    ("training", "fits_vs_script"): (
        "time of the epochs alone on the busiest core, relative to training in the script",
        "",
    ),
    ("training", "threads"): (
        "time of the three training jobs in parallel with one core each, relative to one after "
        "another on all cores",
        "",
    ),
    ("workflow", "vs_script"): ("time of the workflow, relative to the script", "≤ 0.95"),
    ("workflow", "memory_vs_script"): ("largest process, relative to the script", "≤ 1.0"),
    ("workflow", "fast", "vs_script"): (
        "time of the workflow with the recipe `fast`, relative to the script",
        "≤ 0.5",
    ),
    ("full", "fast", "vs_script"): (
        "the same with 121,100 storms, if the script makes 10 epochs",
        "≤ 0.25",
    ),
    ("full", "fast", "memory_vs_script"): ("largest process, relative to the script", "≤ 0.5"),
}
"""What is compared, and the target of the ratio."""

STAGES = {
    "prepare": "Preparation",
    "train": "Training (2 epochs of the dropout network, in memory)",
    "predict": "Prediction",
    "sample": "Sampling (10 MC members per storm)",
    "score": "Scores of one network, 1000 resamples",
}


def ratios(results: Mapping[str, Any]) -> list[str]:
    """Return the table of the measured ratios."""
    rows = []
    for keys, (meaning, target) in RATIOS.items():
        measured: Any = results
        for key in keys:
            measured = measured.get(key, {})
        if measured:
            rows.append(
                (f"`{'.'.join(keys)}`", meaning, target, *spread(measured), measured["pairs"])
            )
    return [
        "Each pair of measurements was made in alternation on the same machine. The table lists "
        "the median and the range of the ratios.",
        "",
        *table(("Ratio", "Meaning", "Target", "Median", "Range", "Pairs"), rows),
    ]


def kernels(results: Mapping[str, Any]) -> list[str]:
    """Return the sections on the speed of sampling and training."""
    lines = []
    if sampling := results.get("sampling"):
        rates = sampling["members_per_second"]
        target = 3 * rates["batched"]
        lines += [
            "## Sampling with one thread",
            "",
            *table(("Method", "MC members per second"), rates.items()),
            "",
            f"`ours` computes {sampling['members']} MC members for each of {sampling['storms']} "
            "storms; the masks are drawn in advance, once for all storms. `batched` is "
            "`network(x, training=True)` for 512 MC members at once, `call` the same function, "
            "compiled, called once per MC member. `bound` is the third convolution alone, for 512 "
            "MC members at once, as computed by Keras, with more multiplications than `ours`. "
            f"The target of three times `batched` is {target:,} MC members per second, or "
            f"{target / rates['bound']:.2f} times the bound.",
            "",
        ]
    if training := results.get("training", {}).get("by_network"):
        rows = [
            (
                name,
                network["storms_per_second"],
                network["bound_storms_per_second"],
                *spread(network["vs_bound"]),
                f"{100 * network['share_of_matrix_product_rate']:.0f} %",
            )
            for name, network in training.items()
        ]
        header = (
            *("Network", "Storms per second", "Bound", "Ratio", "Range"),
            "Share of the matrix product rate",
        )
        gflops = results["training"]["matrix_product_gflops"]
        lines += [
            "## Training with one thread",
            "",
            "The bound is the time of the convolutions alone, for the forward pass and both "
            f"gradients. A large matrix product reaches {gflops} billion operations per second.",
            "",
            *table(header, rows),
            "",
            *(gpu_lines(results["gpu"]) if "gpu" in results else gpu(results["training"])),
        ]
    return lines


def gpu(training: Mapping[str, Any]) -> list[str]:
    """Return the section that estimates the benefit of a GPU."""
    dropout = training["by_network"]["dropout"]
    rate = 1e9 * training["matrix_product_gflops"] * dropout["share_of_matrix_product_rate"]
    operations = rate / dropout["storms_per_second"]
    storms, epochs = 76_377, 10
    # An assumption well below the peak of current GPUs, because few channels do not keep one busy.
    sustained = 1e13
    total = operations * storms * epochs
    return [
        "## Estimate for a GPU",
        "",
        "This is an estimate: `benchmark/gpu.py`, which measures a GPU in float32 and bfloat16, "
        "has not been run yet. Training the dropout "
        f"network takes {operations / 1e6:.0f} million operations per storm and epoch. "
        f"{storms:,} storms and {epochs} epochs take {total / 1e12:.0f} trillion operations, or "
        f"{storms * epochs / dropout['storms_per_second'] / 60:.0f} minutes on the core measured "
        f"above. A GPU that sustains {sustained / 1e12:.0f} trillion operations per second in "
        f"convolutions of this size would need {total / sustained:.0f} s, less than it takes to "
        "start and compile. For data of the size of the archive, a GPU therefore saves minutes. "
        "It pays off for many seeds, dropout rates or MC members, and for more than about a "
        "million storms.",
        "",
    ]


def workflow(name: str, block: Mapping[str, Any]) -> list[str]:
    """Return the section on one comparison of the workflow with the script."""
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
    columns = ("time (s)", "largest process (MiB)", "all processes (MiB)")
    header = ("Pair", *(f"{who}: {what}" for who in ("Workflow", "Script") for what in columns))
    lines: list[str] = []
    if block.get("seconds_by_rule"):
        by_rule = sorted(block["seconds_by_rule"].items(), key=lambda item: -item[1])
        lines = [
            "Total time of the jobs of each rule in the first pair, including start-up "
            "(`train_wide_network` trains the dropout network):",
            "",
            *table(("Rule", "Time (s)"), by_rule),
            "",
        ]
    if scores := block.get("workflow_scores"):
        theirs = {row["model"]: row for row in block["script_scores"]}
        names = ("auc", "brier_score", "brier_skill_score")
        lines += [
            "Scores in the first pair; the initial weights of the networks differ:",
            "",
            *table(
                (
                    "Network",
                    *(f"{who}: {name}" for name in names for who in ("Workflow", "Script")),
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
        "The largest process is the one with the most resident memory, sampled twice per second. "
        "The sum over all processes, sampled every five seconds, counts shared memory once.",
        "",
        "Seconds per epoch in the last pair, with networks trained in parallel. The first epoch "
        "includes compilation. The cost is linear in the number of epochs if the other epochs take "
        "equally long. A killed job loses at most one epoch:",
        "",
        *table(("Network", "First", "Median of the others", "Last"), epochs),
        "",
        *lines,
    ]


def fast_workflow(name: str, block: Mapping[str, Any]) -> list[str]:
    """Return the section on the workflow with the recipe `fast`, compared with the script."""
    theirs = {row["model"]: row["brier_skill_score"] for row in block["script_scores"]}
    return [
        f"### {name} with the recipe `fast`",
        "",
        f"{block['storms']:,} storms in {block['runs']} run files; the script makes "
        f"{block['epochs']} epochs. Brier skill scores of the first pair:",
        "",
        *table(
            ("Network", "Workflow", "Script"),
            (
                (row["model"], f"{row['brier_skill_score']:.4f}", f"{theirs[row['model']]:.4f}")
                for row in block["workflow_scores"]
                if row["model"] in theirs
            ),
        ),
        "",
    ]


def growth(results: Mapping[str, Any]) -> list[str]:
    """Return the section on how time and memory of each stage grow."""
    lines = ["## Growth with the amount of data", "", "Time without start-up, and peak memory.", ""]
    for axis, name in (("storms", "Storms"), ("runs", "Run files of 12 storms")):
        stages = list(next(iter(results[axis].values())))
        rows = [
            (
                f"{int(size):,}",
                *(
                    f"{by_stage[stage]['seconds']:g} s, {by_stage[stage]['peak_mib']} MiB"
                    for stage in stages
                ),
            )
            for size, by_stage in results[axis].items()
        ]
        lines += [*table((name, *(STAGES[stage] for stage in stages)), rows), ""]
    return lines


def bounded(results: Mapping[str, Any]) -> list[str]:
    """Return the paragraph on training with the fields on disk."""
    time, span = spread(results["time_vs_memory"])
    peaks = " and ".join(
        f"{mib} MiB for {int(storms):,} storms" for storms, mib in results["peak_mib"].items()
    )
    return [
        "With `training.memory_mb` the fields stay on disk. The peak memory of a job that trains "
        f"this network and computes its predictions is then {peaks} (with the fields in memory: "
        f"{results['peak_mib_in_memory']} MiB for the smaller number). The job takes {time} times "
        f"as long as in memory ({span}, {results['time_vs_memory']['pairs']} pairs in "
        f"alternation). With ten times the storms it takes {results['time_of_ten_times']:g} times "
        "as long.",
        "",
    ]


def large_training(results: Mapping[str, Any]) -> list[str]:
    """Return the paragraph on training with a million storms on disk."""
    time, span = spread(results["time_vs_memory"])
    return [
        f"With {results['storms']:,} storms on disk, {results['storms_per_second']:,} storms per "
        f"second were trained on for {results['seconds']:.0f} s, of which "
        f"{results['mib_per_second']:g} MiB per second came from the disk and the rest from the "
        f"system's cache. This took {time} times as long as with storms in memory ({span}, "
        f"{results['time_vs_memory']['pairs']} pairs in alternation).",
        "",
    ]


def skill(results: Mapping[str, Any]) -> list[str]:
    """Return the section on the skill at the lesson's size, and on the recipes."""
    lesson = [
        (
            training["data"],
            training["auc"],
            training["brier_skill_score"],
            f"{training['storms']:,}",
        )
        for training in results["lesson"]
    ]
    lines = [
        "## Skill on made-up storms",
        "",
        "The AMS lesson's baseline and recipe on three sets of made-up storms. `1` to `3` are "
        "values of `data.demo.seed`, with 100 runs of 1,211 storms each.",
        "",
        *table(("Seed of the storms", "AUC", "Brier skill score", "Training storms"), lesson),
        "",
    ]
    if fast := results.get("fast"):
        networks = [name for name in fast if name != "all"]
        lines += [
            "The recipe `fast` compared with the recipe `lesson`, each with 20,000 training storms "
            "([details](science.md#training-recipes)):",
            "",
            *table(
                ("Key", "Meaning", "Target", "Value", "Range"),
                [
                    *(
                        (
                            f"`skill.fast.{name}.difference`",
                            "difference in Brier skill score, and its 90 % interval",
                            "interval reaches -0.005 or higher",
                            f"{fast[name]['difference']['mean']:+.4f}",
                            f"{fast[name]['difference']['low']:+.4f} to "
                            f"{fast[name]['difference']['high']:+.4f}",
                        )
                        for name in networks
                    ),
                    (
                        "`skill.fast.all.ratio`",
                        "core-seconds of the three networks, relative to `lesson`",
                        "≤ 0.25",
                        *spread(fast["all"]["ratio"]),
                    ),
                ],
            ),
            "",
        ]
    return lines


def scoring(results: Mapping[str, Any]) -> list[str]:
    """Return the section on the scores of several models and seeds."""
    return [
        "## Scores of several models",
        "",
        f"`verify` takes {results['seconds']:g} s (target: 60 s) for {results['models']} models "
        f"with {results['seeds']} seeds each on {results['storms']:,} storms, with all scores, "
        f"strata and curves and {results['resamples']:,} resamples. The process needs "
        f"{results['peak_mib']:,} MiB (target: 2,048 MiB).",
        "",
    ]


def reruns(results: Mapping[str, Any]) -> list[str]:
    """Return the section on runs with little to do."""
    new = results["new_run"]
    jobs = " and ".join(f"`{rule}` {seconds:g} s" for rule, seconds in new["jobs"].items())
    nothing = results["nothing_to_do"]
    return [
        "## Runs with little to do",
        "",
        f"If nothing has changed, a run takes {nothing['100']:g} s for 100 run files in daily "
        f"batches and {nothing['3000']:g} s for 3,000 run files in yearly batches. After one run "
        f"file of 1,211 storms was added to 100, preparation and scaling take {new['seconds']:g} "
        f"s, compared with {new['nothing_to_do']:g} s without a new file. The jobs take {jobs}. "
        f"The additional time is {new['batches_on_top']:g} times that of preparing the batch; the "
        "overhead is the start of another process and Snakemake's own work for each job.",
        "",
    ]


def measured_on(days: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return one line per day, with the parts that were measured on it.

    Parts of the claims are named once.
    """
    by_day: dict[str, dict[str, None]] = {}
    for size, parts in days.items():
        for part, day in parts.items():
            name = "claims" if part.startswith("claims-") else part
            by_day.setdefault(day, {})[f"{name} ({size})"] = None
    return [f"- {day}: {', '.join(by_day[day])}" for day in sorted(by_day)]


def write_page(results: Mapping[str, Any], path: Path) -> None:
    """Write the page."""
    lines = [
        "# Performance",
        "",
        "This page is generated by `make benchmark`, which takes minutes, and by `make benchmark "
        "SIZE=full`, which takes much longer. Absolute times apply to one machine "
        f"({results['machine']}, Python {results['python']}).",
        "",
        "The workflow is compared with `benchmark/seed_script.py`, a script that performs the "
        "steps of the [AMS lesson](lesson.md) one after another in one process, on the same files, "
        "up to the scores and 1000 Monte Carlo (MC) dropout members of one storm. For this "
        "comparison the workflow samples no other storms and writes no report. It still does more "
        "than the script: it checks every storm, computes predictions and scores for the training "
        "period as well, recalibrates, and resamples all scores 1000 times.",
        "",
        "Dates of the measurements:",
        "",
        *measured_on(results.get("days", {})),
        "",
        *ratios(results),
        "",
        *kernels(results),
    ]
    if demo := results.get("demo"):
        lines += [
            "## The demo",
            "",
            f"Once everything is installed, `make demo` takes {demo['seconds']:.0f} s (target: 120 "
            f"s). Its largest process needs {demo['process_mib']:.0f} MiB.",
            "",
        ]
    if block := results.get("scoring"):
        lines += scoring(block)
    if block := results.get("workflow"):
        lines += workflow("The workflow", block)
        if "fast" in block:
            lines += fast_workflow("The workflow", block["fast"])
    if block := results.get("growth"):
        lines += growth(block)
    if block := results.get("bounded"):
        lines += bounded(block)
    if block := results.get("large_training"):
        lines += large_training(block)
    if block := results.get("reruns"):
        lines += reruns(block)
    if block := results.get("skill"):
        lines += skill(block)
    if block := results.get("full"):
        lines += workflow("Full size", block["workflow"])
        rows = [
            (f"`{part}.{name}`", *spread(measured))
            for part in ("training", "workflow")
            for name, measured in block[part].items()
            if isinstance(measured, Mapping) and "median" in measured
        ]
        lines += [*table(("Ratio", "Median", "Range"), rows), ""]
        if "fast" in block:
            lines += fast_workflow("Full size", block["fast"])
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
