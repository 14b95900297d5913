from __future__ import annotations

import pandas as pd
from report_files import SIZE, TITLES, score_rows

from stormcnn.report.comparison import compare_models
from stormcnn.report.model_tables import model_table


def test_comparison_has_one_row_per_model_with_all_scores():
    histories = {
        (model, seed): pd.DataFrame({"epoch": [1, 2], "loss": 0.1, "seconds": [2.0, 1.0 + seed]})
        for model in TITLES
        for seed in (0, 4)
    }
    wide = SIZE.assign(trainable_parameters=66337)
    sizes = dict.fromkeys(histories, SIZE) | {
        ("dropout", 0): wide.assign(small_weight_share=0.025),
        ("dropout", 4): wide,
    }
    scores = pd.concat(
        [
            score_rows(),
            score_rows(period="train", value=0.5),
            score_rows("dropout").assign(
                value=lambda rows: rows["value"].where(rows["score"] != "auc", 0.95)
            ),
            score_rows("dropout", stratum="month=5", value=0.1),
            score_rows("dropout", "mc_mean", value=0.2),
        ]
    )
    table = compare_models(scores, TITLES, histories, sizes).set_index("model")
    assert table["title"].to_dict() == TITLES
    assert table["trainable_parameters"].tolist() == [17169, 66337]
    assert table["training_seconds"].tolist() == [5.0, 5.0]
    assert table["small_weight_share"].tolist() == [0.125, 0.075]
    assert table.loc["dropout", ["auc", "auc_low", "auc_high"]].tolist() == [0.95, 0.89, 0.91]
    assert table["brier_skill_score"].tolist() == [0.4, 0.4]


def test_model_of_several_seeds_is_compared_by_its_mean_over_seeds():
    joint = score_rows(forecast="seed_mean", seed="all", value=0.8)
    mean = score_rows(seed="mean", value=0.7)
    scores = pd.concat([score_rows(seed=0), score_rows(seed=1), joint, mean])
    history = pd.DataFrame({"seconds": [1.0]})
    table = compare_models(
        scores,
        {"baseline": "Baseline"},
        {("baseline", 0): history, ("baseline", 1): history},
        {("baseline", 0): SIZE, ("baseline", 1): SIZE},
    )
    assert table[["forecast", "seed", "auc"]].to_numpy().tolist() == [["single", "mean", 0.7]]


def test_logistic_regression_has_one_parameter_per_coefficient():
    scores = pd.concat([score_rows(), score_rows("logistic")])
    histories = {("baseline", 0): pd.DataFrame({"seconds": [2.0]})}
    table = compare_models(
        scores,
        {"baseline": "Baseline", "logistic": "Logistic regression"},
        histories,
        {("baseline", 0): SIZE},
        {"logistic": pd.DataFrame({"coefficient": [0.1, 0.2, 0.3]})},
    )
    assert table["trainable_parameters"].tolist() == [17169, 3]
    assert table["training_seconds"].tolist()[0] == 2
    row = model_table(table).rows[1]
    assert [cell.text for cell in row] == ["Logistic regression", "3", "–", "–"]


def test_model_without_a_size_leaves_the_sizes_of_others_whole_numbers(tmp_path):
    scores = pd.concat([score_rows(), score_rows("rule")])
    histories = {("baseline", 0): pd.DataFrame({"seconds": [2.0]})}
    titles = {"baseline": "Baseline", "rule": "Rule"}
    table = compare_models(scores, titles, histories, {("baseline", 0): SIZE})
    table.to_csv(tmp_path / "comparison.csv", index=False)
    text = pd.read_csv(tmp_path / "comparison.csv", dtype=str)
    assert text["trainable_parameters"].fillna("").tolist() == ["17169", ""]
    rows = model_table(pd.read_csv(tmp_path / "comparison.csv")).rows
    assert [row[1].text for row in rows] == ["17,169", "–"]
