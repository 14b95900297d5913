"""The table that compares the models, and the report: one HTML file that opens anywhere, offline.

The report holds everything it shows: figures, tables to download, and the fields of some storms
to look at. Whatever comes from a file is escaped, and the page forbids itself every request.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from stormcnn.errors import UserError
from stormcnn.io import write_text
from stormcnn.report.explorer import explore_storms
from stormcnn.report.figures import first_seed, headline, without_variants
from stormcnn.report.labels import FIGURES, FigureText
from stormcnn.report.tables import (
    case_table,
    chosen_recalibrations,
    compared_forecasts,
    difference_tables,
    gain_table,
    inventory_table,
    main_rows,
    model_table,
    p_value,
    published_table,
    rate_table,
    recalibration_table,
    score_columns,
    score_rows,
    signed,
    strata_table,
    whole_test,
    with_interval,
)
from stormcnn.storms.inventory import read_inventory
from stormcnn.verification.score_registry import score_text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    StrPath = str | os.PathLike[str]

MOST_BYTES = 15_000_000
"""Largest report; tables to download are left out, the largest first, where it would be larger."""

PLAIN_BYTES = 300_000
"""Tables above this size are offered compressed."""


CLAIMED = "brier_skill_score"
"""The score in which models are said to beat each other: larger is better."""


class Claim(NamedTuple):
    """What a difference of two forecasts allows to be said: `verdict` better, worse or none."""

    verdict: str
    text: str


def compare_models(
    scores: pd.DataFrame,
    titles: Mapping[str, str],
    histories: Mapping[tuple[str, int], pd.DataFrame],
    summaries: Mapping[tuple[str, int], str],
    coefficients: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """One row a model: its size, its training time, and every score of the test period.

    `scores` is the table of scores. A model of several seeds is judged by the mean of its seeds
    (columns `forecast` and `seed` say so). `histories` gives the seconds of each epoch and
    `summaries` the text of the layer table by (model, seed): training seconds and the share of
    kernel weights under 0.001 are averages over the seeds. Models that are no networks have a
    table of `coefficients` instead, and neither of the two.
    """
    chosen = main_rows(scores)
    rows = []
    for model, title in titles.items():
        own = chosen[chosen["model"] == model]
        if coefficients and model in coefficients:
            parameters, seconds, share = len(coefficients[model]), np.nan, np.nan
        else:
            seeds = sorted(seed for name, seed in summaries if name == model)
            sizes, shares = zip(
                *(_read_summary(summaries[model, seed]) for seed in seeds), strict=True
            )
            parameters, share = sizes[0], float(np.mean(shares))
            seconds = float(np.mean([histories[model, seed]["seconds"].sum() for seed in seeds]))
        row: dict[str, Any] = {
            "model": model,
            "title": title,
            "trainable_parameters": parameters,
            "training_seconds": round(seconds, 1),
            "small_weight_share": round(share, 4),
            "forecast": own["forecast"].iloc[0],
            "seed": own["seed"].iloc[0],
        }
        for score in own.itertuples():
            row |= {
                score.score: score.value,
                f"{score.score}_low": score.low,
                f"{score.score}_high": score.high,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _read_summary(text: str) -> tuple[int, float]:
    """Trainable parameters and share of small kernel weights from the text of a layer table."""
    parameters = re.search(r"Trainable parameters: ([\d,]+)", text)
    share = re.search(r"Kernel weights below 0\.001: ([\d.]+) %", text)
    if parameters is None or share is None:
        raise UserError(
            "A summary.txt names no trainable parameters or no share of small weights. "
            "Train that network again."
        )
    return int(parameters[1].replace(",", "")), float(share[1]) / 100


def judge_differences(
    differences: pd.DataFrame, titles: Mapping[str, str], confidence: float
) -> list[Claim]:
    """Put into words what the differences in Brier skill allow to be claimed.

    `differences` is the table of differences; of each model the forecast that stands for it is
    taken. A difference is claimed only where its interval excludes 0 and, where there is one, the
    p-value corrected by Holm's method lies below 1 - confidence.
    """
    chosen = headline(without_variants(differences[differences["period"] == "test"]))
    return _judge(chosen, titles, confidence)


def judge_own_scaling(
    differences: pd.DataFrame, titles: Mapping[str, str], confidence: float
) -> list[Claim]:
    """Put into words what scaling the test storms by their own statistics was worth."""
    chosen = differences["forecast"] == "own_scaling"
    return _judge(differences[chosen & (differences["period"] == "test")], titles, confidence)


def _judge(differences: pd.DataFrame, titles: Mapping[str, str], confidence: float) -> list[Claim]:
    """A claim for each difference in Brier skill."""
    claims = []
    for row in differences[differences["score"] == CLAIMED].to_dict("records"):
        subject, other = compared_forecasts(row, titles)
        score = score_text(CLAIMED)
        if pd.isna(row["difference"]):
            text = f"{subject} and {other} cannot be compared: {score.label} is not defined here."
            claims.append(Claim("none", text))
            continue
        difference, low, high = (
            signed(row[name], score.decimals) for name in ("difference", "low", "high")
        )
        evidence = f"{score.label} {difference}"
        if pd.isna(row["low"]):
            evidence += ", and no interval can be given"
        else:
            corrected = f", p = {p_value(row['p_holm'])} after Holm's correction"
            evidence += (
                f" ({100 * confidence:g} % interval {low} to {high}"
                f"{'' if pd.isna(row['p_holm']) else corrected})"
            )
        # Comparisons with NaN are false, so what is not known is never claimed.
        excludes_zero = row["low"] > 0 or row["high"] < 0
        if not excludes_zero or 1 - row["p_holm"] <= confidence:
            text = f"No difference can be claimed between {subject} and {other}: {evidence}."
            claims.append(Claim("none", text))
        elif row["difference"] > 0:
            claims.append(Claim("better", f"{subject} beats {other}: {evidence}."))
        else:
            claims.append(Claim("worse", f"{subject} falls behind {other}: {evidence}."))
    return claims


def write_report(
    path: StrPath,
    *,
    template: StrPath,
    run: str,
    event: str,
    made_up: bool,
    confidence: float,
    config: StrPath,
    comparison: StrPath,
    scores: StrPath,
    inventory: StrPath,
    summaries: Mapping[tuple[str, int], StrPath],
    histories: Mapping[tuple[str, int], StrPath],
    predictions: Sequence[StrPath],
    patches: Sequence[StrPath],
    differences: StrPath | None = None,
    curves: Mapping[str, StrPath] | None = None,
    uncertainty: Mapping[str, StrPath] | None = None,
    members: Sequence[StrPath] = (),
    cases: Sequence[StrPath] = (),
    tuning: Mapping[str, StrPath] | None = None,
    figures: Sequence[StrPath] = (),
    published: StrPath | None = None,
    coefficients: StrPath | None = None,
    explored: int = 200,
) -> None:
    """Write the report: one HTML file of at most 15 MB that asks for nothing else.

    - `template`: the Jinja template; `report.css` and `report.js` lie beside it.
    - `run`: name of the run. `event`: what is forecast, in words. `confidence`: of all intervals.
    - `config`: the config as run, shown as it is. `comparison`, `scores`, `differences`,
      `inventory`, `curves` (by name) and `uncertainty` (by name: `scores`, `counts`, ...): CSV
      tables, all offered for download; `summaries` and `histories` by (model, seed).
    - `predictions`, `members` (NetCDF of every test storm), `cases`: files of networks, which name
      their `model` and `seed`; `patches`: the test period's.
    - `tuning`: CSV tables of the dropout rates tried: `choice` and `scores`.
    - `figures`: PNG or SVG; the name before the first hyphen says what it shows (`FIGURES`), the
      rest which model or case.
    - `published`: published scores, set beside ours. `coefficients`: those of the simple
      reference, offered for download. `explored`: storms to look at.

    What is empty or None leaves its section out; a sentence says so. Raises `UserError` where
    published scores are to stand beside those of made-up data, or the report cannot be made small
    enough.
    """
    if made_up and published is not None:
        raise UserError(
            "Scores of made-up data are never set beside published ones: give no published scores."
        )
    compared = pd.read_csv(comparison)
    titles = dict(zip(compared["model"], compared["title"].astype(str), strict=True))
    all_scores = pd.read_csv(scores)
    tables = {
        "comparison": comparison,
        "scores": scores,
        "differences": differences,
        "inventory": inventory,
        **(curves or {}),
        **{f"uncertainty-{name}": file for name, file in (uncertainty or {}).items()},
        **{f"tuning-{name}": file for name, file in (tuning or {}).items()},
        **{f"history-{model}-seed-{seed}": file for (model, seed), file in histories.items()},
        "published-scores": published,
        "simple-reference-coefficients": coefficients,
    }
    given = None if differences is None else pd.read_csv(differences)
    spread = pd.read_csv(uncertainty["scores"]) if uncertainty else None
    rates = pd.read_csv(tuning["choice"]) if tuning else None
    stored = read_inventory(inventory)
    content: dict[str, Any] = {
        "run": run,
        "event": event,
        "made_up": made_up,
        "confidence": f"{100 * confidence:g}",
        "facts": _test_period(all_scores),
        "claims": [] if given is None else judge_differences(given, titles, confidence),
        "skill": _skill_sentences(all_scores, titles),
        "calibration": calibration_sentences(all_scores, titles, confidence),
        "own_scaling": [] if given is None else judge_own_scaling(given, titles, confidence),
        "gain": None if given is None else gain_table(whole_test(all_scores), given, titles),
        "recalibration": None
        if given is None
        else recalibration_table(whole_test(all_scores), given, titles),
        "count_sentences": _count_sentences(spread, titles),
        "models": model_table(compared),
        "summaries": {
            title: Path(summaries[min(networks)]).read_text(encoding="utf-8")
            for model, title in titles.items()
            if (networks := [network for network in summaries if network[0] == model])
        },
        "main_scores": score_columns(whole_test(all_scores), titles),
        "all_scores": score_rows(whole_test(all_scores), titles, "All scores of the test period"),
        "strata": strata_table(all_scores, titles),
        "differences": () if given is None else difference_tables(given, titles),
        "published": None if published is None else published_table(compared, published),
        "uncertainty": None
        if spread is None
        else score_rows(spread, titles, "Scores of Monte Carlo dropout"),
        "cases": case_table(cases, titles),
        "rate_sentences": [] if rates is None else describe_choice(rates),
        "rates": None if rates is None else rate_table(rates),
        "inventory": inventory_table(stored),
        "inventory_facts": {
            "files": len(stored),
            "storms": int(stored["storms"].sum()),
            "rejected": int(stored["rejected"].sum()),
        },
        "figures": _figures_by_section(figures, titles),
        "config": Path(config).read_text(encoding="utf-8"),
        "explorer": explore_storms(predictions, members, patches, titles, explored),
    }
    page = _open_template(Path(template))
    room = MOST_BYTES - len(page.render(content, downloads=[]).encode())
    if room < 0:
        raise UserError(
            f"The report would be {-room / 1e6:.0f} MB larger than {MOST_BYTES / 1e6:.0f} MB. "
            "Set report.storms or uncertainty.cases.count lower."
        )
    write_text(page.render(content, downloads=_downloads(tables, room)), path)


def _open_template(path: Path) -> jinja2.Template:
    """The template, with its style and script and the digests that permit only these to run."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("css", "js"):
        text = (path.parent / f"report.{name}").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        # The project's own file, not input.
        environment.globals.update({name: Markup(text), f"{name}_hash": digest})  # noqa: S704
    return environment.get_template(path.name)


def _test_period(scores: pd.DataFrame) -> dict[str, Any]:
    """Size of the test period, from any row of scores."""
    row = whole_test(scores).iloc[0]
    return {
        "storms": int(row["storms"]),
        "events": int(row["events"]),
        "runs": int(row["runs"]),
        "frequency": f"{100 * row['events'] / row['storms']:.1f}",
    }


def _skill_sentences(scores: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Whether each model beats climatology."""
    whole = main_rows(scores)
    sentences = []
    for row in whole[whole["score"] == "brier_skill_score"].itertuples():
        cell = with_interval(row.value, row.low, row.high, 3).text
        if pd.isna(row.value):
            said = "no skill can be stated, because the test period holds one class only"
        elif pd.isna(row.low):
            said = f"Brier skill score {cell}; no interval can be given"
        elif row.low > 0:
            said = f"more skilful than climatology, Brier skill score {cell}"
        elif row.high < 0:
            said = f"less skilful than climatology, Brier skill score {cell}"
        else:
            said = f"skill over climatology cannot be claimed, Brier skill score {cell}"
        sentences.append(f"{titles[row.model]}: {said}.")
    return sentences


def calibration_sentences(
    scores: pd.DataFrame, titles: Mapping[str, str], confidence: float
) -> list[str]:
    """Whether each model's probabilities, and what recalibration makes of them, are calibrated.

    They are called so only where the interval of Murphy's reliability reaches 0 and Spiegelhalter's
    Z is not told from 0 at 1 - confidence. The interval of CORP's miscalibration leaves 0 out too
    often to be asked.
    """
    whole = whole_test(scores)
    main = main_rows(scores)
    methods = chosen_recalibrations(scores)
    sentences = []
    judged = main.loc[main["score"] == "spiegelhalter_p_value", "model"]
    for model in (name for name in titles if (judged == name).any()):
        said = _calibration(main[main["model"] == model], confidence)
        sentence = f"{titles[model]}: probabilities {said}."
        if model in methods:
            variant = whole[(whole["model"] == model) & (whole["forecast"] == methods[model])]
            seed = variant["seed"].astype(str).nunique() > 1
            which = f" of the network of seed {first_seed(variant)['seed'].iloc[0]}" if seed else ""
            said = _calibration(first_seed(variant), confidence)
            sentence += f" After {methods[model]} recalibration{which} they {said}."
        sentences.append(sentence)
    return sentences


def _calibration(rows: pd.DataFrame, confidence: float) -> str:
    """What may be said of the calibration of one forecast, and on what grounds."""
    by_score = rows.set_index("score")
    reliability = by_score.loc["murphy_reliability"]
    p = by_score.loc["spiegelhalter_p_value", "value"]
    if pd.isna(reliability["low"]) or pd.isna(p):
        return "cannot be called calibrated or not, because no interval can be given"
    cell = with_interval(reliability["value"], reliability["low"], reliability["high"], 5).text
    grounds = f"(Murphy's reliability {cell}; Spiegelhalter's Z, p = {p_value(p)})"
    unsure = 1 - p < confidence
    if reliability["low"] <= 0 and unsure:
        return f"are calibrated as far as these runs can tell {grounds}"
    if unsure:
        return f"are not calibrated {grounds}"
    fault = "too sure" if by_score.loc["spiegelhalter_z", "value"] > 0 else "not sure enough"
    return f"are not calibrated, they are {fault} {grounds}"


def _count_sentences(uncertainty: pd.DataFrame | None, titles: Mapping[str, str]) -> list[str]:
    """Whether the members' intervals of event counts hold what they promise."""
    if uncertainty is None:
        return []
    rows = headline(
        uncertainty[
            (uncertainty["score"] == "count_coverage_90") & (uncertainty["forecast"] == "mc_mean")
        ]
    )
    sentences = []
    for row in rows.itertuples():
        if pd.isna(row.low):
            continue
        share, low, high = (f"{100 * value:.0f} %" for value in (row.value, row.low, row.high))
        said = (
            "too narrow"
            if row.high < 0.9
            else "too wide"
            if row.low > 0.9
            else "consistent with what they promise"
        )
        sentences.append(
            f"{titles[row.model]}: the members' 90 % intervals of the number of events of a run "
            f"hold {share} of the observed numbers ({low} to {high}), so they are {said}."
        )
    return sentences


def describe_choice(choice: pd.DataFrame) -> list[str]:
    """Say which rate was chosen, why, and what that means for the rate the network has now."""
    chosen = choice[choice["chosen"]].iloc[0]
    said = [
        f"Of the {len(choice)} dropout rates tried, {chosen['rate']:g} is chosen: "
        f"{chosen['reason']}."
    ]
    own = choice[choice["own"]]
    if own.empty:
        said.append("The rate that the network has in this run was not among them.")
    elif own["chosen"].all():
        said.append("It is the rate that the network has in this run, which need not be adjusted.")
    elif own["as_good"].all():
        said.append(
            f"The rate that the network has in this run, {own['rate'].iloc[0]:g}, gives "
            "probabilities that are as good, so the choice rests on the event counts alone."
        )
    else:
        said.append(
            f"The rate that the network has in this run, {own['rate'].iloc[0]:g}, should be "
            f"adjusted: {own['reason'].iloc[0]}."
        )
    return said


def _which(name: str, titles: Mapping[str, str]) -> str:
    """Of what a figure is, by the rest of its file's name: `MODEL-SEED`, or a word of its own."""
    model, _, seed = name.rpartition("-")
    return f"{titles[model]}, seed {seed}" if model in titles else titles.get(name, name)


def _figures_by_section(
    figures: Iterable[StrPath], titles: Mapping[str, str]
) -> dict[str, list[dict[str, str]]]:
    """Figures as data URIs with their titles and captions, by section."""
    sections: dict[str, list[dict[str, str]]] = {}
    for file in map(Path, figures):
        kind, _, rest = file.stem.partition("-")
        text = FIGURES.get(kind, FigureText("other", kind.replace("_", " ").capitalize(), ""))
        which = [_which(rest, titles)] if rest else []
        mime = {".png": "image/png", ".svg": "image/svg+xml"}[file.suffix]
        sections.setdefault(text.section, []).append(
            {
                "title": ", ".join([text.title, *which]),
                "caption": text.caption,
                "source": f"data:{mime};base64,{_base64(file.read_bytes())}",
            }
        )
    return sections


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _downloads(tables: Mapping[str, StrPath | None], room: int) -> list[dict[str, Any]]:
    """The tables as data URIs, as many as there is room for, the smallest first."""
    found: list[dict[str, Any]] = []
    for name, file in tables.items():
        if file is None:
            continue
        content = Path(file).read_bytes()
        large = len(content) > PLAIN_BYTES
        found.append(
            {
                "name": f"{name}.csv.gz" if large else f"{name}.csv",
                "size": f"{max(len(content) / 1000, 1):,.0f} kB",
                "source": (
                    f"data:application/gzip;base64,{_base64(gzip.compress(content, mtime=0))}"
                    if large
                    else f"data:text/csv;charset=utf-8;base64,{_base64(content)}"
                ),
            }
        )
    for entry in sorted(found, key=lambda entry: len(entry["source"])):
        room -= len(entry["source"]) + 500
        if room < 0:
            entry["source"] = None
    return found
