# Why the networks forecast what they do: permutation importance, attributions and their tests.

if EXPLAINED_MODELS:

    # One job explains the networks of all seeds, so that storms and permutations are the same.
    rule explain_networks:
        input:
            networks=of_all_seeds("models/{model}/seed-{seed}/trained.keras"),
            patches=patches_of(TEST_BATCHES),
            predictions=f"<results>/predictions/{{model}}/seed-{SEEDS[0]}.nc",
        output:
            explained=of_all_seeds("explanations/{model}/seed-{seed}.nc"),
            permuted=of_all_seeds("explanations/{model}/seed-{seed}-permuted.nc"),
        log:
            "<logs>/explain_networks/<experiment>-{model}.log",
        benchmark:
            "<benchmarks>/explain_networks/<experiment>-{model}.tsv"
        priority: 1
        conda:
            "../envs/train.yaml"
        threads: config["training"]["threads"]
        resources:
            mem_mb=growing(4000),
            runtime=growing(120),
        params:
            code=code("explain_networks"),
            model="{model}",
            seeds=SEEDS,
            cases=lambda wildcards: (
                {key: CASES[key] for key in ("count", "storms")}
                if wildcards.model in CASE_MODELS
                else {"count": 0, "storms": []}
            ),
            explanation={
                key: EXPLANATION[key]
                for key in ("storms", "steps", "members", "permutation")
            },
            block=config["verification"]["block"],
            # Where the fields are held changes no result.
            memory_mb=lambda wildcards, resources: config["training"]["memory_mb"],
        script:
            "../scripts/explain_networks.py"

    rule score_explanations:
        input:
            explained=expand(
                "<results>/explanations/{model}/seed-{seed}.nc",
                model=EXPLAINED_MODELS,
                seed=SEEDS,
            ),
            permuted=expand(
                "<results>/explanations/{model}/seed-{seed}-permuted.nc",
                model=EXPLAINED_MODELS,
                seed=SEEDS,
            ),
            truth=TRUTH,
        output:
            permutation="<results>/explanations/permutation.csv",
            checks="<results>/explanations/checks.csv",
            storms=expand(
                "<results>/explanations/{model}/storms.nc", model=EXPLAINED_MODELS
            ),
        log:
            "<logs>/score_explanations/<experiment>.log",
        benchmark:
            "<benchmarks>/score_explanations/<experiment>.tsv"
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            code=code("score_explanations"),
            models=EXPLAINED_MODELS,
            verification=config["verification"],
        script:
            "../scripts/score_explanations.py"
