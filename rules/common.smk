# Shared by the rules: the checked config, the runs and their batches, and which code a job uses.

import os
import sys
import threading
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)

from stormcnn.errors import UserError
from stormcnn.config import archive_dates
from stormcnn.report import labels
from stormcnn.storms import run_files
from stormcnn.storms import tracks
from stormcnn.config.settings import (
    DROPOUTS,
    LESSON_EVENT,
    SIMPLE_REFERENCE,
    SIMPLE_REFERENCE_TITLE,
    load_config,
    matched_networks,
)
from stormcnn.io import write_text
from stormcnn.provenance import LIBRARIES, library_versions, sha256_of
from stormcnn.operations.registry import CHAMPION, read_champion
from stormcnn.planning.digests import code_digest
from stormcnn.storms.run_files import first_day

# Jobs, also those in conda environments and on other machines, find the library of this checkout.
search_path = [workflow.basedir, os.getenv("PYTHONPATH")]
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, search_path)))
# Shared file systems often lack the locks that HDF5 asks for; no file here has two writers.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

# Where no cache is asked for, Snakemake would speak of it at every start.
CACHE = workflow.enable_cache
location = os.getenv("SNAKEMAKE_OUTPUT_CACHE", "")
if CACHE and not (os.path.isabs(location) and os.path.isdir(location)):
    raise WorkflowError(
        f"SNAKEMAKE_OUTPUT_CACHE: '{location}' was given with --cache; allowed is the absolute "
        "path of a folder. Make the folder, and set the environment variable to its path."
    )


def list_runs(data: dict) -> list[run_files.Run]:
    """The run files of the config's source, wherever they come from."""
    folder = Path("resources", data["name"], "runs")
    if data["source"] == "folder":
        return run_files.list_folder(data["folder"], data["batch"])
    if data["source"] == "ncar":
        return run_files.read_archive_list(data["ncar"]["runs"], folder, data["batch"])
    return [
        run_files.as_run(folder / archive_dates.demo_file_name(date), data["batch"])
        for date in archive_dates.demo_run_dates(data["demo"]["runs"])
    ]


try:
    checked = load_config(config)
    RUN_LIST = Path("resources", checked["data"]["name"], "runs.csv")
    # Only the main process looks for run files, so that all jobs see the same ones.
    RUNS = (
        list_runs(checked["data"])
        if workflow.is_main_process
        else run_files.read_run_list(RUN_LIST)
    )
except (OSError, UserError) as error:
    raise WorkflowError(str(error)) from None
# A network of the default config that was left out must also be left out when the run is repeated.
LEFT_OUT = {
    name: None for name in config.get("models", {}) if name not in checked["models"]
}
config.clear()
config.update(checked)

SOURCE = config["data"]["source"]
DATA = f"resources/{config['data']['name']}"
RESULTS = f"results/{config['run']['name']}"
MODELS = list(config["models"])
SEEDS = config["training"]["seeds"]
TEST_START = config["split"]["test_start"]
# What the networks forecast, as a threshold on a variable in a part of the patch.
EVENT = {
    "target": config["data"]["target"],
    "region": config["data"]["region"],
    "threshold": config["event"]["threshold"],
}
# What a network is, without what it is called: a new title trains nothing.
ARCHITECTURES = {
    name: {key: value for key, value in model.items() if key != "title"}
    for name, model in config["models"].items()
}
# Training takes the longer, the more filters there are.
FILTERS = {name: sum(model["filters"]) for name, model in ARCHITECTURES.items()}
WIDE_MODELS = [
    name for name in MODELS if FILTERS[name] > sum(FILTERS.values()) / len(FILTERS)
]
TITLES = {name: model["title"] for name, model in config["models"].items()}
SIMPLE = [SIMPLE_REFERENCE] if config["comparison"]["simple_reference"] else []
TITLES |= {name: SIMPLE_REFERENCE_TITLE for name in SIMPLE}
# With no members for all storms, only the cases are sampled.
SAMPLED_MODELS = (
    config["uncertainty"]["models"] if config["uncertainty"]["members"] else []
)
CASE_MODELS = config["uncertainty"]["models"]
if not (
    config["uncertainty"]["cases"]["count"] or config["uncertainty"]["cases"]["storms"]
):
    CASE_MODELS = []
# By the first day of a batch, which the config's check compares with the split.
RUNS_OF: dict[str, list[run_files.Run]] = {}
for listed in RUNS:
    RUNS_OF.setdefault(listed.batch, []).append(listed)
BATCHES = sorted(RUNS_OF)
TRAINING_BATCHES = sorted({run.batch for run in RUNS if run.run_date < TEST_START})
TEST_BATCHES = sorted({run.batch for run in RUNS if run.run_date >= TEST_START})

for period, batches in {"training": TRAINING_BATCHES, "test": TEST_BATCHES}.items():
    if not batches:
        raise WorkflowError(
            f"split.test_start: {TEST_START} leaves no run file for the {period} period; the run "
            f"dates reach from {RUNS[0].run_date[:10]} to {RUNS[-1].run_date[:10]}."
        )


def keep_run_list() -> None:
    """Write the run list for the jobs: behind the lock, so that no other call's jobs read it."""
    text = run_files.format_run_list(RUNS)
    if not RUN_LIST.exists() or RUN_LIST.read_text(encoding="utf-8") != text:
        write_text(text, RUN_LIST)


def runs_of(batch: str) -> list[run_files.Run]:
    """The runs that are prepared together as one batch."""
    return RUNS_OF.get(batch, [])


def sizes_of(batch: str) -> list[int]:
    """Bytes of each run file of a batch that is read in place.

    A file may be replaced by one with an older time, or while a job that has read it still runs:
    then times say nothing.
    """
    return [
        Path(run.file).stat().st_size for run in runs_of(batch) if SOURCE == "folder"
    ]


def patches_of(batches: list[str]) -> list[str]:
    """The patch files of some batches, in order of time."""
    return expand("<data>/patches/{batch}.nc", batch=batches)


def predictions_of(
    kind: str = "", models: list[str] = MODELS, seeds: list[int] = SEEDS
) -> list[str]:
    """The files of the networks' predictions for the test period, or of another `kind`.

    The kind ends their names: `-training` for those of the training period.
    """
    return expand(
        f"<results>/predictions/{{model}}/seed-{{seed}}{kind}.nc",
        model=models,
        seed=seeds,
    )


def tuned_dropout() -> tuple[str, str, float]:
    """The network whose dropout rate is tuned, the key of the rate, and its value now."""
    for model in [config["tuning"]["model"]] if config["tuning"]["model"] else MODELS:
        for key in DROPOUTS:
            if rate := ARCHITECTURES[model][key]:
                return model, key, rate
    raise WorkflowError(
        "tuning.model: null was given, and no network has a dropout whose rate could be tuned."
    )


def with_rate(rate: str) -> dict:
    """The tuned network at another rate."""
    model, key, _ = tuned_dropout()
    return ARCHITECTURES[model] | {key: float(rate)}


def growing(amount: int):
    """A resource that grows by `amount` with every attempt; profiles say how many there are."""
    return lambda wildcards, attempt: amount * attempt


def validation_start() -> str:
    """First day of the part of the training period that dropout rates are judged on."""
    earlier = [run for run in RUNS if run.run_date < TEST_START]
    try:
        return run_files.choose_validation_start(
            earlier, config["tuning"]["validation_start"]
        )
    except UserError as error:
        raise WorkflowError(str(error)) from None


# What is asked for, or given, is checked before any job.
if config["tuning"]["report"] or config["tuning"]["validation_start"]:
    validation_start()


def learning_batches() -> list[str]:
    """Batches of the training period that networks of several dropout rates are trained on."""
    return [
        batch for batch in TRAINING_BATCHES if first_day(batch) < validation_start()
    ]


def validation_batches() -> list[str]:
    """Batches of the training period that dropout rates are judged on."""
    return [
        batch for batch in TRAINING_BATCHES if first_day(batch) >= validation_start()
    ]


def archive_path(kind: str) -> str:
    """The archive of `patches` or `tracks`: one that is on disk, or the one to be downloaded."""
    return config["data"]["ncar"][kind]["file"] or f"<data>/archives/{kind}.tar.gz"


def figure_files(name: str, category: str, shown: str = "svg", **named: str) -> list:
    """PNG and SVG of a figure, one of which is `shown` in Snakemake's own report.

    What comes before the first hyphen in `name` says what it shows; `named` labels the rest.
    """
    kind = name.partition("-")[0]
    files = {ending: f"<results>/figures/{name}.{ending}" for ending in ("png", "svg")}
    files[shown] = report(
        files[shown],
        caption=f"../report/captions/{kind}.rst",
        category=category,
        labels={"figure": labels.FIGURES[kind].title, **named},
    )
    return list(files.values())


def by_run_date(key: str) -> dict[str, str]:
    """The run files that `forecast` names under `key`, by run date: the name of the forecast."""
    found: dict[str, str] = {}
    for file in config["forecast"][key]:
        try:
            run_date = f"{run_files.parse_run_name(file).run_date:%Y%m%d-%H%M}"
        except UserError as error:
            raise WorkflowError(f"forecast.{key}: {error}") from None
        if run_date in found:
            raise WorkflowError(
                f"forecast.{key}: {found[run_date]} and {file} have the same run date, by which "
                "forecasts are filed. Forecast them in two runs of the workflow (run.name)."
            )
        found[run_date] = file
    return found


def new_run(wildcards) -> str:
    """The run file of a forecast that is asked for."""
    if wildcards.run_date not in NEW_RUNS:
        raise WorkflowError(
            f"forecast.runs: no run file of run date {wildcards.run_date} is given. Name the file "
            "that is forecast there, and the one with its future in forecast.observed."
        )
    return NEW_RUNS[wildcards.run_date]


def forecasts_made() -> dict[str, str]:
    """The forecasts of the runs whose future is known now, and what tells each from another.

    They are scored as they were made. To make them here would score a network that may have been
    trained on these runs in the meantime.
    """
    made = {}
    for run_date in OBSERVED_RUNS:
        path = f"{RESULTS}/forecast/{run_date}.nc"
        if not Path(path).exists():
            raise WorkflowError(
                f"forecast.observed: the run of {run_date} was not forecast: {path} is not there. "
                "Name its run file in forecast.runs and ask for the target forecast first."
            )
        made[path] = sha256_of(path)
    return made


def forecast_network() -> str:
    """The network that forecasts: one that the config names, or one of this run."""
    forecast = config["forecast"]
    own = f"{RESULTS}/models/{forecast['model']}/seed-{forecast['seed']}/network.keras"
    if forecast["network"] == CHAMPION:
        return champion_network()
    return forecast["network"] or own


def champion_network() -> str:
    """The champion's network. Read where a job needs it, so that no other job needs a champion."""
    if champion() is None:
        raise WorkflowError(
            "There is no champion in registry/ to forecast with. Run ops/retrain until a network "
            "has been promoted, or give the path of a network as forecast.network."
        )
    return champion()["network"]


def champion() -> dict | None:
    """What the registry says of its champion, if there is one."""
    try:
        return read_champion("registry")
    except UserError as error:
        raise WorkflowError(str(error)) from None


def content_of(file: str) -> str:
    """A digest that tells a changed file; empty where there is none."""
    return sha256_of(file) if Path(file).exists() else ""


def code(script: str) -> str:
    """A digest of what a script does, as a param of its rule: an edit reruns what it changes."""
    return code_digest(Path(workflow.basedir), f"scripts/{script}.py")


@cache
def software() -> dict[str, str]:
    """What computes: the versions of the libraries, and the backend of Keras."""
    versions = library_versions((*LIBRARIES, "pandas", "scipy", "jax", "torch"))
    return versions | {"backend": os.getenv("KERAS_BACKEND", "tensorflow")}


@cache
def told_apart(file: str) -> str:
    """What tells a file from others: where the workflow puts it, else its content."""
    for name, folder in {"<data>": DATA, "<results>": RESULTS}.items():
        if file.startswith(f"{folder}/"):
            return name + file.removeprefix(folder)
    return sha256_of(file)


def cache_key(wildcards, input, output) -> dict[str, dict]:
    """What Snakemake leaves out when it looks for a job's files in a cache, as one of its params.

    It knows the contents of the inputs, but neither which is which, nor the wildcards, nor the
    libraries. A param that is made from `input` and `output` runs no job again.
    """
    if not CACHE:
        return {}
    files = {
        kind: {
            name: [
                told_apart(file)
                for file in ([given] if isinstance(given, str) else given)
            ]
            for name, given in named.items()
        }
        for kind, named in {"input": input, "output": output}.items()
    }
    return files | {"software": software()}
