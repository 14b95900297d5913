# Predictions for storms that a network has not seen, and how good they are.


rule predict_storms:
    input:
        network="<results>/models/{model}/seed-{seed}/network.keras",
        training=patches_of(TRAINING_BATCHES),
        test=patches_of(TEST_BATCHES),
        code=code("predict_storms"),
    output:
        training="<results>/predictions/{model}/seed-{seed}-training.nc",
        test="<results>/predictions/{model}/seed-{seed}.nc",
    log:
        "<logs>/predict_storms/<run>-{model}-{seed}.log",
    benchmark:
        "<benchmarks>/predict_storms/<run>-{model}-{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        model="{model}",
        seed="{seed}",
        threshold=config["event"]["threshold"],
        threads=config["training"]["threads"],
    script:
        "../scripts/predict_storms.py"


rule score_networks:
    input:
        training=expand(
            "<results>/predictions/{model}/seed-{seed}-training.nc",
            model=MODELS,
            seed=SEEDS,
        ),
        test=expand(
            "<results>/predictions/{model}/seed-{seed}.nc", model=MODELS, seed=SEEDS
        ),
        members=expand(
            "<results>/uncertainty/{model}/seed-{seed}/storms.nc",
            model=SAMPLED_MODELS,
            seed=SEEDS,
        ),
        inventory="<data>/inventory.csv",
        code=code("score_networks"),
    output:
        scores="<results>/verification/scores.csv",
        differences="<results>/verification/differences.csv",
        roc="<results>/verification/roc.csv",
        reliability="<results>/verification/reliability.csv",
        performance="<results>/verification/performance.csv",
        thresholds="<results>/verification/thresholds.csv",
    log:
        "<logs>/score_networks/<run>.log",
    benchmark:
        "<benchmarks>/score_networks/<run>.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        reference=config["comparison"]["reference"],
        verification=config["verification"],
    script:
        "../scripts/score_networks.py"
