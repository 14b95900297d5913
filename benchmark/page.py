"""The page on performance, from the results of the benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

RATIOS = {
    ("sampling", "vs_batched"): (
        "members a second over those of one batched `network(x, training=True)`",
        "≥ 3",
    ),
    ("sampling", "vs_call"): ("members a second over those of one compiled call each", "≥ 20"),
    ("sampling", "vs_bound"): (
        "members a second over what the third convolution alone allows",
        "≥ 0.8",
    ),
    ("training", "vs_bound"): (
        "storms a second over what the convolutions alone allow (slowest network)",
        "≥ 0.8",
    ),
    ("training", "vs_script"): (
        "time of the three training jobs, start-ups included, over the script's trainings",
        "≤ 0.8",
    ),
    ("training", "fits_vs_script"): ("the same without start-ups", ""),
    ("workflow", "vs_script"): ("time of the workflow over the script's", "≤ 1.0"),
    ("workflow", "memory_vs_script"): ("largest process over the script's", "≤ 1.0"),
}
"""What is compared, in words, and the aim."""


STAGES = {
    "prepare": "preparing",
    "train": "training, 2 epochs of the dropout network in memory",
    "predict": "prediction",
    "sample": "10 members of every storm",
    "score": "1000 resamples of all scores",
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
            span = f"{found['low']:g} to {found['high']:g}"
            rows.append((f"`{block}.{key}`", meaning, aim, f"{found['median']:g}", span))
    pairs = max((value["pairs"] for value in _ratios_in(results)), default=0)
    return [
        f"Medians of {pairs} pairs that took turns, with their range. Times and memory are ours "
        "over theirs, rates are ours over theirs.",
        "",
        *table(("", "ratio of", "aim", "median", "range"), rows),
    ]


def _ratios_in(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = (results.get(block, {}).get(key) for block, key in RATIOS)
    return [value for value in found if value]


def kernels(results: Mapping[str, Any]) -> list[str]:
    """Lines on the rates of sampling and training."""
    lines = []
    if sampling := results.get("sampling"):
        rows = sampling["members_a_second"].items()
        lines += ["## Sampling, one thread", "", *table(("way", "members a second"), rows), ""]
    if training := results.get("training", {}).get("by_network"):
        rows = [
            (
                name,
                found["storms_a_second"],
                found["bound_storms_a_second"],
                f"{found['vs_bound']['median']:g}",
                f"{100 * found['share_of_matrix_product_rate']:.0f} %",
            )
            for name, found in training.items()
        ]
        header = ("network", "storms a second", "bound", "ratio", "of the matrix-product rate")
        gflops = results["training"]["matrix_product_gflops"]
        lines += [
            "## Training, one thread",
            "",
            "The bound is the time of the convolutions alone, forward and for both gradients. "
            f"A large matrix product makes {gflops} billion operations a second.",
            "",
            *table(header, rows),
            "",
        ]
    return lines


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
    columns = ("s", "largest process, MiB", "all processes, MiB")
    header = ("pair", *(f"{who}: {what}" for who in ("workflow", "script") for what in columns))
    stages = sorted(block["seconds_by_rule"].items(), key=lambda item: -item[1])
    return [
        f"## {name}: {block['storms']:,} storms in {block['runs']} run files, "
        f"{block['epochs']} epochs",
        "",
        *table(header, rows),
        "",
        "Seconds of all jobs of a rule in the first pair, start-ups included:",
        "",
        *table(("rule", "s"), stages),
        "",
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


def write_page(results: Mapping[str, Any], path: Path) -> None:
    """Write the page."""
    lines = [
        "# Performance",
        "",
        "Written by `make benchmark` (minutes) and `make benchmark SIZE=full`. Absolute times are "
        f"those of one machine ({results['machine']}, Python {results['python']}). The script is "
        "`benchmark/seed_script.py`: the lesson's steps one after another in one process, on the "
        "same files.",
        "",
        *ratios(results),
        "",
        *kernels(results),
    ]
    if demo := results.get("demo"):
        lines += [
            f"`make demo`, once installed: {demo['seconds']:.0f} s; largest process "
            f"{demo['process_mib']:.0f} MiB.",
            "",
        ]
    if block := results.get("workflow"):
        lines += workflow("The workflow", block)
    if found := results.get("growth"):
        lines += growth(found)
    if block := results.get("full"):
        full = {("full", "training"): block["training"], ("full", "workflow"): block["workflow"]}
        lines += workflow("Full size", block["workflow"])
        rows = [
            (f"`{key}`", f"{found['median']:g}", f"{found['low']:g} to {found['high']:g}")
            for (_, part), values in full.items()
            for key, found in (
                (f"{part}.{name}", value)
                for name, value in values.items()
                if isinstance(value, Mapping) and "median" in value
            )
        ]
        lines += [*table(("", "median", "range"), rows), ""]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
