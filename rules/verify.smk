# Predictions for the test period, and their verification.


rule predict_storms:
    input:
        network="<results>/models/{model}/seed-{seed}/trained.keras",
        patches=patches_of(TEST_BATCHES),
    output:
        predictions="<results>/predictions/{model}/seed-{seed}.nc",
    log:
        "<logs>/predict_storms/<experiment>-{model}-{seed}.log",
    benchmark:
        "<benchmarks>/predict_storms/<experiment>-{model}-{seed}.tsv"
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("predict_storms"),
        model="{model}",
        seed="{seed}",
        threshold=config["event"]["threshold"],
        threads=config["training"]["threads"],
    script:
        "../scripts/predict_storms.py"


rule predict_own_scaling:
    input:
        network="<results>/models/{model}/seed-{seed}/trained.keras",
        patches=patches_of(TEST_BATCHES),
        statistics=expand("<data>/statistics/{batch}.csv", batch=TEST_BATCHES),
        scaling="<results>/scaling.csv",
    output:
        predictions="<results>/predictions/{model}/seed-{seed}-own-scaling.nc",
    log:
        "<logs>/predict_own_scaling/<experiment>-{model}-{seed}.log",
    benchmark:
        "<benchmarks>/predict_own_scaling/<experiment>-{model}-{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("predict_own_scaling"),
        model="{model}",
        seed="{seed}",
        threshold=config["event"]["threshold"],
        threads=config["training"]["threads"],
    script:
        "../scripts/predict_own_scaling.py"


OWN_SCALED_MODELS = MODELS if config["comparison"]["own_scaling"] else []


rule score_networks:
    input:
        training=predictions_of("-training"),
        test=predictions_of(),
        opponent_training=predictions_of_opponents("-training"),
        opponent_test=predictions_of_opponents(),
        own_scaling=predictions_of("-own-scaling", OWN_SCALED_MODELS, SEEDS[:1]),
        held_out=expand(HELD_OUT, model=MODELS),
        members=members_of_storms(),
    output:
        scores="<results>/verification/scores.csv",
        differences="<results>/verification/differences.csv",
        roc="<results>/verification/roc.csv",
        reliability="<results>/verification/reliability.csv",
        performance="<results>/verification/performance.csv",
        thresholds="<results>/verification/thresholds.csv",
        recalibration="<results>/verification/recalibration.csv",
        calibrated=predictions_of("-calibrated"),
    log:
        "<logs>/score_networks/<experiment>.log",
    benchmark:
        "<benchmarks>/score_networks/<experiment>.tsv"
    priority: 1
    conda:
        "../envs/report.yaml"
    # With made-up storms, it would wait longer for a second core than it would gain.
    threads: 1 if SEEDS_TOGETHER else 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("score_networks"),
        reference=config["comparison"]["reference"],
        matched=matched_networks(config["models"]),
        verification=config["verification"],
        recalibration=RECALIBRATION,
    script:
        "../scripts/score_networks.py"


rule score_decisions:
    input:
        training=predictions_of("-training") + predictions_of_opponents("-training"),
        test=predictions_of() + predictions_of_opponents(),
        held_out=expand(HELD_OUT, model=MODELS),
        held_out_opponents=expand(
            "<results>/predictions/{model}/held-out.nc", model=OPPONENTS
        ),
        members=members_of_storms(),
    output:
        decisions="<results>/verification/decisions.csv",
        economic_value="<results>/verification/economic_value.csv",
    log:
        "<logs>/score_decisions/<experiment>.log",
    benchmark:
        "<benchmarks>/score_decisions/<experiment>.tsv"
    priority: 1
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("score_decisions"),
        recalibration=RECALIBRATION,
        cost_loss=config["decisions"]["cost_loss"],
        resamples=config["verification"]["resamples"],
    script:
        "../scripts/score_decisions.py"
