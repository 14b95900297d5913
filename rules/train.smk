# Networks: one job per model and seed. Jobs with more work between them and the report start first
# (`priority`), so that no core is idle at the end.


rule train_network:
    input:
        patches=patches_of(TRAINING_BATCHES),
        scaling="<results>/scaling.csv",
    output:
        network="<results>/models/{model}/seed-{seed}/network.keras",
        history="<results>/models/{model}/seed-{seed}/history.csv",
        summary="<results>/models/{model}/seed-{seed}/summary.txt",
        size="<results>/models/{model}/seed-{seed}/size.csv",
        predictions="<results>/predictions/{model}/seed-{seed}-training.nc",
    log:
        "<logs>/train_network/<experiment>-{model}-{seed}.log",
    cache: CACHE
    priority: 2
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=code("train_network"),
        model="{model}",
        seed="{seed}",
        architecture=lambda wildcards: ARCHITECTURES[wildcards.model],
        training={
            key: config["training"][key]
            for key in ("recipe", "epochs", "batch_size", "learning_rate", "threads")
        },
        event=EVENT,
        # Where the fields are held changes no weight. Params that depend on resources do not cause
        # reruns.
        memory_mb=lambda wildcards, resources: config["training"]["memory_mb"],
        cache_key=cache_key,
    script:
        "../scripts/train_network.py"


if WIDE_MODELS:

    use rule train_network as train_wide_network with:
        log:
            "<logs>/train_wide_network/<experiment>-{model}-{seed}.log",
        wildcard_constraints:
            model="|".join(WIDE_MODELS),
        cache: CACHE
        priority: 3

    ruleorder: train_wide_network > train_network
