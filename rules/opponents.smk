# Opponents of the networks: models that are fitted to statistics of the storms.


rule compute_features:
    input:
        training=patches_of(TRAINING_BATCHES),
        test=patches_of(TEST_BATCHES),
    output:
        training="<results>/features/training.nc",
        test="<results>/features/test.nc",
    log:
        "<logs>/compute_features/<experiment>.log",
    benchmark:
        "<benchmarks>/compute_features/<experiment>.tsv"
    priority: 1
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("compute_features"),
    script:
        "../scripts/compute_features.py"


rule predict_boosted_trees:
    input:
        training="<results>/features/training.nc",
        test="<results>/features/test.nc",
    output:
        trees=f"<results>/models/{BOOSTED_TREES}/trees.csv",
        training=predictions_of("-training", [BOOSTED_TREES]),
        test=predictions_of(models=[BOOSTED_TREES]),
        held_out=f"<results>/predictions/{BOOSTED_TREES}/held-out.nc",
    log:
        "<logs>/predict_boosted_trees/<experiment>.log",
    benchmark:
        "<benchmarks>/predict_boosted_trees/<experiment>.tsv"
    priority: 1
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("predict_boosted_trees"),
        model=BOOSTED_TREES,
        seeds=SEEDS,
        event=EVENT,
        held_out=HOLD_OUT["start"],
    script:
        "../scripts/predict_boosted_trees.py"


# The fit is deterministic, so one is enough. Its files have the number of the first seed.
rule predict_threshold_rule:
    input:
        training="<results>/features/training.nc",
        test="<results>/features/test.nc",
    output:
        rule=f"<results>/models/{THRESHOLD_RULE}/rule.csv",
        statistics=f"<results>/models/{THRESHOLD_RULE}/statistics.csv",
        training=predictions_of("-training", [THRESHOLD_RULE], SEEDS[:1]),
        test=predictions_of(models=[THRESHOLD_RULE], seeds=SEEDS[:1]),
        held_out=f"<results>/predictions/{THRESHOLD_RULE}/held-out.nc",
    log:
        "<logs>/predict_threshold_rule/<experiment>.log",
    benchmark:
        "<benchmarks>/predict_threshold_rule/<experiment>.tsv"
    priority: 1
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("predict_threshold_rule"),
        model=THRESHOLD_RULE,
        seeds=SEEDS[:1],
        event=EVENT,
        held_out=HOLD_OUT["start"],
    script:
        "../scripts/predict_threshold_rule.py"


# The fit is deterministic, so one is enough. Its files have the number of the first seed.
rule predict_logistic_regression:
    input:
        training="<results>/features/training.nc",
        test="<results>/features/test.nc",
    output:
        coefficients=f"<results>/models/{LOGISTIC_REGRESSION}/coefficients.csv",
        training=predictions_of("-training", [LOGISTIC_REGRESSION], SEEDS[:1]),
        test=predictions_of(models=[LOGISTIC_REGRESSION], seeds=SEEDS[:1]),
        held_out=f"<results>/predictions/{LOGISTIC_REGRESSION}/held-out.nc",
    log:
        "<logs>/predict_logistic_regression/<experiment>.log",
    benchmark:
        "<benchmarks>/predict_logistic_regression/<experiment>.tsv"
    priority: 1
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("predict_logistic_regression"),
        model=LOGISTIC_REGRESSION,
        seeds=SEEDS[:1],
        event=EVENT,
        held_out=HOLD_OUT["start"],
    script:
        "../scripts/predict_logistic_regression.py"
