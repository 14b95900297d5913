from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from report_files import (
    SUMMARY,
    TITLES,
    case_file,
    difference_row,
    fields,
    predicted,
    sampled,
    score_rows,
    write_run,
    write_storms,
)

from stormcnn.errors import UserError
from stormcnn.report import explorer, page, tables

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "report" / "published_scores.csv"
HOSTILE = '<script>alert("storm")</script>'


@pytest.fixture(scope="module")
def storm_files(tmp_path_factory):
    return write_storms(tmp_path_factory.mktemp("storms"))


@pytest.fixture
def files(tmp_path, storm_files):
    """The files of a small run, as the keywords of `write_report`."""
    return write_run(tmp_path) | storm_files


class Page(HTMLParser):
    """What the tests look at in a page: tags with their attributes, and texts."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.words = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(word for word in self.words if word)


def write(tmp_path, files, **changes):
    page.write_report(tmp_path / "report.html", **(files | changes))
    return (tmp_path / "report.html").read_text(encoding="utf-8")


# The comparison.


def test_comparison_has_a_row_a_model_with_every_score_and_its_interval():
    histories = {
        (model, seed): pd.DataFrame({"epoch": [1, 2], "loss": 0.1, "seconds": [2.0, 1.0 + seed]})
        for model in TITLES
        for seed in (0, 4)
    }
    small = SUMMARY.replace("12.5", "2.5").replace("17,169", "66,337")
    summaries = dict.fromkeys(histories, SUMMARY) | {("dropout", 0): small}
    scores = pd.concat(
        [
            score_rows(),
            score_rows(period="train", value=0.5),
            score_rows("dropout", value=[0.95, 0.02, 0.5]),
            score_rows("dropout", stratum="month=5", value=0.1),
            score_rows("dropout", "mc_mean", value=0.2),
        ]
    )
    table = page.compare_models(scores, TITLES, histories, summaries).set_index("model")
    assert table["title"].to_dict() == TITLES
    assert table["trainable_parameters"].tolist() == [17169, 66337]
    assert table["training_seconds"].tolist() == [5.0, 5.0]
    assert table["small_weight_share"].tolist() == [0.125, 0.075]
    assert table.loc["dropout", ["auc", "auc_low", "auc_high"]].tolist() == [0.95, 0.89, 0.91]
    assert table["brier_skill_score"].tolist() == [0.4, 0.5]


def test_model_of_several_seeds_is_compared_by_their_mean():
    of_all = score_rows(forecast="seed_mean", seed="all", value=0.7)
    scores = pd.concat([score_rows(seed=0), score_rows(seed=1), of_all])
    history = pd.DataFrame({"seconds": [1.0]})
    table = page.compare_models(
        scores,
        {"baseline": "Baseline"},
        {("baseline", 0): history, ("baseline", 1): history},
        {("baseline", 0): SUMMARY, ("baseline", 1): SUMMARY},
    )
    assert table[["forecast", "seed", "auc"]].to_numpy().tolist() == [["seed_mean", "all", 0.7]]


def test_simple_reference_has_as_many_parameters_as_coefficients():
    scores = pd.concat([score_rows(), score_rows("logistic")])
    histories = {("baseline", 0): pd.DataFrame({"seconds": [2.0]})}
    table = page.compare_models(
        scores,
        {"baseline": "Baseline", "logistic": "Logistic regression"},
        histories,
        {("baseline", 0): SUMMARY},
        {"logistic": pd.DataFrame({"coefficient": [0.1, 0.2, 0.3]})},
    )
    assert table["trainable_parameters"].tolist() == [17169, 3]
    assert table["training_seconds"].tolist()[0] == 2
    row = tables.model_table(table).rows[1]
    assert [cell.text for cell in row] == ["Logistic regression", "3", "–", "–"]


def test_summary_without_the_number_of_parameters_is_refused():
    with pytest.raises(UserError, match="no trainable parameters"):
        page.compare_models(
            score_rows(),
            {"baseline": "Baseline"},
            {("baseline", 0): pd.DataFrame({"seconds": [1.0]})},
            {("baseline", 0): "conv_1 608"},
        )


# What the numbers allow to be claimed.


@pytest.mark.parametrize(
    ("columns", "verdict", "said"),
    [
        (
            {},
            "better",
            "Spatial dropout beats Baseline: Brier skill score +0.020 "
            "(95 % interval +0.004 to +0.036, p = 0.012 after Holm's correction).",
        ),
        (
            {"difference": -0.02, "low": -0.036, "high": -0.004},
            "worse",
            "Spatial dropout falls behind Baseline: Brier skill score −0.020 "
            "(95 % interval −0.036 to −0.004, p = 0.012 after Holm's correction).",
        ),
        (
            {"low": -0.001},
            "none",
            "No difference can be claimed between Spatial dropout and Baseline: Brier skill score "
            "+0.020 (95 % interval −0.001 to +0.036, p = 0.012 after Holm's correction).",
        ),
        (
            {"p_holm": 0.05},
            "none",
            "No difference can be claimed between Spatial dropout and Baseline: Brier skill score "
            "+0.020 (95 % interval +0.004 to +0.036, p = 0.050 after Holm's correction).",
        ),
        (
            {"low": np.nan, "high": np.nan, "p_holm": np.nan},
            "none",
            "No difference can be claimed between Spatial dropout and Baseline: Brier skill score "
            "+0.020, and no interval can be given.",
        ),
        (
            {"p_holm": np.nan},
            "better",
            "Spatial dropout beats Baseline: Brier skill score +0.020 "
            "(95 % interval +0.004 to +0.036).",
        ),
        (
            {"difference": np.nan},
            "none",
            "Spatial dropout and Baseline cannot be compared: Brier skill score is not defined "
            "here.",
        ),
    ],
)
def test_a_difference_is_claimed_only_where_interval_and_p_value_allow_it(columns, verdict, said):
    (claim,) = page.judge_differences(difference_row(**columns), TITLES, 0.95)
    assert (claim.verdict, claim.text) == (verdict, said)


def test_monte_carlo_mean_may_be_compared_with_its_own_model():
    row = difference_row(
        forecast="mc_mean", reference="dropout", reference_forecast="single", low=-0.01
    )
    (claim,) = page.judge_differences(row, TITLES, 0.9)
    assert claim.text.startswith(
        "No difference can be claimed between Spatial dropout (Monte Carlo mean) and Spatial "
        "dropout: Brier skill score +0.020 (90 % interval"
    )


def test_claims_stand_in_the_summary(tmp_path, files):
    page = Page(write(tmp_path, files))
    assert "Spatial dropout beats Baseline: Brier skill score +0.020" in page.text
    assert "Baseline: more skilful than climatology, Brier skill score 0.400" in page.text
    assert "40,000 storms" in page.text


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.1, -0.1, 0.2, "skill over climatology cannot be claimed"),
        (-0.2, -0.3, -0.1, "less skilful than climatology"),
        (0.1, np.nan, np.nan, "no interval can be given"),
        (np.nan, np.nan, np.nan, "the test period holds one class only"),
    ],
)
def test_skill_is_claimed_only_where_the_interval_allows_it(value, low, high, said):
    scores = score_rows(value=value, low=low, high=high)
    (sentence,) = page._skill_sentences(scores, {"baseline": "Baseline"})
    assert sentence.startswith("Baseline: ")
    assert said in sentence


def test_one_run_date_gives_no_interval_and_says_so(tmp_path, files):
    scores = pd.concat([score_rows(runs=1), score_rows("dropout", runs=1)])
    scores.to_csv(files["scores"], index=False)
    assert "All are of one run date, so no interval can be given" in write(tmp_path, files)


def calibration_rows(model="baseline", low=0.0, p=0.4, z=2.0, **columns):
    return score_rows(model, **columns).assign(
        score=["murphy_reliability", "spiegelhalter_p_value", "spiegelhalter_z"],
        value=[0.002, p, z],
        low=[low, np.nan, 1.0],
        high=[0.004, np.nan, 3.0],
    )


@pytest.mark.parametrize(
    ("low", "p", "z", "said"),
    [
        (0.0, 0.4, 1, "are calibrated as far as these runs can tell (Murphy's reliability 0.00200"),
        (0.001, 0.4, 1, "are not calibrated (Murphy's reliability 0.00200 (0.00100 to 0.00400)"),
        (0.0, 0.02, 1, "are not calibrated, they are too sure"),
        (0.001, 0.02, -1, "are not calibrated, they are not sure enough"),
        (np.nan, 0.4, 1, "cannot be called calibrated or not, because no interval can be given"),
    ],
)
def test_probabilities_are_called_calibrated_only_where_interval_and_p_value_allow_it(
    low, p, z, said
):
    (sentence,) = page.calibration_sentences(calibration_rows(low=low, p=p, z=z), TITLES, 0.95)
    assert sentence.startswith(f"Baseline: probabilities {said}")


def recalibrated_rows():
    """Two seeds of a network; logistic is better in training and mends the calibration."""
    losses = {"isotonic": 0.12, "logistic": 0.11}
    return pd.concat(
        [
            calibration_rows(forecast="seed_mean", seed="all", low=0.001, p=0.01),
            *(
                calibration_rows(forecast=method, seed=seed, low=0.001 * (method == "isotonic"))
                for method in losses
                for seed in (0, 1)
            ),
            *(
                score_rows(forecast=method, seed=0, period="train")[:1].assign(
                    score="log_score", value=loss
                )
                for method, loss in losses.items()
            ),
        ]
    )


def test_recalibration_that_was_chosen_on_the_training_period_is_judged_too():
    scores = recalibrated_rows()
    assert tables.chosen_recalibrations(scores) == {"baseline": "logistic"}
    (sentence,) = page.calibration_sentences(scores, TITLES, 0.95)
    assert "Baseline: probabilities are not calibrated, they are too sure" in sentence
    assert "After logistic recalibration of the network of seed 0 they are calibrated" in sentence


def test_recalibration_stands_beside_the_network_as_it_is():
    scores = pd.concat(
        [
            calibration_rows(),
            calibration_rows(forecast="logistic"),
            score_rows(forecast="logistic", seed=1),
            score_rows("dropout"),
        ]
    )
    gains = pd.concat(
        [
            difference_row(model=["baseline"], forecast="logistic", score="brier_score"),
            difference_row(),
        ]
    )
    table = tables.recalibration_table(scores, gains, TITLES)
    shown = [[cell.text for cell in row] for row in table.rows]
    assert [row[0] for row in shown] == ["Baseline", "Baseline, logistic recalibration"]
    assert [row[3:5] for row in shown] == [["0.00200 (0.00000 to 0.00400)", "0.400"]] * 2
    assert [row[5] for row in shown] == ["–", "+0.0200 (+0.0040 to +0.0360)"]
    assert {len(row) for row in shown} == {len(table.columns)} == {len(table.numeric)}
    assert tables.recalibration_table(score_rows(), gains, TITLES) is None


def test_variants_of_a_network_stay_out_of_claims_and_main_tables():
    variants = pd.concat([difference_row(forecast="isotonic"), difference_row()])
    assert len(page.judge_differences(variants, TITLES, 0.95)) == 1
    for table in tables.difference_tables(variants, TITLES):
        assert {row[0].text for row in table.rows} <= {"Spatial dropout"}
    assert any(table.rows for table in tables.difference_tables(variants, TITLES))
    scores = pd.concat([score_rows(), score_rows(forecast="isotonic")])
    assert len(tables.score_columns(scores, TITLES).rows) == 1
    assert len(tables.score_rows(scores, TITLES, "Scores").columns) == 3


def test_worth_of_scaling_by_the_test_storms_is_told(tmp_path, files):
    own = difference_row(
        forecast="own_scaling", reference="dropout", reference_forecast="single", p_holm=0.012
    )
    other = difference_row(reference_forecast="single")
    pd.concat([other, own]).to_csv(files["differences"], index=False)
    text = Page(write(tmp_path, files)).text
    assert (
        "Spatial dropout (storms scaled by their own statistics) beats Spatial dropout: "
        "Brier skill score +0.020 (95 % interval +0.004 to +0.036, p = 0.012"
    ) in text
    difference_row().to_csv(files["differences"], index=False)
    assert "scaled by their own statistics" not in Page(write(tmp_path, files)).text


def test_gain_is_taken_apart_into_seeds_and_members():
    steps = [
        ("baseline", "seed_mean", "baseline"),
        ("dropout", "single", "baseline"),
        ("dropout", "mc_mean", "dropout"),
        ("dropout", "seed_mc_mean", "dropout"),
    ]
    differences = pd.concat(
        difference_row(model=[model], forecast=forecast, reference=reference, seed="mean")
        for model, forecast, reference in steps
    )
    scores = pd.concat(
        [
            score_rows(seed="0"),
            score_rows(seed="mean"),
            score_rows("baseline", "seed_mean", "all"),
            score_rows("dropout", "seed_mc_mean", "all"),
            score_rows("dropout", "mc_mean", "mean"),
            score_rows("dropout", seed="mean"),
        ]
    )
    table = tables.gain_table(scores, differences, TITLES)
    against = [(row[0].text, row[3].text, row[4].text) for row in table.rows]
    gain = "+0.020 (+0.004 to +0.036)"
    assert against == [
        ("Baseline: one network", "–", "–"),
        ("Baseline: mean of the seeds", "Baseline: one network", gain),
        ("Spatial dropout: one network", "Baseline: one network", gain),
        ("Spatial dropout: Monte Carlo mean of one network", "Spatial dropout: one network", gain),
        ("Spatial dropout: Monte Carlo mean of the seeds", "Spatial dropout: one network", gain),
    ]
    assert [cell.text for cell in table.rows[1]][-1] == "0.012"
    assert {len(row) for row in table.rows} == {len(table.columns)} == {len(table.numeric)}
    assert tables.gain_table(score_rows(), difference_row(), TITLES) is None


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.5, 0.7, "too narrow"), (0.92, 1.0, "too wide"), (0.8, 0.95, "consistent")],
)
def test_intervals_of_event_counts_are_judged_by_their_coverage(tmp_path, files, low, high, said):
    row = score_rows("dropout", "mc_mean").head(1)
    row = row.assign(score="count_coverage_90", value=0.9, low=low, high=high)
    row.to_csv(tmp_path / "u.csv", index=False)
    page = write(tmp_path, files, uncertainty={"scores": tmp_path / "u.csv"})
    assert f"so they are {said}" in page


# The page.


def test_strings_from_files_are_escaped_everywhere(tmp_path, files):
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
    text = write(tmp_path, files, run=HOSTILE, event=HOSTILE)
    assert "<script>alert" not in text
    scripts = [attributes for tag, attributes in Page(text).tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "explorer-data"}, {}]


def test_nothing_is_asked_of_the_network(tmp_path, files):
    page = Page(write(tmp_path, files))
    addresses = [
        attributes[name]
        for _, attributes in page.tags
        for name in ("src", "href", "srcset", "action", "data")
        if name in attributes
    ]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}


def test_page_permits_only_its_own_style_and_script(tmp_path, files):
    text = write(tmp_path, files)
    policy = next(meta["content"] for meta in Page(text).all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_equal_files_give_equal_reports(tmp_path, files):
    assert write(tmp_path, files) == write(tmp_path, files)


def test_every_part_can_be_reached_from_the_contents(tmp_path, files):
    page = Page(write(tmp_path, files))
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    targets = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")}
    assert targets <= set(names)
    assert {"summary", "models", "scores", "explorer", "methods", "downloads"} <= targets


def test_differences_in_the_main_scores_come_first_and_the_others_are_folded(tmp_path, files):
    two = [difference_row(), difference_row(score="murphy_resolution", difference=0.0012)]
    pd.concat(two).to_csv(files["differences"], index=False)
    text = write(tmp_path, files)
    main, folded = text[text.index('id="differences"') :].split(
        "<summary>Differences in the other scores</summary>"
    )
    assert "+0.020" in main
    assert "+0.00120" not in main
    assert "+0.00120" in folded.partition("</details>")[0]
    assert "+0.020" not in folded.partition("</details>")[0]


def test_made_up_data_are_announced_at_the_top(tmp_path, files):
    assert "Made-up data." not in write(tmp_path, files)
    page = write(tmp_path, files, made_up=True)
    assert page.index("Made-up data.") < page.index("Contents")


def test_published_scores_stand_beside_ours(tmp_path, files):
    assert "Printed" not in Page(write(tmp_path, files)).text
    text = Page(write(tmp_path, files, published=PUBLISHED)).text
    assert "Beside the printed scores" in text
    assert re.search(r"Spatial dropout Brier skill score 0\.400 \(.*?\) 0\.410 0\.439", text)
    assert re.search(r"Baseline Brier skill score 0\.400 \(.*?\) – 0\.413", text)
    assert "Gagne (2019)" in text


def test_published_scores_never_stand_beside_those_of_made_up_data(tmp_path, files):
    with pytest.raises(UserError, match="never set beside published"):
        write(tmp_path, files, made_up=True, published=PUBLISHED)


def test_absent_parts_are_left_out_with_a_sentence(tmp_path, files):
    text = Page(write(tmp_path, files, differences=None, patches=[])).text
    for sentence in (
        "No models were compared, so no difference can be claimed.",
        "This run has no table of differences.",
        "No members of Monte Carlo dropout were drawn for the test storms",
        "No cases were chosen.",
        "This report holds no storms to look at",
        "This report has no diagrams of the forecasts.",
    ):
        assert sentence in text
    assert "Discard test" not in text


def test_uncertainty_and_cases_appear_where_there_are_any(tmp_path, files):
    score_rows("dropout", "mc_mean").head(1).assign(score="mutual_information").to_csv(
        tmp_path / "u.csv", index=False
    )
    case_file().to_netcdf(tmp_path / "cases.nc")
    text = Page(
        write(
            tmp_path,
            files,
            uncertainty={"scores": tmp_path / "u.csv"},
            cases=[tmp_path / "cases.nc"],
        )
    ).text
    assert "Mutual information" in text
    assert "Spatial dropout, seed 0 985 2016-06-22 23 UTC yes 0.300 0.400 0.200" in text
    assert "No members" not in text
    assert "No cases" not in text


def test_figures_stand_in_their_section_with_a_caption_and_an_alternative(tmp_path, files):
    figures = [tmp_path / name for name in ("roc.png", "counts-dropout.png", "extra.png")]
    for figure in figures:
        Image.new("RGB", (4, 4)).save(figure)
    score_rows("dropout", "mc_mean").to_csv(tmp_path / "u.csv", index=False)
    text = write(tmp_path, files, figures=figures, uncertainty={"scores": tmp_path / "u.csv"})
    images = Page(text).all("img")
    assert [image["alt"] for image in images] == [
        "Chart: Relative operating characteristic",
        "Chart: Extra",
        "Chart: Events of each run, Spatial dropout",
    ]
    content = base64.b64decode(images[0]["src"].removeprefix("data:image/png;base64,"))
    assert content == figures[0].read_bytes()
    assert (
        text.index('id="curves"') < text.index("Chart: Relative") < text.index('id="uncertainty"')
    )


def rates_tried(own=0.4):
    rate = np.array([0.1, 0.2, 0.4])
    return pd.DataFrame(
        {
            "rate": rate,
            "log_score": [0.1, 0.1, 0.12],
            "difference": [0.0, 0.0, 0.02],
            "standard_error": [0.0, 0.0, 0.01],
            "count_crps": [2.0, 2.5, 1.0],
            "count_coverage_90": [0.8, 0.7, 0.9],
            "spread_skill_ratio": [0.1, 0.2, 0.3],
            "as_good": [True, True, False],
            "chosen": [True, False, False],
            "reason": ["lowest log score", "larger CRPS", HOSTILE],
            "own": rate == own,
        }
    )


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (0.1, "need not be adjusted"),
        (0.2, "0.2, gives probabilities that are as good"),
        (0.4, f"0.4, should be adjusted: {HOSTILE}"),
        (0.3, "was not among them"),
    ],
)
def test_choice_of_a_rate_says_what_it_means_for_the_rate_in_use(own, said):
    first, second = page.describe_choice(rates_tried(own))
    assert first == "Of the 3 dropout rates tried, 0.1 is chosen: lowest log score."
    assert said in second


def test_choice_of_the_dropout_rate_stands_in_the_summary_and_in_a_table(tmp_path, files):
    rates_tried().to_csv(tmp_path / "choice.csv", index=False)
    page = write(tmp_path, files, tuning={"choice": tmp_path / "choice.csv"})
    text = Page(page).text
    said = "Of the 3 dropout rates tried, 0.1 is chosen: lowest log score."
    assert text.count(said) == 2
    assert "0.4, should be adjusted" in text
    assert "0.1 0.1000 0.0000 0.0000 2.000 0.800 0.100 yes lowest log score" in text
    assert "Choice of the dropout rate" in text
    assert HOSTILE not in page
    assert {"download": "tuning-choice.csv"}.items() <= next(
        tag for tag in Page(page).all("a") if "tuning" in tag.get("download", "")
    ).items()


def test_report_without_tried_rates_says_nothing_of_them(tmp_path, files):
    assert "dropout rate" not in Page(write(tmp_path, files)).text.lower()


def test_inventory_shows_files_with_rejected_storms_first(tmp_path, files):
    text = Page(write(tmp_path, files)).text
    assert "2 run files with 23 storms; 1 storm was set aside." in text
    assert text.index("second.nc 2015 11 1 1 storm: all values are zero") < text.index(
        "first.nc 2015"
    )


def test_long_inventory_is_cut_and_says_so():
    inventory = pd.DataFrame(
        {
            "run_date": "2015-05-01T00:00",
            "file": "a.nc",
            "batch": "2015",
            "storms": 12,
            "rejected": 0,
            "reason": "",
            "bytes": 100,
        },
        index=range(201),
    )
    table = tables.inventory_table(inventory)
    assert len(table.rows) == 200
    assert table.caption.endswith("The first 200 of 201.")


def test_tables_have_captions_scopes_and_numbers_to_sort_by(tmp_path, files):
    text = write(tmp_path, files)
    assert text.count("<table>") == text.count("<caption>") > 4
    assert all(head["scope"] in ("col", "row") for head in Page(text).all("th"))
    assert '<td data-sort="0.4" class="number">0.400 (0.390&nbsp;to&nbsp;0.410)</td>' in text


def test_rounding_leaves_no_minus_before_zeros():
    assert tables.number(-5e-17, 3) == "0.000"
    assert tables.number(-0.0012, 3) == "−0.001"


def test_strata_with_too_few_events_show_a_dash():
    scores = pd.concat(
        [
            score_rows(stratum="month=5"),
            score_rows(stratum="month=12", value=np.nan, low=np.nan, high=np.nan, events=3),
        ]
    )
    table = tables.strata_table(scores, TITLES)
    assert [row[0].text for row in table.rows] == ["May", "December"]
    assert [row[-1].text for row in table.rows] == ["0.400 (0.390 to 0.410)", "–"]


# Downloads.


def test_every_table_can_be_downloaded_as_it_is(tmp_path, files):
    links = [a for a in Page(write(tmp_path, files)).all("a") if "download" in a]
    assert [link["download"] for link in links] == [
        "comparison.csv",
        "scores.csv",
        "differences.csv",
        "inventory.csv",
        "history-baseline-seed-0.csv",
        "history-dropout-seed-0.csv",
    ]
    content = base64.b64decode(links[1]["href"].split(",", 1)[1])
    assert content == files["scores"].read_bytes()


def test_large_tables_are_compressed_and_left_out_where_there_is_no_room(tmp_path):
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_text("a\n1\n")
    values = np.random.default_rng(0).random(40_000)
    large.write_text("a\n" + "\n".join(map(str, values)))
    tables = {"large": large, "small": small, "absent": None}
    both = page._downloads(tables, room=10_000_000)
    assert [file["name"] for file in both] == ["large.csv.gz", "small.csv"]
    packed = base64.b64decode(both[0]["source"].split(",", 1)[1])
    assert gzip.decompress(packed) == large.read_bytes()
    tight = page._downloads(tables, room=1000)
    assert tight[0]["source"] is None
    assert tight[1]["source"] is not None


def test_report_that_cannot_be_made_small_enough_says_what_to_do(tmp_path, files):
    (tmp_path / "roc.svg").write_bytes(b"x" * 12_000_000)
    with pytest.raises(UserError, match=r"Set report\.storms or uncertainty\.cases\.count lower"):
        write(tmp_path, files, figures=[tmp_path / "roc.svg"])


# The explorer of storms.


def test_storms_are_chosen_over_probability_for_worst_misses_and_for_spread():
    data, members = predicted(), sampled()
    chosen = explorer.choose_storms(
        members["mc_mean"].values, data["label"].values, members["mc_std"].values, 12
    )
    together = np.concatenate(list(chosen.values()))
    assert len(together) == len(set(together)) == 12
    assert 1 in together  # an event that got almost no probability
    assert chosen["Worst misses"][0] == 1
    assert chosen["Largest spread"][0] == 5
    assert {0, 23} <= set(chosen["Over the range of probability"])


def test_no_more_storms_are_chosen_than_there_are():
    chosen = explorer.choose_storms(np.array([0.1, 0.9]), np.array([0, 1]), None, 200)
    assert sorted(np.concatenate(list(chosen.values()))) == [0, 1]
    assert "Largest spread" not in chosen


def explored(tmp_path, files, **changes):
    text = write(tmp_path, files, **changes)
    island = re.search(r'id="explorer-data">(.*?)</script>', text, re.DOTALL)[1]
    return json.loads(island, parse_constant=pytest.fail)


def test_explorer_holds_the_fields_of_the_storms_it_lists(tmp_path, files):
    data = explored(tmp_path, files)
    stored = np.frombuffer(base64.b64decode(data["fields"]), np.uint8)
    stored = stored.reshape(len(data["storms"]), 3, 8, 8)
    truth = fields()["predictors"].values
    for storm, values in zip(data["storms"], stored, strict=True):
        number = storm["patch"] + (12 if storm["file"] == "second.nc" else 0)
        for index, variable in enumerate(data["variables"]):
            step = (variable["high"] - variable["low"]) / 255
            shown = variable["low"] + step * values[index]
            assert np.abs(shown - truth[number, ..., index]).max() <= step / 2 + 1e-6
    assert data["wind"] == [1, 2]
    assert [variable["units"] for variable in data["variables"]] == ["dBZ", "m s-1", "m s-1"]
    assert sum(group["count"] for group in data["groups"]) == len(data["storms"]) == 12


def test_explorer_gives_the_probabilities_and_the_outcome_of_each_storm(tmp_path, files):
    sampled().to_netcdf(tmp_path / "storms.nc")
    data = explored(tmp_path, files, members=[tmp_path / "storms.nc"])
    assert data["models"] == ["Baseline", "Spatial dropout"]
    assert data["quantiles"] == [0.05, 0.5, 0.95]
    last = next(s for s in data["storms"] if (s["file"], s["patch"]) == ("second.nc", 11))
    assert last["event"] is True
    assert last["number"] == 23
    assert last["probability"] == pytest.approx([0.9, 0.9])
    assert last["peak"] == pytest.approx(0.01)
    members = last["members"]["Spatial dropout"]
    assert members["quantiles"] == pytest.approx([0.4, 0.8, 0.88], abs=1e-3)
    assert members["mean"] == pytest.approx(0.8)


def test_single_member_has_no_spread_to_show(tmp_path, files):
    alone = sampled()
    alone["mc_std"] = alone["mc_std"] * np.nan
    alone.to_netcdf(tmp_path / "storms.nc")
    data = explored(tmp_path, files, members=[tmp_path / "storms.nc"])
    assert data["storms"][0]["members"]["Spatial dropout"]["std"] is None
    assert "Largest spread" not in [group["reason"] for group in data["groups"]]


def test_storms_in_another_order_than_their_patches_are_named(tmp_path, files):
    with pytest.raises(UserError, match=r"Storm \d+ of second\.nc is predicted, but the patches"):
        write(tmp_path, files, patches=files["patches"][::-1])


def test_explorer_takes_the_first_seed_of_each_model(tmp_path, files):
    other = predicted("baseline")
    other["probability"] = other["probability"] * 0
    other.attrs["seed"] = 3
    other.to_netcdf(tmp_path / "other.nc")
    data = explored(tmp_path, files, predictions=[tmp_path / "other.nc", *files["predictions"]])
    assert max(storm["probability"][0] for storm in data["storms"]) == pytest.approx(0.9)


# The printed numbers.


def test_printed_brier_skill_follows_from_the_printed_brier_scores():
    printed = pd.read_csv(PUBLISHED).pivot_table(
        index=["source", "model"], columns="score", values="value"
    )
    skill = 1 - printed["brier_score"] / printed["brier_score_climatology"]
    # Scores are printed with three decimals, so skill is known to about 0.02.
    assert np.abs(skill - printed["brier_skill_score"]).max() < 0.03
    assert set(printed.index) == {
        ("lesson", "l2"),
        ("lesson", "dropout"),
        ("course", "baseline"),
        ("course", "l2"),
        ("course", "dropout"),
    }


def test_printed_losses_fall_epoch_by_epoch():
    printed = pd.read_csv(PUBLISHED.with_name("published_losses.csv"))
    for _, losses in printed.groupby(["source", "model"]):
        assert losses["epoch"].tolist() == list(range(1, len(losses) + 1))
        assert losses["loss"].is_monotonic_decreasing
    assert printed.groupby(["source", "model"]).size().to_dict() == {
        ("course", "baseline"): 10,
        ("course", "dropout"): 10,
        ("course", "l2"): 5,
        ("lesson", "dropout"): 10,
        ("lesson", "l2"): 10,
    }


def test_figure_of_a_network_whose_key_has_a_hyphen_is_called_by_its_title(tmp_path):
    figure = tmp_path / "cases-wide-2-0.png"
    Image.new("RGB", (4, 4)).save(figure)
    (section,) = page._figures_by_section([figure], {"wide-2": "Wide"}).values()
    assert section[0]["title"].endswith(", Wide, seed 0")
