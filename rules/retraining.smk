# Compare newly trained networks with the champion. ops/retrain requests the decision and applies it
# to the registry.

CANDIDATES = {key: config["retraining"][key] for key in ("models", "seeds")}


use rule predict_storms as predict_champion with:
    input:
        network=lambda wildcards: champion_network(),
        patches=patches_of(TEST_BATCHES),
    output:
        predictions="<results>/retraining/champion.nc",
    log:
        "<logs>/predict_champion/<experiment>.log",
    benchmark:
        "<benchmarks>/predict_champion/<experiment>.tsv"
    params:
        model="champion",
        seed=0,


rule judge_challenger:
    input:
        networks=networks_of("network.keras", **CANDIDATES),
        # If the challenger is promoted, the registry keeps this file, too.
        training_storms=networks_of("training_storms.nc", **CANDIDATES),
        training=predictions_of("-training", **CANDIDATES),
        candidates=predictions_of(**CANDIDATES),
        champion=lambda wildcards: (
            ["<results>/retraining/champion.nc"] if champion() else []
        ),
    output:
        decision="<results>/retraining/decision.json",
        scores="<results>/retraining/scores.csv",
        differences="<results>/retraining/differences.csv",
    log:
        "<logs>/judge_challenger/<experiment>.log",
    benchmark:
        "<benchmarks>/judge_challenger/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("judge_challenger"),
        champion=lambda wildcards: champion(),
        about={
            "training_start": config["split"]["training_start"],
            "cutoff": TEST_START,
            "event": EVENT,
            "predictors": config["data"]["predictors"],
        },
        verification=config["verification"],
    script:
        "../scripts/judge_challenger.py"


# Monitoring: ops/retrain requests it with the cutoff of the champion as split.test_start.


rule summarize_champion:
    input:
        network=lambda wildcards: champion_network(),
        patches=patches_of(TRAINING_BATCHES),
        scaling="<results>/scaling.csv",
    output:
        summaries="<results>/monitoring/training.csv",
    log:
        "<logs>/summarize_champion/<experiment>.log",
    benchmark:
        "<benchmarks>/summarize_champion/<experiment>.tsv"
    conda:
        "../envs/train.yaml"
    threads: config["training"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("summarize_champion"),
        threshold=config["event"]["threshold"],
        threads=config["training"]["threads"],
    script:
        "../scripts/summarize_champion.py"


use rule summarize_champion as summarize_recent with:
    input:
        network=lambda wildcards: champion_network(),
        patches=patches_of(TEST_BATCHES),
        scaling="<results>/scaling.csv",
    output:
        summaries="<results>/monitoring/recent.csv",
    log:
        "<logs>/summarize_recent/<experiment>.log",
    benchmark:
        "<benchmarks>/summarize_recent/<experiment>.tsv"


rule monitor_champion:
    input:
        training="<results>/monitoring/training.csv",
        recent="<results>/monitoring/recent.csv",
    output:
        runs="<results>/monitoring/runs.csv",
    log:
        "<logs>/monitor_champion/<experiment>.log",
    benchmark:
        "<benchmarks>/monitor_champion/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("monitor_champion"),
        champion=lambda wildcards: champion(),
        scored_until=lambda wildcards: scored_until(champion()),
        window=config["monitoring"]["window"],
        verification=config["verification"],
    script:
        "../scripts/monitor_champion.py"
