"""What a user should know before training, the most serious first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stormcnn.report.periods import describe_shared_storms
from stormcnn.report.table_cells import percentage
from stormcnn.report.words import block_name, join
from stormcnn.storms.event_texts import display_units
from stormcnn.storms.events import LEAST_STORMS_PER_CLASS
from stormcnn.storms.finding import name_some
from stormcnn.storms.questionable import FAULTS
from stormcnn.storms.storm_checks import count_faults
from stormcnn.storms.variables import quantity_of
from stormcnn.texts import counted
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stormcnn.report.check_summary import DataCheck

STOPS, WARNING, NOTE = "Stops the workflow", "Warning", "Note"
KINDS = (STOPS, WARNING, NOTE)
"""Kinds of warnings, the most serious first."""

MOST_REJECTED = 0.05
"""Share of rejected storms above which they are no longer a note but a warning."""

USUAL_SHARE = (0.005, 0.5)
"""Range of the share of events outside of which a warning is given."""

MOST_REASONS = 4
"""Most reasons that one warning lists."""


class DataWarning(NamedTuple):
    """A warning: its kind, one of `KINDS`, and its text."""

    kind: str
    text: str


def find_warnings(check: DataCheck) -> list[DataWarning]:
    """Return all warnings, the most serious first."""
    found = [
        *_file_warnings(check),
        *_storm_warnings(check),
        *_meaning_warnings(check),
        *_event_warnings(check),
        *_split_warnings(check),
    ]
    return sorted(found, key=lambda one: KINDS.index(one.kind))


def _listed(counts: Counter[str]) -> str:
    """Return the most frequent reasons with their numbers."""
    parts = [f"{reason} ({number:,})" for reason, number in counts.most_common(MOST_REASONS)]
    more = len(counts) - len(parts)
    return "; ".join([*parts, counted(more, "other reason")] if more > 0 else parts)


def _file_warnings(check: DataCheck) -> Iterator[DataWarning]:
    files, usable = check.survey.files, check.survey.usable
    bad = files[files["fault"] != ""]
    if len(bad):
        reasons = Counter(
            row.fault.removeprefix(f"{row.file}: ").removesuffix(".") for row in bad.itertuples()
        )
        they, them = ("It is", "it") if len(bad) == 1 else ("They are", "them")
        consequence = (
            f"{they} left out, because data.skip_bad_files is true."
            if check.skip_bad_files
            else f"Correct {them}, or set data.skip_bad_files to true to leave {them} out."
        )
        yield DataWarning(
            NOTE if check.skip_bad_files else STOPS,
            f"{len(bad):,} of {counted(len(files), 'run file')} cannot be used: "
            f"{_listed(reasons)}. {consequence} {they}: "
            f"{name_some([Path(file).name for file in bad['file']])}.",
        )
    if check.survey.conflict:
        yield DataWarning(STOPS, check.survey.conflict)
    lacking = usable[usable["lacking"] != ""]
    if len(lacking):
        which = join(list(dict.fromkeys(", ".join(lacking["lacking"]).split(", "))))
        yield DataWarning(
            STOPS,
            f"{which} {'is' if ' and ' not in which else 'are'} missing from {len(lacking):,} of "
            f"{counted(len(usable), 'run file')}, so it is unknown which of "
            f"{'its' if len(lacking) == 1 else 'their'} storms are events. Such files can be "
            "forecast, but a network can neither be trained nor verified with them. Set "
            "data.target and data.region to what the files have, or move "
            f"{'this file' if len(lacking) == 1 else 'these files'} to another folder.",
        )
    for kind, paths in check.not_taken.items():
        yield DataWarning(
            WARNING, f"Not taken from data.folder ({len(paths):,}): {kind}: {name_some(paths)}."
        )


def _storm_warnings(check: DataCheck) -> Iterator[DataWarning]:
    usable = check.survey.usable
    rejected = int(usable["rejected"].sum())
    if rejected:
        storms = rejected + int(usable["storms"].sum())
        yield DataWarning(
            WARNING if rejected > MOST_REJECTED * storms else NOTE,
            f"{rejected:,} of {storms:,} storms ({percentage(rejected / storms)}) "
            f"{'is' if rejected == 1 else 'are'} rejected: "
            f"{_listed(count_faults(usable['reason']))}.",
        )
    if hours := int(usable["missing_hours"].sum()):
        yield DataWarning(
            WARNING,
            f"{counted(hours, 'hour')} of NWP model output "
            f"{'is' if hours == 1 else 'are'} missing: a field is zero in all storms of the hour. "
            f"This concerns {counted(int(usable['missing_storms'].sum()), 'storm')}.",
        )
    for kind, text in FAULTS.items():
        if kind not in check.reject and (number := int(usable[kind].sum())):
            yield DataWarning(
                WARNING,
                f"{counted(number, 'storm')} of the kind {kind} ({text}) "
                f"{'is' if number == 1 else 'are'} kept, because data.reject does not list it.",
            )
    if check.repeated:
        yield DataWarning(
            NOTE,
            f"{counted(check.repeated, 'storm')} {'is' if check.repeated == 1 else 'are'} forecast "
            "by several runs. They count more than once, with different lead times. To take each "
            "valid time from one run only, set data.lead_hours.",
        )
    if sentences := describe_shared_storms(check.shared, check.block):
        yield DataWarning(WARNING, " ".join(sentences))


def _meaning_warnings(check: DataCheck) -> Iterator[DataWarning]:
    survey = check.survey
    for name, values in survey.fields.items():
        if name in check.predictors and values.minimum == values.maximum:
            yield DataWarning(
                STOPS,
                f"{name} has the value {values.minimum:g} everywhere, so it carries no "
                "information. Remove it from data.predictors.",
            )
    corrections = Counter(
        one for text in survey.usable["corrections"] for one in text.split("; ") if one
    )
    if corrections:
        yield DataWarning(
            NOTE,
            f"Corrected (number of files in parentheses): {_listed(corrections)}. Check in the "
            "fields of storms below that the result is right.",
        )
    if survey.without_units:
        assumed = [
            f"{name} in {display_units(quantity_of(name).units)}" for name in survey.without_units
        ]
        yield DataWarning(
            NOTE,
            f"No units are stated for some variables; they are taken as {join(assumed)}. Compare "
            "them with the ranges below.",
        )
    silent = len(survey.usable) - survey.oriented
    if silent:
        yield DataWarning(
            NOTE,
            f"{counted(silent, 'run file')} {'has' if silent == 1 else 'have'} no positions of "
            "grid points that tell the directions of rows and columns. Row 0 must be the "
            "southernmost row and column 0 the westernmost column; check this in the fields of "
            "storms below.",
        )


def _event_warnings(check: DataCheck) -> Iterator[DataWarning]:
    if not check.peak.size:
        return
    if zero := check.files_without_observations:
        yield DataWarning(
            WARNING,
            f"{check.target} is 0 for all storms of {counted(len(zero), 'run file')}. Hagelslag "
            "also writes 0 if it has no observations of a run or did not match them, so its events "
            f"are unknown: leave such files out. {'It is' if len(zero) == 1 else 'They are'}: "
            f"{name_some(zero)}.",
        )
    low, high = USUAL_SHARE
    if not low <= check.event_share <= high:
        yield DataWarning(
            WARNING,
            f"{percentage(check.event_share)} of the storms are events at the threshold "
            f"{check.event.threshold}. Check the units of event.threshold, or choose a threshold "
            "from the table below.",
        )


def _split_warnings(check: DataCheck) -> Iterator[DataWarning]:
    split = check.configured
    dates = [f"{day:%Y-%m-%d}" for day in (check.days.index.min(), check.days.index.max())]
    if check.suggested is None:
        yield DataWarning(
            STOPS,
            f"All run files are of one day, {dates[0]}. A test period needs runs of other days "
            "than the training period.",
        )
        return
    suggested = check.suggested
    suggestion = f"Suggested: {suggested.test_start} with data.batch {suggested.batch}."
    if not suggested.is_sufficient:
        suggestion = (
            "There are too few run files for a training and a test period with at least "
            f"{LEAST_BLOCKS} {block_name(check.block, LEAST_BLOCKS)} and {LEAST_STORMS_PER_CLASS} "
            "events each."
        )
    for name, period in (("training", split.training), ("test", split.test)):
        if not period.runs:
            yield DataWarning(
                STOPS,
                f"split.test_start: {split.test_start} leaves no run in the {name} period. The "
                f"run dates are {dates[0]} to {dates[1]}. {suggestion}",
            )
            return
    training, test = split.training, split.test
    if training.events >= 0 and (
        min(training.events, training.storms - training.events) < LEAST_STORMS_PER_CLASS
    ):
        yield DataWarning(
            STOPS,
            f"The training period has {counted(training.events, 'event')} in "
            f"{counted(training.storms, 'storm')}; at least {LEAST_STORMS_PER_CLASS} events and "
            f"{LEAST_STORMS_PER_CLASS} non-events are needed.",
        )
    if test.blocks < LEAST_BLOCKS:
        yield DataWarning(
            WARNING,
            f"The test period has {test.blocks} {block_name(check.block, test.blocks)}. With fewer "
            f"than {LEAST_BLOCKS}, the report makes no claims. {suggestion}",
        )
    if 0 <= test.events < LEAST_EVENTS:
        yield DataWarning(
            WARNING,
            f"The test period has {counted(test.events, 'event')}. With fewer than {LEAST_EVENTS}, "
            "scores say little.",
        )


def texts_of(warnings: Iterable[DataWarning]) -> list[str]:
    """Return warnings as sentences that begin with their kind."""
    return [f"{one.kind}: {one.text}" for one in warnings]
