# Observed events from reports of severe weather, and the scores of all models by them.

OBSERVED_TABLES = []

if REPORTS:

    OBSERVED_TABLES = ["scores", "differences", "roc", "reliability", "performance"]
    OBSERVED_TABLES += ["thresholds", "events"]

    rule match_reports:
        input:
            # A function, because Snakemake takes braces in file names for wildcards.
            reports=lambda wildcards: REPORTS,
            training=patches_of(TRAINING_BATCHES),
            test=patches_of(TEST_BATCHES),
        output:
            observations="<results>/observations.nc",
        log:
            "<logs>/match_reports/<experiment>.log",
        benchmark:
            "<benchmarks>/match_reports/<experiment>.tsv"
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            code=code("match_reports"),
            target=config["data"]["target"],
            observations={
                key: value
                for key, value in config["observations"].items()
                if key != "reports"
            },
        script:
            "../scripts/match_reports.py"

    rule score_observed:
        input:
            observations="<results>/observations.nc",
            training=predictions_of("-training")[0],
            test=predictions_of() + predictions_of_opponents(),
            calibrated=predictions_of("-calibrated"),
            members=members_of_storms(),
        output:
            **{
                table: f"<results>/verification/observed_{table}.csv"
                for table in OBSERVED_TABLES
            },
        log:
            "<logs>/score_observed/<experiment>.log",
        benchmark:
            "<benchmarks>/score_observed/<experiment>.tsv"
        conda:
            "../envs/report.yaml"
        threads: 2
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            code=code("score_observed"),
            reference=config["comparison"]["reference"],
            matched=matched_networks(config["models"]),
            verification=config["verification"],
        script:
            "../scripts/score_observed.py"

    rule draw_observed:
        input:
            reliability="<results>/verification/observed_reliability.csv",
            observations="<results>/observations.nc",
        output:
            figure_files("observed", "Verification"),
        log:
            "<logs>/draw_observed/<experiment>.log",
        benchmark:
            "<benchmarks>/draw_observed/<experiment>.tsv"
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            code=code("draw_observed"),
            titles=TITLES,
        script:
            "../scripts/draw_observed.py"
