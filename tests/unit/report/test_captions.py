from __future__ import annotations

from pathlib import Path

from stormcnn.report.captions import write_captions

CAPTIONS = Path(__file__).parents[3] / "report" / "captions"
OTHERS = {"comparison.rst", "report.rst", "workflow.rst"}


def test_captions_are_those_of_the_registry(tmp_path):
    write_captions(tmp_path)
    generated = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in CAPTIONS.glob("*.rst")}
    assert {name: text for name, text in committed.items() if name not in OTHERS} == generated
