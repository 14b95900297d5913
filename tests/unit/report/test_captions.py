from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from xml.etree.ElementTree import fromstring

import pytest
from config_helpers import assert_refused, load
from docutils.core import publish_parts
from jinja2 import Template

from stormcnn.report.captions import write_captions

CAPTIONS = Path(__file__).parents[3] / "report" / "captions"
OTHERS = {"comparison.rst", "report.rst", "workflow.rst"}


def test_captions_are_those_of_the_registry(tmp_path):
    write_captions(tmp_path)
    generated = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in CAPTIONS.glob("*.rst")}
    assert {name: text for name, text in committed.items() if name not in OTHERS} == generated


@pytest.mark.parametrize(
    "target", ["RVORT1_MAX_future", "a_ *b* |c| <d>_ [1]_ :e: ..", "Größe (%)"]
)
def test_target_is_shown_as_it_is(target):
    config = load({"experiment": {"name": "mine"}, "data": folder_data(target)})
    caption = Template((CAPTIONS / "workflow.rst").read_text(encoding="utf-8"))
    text = caption.render(snakemake=SimpleNamespace(config=config))
    body = publish_parts(text, writer="html5")["body"]
    element = fromstring(f"<div>{body}</div>").find(".//span[@class='docutils literal']")
    assert "".join(element.itertext()) == target
    assert "system-message" not in body


@pytest.mark.parametrize(
    ("target", "lead", "said"),
    [
        ("RVORT1_MAX_future", None, " 0.005 within the next hour."),
        ("RVORT1_MAX_future", "within an hour", " 0.005 within an hour."),
        ("Max_Hail_Size", None, " 0.005."),
    ],
)
def test_next_hour_is_named_only_if_the_event_is_in_it(target, lead, said):
    changes = {"data": folder_data(target), "event": {"lead": lead}}
    config = load(changes | {"experiment": {"name": "mine"}})
    caption = Template((CAPTIONS / "workflow.rst").read_text(encoding="utf-8"))
    assert said in caption.render(snakemake=SimpleNamespace(config=config))


@pytest.mark.parametrize(
    "target", ["a\n\n.. raw:: html\n\n   <script>", "a`` `b <javascript:c>`_ ``d", "a\\", "a "]
)
def test_target_that_ends_the_literal_text_is_refused(target):
    assert_refused({"data": folder_data(target)}, "data.target", "printable")


def folder_data(target):
    return {"name": "mine", "source": "folder", "folder": "runs", "target": target}
