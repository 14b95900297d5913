"""Measure the workflow: `python -m benchmark.run small`, or `full`.

Writes `benchmark/results.json`, and from it `docs/performance.md`, `docs/scaling.md` and tables in
`docs/science.md`. Times and memory apply to one machine; ratios come from runs in alternation on
it. Results that are not measured again are kept, unless they come from another kind of machine.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmark import claims, growth, many_storms, recipes, scoring, skill
from benchmark.claims_page import write_claims
from benchmark.comparison import (
    Size,
    compare_threads,
    compare_training,
    compare_with_script,
    measure_demo,
)
from benchmark.measure import call_module
from benchmark.page import write_page
from benchmark.recipes_page import write_recipes
from benchmark.reruns import measure_reruns
from benchmark.scaling import write_scaling
from benchmark.workflow import ROOT

RESULTS = ROOT / "benchmark/results.json"
SMALL = Size(runs=20, storms_per_run=600, epochs=10, pairs=5)
FULL = Size(runs=100, storms_per_run=1211, epochs=2, pairs=3)
# The script makes its ten epochs, which takes long enough for a single pair to be sufficient.
FULL_FAST = FULL._replace(epochs=10, pairs=1)
THREADS = SMALL._replace(epochs=5)

Blocks = dict[str, dict[str, Any]]
"""Sections of the results by name."""


def compare_recipes(folder: Path) -> Blocks:
    """Compare the workflow with each recipe with the script, for few storms."""
    results = compare_with_script(folder, SMALL, ["lesson", "fast"])
    workflow = results["lesson"] | {"fast": results["fast"]}
    return {"workflow": workflow, "training": compare_training(results["lesson"])}


def compare_full(folder: Path) -> dict[str, Any]:
    """Compare the workflow with the lesson's recipe with the script, for the lesson's storms."""
    lesson = compare_with_script(folder, FULL, ["lesson"])["lesson"]
    return {"workflow": lesson, "training": compare_training(lesson)}


def parts(
    size: str, folder: Path, data_sets: int, processes: int
) -> dict[str, Callable[[], Blocks]]:
    """Return the parts of the benchmark by name; each part returns sections of the results.

    Verdicts are simulated on as many `data_sets`, in as many `processes`.
    """

    def simulate(part: str) -> Blocks:
        return {"claims": {part: claims.measure(part, data_sets, processes)}}

    if size == "small":
        return {
            "kernels": lambda: {
                what: call_module("kernels", what) for what in ("sampling", "training")
            },
            "scoring": lambda: {"scoring": scoring.measure()},
            "demo": lambda: {"demo": measure_demo(folder / "demo")},
            "workflow": lambda: compare_recipes(folder),
        }
    return {
        "growth": lambda: {"growth": growth.measure(folder)},
        "many-storms": lambda: {"many_storms": many_storms.measure(folder)},
        "bounded": lambda: {"bounded": growth.measure_bounded(folder)},
        "large-training": lambda: {"large_training": call_module("large_training", folder)},
        "threads": lambda: {"training": {"threads": compare_threads(folder, THREADS)}},
        "reruns": lambda: {"reruns": measure_reruns(folder)},
        "workflow": lambda: {"full": compare_full(folder)},
        "fast": lambda: {"full": compare_with_script(folder, FULL_FAST, ["fast"])},
        "skill": lambda: {"skill": skill.measure(folder / "skill")},
        "recipes": lambda: {"skill": recipes.measure(folder / "recipes")},
        "large-recipes": lambda: {"skill": recipes.measure_large(folder / "large-recipes")},
        **{f"claims-{part}": partial(simulate, part) for part in claims.PARTS},
    }


def main() -> None:
    """Measure the parts of one size and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=["small", "full"])
    parser.add_argument("--only", help="name of a single part to measure, or its beginning")
    parser.add_argument(
        "--data-sets",
        type=int,
        default=claims.DATA_SETS,
        help="number of data sets on which verdicts are simulated (default: %(default)s)",
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count(),
        help="number of processes that simulate verdicts (default: number of cores)",
    )
    arguments = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if results.get("machine") != machine:
        results = {"machine": machine, "cores": os.cpu_count()}
    results["python"] = platform.python_version()
    with tempfile.TemporaryDirectory(prefix="stormcnn-benchmark-") as name:
        work = parts(arguments.size, Path(name), arguments.data_sets, arguments.processes)
        selected = [part for part in work if part.startswith(arguments.only or "")]
        if not selected:
            parser.error(
                f"argument --only: {arguments.only} is not a part of {arguments.size}. "
                f"Choose one of {', '.join(work)}."
            )
        for part in selected:
            for block, result in work[part]().items():
                results[block] = results.get(block, {}) | result
            days = results.setdefault("days", {}).setdefault(arguments.size, {})
            days[part] = datetime.date.today().isoformat()
            RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    write_page(results, ROOT / "docs/performance.md")
    if "fast" in results.get("skill", {}):
        write_recipes(results["skill"], ROOT / "docs/science.md")
    if "claims" in results:
        write_claims(results["claims"], ROOT / "docs/science.md")
    if {"growth", "workflow", "training", "sampling", "full"} <= results.keys():
        write_scaling(results, ROOT / "docs/scaling.md")


if __name__ == "__main__":
    main()
