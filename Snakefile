# Train networks on storm patches, verify their probabilities, and write a report. Without a config
# file, `snakemake` runs the demo; README.md describes other uses.

from snakemake.utils import min_version

min_version("9.20")

CODE = workflow.current_basedir.get_path_or_uri(secret_free=True)


configfile: f"{CODE}/config/config.yaml"


report: "report/captions/workflow.rst"


include: "rules/common.smk"


pathvars:
    data=DATA,
    results=RESULTS,
    dataset=config["data"]["name"],
    experiment=config["experiment"]["name"],


wildcard_constraints:
    batch=r"\d{4}(-\d{2}){0,2}",
    model="|".join(MODELS),
    seed=r"\d+",
    rate=r"[\d.e-]+",
    part=r"\d+-of-\d+",
    run=r"\d{8}-\d{4}(-.+)?",
    network=r"[0-9a-f]{12}",


include: "rules/data.smk"
include: "rules/scaling.smk"
include: "rules/train.smk"
include: "rules/opponents.smk"
include: "rules/verify.smk"
include: "rules/uncertainty.smk"
include: "rules/observations.smk"
include: "rules/tuning.smk"
include: "rules/explanation.smk"
include: "rules/report.smk"
include: "rules/forecast.smk"
include: "rules/retraining.smk"


if CACHE and not IS_MODULE:
    for_users(cache.check_cached_rules)(
        workflow.workflow_settings.cache,
        [rule.name for rule in workflow.rules if rule.cache and rule.cache.flag],
    )


rule all:
    default_target: True
    input:
        "<results>/report.html",
        "<results>/config.yaml",
        networks_of("network.keras"),
        # Snakemake removes the files of a job that was killed, and does not make them again if the
        # files that need them exist. So the files of long jobs are asked for, too.
        patches_of(BATCHES),
        networks_of("trained.keras"),
        predictions_of(),
        predictions_of_opponents(),
        members_of_storms(),
    localrule: True


onstart:
    prepare_to_run()
    forget_failures()
    EARLIER_VERSIONS.update(
        {path: version_of(path) for path in (SUMMARY, CHECK, *forecast_summaries())}
    )


onsuccess:
    print_summary()
    # Snakemake limits its rate of jobs with a timer. Without this, the process would wait for it.
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


onerror:
    print("Workflow failed. The log of each job is in logs/<rule>/.")
