# What the rules share: the checked config, the runs and their batches, and functions of wildcards.

import os
import shlex
import sys
import threading
from functools import partial, wraps
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Not `workflow.basedir`, which belongs to another workflow if that uses this one as a module.
if not isinstance(workflow.current_basedir, os.PathLike):
    raise WorkflowError(
        "stormcnn cannot be used from a web address, because its jobs import its library. Clone "
        "the repository, and give the module the path of the Snakefile in the clone."
    )
CHECKOUT = Path(workflow.current_basedir).parent
if os.pathsep in str(CHECKOUT):
    raise WorkflowError(
        f"{CHECKOUT}: the path of stormcnn must not contain a colon. Rename the folder."
    )
sys.path.insert(0, str(CHECKOUT))

from stormcnn.environment import prepare_environment

# Libraries read variables when they are imported.
prepare_environment()

from stormcnn.config.config_files import as_written, with_defaults
from stormcnn.config.loading import load_config
from stormcnn.config.models import matched_networks
from stormcnn.config.opponents import OPPONENT_TITLES
from stormcnn.errors import UserError
from stormcnn.forecast.records import FORECASTS
from stormcnn.io import forbid_world_writable_files, write_text
from stormcnn.operations import registry
from stormcnn.operations.blocked_jobs import watch_queue
from stormcnn.os_errors import describe
from stormcnn.planning import cache, forecasts, left_out, models, runs
from stormcnn.planning.digests import code_digest
from stormcnn.planning.observations import check_report_files
from stormcnn.report import labels
from stormcnn.storms.event_texts import event_texts
from stormcnn.storms.run_files import first_day, format_run_list, read_run_list
from stormcnn.storms.tracks import tracks_file_name
from stormcnn.texts import printable
from stormcnn.vocabulary import (
    BOOSTED_TREES,
    DATA_SETTINGS,
    LESSON_EVENT,
    LOGISTIC_REGRESSION,
    SEEDLESS,
    THRESHOLD_RULE,
)

forbid_world_writable_files()

# All jobs, including those in conda environments and on other machines, import the library of this
# checkout.
search_path = [str(CHECKOUT), os.getenv("PYTHONPATH")]
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, search_path)))
# Snakemake inserts the path of the interpreter into shell commands without quotes.
if Path(sys.executable).exists():
    sys.executable = shlex.quote(sys.executable)


def for_users(function):
    """Let a `UserError` of a function end the workflow with its message, without a stack trace."""

    @wraps(function)
    def call(*arguments, **settings):
        try:
            return function(*arguments, **settings)
        except UserError as error:
            raise WorkflowError(printable(str(error), keep="\n")) from None
        except OSError as error:
            raise WorkflowError(printable(describe(error), keep="\n")) from None

    return call


# Without --cache, `cache: True` would make Snakemake print a message at every start.
CACHE = workflow.enable_cache
if CACHE:
    for_users(cache.check_cache_folder)("SNAKEMAKE_OUTPUT_CACHE")

# Snakemake has read the config files itself. Those of --configfile override the others.
overriding = workflow.overwrite_configfiles
config_files = [f for f in workflow.configfiles if f not in overriding] + overriding
written = for_users(as_written)(config, config_files)
IS_MODULE = not workflow.modifier.is_main_snakefile()
if IS_MODULE:
    # Snakemake does not read the default config if the module statement has settings.
    written = for_users(with_defaults)(written, CHECKOUT / "config" / "config.yaml")
checked = for_users(load_config)(written)
# A network of the default config that was left out must also be left out when the experiment is
# repeated with the config in its results.
LEFT_OUT = {
    name: None for name in written.get("models", {}) if name not in checked["models"]
}
config.clear()
config.update(checked)


def shipped(path):
    """Return the path of a file that belongs to the code, as an input.

    It is relative in the top folder of a checkout, so that moving the checkout reruns no job.
    """
    return path if CHECKOUT.samefile(".") else str(CHECKOUT / path)


# What all pages share.
TEMPLATE_FILES = [
    shipped(f"report/{name}")
    for name in (
        "report.css",
        "tables.js",
        "field.js",
        "report.js",
        "macros.html.jinja",
    )
]


SOURCE = config["data"]["source"]
DATA = f"resources/{config['data']['name']}"
RESULTS = f"results/{config['experiment']['name']}"
# Only the main process looks for run files, so that all jobs see the same ones.
RUN_LIST = Path(DATA, "runs.csv")
RUNS = (
    for_users(runs.list_runs)(config["data"], f"{DATA}/runs", CHECKOUT)
    if workflow.is_main_process
    else for_users(read_run_list)(RUN_LIST)
)
RUNS_OF = runs.group_by_batch(RUNS)
BATCHES = sorted(RUNS_OF)
TEST_START = config["split"]["test_start"]
TRAINING_START = config["split"]["training_start"] or ""
USED_RUNS = [run for run in RUNS if run.run_date >= TRAINING_START]
PERIODS = runs.split_periods(USED_RUNS, TEST_START)
TRAINING_BATCHES, TEST_BATCHES = PERIODS

EVENT = {
    "target": config["data"]["target"],
    "region": config["data"]["region"],
    "threshold": config["event"]["threshold"],
}
# Jobs that only write about the event get its texts as well, so that changing these trains nothing.
DESCRIBED_EVENT = EVENT | {
    key: config["event"][key] for key in ("title", "units", "lead")
}
for_users(event_texts)(**DESCRIBED_EVENT)
# How to recalibrate, and the criterion by which a recalibration helps.
RECALIBRATION = {
    "methods": config["recalibration"]["methods"],
    "block": config["verification"]["block"],
    "confidence": config["verification"]["confidence"],
}
MODELS = list(config["models"])
SEEDS = config["training"]["seeds"]
ARCHITECTURES = models.architectures(config["models"])
WIDE_MODELS = models.wide_models(ARCHITECTURES)
TITLES = {name: model["title"] for name, model in config["models"].items()}
OPPONENTS = config["opponents"]
TITLES |= {name: OPPONENT_TITLES[name] for name in OPPONENTS}
UNCERTAINTY = config["uncertainty"]
# Without members for all storms, only the cases are sampled.
SAMPLED_MODELS = UNCERTAINTY["models"] if UNCERTAINTY["members"] else []
CASES = UNCERTAINTY["cases"]
CASE_MODELS = UNCERTAINTY["models"] if CASES["count"] or CASES["storms"] else []
REPORTS = for_users(check_report_files)(config["observations"]["reports"])
EXPLANATION = config["explanation"]
EXPLAINED_MODELS = models.explained_models(
    EXPLANATION["models"], UNCERTAINTY["models"], config["comparison"]["reference"]
)

tuned_dropout = partial(
    for_users(models.find_tuned_dropout), ARCHITECTURES, config["tuning"]["model"]
)
validation_start = partial(
    for_users(runs.choose_validation_start),
    USED_RUNS,
    TEST_START,
    config["tuning"]["validation_start"],
)
# What the config asks for is checked before any job runs.
if TRAINING_BATCHES and (
    config["tuning"]["report"] or config["tuning"]["validation_start"]
):
    validation_start()


def keep_run_list():
    """Write the run list for the jobs, after Snakemake has locked the working directory."""
    text = format_run_list(RUNS)
    if not RUN_LIST.exists() or RUN_LIST.read_text(encoding="utf-8") != text:
        for_users(write_text)(text, RUN_LIST)


def prepare_to_run():
    """Do what jobs rely on."""
    keep_run_list()
    if CACHE:
        cache.restrict_permissions(workflow.output_file_cache)
    executor = getattr(workflow.executor_plugin, "name", None)
    watch_queue(executor, Path.cwd(), partial(print, file=sys.stderr))


# Snakemake ignores `onstart` of modules.
if workflow.is_main_process and IS_MODULE:
    prepare_to_run()


def forget_failures():
    """Delete the logs of jobs that have failed before.

    Otherwise Snakemake would show them as the reason if a job fails before it writes its own.
    """
    for job in workflow.dag.needrun_jobs():
        if not any(Path(file).exists() for file in job.output):
            for log in job.log:
                Path(log).unlink(missing_ok=True)


SUMMARY = Path(RESULTS, "summary.txt")
CHECK = Path(DATA, "check.html")
EARLIER_VERSIONS = {}


def version_of(path):
    """Return what tells a file from one that was written later."""
    return path.stat().st_mtime_ns if path.exists() else None


def is_new(path):
    """Return whether a file was written in this call."""
    return path.exists() and version_of(path) != EARLIER_VERSIONS.get(path)


def forecast_summaries():
    """Return the files that sum up the forecasts of the runs to forecast, as far as they exist."""
    return [
        path for run in NEW_RUNS for path in sorted(Path(FORECASTS, run).glob("*.txt"))
    ]


def print_summary():
    """Print what was written in this call: pages, the verdict of the report, and forecasts."""
    if is_new(CHECK):
        print(f"Check of the run files: {CHECK}")
    if is_new(SUMMARY):
        print(f"Report: {RESULTS}/report.html", SUMMARY.read_text("utf-8"), sep="\n")
    for path in filter(is_new, forecast_summaries()):
        print(f"Forecast: {path.with_suffix('')}.*", path.read_text("utf-8"), sep="\n")


def runs_of(batch):
    """Return the runs that one job prepares together."""
    return RUNS_OF.get(batch, [])


def patches_of(batches):
    """Return the patch files of some batches, in order of time."""
    return expand("<data>/patches/{batch}.nc", batch=batches)


def predictions_of(kind="", models=MODELS, seeds=SEEDS):
    """Return the prediction files of some networks.

    `kind` ends the file names, for example `-training`.
    """
    return expand(
        f"<results>/predictions/{{model}}/seed-{{seed}}{kind}.nc",
        model=models,
        seed=seeds,
    )


def predictions_of_opponents(kind=""):
    """Return the prediction files of all opponents, with each seed or the first one only."""
    return [
        file
        for model in OPPONENTS
        for file in predictions_of(
            kind, [model], SEEDS[:1] if model in SEEDLESS else SEEDS
        )
    ]


def networks_of(file, models=MODELS, seeds=SEEDS):
    """Return a file of each network, such as `history.csv`."""
    return expand(
        f"<results>/models/{{model}}/seed-{{seed}}/{file}", model=models, seed=seeds
    )


def members_of_storms():
    """Return the files of the MC members of all storms of the test period."""
    return expand(
        "<results>/uncertainty/{model}/seed-{seed}/storms.nc",
        model=SAMPLED_MODELS,
        seed=SEEDS,
    )


def of_all_seeds(file):
    """Return a file of the results for each seed, such as `models/{model}/seed-{seed}/size.csv`."""
    return expand(f"<results>/{file}", seed=SEEDS, allow_missing=True)


def with_rate(rate):
    """Return the tuned network with another dropout rate."""
    tuned = tuned_dropout()
    return ARCHITECTURES[tuned.model] | {tuned.key: float(rate)}


def training_batches():
    """Return the batches of the training period, after a check that no period is empty.

    `check_data` suggests the periods, so it must also run with empty ones.
    """
    for_users(runs.check_periods)(PERIODS, RUNS, TEST_START)
    return TRAINING_BATCHES


def learning_batches():
    """Return the batches of the training period on which dropout rates are trained."""
    return [
        batch for batch in TRAINING_BATCHES if first_day(batch) < validation_start()
    ]


def validation_batches():
    """Return the batches of the training period on which dropout rates are scored."""
    return [
        batch for batch in TRAINING_BATCHES if first_day(batch) >= validation_start()
    ]


def growing(amount):
    """Return a resource that grows by `amount` per attempt; profiles set the number of retries."""
    return lambda wildcards, attempt: amount * attempt


def archive_path(kind):
    """Return the path of the archive of `patches` or `tracks`, on disk or to be downloaded."""
    return config["data"]["ncar"][kind]["file"] or f"<data>/archives/{kind}.tar.gz"


def figure_files(name, category, shown="svg", **named):
    """Return the PNG and SVG of a figure; Snakemake's report shows one with the labels `named`."""
    kind = name.partition("-")[0]
    files = {ending: f"<results>/figures/{name}.{ending}" for ending in ("png", "svg")}
    files[shown] = report(
        files[shown],
        caption=f"../report/captions/{kind}.rst",
        category=category,
        labels={"figure": labels.FIGURES[kind].title, **named},
    )
    return list(files.values())


FORECAST_PATTERN = config["forecast"]["file_pattern"] or config["data"]["file_pattern"]
NEW_RUNS = for_users(runs.index_by_run)(
    config["forecast"]["runs"], "forecast.runs", FORECAST_PATTERN
)
OBSERVED_RUNS = for_users(runs.index_by_run)(
    config["forecast"]["observed"], "forecast.observed", FORECAST_PATTERN
)
# The registry is read only if a job needs it, so that no other job needs a champion.
champion = partial(
    for_users(registry.read_champion),
    registry.REGISTRY,
    config["retraining"]["opponent"],
)
scored_until = partial(for_users(registry.scored_until), registry.REGISTRY)
champion_network = partial(
    for_users(forecasts.champion_network), config["retraining"]["opponent"]
)
forecast_network = partial(
    for_users(forecasts.forecast_network), config["forecast"], RESULTS
)


def code(script):
    """Return a digest of what a script does.

    As a param it reruns the jobs whose code has changed.
    """
    return code_digest(CHECKOUT, f"scripts/{script}.py")


def cache_key(wildcards, input, output):
    """Return what Snakemake leaves out when it identifies a job in a cache, as a param.

    Params that are made from `input` and `output` do not rerun a job.
    """
    folders = {"<data>": DATA, "<results>": RESULTS}
    return cache.cache_key(dict(input), dict(output), folders) if CACHE else {}
