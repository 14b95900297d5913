"""The event in words, from the settings and from the attributes of the target in the run files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from stormcnn.errors import UserError
from stormcnn.storms.variables import quantity_of
from stormcnn.texts import printable

NAMES = {
    "REFL_COM": "composite reflectivity",
    "REFL_1KM_AGL": "reflectivity 1 km above ground",
    "U10": "10 m wind along x",
    "V10": "10 m wind along y",
    "T2": "2 m temperature",
    "RVORT1_MAX": "vorticity 1 km above ground",
}
"""Names of the quantities of the AMS lesson, whose files give no better ones."""

TITLES = {"RVORT1_MAX": "strong low-level rotation"}
"""What the AMS lesson calls its event, by the target without suffix."""

LEADS = {"prev": "an hour earlier", "curr": "now", "future": "within the next hour"}
"""When the event happens, by the suffix of the target. A variable with one value per storm has no
suffix, and no lead."""

REGION_TEXTS = {"storm": "inside the storm", "patch": "in the storm's patch"}

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


LONGEST = 100
"""Largest number of characters of a text from a file."""


class EventTexts(NamedTuple):
    """Texts about the event, for titles, labels and sentences.

    `title` is a noun phrase ("strong low-level rotation", "hail above 25 mm"), and `lead` says when
    the event happens ("within the next hour", "now", or nothing). `quantity` is the name of the
    target ("vorticity 1 km above ground"), `units` its units ("s⁻¹"), `threshold` the threshold
    with units ("0.005 s⁻¹") and `region` where the largest value is taken ("inside the storm", or
    nothing if the target has one value per storm). `condition` defines the event ("the largest
    RVORT1_MAX_future inside the storm exceeds 0.005 s⁻¹").
    """

    title: str
    lead: str
    quantity: str
    units: str
    threshold: str
    region: str
    condition: str

    @property
    def phrase(self) -> str:
        """The title with the lead: "strong low-level rotation within the next hour"."""
        return f"{self.title} {self.lead}".strip()


def event_texts(
    target: str,
    region: str,
    threshold: float,
    *,
    title: str | None = None,
    units: str | None = None,
    lead: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> EventTexts:
    """Return texts about an event.

    `target`, `region` and `threshold` define the event. `title`, `units` and `lead` are the
    settings of these names; None stands for what follows from the target. `attributes` may have
    `target_long_name` and `threshold_units` from the run files, which the attributes of `label` in
    prediction files have. Raises `UserError` if `units` contradicts the units of the run files.

    >>> texts = event_texts("REFL_COM_future", "storm", 50)
    >>> texts.phrase
    'composite reflectivity above 50 dBZ within the next hour'
    >>> texts.condition
    'the largest REFL_COM_future inside the storm exceeds 50 dBZ'
    """
    # The file of a network may come from elsewhere and contain anything.
    target = printable(target, longest=LONGEST)
    attributes = {
        name: printable(str(text), longest=LONGEST) for name, text in (attributes or {}).items()
    }
    quantity = name_of(target, attributes.get("target_long_name", ""))
    shown_units = display_units(_agreed_units(target, units, attributes.get("threshold_units", "")))
    amount = f"{threshold:g} {shown_units}".strip()
    suffix = _suffix(target)
    where = REGION_TEXTS[region] if suffix else ""
    value = f"the largest {target} {where}" if where else target
    return EventTexts(
        title=title or TITLES.get(_bare(target)) or f"{quantity} above {amount}",
        lead=LEADS.get(suffix, "") if lead is None else lead,
        quantity=quantity,
        units=shown_units,
        threshold=amount,
        region=where,
        condition=f"{value} exceeds {amount}",
    )


def name_of(variable: str, long_name: str = "") -> str:
    """Return the name of a variable for people.

    This is its `long_name` in the run file, unless that only repeats the variable's name; otherwise
    the name of a known quantity, or the variable's own name without the suffix for the time.

    >>> name_of("U10_curr", long_name="U10")
    '10 m wind along x'
    """
    bare = _bare(variable)
    if long_name and long_name not in (bare, variable):
        return printable(long_name, longest=LONGEST)
    return NAMES.get(bare, bare)


def display_units(units: str) -> str:
    """Return units with superscripts, as they are printed.

    >>> display_units("m s-1"), display_units("kg m**-2"), display_units("dBZ")
    ('m s⁻¹', 'kg m⁻²', 'dBZ')
    """
    power = re.compile(r"(?<=[A-Za-z])(?:\*\*|\^)?(-?\d+)\b")
    return power.sub(lambda match: match[1].translate(SUPERSCRIPTS), units)


def _suffix(variable: str) -> str:
    """Return `prev`, `curr` or `future`; nothing for variables with one value per storm."""
    suffix = variable.rpartition("_")[2]
    return suffix if suffix in LEADS else ""


def _bare(variable: str) -> str:
    """Return the name of a variable without the suffix for the time."""
    return variable.removesuffix(f"_{_suffix(variable)}")


def _agreed_units(target: str, configured: str | None, of_files: str) -> str:
    stated = of_files or quantity_of(target).units
    if configured and stated and configured != stated:
        # The workflow imports this module at every start, and this one takes longer.
        from stormcnn.storms.units import are_equal

        if are_equal(configured, stated):
            return configured
        raise UserError(
            f"event.units must be {stated}, the units of {target}, or null (got {configured}). "
            "Correct it, and state event.threshold in these units."
        )
    return configured or stated
