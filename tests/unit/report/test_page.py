from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from report_files import (
    HOSTILE,
    SUMMARY,
    case_file,
    difference_row,
    rates_tried,
    sampled,
    score_rows,
    write_experiment,
    write_storms,
)

from stormcnn.errors import UserError
from stormcnn.report.labels import FIGURES, PUBLISHED_SOURCES
from stormcnn.report.page import ReportInputs, write_report

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


def test_summary_has_the_claims_and_the_size_of_the_test_period(html):
    assert [item["class"] for item in Page(html).all("li") if "class" in item] == ["better"]
    summary = Page(html).text_of("summary")
    for fact in ("Spatial dropout", "+0.020", "0.400", "40,000", "2,000", "5.0 %", "36"):
        assert fact in summary


def test_single_run_date_has_no_confidence_intervals(tmp_path, files):
    scores = pd.concat([score_rows(runs=1), score_rows("dropout", runs=1)])
    scores.to_csv(files["scores"], index=False)
    summary = Page(write(tmp_path, files)).text_of("summary")
    assert "single run date" in summary
    assert "Confidence intervals" not in summary


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
    text = write(tmp_path, files, experiment=HOSTILE, event=HOSTILE)
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
    assert sections <= targets <= set(names)


def test_differences_in_minor_scores_are_folded(tmp_path, files):
    two = [difference_row(), difference_row(score="murphy_resolution", difference=0.0012)]
    pd.concat(two).to_csv(files["differences"], index=False)
    text = write(tmp_path, files)
    main, _, folded = text[text.index('id="differences"') :].partition("<details>")
    assert "+0.020" in main
    assert "+0.00120" not in main
    assert "+0.00120" in folded.partition("</details>")[0]
    assert "+0.020" not in folded.partition("</details>")[0]


def test_report_of_made_up_data_says_so_at_the_top(tmp_path, files, html):
    assert "Made-up data." not in html
    page = write(tmp_path, files, made_up=True)
    assert page.index("Made-up data.") < page.index("Contents")


def test_published_scores_are_shown_next_to_ours(tmp_path, files, html):
    lesson = PUBLISHED_SOURCES["lesson"]
    assert lesson not in Page(html).text_of("scores")
    text = Page(write(tmp_path, files, published=PUBLISHED)).text_of("scores")
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
    assert "No models were compared" in page.text_of("summary")
    assert "No models were compared" in page.text_of("scores")
    assert "Monte Carlo dropout was not run" in page.text_of("uncertainty")
    assert "No case studies" in page.text_of("uncertainty")
    assert "Discard test" not in page.text_of("methods")
    assert "dropout rate" not in page.text


def test_uncertainty_and_cases_are_shown(tmp_path, files):
    score_rows("dropout", "mc_mean").head(1).assign(score="mutual_information").to_csv(
        tmp_path / "u.csv", index=False
    )
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
    assert "Spatial dropout, seed 0 985 2016-06-22 23 UTC yes 0.300 0.400 0.200" in text
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
    assert [image["alt"].removeprefix("Chart: ") for image in images] == [
        FIGURES["roc"].title,
        f"{FIGURES['cases'].title}, Spatial dropout, seed 0",
    ]
    content = base64.b64decode(images[0]["src"].removeprefix("data:image/png;base64,"))
    assert content == figures[0].read_bytes()
    assert FIGURES["roc"].caption in page.text_of("curves")
    assert FIGURES["cases"].caption in page.text_of("uncertainty")


def test_choice_of_the_dropout_rate_is_in_summary_and_training(tmp_path, files):
    rates_tried().to_csv(tmp_path / "choice.csv", index=False)
    html = write(tmp_path, files, tuning={"choice": tmp_path / "choice.csv"})
    page = Page(html)
    for section in ("summary", "training"):
        assert "0.4, should be changed" in page.text_of(section)
    row = "0.1 0.1000 0.0000 0.0000 2.000 0.800 0.100 yes lowest log score"
    assert row in page.text_of("training")
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


def test_too_large_report_is_refused(tmp_path, files):
    (tmp_path / "roc.svg").write_bytes(b"x" * 12_000_000)
    with pytest.raises(UserError, match=r"report\.storms or uncertainty\.cases\.count"):
        write(tmp_path, files, figures=[tmp_path / "roc.svg"])
