# The scaling of the predictors, fitted to the training period only.


rule fit_scaling:
    input:
        statistics=lambda wildcards: expand(
            "<data>/statistics/{batch}.csv", batch=training_batches()
        ),
        inventories=lambda wildcards: expand(
            "<data>/inventory/{batch}.csv", batch=training_batches()
        ),
    output:
        scaling="<results>/scaling.csv",
    log:
        "<logs>/fit_scaling/<experiment>.log",
    cache: CACHE
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        code=code("fit_scaling"),
        predictors=config["data"]["predictors"],
        before=TEST_START,
        cache_key=cache_key,
    script:
        "../scripts/fit_scaling.py"
