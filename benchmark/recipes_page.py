"""Write the comparison of the training recipes into a page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.markdown import table
from benchmark.recipes import TRAININGS
from stormcnn.report.words import join

BEGIN = "<!-- The following tables are written by python -m benchmark.run full --only recipes. -->"
END = "<!-- End of the tables on recipes. -->"


def skill_lines(compared: Mapping[str, Any], fast: Mapping[str, Any], storms: int) -> list[str]:
    """Return the table of the differences in skill and time between the recipes.

    `compared` and `fast` are what `recipes.by_training` and `recipes.summarize` return for
    trainings on a number of `storms`.
    """
    numbers = ", ".join(
        f"{len(networks['baseline']['fast']['core_seconds'])} for data.demo.seed {data}"
        for data, networks in compared.items()
    )
    rows = []
    for network in next(iter(compared.values())):
        skill, seconds = (
            {
                recipe: np.mean([compared[data][network][recipe][key] for data in compared])
                for recipe in ("lesson", "fast")
            }
            for key in ("brier_skill_score", "core_seconds")
        )
        difference = fast[network]["difference"]
        spread = fast[network]["standard_deviation"]
        rows.append(
            (
                f"`{network}`",
                *(f"{skill[recipe]:.3f} ± {spread[recipe]:.3f}" for recipe in skill),
                "{mean:+.3f} ({low:+.3f} to {high:+.3f})".format(**difference),
                *(f"{seconds[recipe]:.0f}" for recipe in seconds),
            )
        )
    together = fast["all"]["ratio"]
    return [
        f"{storms:,} training storms. Numbers of seeds: {numbers}. Skill is the mean and the "
        "standard deviation over the seeds, and the difference is that of the means, with a 90 % "
        "interval for other seeds.",
        "",
        *table(
            (
                "Network",
                "Brier skill score: `lesson`",
                "`fast`",
                "Difference",
                "Core-seconds: `lesson`",
                "`fast`",
            ),
            rows,
        ),
        "",
        verdict(fast, list(next(iter(compared.values())))),
        "",
        f"The three networks together take {together['median']:g} times as long with `fast` as "
        f"with `lesson` ({together['low']:g} to {together['high']:g}, {together['pairs']} pairs).",
    ]


def verdict(fast: Mapping[str, Any], networks: Sequence[str]) -> str:
    """Return a sentence on the networks for which the skill with `fast` is higher or lower."""

    def direction(network: str) -> str:
        difference = fast[network]["difference"]
        if difference["low"] > 0:
            return "higher"
        return "lower" if difference["high"] < 0 else "not shown to be higher or lower"

    names: dict[str, list[str]] = {}
    for network in networks:
        names.setdefault(direction(network), []).append(f"`{network}`")
    parts = [f"{words} for {join(these)}" for words, these in names.items()]
    return f"The skill with `fast` is {'; it is '.join(parts)}."


def ablation_lines(ablated: Mapping[str, Any]) -> list[str]:
    """Return the table of what each setting of the recipe `fast` contributes."""

    def values(network: str, recipe: str, key: str) -> Sequence[float]:
        return [np.mean(networks[network][recipe][key]) for networks in ablated.values()]

    networks = next(iter(ablated.values()))
    recipes = next(iter(networks.values()))
    rows = [
        (
            recipe if recipe == "fast" else f"`fast`, but {recipe}",
            *(f"{np.mean(values(name, recipe, 'brier_skill_score')):.3f}" for name in networks),
            f"{sum(np.mean(values(name, recipe, 'core_seconds')) for name in networks):.0f}",
        )
        for recipe in recipes
    ]
    return table(("Recipe", *(f"`{name}`" for name in networks), "Core-seconds of the three"), rows)


def write_recipes(results: Mapping[str, Any], path: Path) -> None:
    """Write the tables between two markers of a page of the documentation."""
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    trainings = sum(
        len(networks["baseline"]["fast"]["core_seconds"])
        for networks in results["ablated"].values()
    )
    large = []
    if "compared_large" in results:
        storms = TRAININGS["compare_large"].storms
        large = [*skill_lines(results["compared_large"], results["fast_large"], storms), ""]
    body = "\n".join(
        [
            *skill_lines(results["compared"], results["fast"], TRAININGS["compare"].storms),
            "",
            *large,
            "What each setting of `fast` contributes to the Brier skill score, on the last fifth "
            f"of the training period, averaged over {trainings} trainings of each network:",
            "",
            *ablation_lines(results["ablated"]),
        ]
    )
    path.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
