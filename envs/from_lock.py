"""Write the conda environments with the versions of requirements.txt."""

from __future__ import annotations

import re
from pathlib import Path

ENVS = Path(__file__).parent
LOCK = ENVS.parent / "requirements.txt"
PYTHON = "3.11"
TABLES = ["cftime", "h5py", "netcdf4", "numpy", "pandas", "pint", "psutil", "xarray"]
# Packages that the jobs of each environment import.
ENVIRONMENTS = {
    "data": [*TABLES, "pydantic", "pyyaml", "requests", "scipy", "tqdm", "urllib3"],
    "train": [
        *TABLES,
        "contourpy",
        "jinja2",
        "keras",
        "markupsafe",
        "matplotlib",
        "pillow",
        "pydantic",
        "pydantic-core",
        "scipy",
        "tensorflow",
        "tensorflow-cpu",
        "tqdm",
    ],
    "report": [
        *TABLES,
        "jinja2",
        "markupsafe",
        "matplotlib",
        "pillow",
        "pydantic",
        "pydantic-core",
        "pyyaml",
        "scikit-learn",
        "scipy",
        "scores",
        "threadpoolctl",
    ],
}
# Installed with pip: networks are bit-identical only if trained by the same build of TensorFlow.
FROM_PIP = {"keras", "tensorflow", "tensorflow-cpu"}
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def read_lock(path: Path = LOCK) -> dict[str, tuple[str, str]]:
    """Return the version and the environment marker (may be empty) of each pinned package."""
    pinned = re.findall(
        r"^([a-z0-9-]+)==([^\s;]+)(?: ; (.+?))? \\$", path.read_text(encoding="utf-8"), re.M
    )
    return {name: (version, marker) for name, version, marker in pinned}


def format_environment(packages: list[str], lock: dict[str, tuple[str, str]]) -> str:
    """Return the text of a conda environment with `packages` at the versions of `lock`.

    Post-releases are installed with pip, because conda-forge does not have them.
    """
    conda, pip = [f"python={PYTHON}"], []
    for package in sorted(packages):
        version, marker = lock[package]
        if package in FROM_PIP or ".post" in version:
            pip.append(f"{package}=={version}" + (f" ; {marker}" if marker else ""))
        else:
            conda.append(f"{CONDA_NAMES.get(package, package)}={version}")
    if pip:
        conda.append("pip")
    lines = [
        "# Generated from requirements.txt by `make lock`. Edit envs/from_lock.py instead.",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        *(f"  - {package}" for package in conda),
    ]
    if pip:
        lines += ["  - pip:", *(f"    - {package}" for package in pip)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    lock = read_lock()
    for name, packages in ENVIRONMENTS.items():
        text = format_environment(packages, lock)
        (ENVS / f"{name}.yaml").write_text(text, encoding="utf-8")
