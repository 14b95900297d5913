# Run files from one of three sources, their check, and the checked patches made from them.

# The archive also has CSV files with the largest values of each storm inside `masks`.
TRACK_FILES = [
    f"<data>/tracks/{tracks_file_name(run.file)}"
    for run in RUNS
    if SOURCE == "ncar" and config["data"]["region"] == "storm"
]

if SOURCE == "demo":

    rule generate_runs:
        output:
            runs=[run.file for run in RUNS],
            truth="<data>/truth.csv",
        log:
            "<logs>/generate_runs/<dataset>.log",
        benchmark:
            "<benchmarks>/generate_runs/<dataset>.tsv"
        # Before short jobs that would occupy one of its cores.
        priority: 4
        conda:
            "../envs/data.yaml"
        threads: 2
        resources:
            mem_mb=growing(2000),
            runtime=growing(60),
        params:
            code=code("generate_runs"),
            # The number of runs determines their dates and storms.
            runs=config["data"]["demo"]["runs"],
            storms=config["data"]["demo"]["storms_per_run"],
            seed=config["data"]["demo"]["seed"],
        script:
            "../scripts/generate_runs.py"


if SOURCE == "ncar":

    if CACHE:
        for_users(cache.check_cached_archive)(config["data"]["ncar"]["patches"])

    rule download_archive:
        output:
            archive="<data>/archives/{archive}.tar.gz",
        log:
            "<logs>/download_archive/<dataset>-{archive}.log",
        localrule: True
        conda:
            "../envs/data.yaml"
        params:
            source=lambda wildcards: config["data"]["ncar"][wildcards.archive],
        script:
            "../scripts/download_archive.py"

    # Archives are unpacked where they were downloaded, so compute nodes need no access to them.
    rule unpack_runs:
        input:
            archive=archive_path("patches"),
        output:
            files=[run.file for run in RUNS],
        log:
            "<logs>/unpack_runs/<dataset>.log",
        localrule: True
        conda:
            "../envs/data.yaml"
        params:
            code=code("unpack_files"),
            source=config["data"]["ncar"]["patches"],
        script:
            "../scripts/unpack_files.py"


if TRACK_FILES:

    rule unpack_tracks:
        input:
            archive=archive_path("tracks"),
        output:
            files=TRACK_FILES,
        log:
            "<logs>/unpack_tracks/<dataset>.log",
        localrule: True
        conda:
            "../envs/data.yaml"
        params:
            code=code("unpack_files"),
            source=config["data"]["ncar"]["tracks"],
        script:
            "../scripts/unpack_files.py"


rule prepare_patches:
    input:
        runs=lambda wildcards: runs.plain_files(runs_of(wildcards.batch)),
    output:
        patches="<data>/patches/{batch}.nc",
        statistics="<data>/statistics/{batch}.csv",
        inventory="<data>/inventory/{batch}.csv",
    log:
        "<logs>/prepare_patches/<dataset>-{batch}.log",
    cache: CACHE
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("prepare_patches"),
        batch="{batch}",
        runs=lambda wildcards: [list(run[:4]) for run in runs_of(wildcards.batch)],
        # Run files of the config's folder may be replaced at any time. A changed size reveals one
        # replaced by a file with an older time stamp.
        sizes=lambda wildcards: [run.bytes for run in runs_of(wildcards.batch)],
        # A function, because Snakemake takes the braces of file patterns for wildcards.
        data=lambda wildcards: {key: config["data"][key] for key in DATA_SETTINGS},
        # Turning on skip_bad_files prepares batches that have failed, and turning it off those from
        # which files were left out. Params that depend on resources do not cause reruns.
        complete=lambda wildcards: for_users(left_out.may_stay)(
            f"{DATA}/inventory/{wildcards.batch}.csv",
            runs_of(wildcards.batch),
            config["data"]["skip_bad_files"],
        ),
        skip_bad_files=lambda wildcards, resources: config["data"]["skip_bad_files"],
        cache_key=cache_key,
    script:
        "../scripts/prepare_patches.py"


rule merge_inventory:
    input:
        inventories=expand("<data>/inventory/{batch}.csv", batch=BATCHES),
        patches=patches_of(BATCHES),
        tracks=TRACK_FILES,
    output:
        inventory="<data>/inventory.csv",
    log:
        "<logs>/merge_inventory/<dataset>.log",
    benchmark:
        "<benchmarks>/merge_inventory/<dataset>.tsv"
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        code=code("merge_inventory"),
        # Experiments with different thresholds share this file, so it uses the AMS lesson's.
        threshold=LESSON_EVENT["threshold"],
        target=config["data"]["target"],
        file_pattern=lambda wildcards: config["data"]["file_pattern"],
    script:
        "../scripts/merge_inventory.py"


# Files of a job that failed are missing, although there may be an older inventory.
rule prepare:
    input:
        "<data>/inventory.csv",
        patches_of(BATCHES),
    localrule: True


rule check_data:
    input:
        runs=runs.plain_files(RUNS),
        template=shipped("report/check.html.jinja"),
        style=TEMPLATE_FILES,
    output:
        page="<data>/check.html",
        table="<data>/check.csv",
    log:
        "<logs>/check_data/<dataset>.log",
    benchmark:
        "<benchmarks>/check_data/<dataset>.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("check_data"),
        sizes=[run.bytes for run in RUNS],
        folder=config["data"]["folder"],
        name=config["data"]["name"],
        # A function, because Snakemake takes the braces of file patterns for wildcards.
        settings=lambda wildcards: {
            "data": {
                key: config["data"][key] for key in (*DATA_SETTINGS, "skip_bad_files")
            },
            "event": DESCRIBED_EVENT,
            "split": {"test_start": TEST_START, "batch": config["data"]["batch"]},
            "verification": {
                key: config["verification"][key] for key in ("block", "confidence")
            },
        },
    script:
        "../scripts/check_data.py"
