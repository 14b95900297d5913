# Figures, the comparison of the models, and the report.

PUBLISHED = {
    # Published numbers are comparable only with results for the same data.
    name: [shipped(f"report/{name}.csv")] if SOURCE == "ncar" else []
    for name in ("published_scores", "published_losses")
}


COEFFICIENTS = (
    [f"<results>/models/{LOGISTIC_REGRESSION}/coefficients.csv"]
    if LOGISTIC_REGRESSION in OPPONENTS
    else []
)


rule draw_training:
    input:
        histories=expand(
            "<results>/models/{model}/seed-{seed}/history.csv",
            model=MODELS,
            seed=SEEDS,
        ),
        published=PUBLISHED["published_losses"],
        inventory="<data>/inventory.csv",
    output:
        figure_files("training_curves", "Training"),
    log:
        "<logs>/draw_training/<experiment>.log",
    benchmark:
        "<benchmarks>/draw_training/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("draw_training"),
        networks=[[model, seed] for model in MODELS for seed in SEEDS],
        titles=TITLES,
    script:
        "../scripts/draw_training.py"


rule draw_regularization:
    input:
        scores="<results>/verification/scores.csv",
        networks=expand(
            "<results>/models/{model}/seed-{seed}/network.keras",
            model=MODELS,
            seed=SEEDS,
        ),
        inventory="<data>/inventory.csv",
    output:
        figure_files("regularization", "Training"),
    log:
        "<logs>/draw_regularization/<experiment>.log",
    benchmark:
        "<benchmarks>/draw_regularization/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("draw_regularization"),
        networks=[[model, seed] for model in MODELS for seed in SEEDS],
        titles=TITLES,
    script:
        "../scripts/draw_regularization.py"


rule draw_verification:
    input:
        scores="<results>/verification/scores.csv",
        differences="<results>/verification/differences.csv",
        roc="<results>/verification/roc.csv",
        reliability="<results>/verification/reliability.csv",
        performance="<results>/verification/performance.csv",
        decisions="<results>/verification/decisions.csv",
        economic_value="<results>/verification/economic_value.csv",
        published=PUBLISHED["published_scores"],
        inventory="<data>/inventory.csv",
    output:
        figure_files("differences", "Verification"),
        figure_files("scores", "Verification"),
        figure_files("roc", "Verification"),
        figure_files("reliability", "Verification"),
        figure_files("recalibration", "Verification"),
        figure_files("performance", "Verification"),
        figure_files("strata", "Verification"),
        figure_files("economic_value", "Verification"),
        figure_files("decisions", "Verification"),
    log:
        "<logs>/draw_verification/<experiment>.log",
    benchmark:
        "<benchmarks>/draw_verification/<experiment>.tsv"
    priority: 1
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("draw_verification"),
        titles=TITLES,
    script:
        "../scripts/draw_verification.py"


rule draw_uncertainty:
    input:
        scores="<results>/uncertainty/scores.csv",
        spread_skill="<results>/uncertainty/spread_skill.csv",
        discard="<results>/uncertainty/discard.csv",
        counts="<results>/uncertainty/counts.csv",
        inventory="<data>/inventory.csv",
    output:
        figure_files("entropy", "Uncertainty"),
        figure_files("spread_skill", "Uncertainty"),
        figure_files("discard", "Uncertainty"),
        figure_files("counts", "Uncertainty"),
    log:
        "<logs>/draw_uncertainty/<experiment>.log",
    benchmark:
        "<benchmarks>/draw_uncertainty/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("draw_uncertainty"),
        titles=TITLES,
    script:
        "../scripts/draw_uncertainty.py"


rule draw_cases:
    input:
        cases="<results>/uncertainty/{model}/seed-{seed}/cases.nc",
    output:
        figure_files(
            "cases-{model}-{seed}",
            "Uncertainty",
            shown="png",
            model="{model}",
            seed="{seed}",
        ),
    log:
        "<logs>/draw_cases/<experiment>-{model}-{seed}.log",
    benchmark:
        "<benchmarks>/draw_cases/<experiment>-{model}-{seed}.tsv"
    priority: 1
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("draw_cases"),
    script:
        "../scripts/draw_cases.py"


if EXPLAINED_MODELS:

    rule draw_explanations:
        input:
            permutation="<results>/explanations/permutation.csv",
            storms=expand(
                "<results>/explanations/{model}/storms.nc", model=EXPLAINED_MODELS
            ),
            inventory="<data>/inventory.csv",
        output:
            figure_files("importance", "Explanation"),
            *(
                figure_files(
                    f"attributions-{model}", "Explanation", shown="png", model=model
                )
                for model in EXPLAINED_MODELS
            ),
        log:
            "<logs>/draw_explanations/<experiment>.log",
        benchmark:
            "<benchmarks>/draw_explanations/<experiment>.tsv"
        priority: 1
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            code=code("draw_explanations"),
            titles=TITLES,
        script:
            "../scripts/draw_explanations.py"


rule draw_dropout:
    output:
        figure_files("dropout_masks", "Training", shown="png"),
    log:
        "<logs>/draw_dropout/<experiment>.log",
    benchmark:
        "<benchmarks>/draw_dropout/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("draw_dropout"),
    script:
        "../scripts/draw_dropout.py"


rule compare_models:
    input:
        scores="<results>/verification/scores.csv",
        histories=expand(
            "<results>/models/{model}/seed-{seed}/history.csv",
            model=MODELS,
            seed=SEEDS,
        ),
        sizes=expand(
            "<results>/models/{model}/seed-{seed}/size.csv",
            model=MODELS,
            seed=SEEDS,
        ),
        coefficients=COEFFICIENTS,
    output:
        comparison=report(
            "<results>/comparison.csv",
            caption="../report/captions/comparison.rst",
            category="Comparison",
            labels={"table": "All models"},
        ),
    log:
        "<logs>/compare_models/<experiment>.log",
    benchmark:
        "<benchmarks>/compare_models/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("compare_models"),
        networks=[[model, seed] for model in MODELS for seed in SEEDS],
        fitted=[LOGISTIC_REGRESSION] if COEFFICIENTS else [],
        titles=TITLES,
    script:
        "../scripts/compare_models.py"


rule write_config:
    output:
        config="<results>/config.yaml",
    log:
        "<logs>/write_config/<experiment>.log",
    benchmark:
        "<benchmarks>/write_config/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("write_config"),
        config=config | {"models": config["models"] | LEFT_OUT},
    script:
        "../scripts/write_config.py"


FIGURES = ["differences", "roc", "reliability", "performance", "recalibration"]
FIGURES += ["regularization", "training_curves", "scores", "strata"]
FIGURES += ["economic_value", "decisions"]
UNCERTAINTY_TABLES = []
if SAMPLED_MODELS:
    FIGURES += ["counts", "spread_skill", "discard", "entropy"]
    UNCERTAINTY_TABLES += ["scores", "spread_skill", "discard", "counts"]
if REPORTS:
    FIGURES += ["observed"]
if config["tuning"]["report"]:
    FIGURES += ["rate_sweep"]
if EXPLAINED_MODELS:
    FIGURES += ["importance"]


rule write_report:
    input:
        template=shipped("report/report.html.jinja"),
        style=TEMPLATE_FILES,
        config="<results>/config.yaml",
        comparison="<results>/comparison.csv",
        scores="<results>/verification/scores.csv",
        differences="<results>/verification/differences.csv",
        roc="<results>/verification/roc.csv",
        reliability="<results>/verification/reliability.csv",
        performance="<results>/verification/performance.csv",
        thresholds="<results>/verification/thresholds.csv",
        economic_value="<results>/verification/economic_value.csv",
        decisions="<results>/verification/decisions.csv",
        recalibration="<results>/verification/recalibration.csv",
        inventory="<data>/inventory.csv",
        histories=expand(
            "<results>/models/{model}/seed-{seed}/history.csv",
            model=MODELS,
            seed=SEEDS,
        ),
        summaries=expand(
            "<results>/models/{model}/seed-{seed}/summary.txt",
            model=MODELS,
            seed=SEEDS,
        ),
        predictions=predictions_of() + predictions_of_opponents(),
        training=predictions_of("-training", MODELS[:1], SEEDS[:1])[0],
        patches=patches_of(TEST_BATCHES),
        uncertainty=expand(
            "<results>/uncertainty/{table}.csv", table=UNCERTAINTY_TABLES
        ),
        members=members_of_storms(),
        cases=expand(CASE_STUDIES, model=CASE_MODELS),
        figures=expand("<results>/figures/{figure}.svg", figure=FIGURES),
        pictures=expand(
            "<results>/figures/cases-{model}-{seed}.png",
            model=CASE_MODELS,
            seed=SEEDS[:1],
        )
        + expand("<results>/figures/attributions-{model}.png", model=EXPLAINED_MODELS)
        + ["<results>/figures/dropout_masks.png"],
        explanations=(
            expand(
                "<results>/explanations/{table}.csv", table=["permutation", "checks"]
            )
            if EXPLAINED_MODELS
            else []
        ),
        explained=expand(
            "<results>/explanations/{model}/storms.nc", model=EXPLAINED_MODELS
        ),
        tuning=(
            expand("<results>/tuning/{table}.csv", table=["choice", "scores"])
            if config["tuning"]["report"]
            else []
        ),
        observed=(
            ["<results>/observations.nc"]
            + expand(
                "<results>/verification/observed_{table}.csv", table=OBSERVED_TABLES
            )
            if REPORTS
            else []
        ),
        published=PUBLISHED["published_scores"],
        coefficients=COEFFICIENTS,
    output:
        report=report(
            "<results>/report.html",
            caption="../report/captions/report.rst",
            category="Comparison",
            labels={"table": "Full report"},
        ),
        summary="<results>/summary.txt",
    log:
        "<logs>/write_report/<experiment>.log",
    benchmark:
        "<benchmarks>/write_report/<experiment>.tsv"
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("write_report"),
        experiment=config["experiment"]["name"],
        event=DESCRIBED_EVENT,
        networks=[[model, seed] for model in MODELS for seed in SEEDS],
        verification=config["verification"],
        explored=config["report"]["storms"],
        # A function, because Snakemake takes the braces of file patterns for wildcards.
        file_pattern=lambda wildcards: config["data"]["file_pattern"],
        recipe=config["training"]["recipe"],
    script:
        "../scripts/write_report.py"
