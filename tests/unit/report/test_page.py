from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from report_files import (
    HOSTILE,
    SUMMARY,
    case_file,
    decision_rows,
    difference_row,
    difference_rows,
    rates_tried,
    sampled,
    score_rows,
    uncertainty_rows,
    write_experiment,
    write_storms,
)

from stormcnn.errors import UserError
from stormcnn.report.labels import FIGURES, PUBLISHED_SOURCES
from stormcnn.report.page import ReportInputs, write_report
from stormcnn.verification.shared_storms import SharedStorms

PUBLISHED = Path(__file__).parents[3] / "report" / "published_scores.csv"


@pytest.fixture(scope="module")
def storm_files(tmp_path_factory):
    return write_storms(tmp_path_factory.mktemp("storms"))


@pytest.fixture
def files(tmp_path, storm_files):
    """The arguments of `ReportInputs` for a small experiment."""
    return write_experiment(tmp_path) | storm_files


class Page(HTMLParser):
    """Tags of a page with their attributes, and its texts by section."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.sections = {"": []}
        self.section = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "section":
            self.section = attributes["aria-labelledby"]
            self.sections[self.section] = []

    def handle_data(self, data):
        self.sections[self.section].append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def text_of(self, section):
        return " ".join(text for text in self.sections[section] if text)

    @property
    def text(self):
        return " ".join(map(self.text_of, self.sections))


def write(tmp_path, files, **changes):
    write_report(tmp_path / "report.html", ReportInputs(**(files | changes)))
    return (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shared_files(tmp_path_factory, storm_files):
    """The same arguments, for tests that change no file."""
    return write_experiment(tmp_path_factory.mktemp("experiment")) | storm_files


@pytest.fixture(scope="module")
def html(tmp_path_factory, shared_files):
    """The report of the small experiment."""
    return write(tmp_path_factory.mktemp("report"), shared_files)


@pytest.mark.slow
def test_verdicts_on_recalibration_are_given(tmp_path, files):
    gains = {"model": "baseline", "method": "intercept", "log_score_gain": 0.02, "low": 0.01}
    gains |= {"high": 0.03, "p_value": 0.001, "blocks": 20}
    pd.DataFrame([gains]).to_csv(tmp_path / "recalibration.csv", index=False)
    page = Page(write(tmp_path, files, recalibration=tmp_path / "recalibration.csv"))
    assert "intercept recalibration helps Baseline" in page.text_of("summary")


@pytest.mark.slow
def test_decisions_are_those_of_the_recommended_model(tmp_path, files):
    rows = [decision_rows(), decision_rows("dropout", threshold=0.3, chosen_on="training")]
    pd.concat(rows).to_csv(tmp_path / "decisions.csv", index=False)
    page = Page(write(tmp_path, files, decisions=tmp_path / "decisions.csv"))
    first, section = page.text_of("summary"), page.text_of("decisions")
    assert "71 % (63 to 78)" in first
    assert "5 % of the loss" in section
    assert "for Spatial dropout, too few storms were held out" in section
    assert "18 %" in section
    assert "30 %" in section


def test_first_screen_has_the_verdict_three_facts_and_the_size_of_the_sample(html):
    page = Page(html)
    summary = page.text_of("summary")
    assert "Spatial dropout is better" not in summary.split("trained networks only")[1]
    for fact in ("Spatial dropout", "40,000", "2,000 (5.0 %)", "36 days", "trained networks only"):
        assert fact in summary
    assert len(page.all("dt")) >= 8
    assert "+0.020" in page.text_of("differences")


def test_too_few_blocks_are_named_on_the_first_screen(tmp_path, files):
    scores = pd.concat([score_rows(blocks=6), score_rows("dropout", blocks=6)])
    scores.to_csv(files["scores"], index=False)
    difference_rows(blocks=6).to_csv(files["differences"], index=False)
    page = Page(write(tmp_path, files))
    assert "No claim is possible" in page.text_of("summary")
    assert "6 days" in page.text_of("summary")
    assert {item.get("class") for item in page.all("li")} <= {"none", "worse", "better", None}


def test_one_block_has_no_intervals(tmp_path, files):
    nothing = {"low": np.nan, "high": np.nan, "runs": 1, "blocks": 1}
    scores = pd.concat([score_rows(**nothing), score_rows("dropout", **nothing)])
    scores.to_csv(files["scores"], index=False)
    rows = difference_rows(low=np.nan, high=np.nan, p_value=np.nan, p_holm=np.nan, blocks=1)
    rows.to_csv(files["differences"], index=False)
    page = Page(write(tmp_path, files))
    assert "no interval can be computed" in page.text_of("differences")
    assert "nan" not in page.text_of("summary") + page.text_of("differences")


@pytest.mark.slow
def test_text_from_files_is_escaped(tmp_path, files):
    comparison = pd.read_csv(files["comparison"])
    comparison["title"] = [HOSTILE, "Spatial dropout"]
    comparison.to_csv(files["comparison"], index=False)
    inventory = pd.read_csv(files["inventory"])
    inventory["reason"] = HOSTILE
    inventory["file"] = f"runs/{HOSTILE}.nc"
    inventory.to_csv(files["inventory"], index=False)
    files["config"].write_text(HOSTILE)
    for summary in files["summaries"].values():
        summary.write_text(SUMMARY + HOSTILE)
    event = files["event"]._replace(title=HOSTILE, condition=HOSTILE)
    text = write(tmp_path, files, experiment=HOSTILE, event=event)
    assert "<script>alert" not in text
    scripts = [attributes for tag, attributes in Page(text).tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "explorer-data"}, {}]


def test_page_requests_nothing_from_the_network(html):
    page = Page(html)
    addresses = [
        attributes[name]
        for _, attributes in page.tags
        for name in ("src", "href", "srcset", "action", "data")
        if name in attributes
    ]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}


def test_page_permits_only_its_own_style_and_script(html):
    policy = next(meta["content"] for meta in Page(html).all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_equal_files_give_equal_reports(tmp_path, html, shared_files):
    assert write(tmp_path, shared_files) == html


def test_contents_link_to_every_section(html):
    page = Page(html)
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    targets = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")}
    sections = {attributes["aria-labelledby"] for attributes in page.all("section")}
    # The contents follow the summary, which is the first screen.
    assert sections - {"summary"} <= targets <= set(names)


def test_differences_in_minor_scores_are_folded(tmp_path, files):
    two = [difference_rows(), difference_row(score="murphy_resolution", difference=0.0012)]
    pd.concat(two).to_csv(files["differences"], index=False)
    text = write(tmp_path, files)
    shown, main, minor, *_ = text[text.index('id="differences"') :].split("<details>")
    assert "+0.020" in shown
    assert ["+0.00120" in part for part in (shown, main, minor)] == [False, False, True]
    assert "+0.020" in main
    assert "+0.020" not in minor.partition("</details>")[0]


def test_report_of_made_up_data_says_so_at_the_top(tmp_path, files, html):
    assert "Made-up data." not in html
    page = write(tmp_path, files, made_up=True)
    assert page.index("Made-up data.") < page.index("Summary")


def test_storms_that_several_blocks_forecast_are_named_at_the_top(tmp_path, files, html):
    assert "count more than once" not in html
    shared = SharedStorms(storms=24, by_blocks=9, by_training=3)
    page = write(tmp_path, files, shared_storms=shared)
    assert page.index("9 of the 24 test storms") < page.index("Summary")
    assert page.index("3 of the 24 test storms") < page.index("Summary")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["lesson", "fast"])
def test_report_names_the_recipe_of_the_training(tmp_path, files, recipe):
    page = Page(write(tmp_path, files, recipe=recipe))
    assert f"trained with the recipe {recipe}" in page.text_of("regularization")


def test_published_scores_are_shown_next_to_ours(tmp_path, files, html):
    lesson = PUBLISHED_SOURCES["lesson"]
    assert lesson not in Page(html).text_of("differences")
    text = Page(write(tmp_path, files, published=PUBLISHED)).text_of("differences")
    assert lesson in text
    assert re.search(r"Spatial dropout Brier skill score 0\.400 \(.*?\) 0\.410 0\.439", text)
    assert re.search(r"Baseline Brier skill score 0\.400 \(.*?\) – 0\.413", text)
    assert "Gagne (2019)" in text


def test_published_scores_are_refused_for_made_up_data(tmp_path, files):
    with pytest.raises(UserError, match=PUBLISHED.name):
        write(tmp_path, files, made_up=True, published=PUBLISHED)


def test_missing_parts_are_replaced_by_a_sentence(tmp_path, files):
    difference_row(forecast="isotonic").to_csv(files["differences"], index=False)
    page = Page(write(tmp_path, files))
    assert "Only one network was verified" in page.text_of("summary")
    assert "No networks were compared" in page.text_of("differences")
    assert "Monte Carlo dropout was not run" in page.text_of("uncertainty")
    assert "No case studies" in page.text_of("cases")
    assert "Discard test" not in page.text_of("methods")
    assert "dropout rate" not in page.text


@pytest.mark.slow
def test_uncertainty_and_cases_are_shown(tmp_path, files):
    uncertainty_rows().to_csv(tmp_path / "u.csv", index=False)
    case_file().to_netcdf(tmp_path / "cases.nc")
    sampled().to_netcdf(tmp_path / "storms.nc")
    page = Page(
        write(
            tmp_path,
            files,
            uncertainty={"scores": tmp_path / "u.csv"},
            cases=[tmp_path / "cases.nc"],
            members=[tmp_path / "storms.nc"],
        )
    )
    text = page.text_of("uncertainty")
    assert "Mutual information" in text
    assert "too many events" in text
    row = "Spatial dropout, seed 0 985 2016-06-22 23 UTC yes 0.300 0.400 0.200"
    assert row in page.text_of("cases")
    assert "Discard test" in page.text_of("methods")
    assert "the Monte Carlo mean of Spatial dropout" in page.text_of("explorer")


def test_figures_are_in_their_section_with_title_and_caption(tmp_path, files):
    figures = [tmp_path / name for name in ("roc.png", "cases-wide-2-0.png")]
    for figure in figures:
        Image.new("RGB", (4, 4)).save(figure)
    case_file().assign_attrs(model="wide-2").to_netcdf(tmp_path / "cases.nc")
    for name in ("comparison", "scores", "differences"):
        table = pd.read_csv(files[name]).replace({"model": {"dropout": "wide-2"}})
        table.to_csv(files[name], index=False)
    page = Page(write(tmp_path, files, figures=figures, cases=[tmp_path / "cases.nc"]))
    images = page.all("img")
    roc, case = (image["alt"] for image in images)
    assert roc.startswith(f"{FIGURES['roc'].title}. Area under the ROC curve: ")
    assert "Spatial dropout 0.900" in roc
    assert case.startswith(f"{FIGURES['cases'].title}, Spatial dropout, seed 0. ")
    content = base64.b64decode(images[0]["src"].removeprefix("data:image/png;base64,"))
    assert content == figures[0].read_bytes()
    assert FIGURES["roc"].caption in page.text_of("calibration")
    assert FIGURES["cases"].caption in page.text_of("cases")


@pytest.mark.parametrize("kind", ["training_curves", "dropout_masks", "rate_sweep", "cases"])
def test_captions_of_other_storms_do_not_give_the_size_of_the_test_period(tmp_path, files, kind):
    figure = tmp_path / f"{kind}.svg"
    figure.write_text("<svg/>")
    rates_tried().to_csv(tmp_path / "choice.csv", index=False)
    case_file().to_netcdf(tmp_path / "cases.nc")
    shown = {"tuning": {"choice": tmp_path / "choice.csv"}, "cases": [tmp_path / "cases.nc"]}
    text = write(tmp_path, files, figures=[figure], **shown)
    (caption,) = re.findall(r"<figcaption>(.*?)</figcaption>", text)
    assert "40,000" not in caption


@pytest.mark.slow
def test_captions_give_the_sample_the_kind_of_interval_and_the_family(tmp_path, files):
    figures = [tmp_path / f"{name}.svg" for name in ("differences", "roc", "regularization")]
    for figure in figures:
        figure.write_text("<svg/>")
    text = write(tmp_path, files, figures=figures, resamples=500, block="run")
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text)
    sample = "40,000 storms, 2,000 events, 36 forecast runs"
    assert all(sample in caption for caption in captions)
    assert ["95 %, from 500 resamples of forecast runs" in caption for caption in captions] == [
        True,
        True,
        False,
    ]
    assert ["correction for 1 comparison of networks" in caption for caption in captions] == [
        True,
        False,
        False,
    ]


@pytest.mark.slow
def test_choice_of_the_dropout_rate_is_described(tmp_path, files):
    rates_tried().to_csv(tmp_path / "choice.csv", index=False)
    html = write(tmp_path, files, tuning={"choice": tmp_path / "choice.csv"})
    page = Page(html)
    assert "0.4, should be changed" in page.text_of("regularization")
    row = "0.1 0.1000 0.0000 0.0000 2.000 0.800 0.100 yes lowest log score"
    assert row in page.text_of("regularization")
    assert HOSTILE not in html
    assert "tuning-choice.csv" in [link.get("download") for link in page.all("a")]


def test_inventory_shows_files_with_rejected_storms_first(html):
    text = Page(html).text_of("data")
    assert text.startswith("Data 2 run files with 23 storms; 1 storm was")
    assert text.index("second.nc 2015 11 1 1 storm: all values are zero") < text.index("first.nc")


def test_tables_have_captions_scopes_and_sort_keys(html):
    assert html.count("<table>") == html.count("<caption>") > 4
    assert all(head["scope"] in ("col", "row") for head in Page(html).all("th"))
    assert '<td data-sort="0.4" class="number">0.400 (0.390&nbsp;to&nbsp;0.410)</td>' in html


def test_tables_can_be_downloaded_unchanged(html, shared_files):
    links = [a for a in Page(html).all("a") if "download" in a]
    assert [link["download"] for link in links] == [
        "comparison.csv",
        "scores.csv",
        "differences.csv",
        "inventory.csv",
        "history-baseline-seed-0.csv",
        "history-dropout-seed-0.csv",
    ]
    content = base64.b64decode(links[1]["href"].split(",", 1)[1])
    assert content == shared_files["scores"].read_bytes()


@pytest.mark.slow
def test_too_large_report_is_refused(tmp_path, files):
    (tmp_path / "roc.svg").write_bytes(b"x" * 12_000_000)
    with pytest.raises(UserError, match=r"report\.storms or uncertainty\.cases\.count"):
        write(tmp_path, files, figures=[tmp_path / "roc.svg"])
