# Forecasts of new run files, and their verification when the outcome is known.


# An issued forecast is a record. If it were an output, Snakemake would remove it before it makes it
# again. So this rule has no output, also no benchmark, which would count as one, and its script
# leaves the existing records alone. The network is a param and not an input, so that asking for a
# forecast never trains a network.
rule forecast:
    input:
        run_files=list(NEW_RUNS.values()),
    log:
        "<logs>/forecast/<experiment>.log",
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        network=lambda wildcards: forecast_network(),
        networks=lambda wildcards: for_users(forecasts.counted_networks)(
            config["forecast"], forecast_network()
        ),
        event={key: config["event"][key] for key in ("title", "units", "lead")},
        reject=config["data"]["reject"],
        file_pattern=lambda wildcards: FORECAST_PATTERN,
        members=config["forecast"]["members"],
        seed=config["forecast"]["seed"],
        explained=config["forecast"]["explained"],
        threads=config["training"]["threads"],
    script:
        "../scripts/issue_forecasts.py"


rule verify:
    input:
        "<results>/forecast/scores.csv",
    localrule: True


rule verify_forecast:
    input:
        record=f"{FORECASTS}/{{run}}/{{network}}.nc",
        run_file=lambda wildcards: for_users(forecasts.observed_file)(
            OBSERVED_RUNS, wildcards.run
        ),
        template=shipped("report/forecast_verification.html.jinja"),
        shared=TEMPLATE_FILES,
    output:
        table=f"{FORECASTS}/{{run}}/{{network}}-verification.csv",
        page=f"{FORECASTS}/{{run}}/{{network}}-verification.html",
    log:
        "<logs>/verify_forecast/{run}-{network}.log",
    benchmark:
        "<benchmarks>/verify_forecast/{run}-{network}.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code("verify_forecast"),
        reject=config["data"]["reject"],
        file_pattern=lambda wildcards: FORECAST_PATTERN,
    script:
        "../scripts/verify_forecast.py"


rule verify_forecasts:
    input:
        records=lambda wildcards: for_users(forecasts.issued_forecasts)(OBSERVED_RUNS),
        tables=lambda wildcards: for_users(forecasts.verification_tables)(OBSERVED_RUNS),
    output:
        scores="<results>/forecast/scores.csv",
        storms="<results>/forecast/verified_storms.csv",
    log:
        "<logs>/verify_forecasts/<experiment>.log",
    benchmark:
        "<benchmarks>/verify_forecasts/<experiment>.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code("verify_forecasts"),
        verification=config["verification"],
    script:
        "../scripts/verify_forecasts.py"
