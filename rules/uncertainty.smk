# Monte Carlo (MC) dropout: statistics of the MC members for every test storm, event counts per run
# date, and all members of a few case studies.


rule sample_members:
    input:
        network="<results>/models/{model}/seed-{seed}/trained.keras",
        patches=patches_of(TEST_BATCHES),
        predictions="<results>/predictions/{model}/seed-{seed}.nc",
    output:
        storms="<results>/uncertainty/{model}/seed-{seed}/storms.nc",
        counts="<results>/uncertainty/{model}/seed-{seed}/counts.nc",
    log:
        "<logs>/sample_members/<experiment>-{model}-{seed}.log",
    cache: CACHE
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=code("sample_members"),
        model="{model}",
        seed="{seed}",
        members=UNCERTAINTY["members"],
        threads=config["training"]["threads"],
        cache_key=cache_key,
    script:
        "../scripts/sample_members.py"


# One network per model is enough to show single storms.
CASE_STUDIES = (
    [f"<results>/uncertainty/{{model}}/seed-{SEEDS[0]}/cases.nc"] if CASE_MODELS else []
)

# Starting the backend takes seconds, so one job samples several consecutive batches.
SAMPLING_JOBS = min(UNCERTAINTY["jobs"], len(TEST_BATCHES))
SAMPLING_PARTS = [f"{part}-of-{SAMPLING_JOBS}" for part in range(1, SAMPLING_JOBS + 1)]


# It exists without parts as well, so that it can follow --cache.
use rule sample_members as sample_part with:
    input:
        network="<results>/models/{model}/seed-{seed}/trained.keras",
        patches=lambda wildcards: patches_of(
            runs.share_of_batches(TEST_BATCHES, wildcards.part)
        ),
        predictions="<results>/predictions/{model}/seed-{seed}.nc",
    output:
        storms="<results>/uncertainty/{model}/seed-{seed}/parts/{part}/storms.nc",
        counts="<results>/uncertainty/{model}/seed-{seed}/parts/{part}/counts.nc",
    log:
        "<logs>/sample_part/<experiment>-{model}-{seed}-{part}.log",
    cache: CACHE


if SAMPLING_JOBS > 1:

    rule merge_members:
        input:
            storms=expand(
                "<results>/uncertainty/{{model}}/seed-{{seed}}/parts/{part}/storms.nc",
                part=SAMPLING_PARTS,
            ),
            counts=expand(
                "<results>/uncertainty/{{model}}/seed-{{seed}}/parts/{part}/counts.nc",
                part=SAMPLING_PARTS,
            ),
        output:
            storms="<results>/uncertainty/{model}/seed-{seed}/storms.nc",
            counts="<results>/uncertainty/{model}/seed-{seed}/counts.nc",
        log:
            "<logs>/merge_members/<experiment>-{model}-{seed}.log",
        benchmark:
            "<benchmarks>/merge_members/<experiment>-{model}-{seed}.tsv"
        localrule: True
        conda:
            "../envs/data.yaml"
        params:
            code=code("merge_members"),
        script:
            "../scripts/merge_members.py"

    ruleorder: merge_members > sample_members

elif SEEDS_TOGETHER and SAMPLED_MODELS:

    rule sample_seeds:
        input:
            network=of_all_seeds("models/{model}/seed-{seed}/trained.keras"),
            patches=patches_of(TEST_BATCHES),
            predictions=of_all_seeds("predictions/{model}/seed-{seed}.nc"),
        output:
            storms=of_all_seeds("uncertainty/{model}/seed-{seed}/storms.nc"),
            counts=of_all_seeds("uncertainty/{model}/seed-{seed}/counts.nc"),
            cases=CASE_STUDIES,
        log:
            "<logs>/sample_seeds/<experiment>-{model}.log",
        benchmark:
            "<benchmarks>/sample_seeds/<experiment>-{model}.tsv"
        priority: 1
        conda:
            "../envs/train.yaml"
        threads: config["training"]["threads"]
        resources:
            mem_mb=growing(4000),
            runtime=growing(120),
        params:
            code=code("sample_seeds"),
            model="{model}",
            seeds=SEEDS,
            members=UNCERTAINTY["members"],
            cases=CASES,
            threads=config["training"]["threads"],
        script:
            "../scripts/sample_seeds.py"

    ruleorder: sample_seeds > sample_members > sample_cases


rule sample_cases:
    input:
        network="<results>/models/{model}/seed-{seed}/trained.keras",
        patches=patches_of(TEST_BATCHES),
        predictions="<results>/predictions/{model}/seed-{seed}.nc",
    output:
        cases="<results>/uncertainty/{model}/seed-{seed}/cases.nc",
    log:
        "<logs>/sample_cases/<experiment>-{model}-{seed}.log",
    cache: CACHE
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("sample_cases"),
        model="{model}",
        seed="{seed}",
        cases=CASES,
        threads=config["training"]["threads"],
        cache_key=cache_key,
    script:
        "../scripts/sample_cases.py"


# The true probability of made-up storms is known for the event of the AMS lesson only.
TRUTH = ["<data>/truth.csv"] if SOURCE == "demo" and EVENT == LESSON_EVENT else []


if SAMPLED_MODELS:

    rule score_uncertainty:
        input:
            storms=expand(
                "<results>/uncertainty/{model}/seed-{seed}/storms.nc",
                model=SAMPLED_MODELS,
                seed=SEEDS,
            ),
            counts=expand(
                "<results>/uncertainty/{model}/seed-{seed}/counts.nc",
                model=SAMPLED_MODELS,
                seed=SEEDS,
            ),
            truth=TRUTH,
        output:
            scores="<results>/uncertainty/scores.csv",
            spread_skill="<results>/uncertainty/spread_skill.csv",
            discard="<results>/uncertainty/discard.csv",
            counts="<results>/uncertainty/counts.csv",
        log:
            "<logs>/score_uncertainty/<experiment>.log",
        benchmark:
            "<benchmarks>/score_uncertainty/<experiment>.tsv"
        conda:
            "../envs/report.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            code=code("score_uncertainty"),
            verification=config["verification"],
        script:
            "../scripts/score_uncertainty.py"
