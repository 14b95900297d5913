# Networks. Jobs with more work between them and the report start first (`priority`), so that no core
# is idle at the end.

# Made-up storms are trained on in seconds, and starting the backend takes as long. There, one job
# trains a network with all seeds and applies it to the test period. Otherwise, and for a cache, each
# seed has its own jobs.
SEEDS_TOGETHER = SOURCE == "demo" and not CACHE
# With each network, once, without the end of the training period.
HELD_OUT = (
    ["<results>/predictions/{model}/held-out.nc"]
    if config["recalibration"]["methods"]
    else []
)
# A pattern that matches no name if there are none.
WIDE_MODEL = "|".join(WIDE_MODELS) or "(?!)"


rule train_network:
    input:
        patches=patches_of(TRAINING_BATCHES),
        scaling="<results>/scaling.csv",
    output:
        network="<results>/models/{model}/seed-{seed}/trained.keras",
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


# Rules that can be cached exist with every config, so that all of them can follow --cache.
use rule train_network as train_wide_network with:
    log:
        "<logs>/train_wide_network/<experiment>-{model}-{seed}.log",
    wildcard_constraints:
        model=WIDE_MODEL,
    cache: CACHE
    priority: 3


HOLD_OUT = {
    "seed": SEEDS[0],
    "start": runs.choose_held_out_start(
        USED_RUNS,
        TEST_START,
        config["recalibration"]["held_out"],
        config["verification"]["block"],
    ),
}

if SEEDS_TOGETHER:

    use rule train_network as train_seeds with:
        input:
            patches=patches_of(TRAINING_BATCHES),
            scaling="<results>/scaling.csv",
            test_patches=patches_of(TEST_BATCHES),
        output:
            network=of_all_seeds("models/{model}/seed-{seed}/trained.keras"),
            history=of_all_seeds("models/{model}/seed-{seed}/history.csv"),
            summary=of_all_seeds("models/{model}/seed-{seed}/summary.txt"),
            size=of_all_seeds("models/{model}/seed-{seed}/size.csv"),
            predictions=of_all_seeds("predictions/{model}/seed-{seed}-training.nc"),
            test_predictions=of_all_seeds("predictions/{model}/seed-{seed}.nc"),
            held_out=HELD_OUT,
        log:
            "<logs>/train_seeds/<experiment>-{model}.log",
        benchmark:
            "<benchmarks>/train_seeds/<experiment>-{model}.tsv"
        params:
            seed=SEEDS,
            hold_out=HOLD_OUT,
            # A seed that is added later is then the only one to be trained.
            keep_checkpoints=True,

    use rule train_seeds as train_wide_seeds with:
        log:
            "<logs>/train_wide_seeds/<experiment>-{model}.log",
        benchmark:
            "<benchmarks>/train_wide_seeds/<experiment>-{model}.tsv"
        wildcard_constraints:
            model=WIDE_MODEL,
        priority: 3

    ruleorder: train_wide_seeds > train_seeds > train_wide_network > train_network
    ruleorder: train_wide_seeds > train_seeds > predict_storms

else:

    use rule train_network as train_held_out with:
        output:
            held_out="<results>/predictions/{model}/held-out.nc",
        log:
            "<logs>/train_held_out/<experiment>-{model}.log",
        cache: CACHE
        params:
            seed=[],
            hold_out=HOLD_OUT,

    ruleorder: train_wide_network > train_network


# The file that leaves the workflow: the network, how forecasts recalibrate its probabilities, and
# at which of these to act.
rule recalibrate_network:
    input:
        trained="<results>/models/{model}/seed-{seed}/trained.keras",
        held_out=HELD_OUT,
    output:
        network="<results>/models/{model}/seed-{seed}/network.keras",
    log:
        "<logs>/recalibrate_network/<experiment>-{model}-{seed}.log",
    benchmark:
        "<benchmarks>/recalibrate_network/<experiment>-{model}-{seed}.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("recalibrate_networks"),
        models=lambda wildcards: [wildcards.model],
        recalibration=RECALIBRATION,
        cost_loss=config["decisions"]["cost_loss"],
    script:
        "../scripts/recalibrate_networks.py"


if SEEDS_TOGETHER:

    use rule recalibrate_network as recalibrate_networks with:
        input:
            trained=networks_of("trained.keras"),
            held_out=expand(HELD_OUT, model=MODELS),
        output:
            network=networks_of("network.keras"),
        log:
            "<logs>/recalibrate_networks/<experiment>.log",
        benchmark:
            "<benchmarks>/recalibrate_networks/<experiment>.tsv"
        params:
            models=[model for model in MODELS for _ in SEEDS],

    ruleorder: recalibrate_networks > recalibrate_network


# How a network sees its training storms, for the similar storms of its forecasts.
rule embed_storms:
    input:
        network="<results>/models/{model}/seed-{seed}/network.keras",
        patches=patches_of(TRAINING_BATCHES),
    output:
        training_storms="<results>/models/{model}/seed-{seed}/training_storms.nc",
    log:
        "<logs>/embed_storms/<experiment>-{model}-{seed}.log",
    benchmark:
        "<benchmarks>/embed_storms/<experiment>-{model}-{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("embed_storms"),
        threads=config["training"]["threads"],
    script:
        "../scripts/embed_storms.py"


rule similar_storms:
    input:
        expand(
            "<results>/models/{model}/seed-{seed}/training_storms.nc",
            model=config["forecast"]["model"],
            seed=config["forecast"]["seed"],
        ),
    localrule: True
