"""The section of the performance page on a GPU, from what `benchmark.gpu` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.markdown import table


def gpu_lines(results: Mapping[str, Any]) -> list[str]:
    """Return the section with training, sampling, and their bounds."""
    precisions = results["precisions"]
    training = [
        (
            network,
            f"`{recipe}`",
            precision,
            f"{of['seconds']:.0f} s",
            f"{of['storms_per_second']:,}",
            f"{of['brier_skill_score']:.3f}",
        )
        for precision, measured in precisions.items()
        for network, by_recipe in measured["training"].items()
        for recipe, of in by_recipe.items()
    ]
    sampling = [
        (
            precision,
            f"{of['sampling']['seconds']:.0f} s",
            f"{of['sampling']['members_per_second']:,}",
            f"{of['bounds']['sampling_bound']:,.0f}",
            f"{of['bounds']['training_bound']:,.0f}",
            f"{of['bounds']['gigabytes_per_second']:,.0f}",
            f"{of['bounds']['teraflops']:,.0f}",
        )
        for precision, of in precisions.items()
    ]
    return [
        "## On a GPU",
        "",
        f"{results['device']} with JAX. Training on {results['training_storms']:,} storms, with "
        "compilation in the time and without it in the rate, unless there is only one epoch:",
        "",
        *table(
            ("Network", "Recipe", "Precision", "Time", "Storms per second", "Brier skill score"),
            training,
        ),
        "",
        f"Sampling {results['members']:,} MC members of {results['sampled_storms']:,} storms, and "
        "bounds timed in the same process: the third convolution alone (MC members per second), "
        "the three convolutions of the dropout network with their gradients (training storms per "
        "second), the memory bandwidth, and a large matrix product:",
        "",
        *table(
            (
                "Precision",
                "Sampling",
                "MC members per second",
                "Bound of sampling",
                "Bound of training",
                "Bandwidth (GB/s)",
                "Matrix product (TFLOP/s)",
            ),
            sampling,
        ),
        "",
    ]
