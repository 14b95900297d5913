"""Write the conda environments from requirements.txt, so that conda and pip install the same."""

from __future__ import annotations

import re
from pathlib import Path

ENVS = Path(__file__).parent
LOCK = ENVS.parent / "requirements.txt"
PYTHON = "3.11"
TABLES = ["netcdf4", "numpy", "pandas", "xarray"]
# What the jobs of an environment import.
ENVIRONMENTS = {
    "data": [*TABLES, "pydantic", "pyyaml", "requests", "scipy", "tqdm"],
    "train": [*TABLES, "keras", "matplotlib", "scipy", "tensorflow", "tensorflow-cpu", "tqdm"],
    "report": [
        *TABLES,
        "jinja2",
        "markupsafe",
        "matplotlib",
        "pydantic",
        "pyyaml",
        "scikit-learn",
        "scipy",
        "scores",
    ],
}
# Networks are bit-identical only where the same build of TensorFlow trained them.
FROM_PIP = {"keras", "tensorflow", "tensorflow-cpu"}
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def read_lock(path: Path = LOCK) -> dict[str, tuple[str, str]]:
    """Version and environment marker (empty: everywhere) of each package in a lock."""
    pinned = re.findall(
        r"^([a-z0-9-]+)==([^\s;]+)(?: ; (.+?))? \\$", path.read_text(encoding="utf-8"), re.M
    )
    return {name: (version, marker) for name, version, marker in pinned}


def format_environment(packages: list[str], lock: dict[str, tuple[str, str]]) -> str:
    """Text of a conda environment with `packages` at the versions of `lock`.

    A post-release is a wheel packed anew, of which conda-forge has no equal: pip installs it.
    """
    conda, pip = [f"python={PYTHON}", "pip"], []
    for package in sorted(packages):
        version, marker = lock[package]
        if package in FROM_PIP or ".post" in version:
            pip.append(f"{package}=={version}" + (f" ; {marker}" if marker else ""))
        else:
            conda.append(f"{CONDA_NAMES.get(package, package)}={version}")
    lines = [
        "# Made from requirements.txt by `make lock`. What is in it, envs/from_lock.py says.",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        *(f"  - {package}" for package in conda),
        "  - pip:",
        *(f"    - {package}" for package in pip),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    lock = read_lock()
    for name, packages in ENVIRONMENTS.items():
        text = format_environment(packages, lock)
        (ENVS / f"{name}.yaml").write_text(text, encoding="utf-8")
