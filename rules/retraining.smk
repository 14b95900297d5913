# Compare a newly trained network with the champion. ops/retrain requests the decision and applies
# it to the registry.

CHALLENGER = "{model}/seed-{seed}".format(**config["retraining"])


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
        network=f"<results>/models/{CHALLENGER}/network.keras",
        training=f"<results>/predictions/{CHALLENGER}-training.nc",
        challenger=f"<results>/predictions/{CHALLENGER}.nc",
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
            "model": config["retraining"]["model"],
            "seed": config["retraining"]["seed"],
            "cutoff": TEST_START,
            "event": EVENT,
            "predictors": config["data"]["predictors"],
        },
        verification=config["verification"],
    script:
        "../scripts/judge_challenger.py"
