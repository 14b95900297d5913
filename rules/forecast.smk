# Forecasts of new run files, and their verification when the outcome is known.


rule forecast:
    input:
        expand(
            "<results>/forecast/{run_date}.{kind}",
            run_date=NEW_RUNS,
            kind=["nc", "csv", "geojson", "png"],
        ),
    localrule: True


# The network is a param and not an input, so that asking for a forecast never trains a network.
rule forecast_storms:
    input:
        run_file=lambda wildcards: for_users(forecasts.new_run_file)(
            NEW_RUNS, wildcards.run_date
        ),
    output:
        dataset="<results>/forecast/{run_date}.nc",
        table="<results>/forecast/{run_date}.csv",
        geojson="<results>/forecast/{run_date}.geojson",
        map="<results>/forecast/{run_date}.png",
        drawing="<results>/forecast/{run_date}.svg",
    log:
        "<logs>/forecast_storms/<experiment>-{run_date}.log",
    benchmark:
        "<benchmarks>/forecast_storms/<experiment>-{run_date}.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        code=code("forecast_storms"),
        network=lambda wildcards: forecast_network(),
        network_content=lambda wildcards: for_users(forecasts.digest_of_network)(
            forecast_network()
        ),
        event={key: config["event"][key] for key in ("title", "units", "lead")},
        reject=config["data"]["reject"],
        file_pattern=lambda wildcards: FORECAST_PATTERN,
        members=config["forecast"]["members"],
        seed=config["forecast"]["seed"],
        threads=config["training"]["threads"],
    script:
        "../scripts/forecast_storms.py"


rule verify:
    input:
        "<results>/forecast/scores.csv",
    localrule: True


rule verify_forecasts:
    input:
        run_files=list(OBSERVED_RUNS.values()),
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
        forecasts=lambda wildcards: for_users(forecasts.digests_of_forecasts)(
            OBSERVED_RUNS, RESULTS
        ),
        reject=config["data"]["reject"],
        file_pattern=lambda wildcards: FORECAST_PATTERN,
        verification=config["verification"],
    script:
        "../scripts/verify_forecasts.py"
