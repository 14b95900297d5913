"""Tables of the results keep the names of models."""

import pandas as pd
import pytest
from report_files import SIZE, score_rows

from scripts.compare_models import compare_models
from stormcnn.io import write_csv
from stormcnn.report.reading import read_table

NAMES = ["2011", "010", "1e3", "NA", "None", "true"]


@pytest.mark.parametrize("name", NAMES)
def test_name_is_read_as_it_was_written(tmp_path, name):
    table = pd.DataFrame({"model": name, "reference": None, "seed": [1], "value": [float("nan")]})
    write_csv(table, tmp_path / "table.csv")
    read = read_table(tmp_path / "table.csv", seed=str)
    assert read["model"].tolist() == [name]
    assert read["seed"].tolist() == ["1"]
    assert read[["reference", "value"]].isna().all(axis=None)


def test_models_with_any_names_are_compared(tmp_path):
    write_csv(pd.concat(map(score_rows, NAMES)), tmp_path / "scores.csv")
    write_csv(SIZE, tmp_path / "size.csv")
    write_csv(pd.DataFrame({"epoch": [1], "seconds": [2.0]}), tmp_path / "history.csv")
    networks = [(name, 0) for name in NAMES]
    compare_models(
        scores=str(tmp_path / "scores.csv"),
        histories=dict.fromkeys(networks, str(tmp_path / "history.csv")),
        sizes=dict.fromkeys(networks, str(tmp_path / "size.csv")),
        coefficients={},
        titles=dict(zip(NAMES, NAMES, strict=True)),
        output=str(tmp_path / "comparison.csv"),
    )
    table = read_table(tmp_path / "comparison.csv")
    assert table["model"].tolist() == table["title"].tolist() == NAMES
    assert table["auc"].notna().all()
