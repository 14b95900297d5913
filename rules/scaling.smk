# The scaling of the predictors, fitted to the training period only.


rule fit_scaling:
    input:
        statistics=expand("<data>/statistics/{batch}.csv", batch=TRAINING_BATCHES),
        inventories=expand("<data>/inventory/{batch}.csv", batch=TRAINING_BATCHES),
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
