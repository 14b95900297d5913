# Storm patches to probabilities of strong low-level rotation, their verification, their
# uncertainty, and a report. `snakemake` makes the demo; README.md says what else there is.

from snakemake.utils import min_version

min_version("9.20")


configfile: "config/config.yaml"


report: "report/captions/workflow.rst"


include: "rules/common.smk"


pathvars:
    data=DATA,
    results=RESULTS,
    dataset=config["data"]["name"],
    run=config["experiment"]["name"],


wildcard_constraints:
    batch=r"\d{4}(-\d{2}){0,2}",
    model="|".join(MODELS),
    seed=r"\d+",
    rate=r"[\d.e-]+",
    part=r"\d+-of-\d+",


include: "rules/data.smk"
include: "rules/scaling.smk"
include: "rules/train.smk"
include: "rules/verify.smk"
include: "rules/uncertainty.smk"
include: "rules/tuning.smk"
include: "rules/report.smk"
include: "rules/forecast.smk"
include: "rules/retraining.smk"


rule all:
    default_target: True
    input:
        "<results>/report.html",
        "<results>/config.yaml",
    localrule: True


onstart:
    keep_run_list()


onsuccess:
    # Snakemake counts jobs a second with a timer, for which the process would wait at its end.
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


onerror:
    print("Stopped. What each job said is under logs/, in a folder a rule.")
