"""Patterns of the names of run files, from which the run date is read."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from string import Formatter
from typing import NamedTuple

DEFAULT_PATTERN = "{ensemble}_{run_date:%Y%m%d-%H%M}_{ensemble_member}_model_patches.nc"
"""The names that hagelslag writes, such as `NCARSTORM_20101024-0000_d01_model_patches.nc`."""

_TEXTS = {"ensemble": "(?P<ensemble>.+?)", "ensemble_member": "(?P<ensemble_member>.+)"}
_SHOWN = {"Y": "YYYY", "y": "YY", "m": "MM", "d": "DD", "j": "DDD", "H": "HH", "M": "MM", "S": "SS"}
"""Directives of dates as their digits are shown to people."""

_DIRECTIVE = re.compile("%(.)", re.DOTALL)


class RunName(NamedTuple):
    """The parts of a run file's name; those that its pattern lacks are empty."""

    ensemble: str
    run_date: datetime
    ensemble_member: str


class NamePattern(NamedTuple):
    """A pattern of file names. All names begin with `head` and end with `tail`."""

    text: str
    head: str
    tail: str
    date_format: str
    regex: re.Pattern[str]

    @property
    def form(self) -> str:
        """The pattern for people, such as `ENSEMBLE_YYYYMMDD-HHMM_MEMBER_model_patches.nc`."""
        text = self.text.replace("{ensemble}", "ENSEMBLE").replace("{ensemble_member}", "MEMBER")
        shown = self.date_format
        for directive, letters in _SHOWN.items():
            shown = shown.replace(f"%{directive}", letters)
        return text.replace(f"{{run_date:{self.date_format}}}", shown)

    def parse(self, name: str) -> RunName:
        """Return the parts of a file's name; raise `ValueError` with what is wrong with it."""
        match = self.regex.fullmatch(name)
        if match is None:
            raise ValueError("the file name contains no run date.")
        parts = match.groupdict()
        try:
            run_date = datetime.strptime(parts["run_date"], self.date_format)
        except ValueError:
            raise ValueError(f"{parts['run_date']} in the file name is not a valid date.") from None
        return RunName(parts.get("ensemble", ""), run_date, parts.get("ensemble_member", ""))


@cache
def compile_pattern(text: str) -> NamePattern:
    """Return the pattern that a text describes; raise `ValueError` if it describes none.

    The text is a file name with the placeholder `{run_date:FORMAT}`, in which FORMAT has the
    directives of `datetime.strptime` for numbers, and optionally `{ensemble}` and
    `{ensemble_member}`, which stand for any text.

    >>> compile_pattern("d_{ensemble_member}_{run_date:%Y%m%d%H}.nc").parse("d_m7_2024050112.nc")
    RunName(ensemble='', run_date=datetime.datetime(2024, 5, 1, 12, 0), ensemble_member='m7')
    """
    pieces, literals, date_formats, seen = [], [], [], []
    for literal, field, spec, conversion in Formatter().parse(text):
        pieces.append(re.escape(literal))
        literals.append(literal)
        if field is None:
            continue
        seen.append(field)
        if field == "run_date" and spec and not conversion:
            date_formats.append(spec)
            pieces.append(f"(?P<run_date>{_date_regex(spec)})")
        elif field in _TEXTS and not spec and not conversion:
            pieces.append(_TEXTS[field])
        else:
            raise ValueError(f"{{{field}}} is not a placeholder")
    if len(date_formats) != 1 or len(set(seen)) < len(seen):
        raise ValueError("{run_date:FORMAT} must occur once, and others at most once")
    if "/" in "".join(literals) or "%" in "".join(literals):
        raise ValueError("only a date format may contain %, and no part may contain /")
    tail = "" if text.endswith("}") else literals[-1]
    return NamePattern(text, literals[0], tail, date_formats[0], re.compile("".join(pieces)))


def _date_regex(date_format: str) -> str:
    """Return a regular expression for dates in a format of numbers."""
    directives = _DIRECTIVE.findall(date_format)
    names = set(directives)
    if len(names) < len(directives) or not names <= set(_SHOWN):
        raise ValueError("the date format has a directive that is unknown or occurs twice")
    if len(names & {"Y", "y"}) != 1 or not ({"m", "d"} <= names or "j" in names):
        raise ValueError("the date format must have year, month and day")
    if set(_DIRECTIVE.sub("", date_format)) & set("/%{}"):
        raise ValueError("the date format contains / or a single %")
    parts = _DIRECTIVE.split(date_format)
    return "".join(
        rf"\d{{{len(_SHOWN[part])}}}" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )
