# Tune the dropout rate: train one network at several rates on the first part of the training period
# and score it on the rest. No rule here reads storms of the test period.


rule tune_dropout:
    input:
        "<results>/tuning/choice.csv",
        multiext("<results>/figures/rate_sweep", ".png", ".svg"),
    localrule: True


use rule fit_scaling as fit_rate_scaling with:
    input:
        statistics=lambda wildcards: expand(
            "<data>/statistics/{batch}.csv", batch=learning_batches()
        ),
        inventories=lambda wildcards: expand(
            "<data>/inventory/{batch}.csv", batch=learning_batches()
        ),
    output:
        scaling="<results>/tuning/scaling.csv",
    log:
        "<logs>/fit_rate_scaling/<experiment>.log",
    cache: CACHE
    localrule: True
    params:
        before=lambda wildcards: validation_start(),


use rule train_network as train_rate with:
    input:
        patches=lambda wildcards: patches_of(learning_batches()),
        scaling="<results>/tuning/scaling.csv",
    output:
        network="<results>/tuning/rate-{rate}/seed-{seed}/network.keras",
        history="<results>/tuning/rate-{rate}/seed-{seed}/history.csv",
        summary="<results>/tuning/rate-{rate}/seed-{seed}/summary.txt",
        size="<results>/tuning/rate-{rate}/seed-{seed}/size.csv",
        predictions="<results>/tuning/rate-{rate}/seed-{seed}/predictions-training.nc",
    log:
        "<logs>/train_rate/<experiment>-{rate}-{seed}.log",
    cache: CACHE
    params:
        model=lambda wildcards: tuned_dropout().model,
        architecture=lambda wildcards: with_rate(wildcards.rate),


use rule predict_storms as predict_rate with:
    input:
        network="<results>/tuning/rate-{rate}/seed-{seed}/network.keras",
        patches=lambda wildcards: patches_of(validation_batches()),
    output:
        predictions="<results>/tuning/rate-{rate}/seed-{seed}/predictions.nc",
    log:
        "<logs>/predict_rate/<experiment>-{rate}-{seed}.log",
    benchmark:
        "<benchmarks>/predict_rate/<experiment>-{rate}-{seed}.tsv"
    params:
        model=lambda wildcards: tuned_dropout().model,


use rule sample_members as sample_rate with:
    input:
        network="<results>/tuning/rate-{rate}/seed-{seed}/network.keras",
        patches=lambda wildcards: patches_of(validation_batches()),
        predictions="<results>/tuning/rate-{rate}/seed-{seed}/predictions.nc",
    output:
        storms="<results>/tuning/rate-{rate}/seed-{seed}/storms.nc",
        counts="<results>/tuning/rate-{rate}/seed-{seed}/counts.nc",
    log:
        "<logs>/sample_rate/<experiment>-{rate}-{seed}.log",
    cache: CACHE
    params:
        model=lambda wildcards: tuned_dropout().model,
        members=config["tuning"]["members"],


RATES = config["tuning"]["rates"]
RATE_SEEDS = config["tuning"]["seeds"]


rule score_rates:
    input:
        training=f"<results>/tuning/rate-{RATES[0]}/seed-{RATE_SEEDS[0]}/predictions-training.nc",
        storms=expand(
            "<results>/tuning/rate-{rate}/seed-{seed}/storms.nc",
            rate=RATES,
            seed=RATE_SEEDS,
        ),
        counts=expand(
            "<results>/tuning/rate-{rate}/seed-{seed}/counts.nc",
            rate=RATES,
            seed=RATE_SEEDS,
        ),
    output:
        scores="<results>/tuning/scores.csv",
        choice="<results>/tuning/choice.csv",
    log:
        "<logs>/score_rates/<experiment>.log",
    benchmark:
        "<benchmarks>/score_rates/<experiment>.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("score_rates"),
        networks=[[rate, seed] for rate in RATES for seed in RATE_SEEDS],
        tuned=lambda wildcards: tuned_dropout()._asdict(),
        verification=config["verification"],
    script:
        "../scripts/score_rates.py"


rule draw_rates:
    input:
        scores="<results>/tuning/scores.csv",
        choice="<results>/tuning/choice.csv",
        storms=f"<results>/tuning/rate-{RATES[0]}/seed-{RATE_SEEDS[0]}/storms.nc",
    output:
        figure_files("rate_sweep", "Tuning"),
    log:
        "<logs>/draw_rates/<experiment>.log",
    benchmark:
        "<benchmarks>/draw_rates/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("draw_rates"),
    script:
        "../scripts/draw_rates.py"
