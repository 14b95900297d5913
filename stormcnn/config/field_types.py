"""Types of settings, each with the words that describe it in error messages."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from stormcnn.name_pattern import DEFAULT_PATTERN, compile_pattern

MUST_BE = "must_be"
"""Type of the errors that `must_be` raises."""


def must_be(expected: str, reason: str = "") -> WrapValidator:
    """Replace every error about a value by `expected`, and the sentence `reason` if there is one.

    The message becomes "<key> must be <expected> (got <value>). <reason>".
    """

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        # pydantic takes true for 1, but nobody who writes `epochs: true` means 1.
        if not isinstance(value, bool):
            with suppress(ValueError):
                return handler(value)
        raise PydanticCustomError(MUST_BE, "{expected}", {"expected": expected, "reason": reason})

    return WrapValidator(check)


def _without_duplicates(values: list[Any] | None) -> list[Any] | None:
    if values is not None and len(set(values)) < len(values):
        raise ValueError
    return values


def without_nulls(values: Any) -> Any:
    """Remove the entries of a dictionary that are null, by which users remove defaults."""
    if not isinstance(values, dict):
        return values
    return {name: value for name, value in values.items() if value is not None}


def _ordered(limits: tuple[float, float] | None) -> tuple[float, float] | None:
    if limits is not None and not limits[0] <= limits[1]:
        raise ValueError
    return limits


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError
    return text


def _check_title(text: str) -> str:
    # Matplotlib hides labels that begin with _, and spreadsheets compute those with = + - or @.
    if not text[:1].isalnum():
        raise ValueError
    return _check_printable(text)


def _check_variable(text: str) -> str:
    # Captions in reStructuredText show it between backquotes.
    if not (text[:1].isalnum() or text.startswith("_")) or set(text) & set("/`\\"):
        raise ValueError
    if text != text.strip():
        raise ValueError
    return _check_printable(text)


def _check_pattern(text: str) -> str:
    compile_pattern(text)
    return _check_printable(text)


def _check_path(text: str) -> str:
    if "://" in text:
        raise ValueError
    return _check_printable(text)


def _read_date(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


UNIQUE = (
    AfterValidator(_without_duplicates),
    Field(json_schema_extra={"uniqueItems": True}),
)

Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64),
    must_be(
        "1 to 64 letters, digits, _ or -, with a letter or digit first",
        "It becomes part of file names.",
    ),
]
Text = Annotated[str, must_be("a string")]
OptionalText = Annotated[str | None, must_be("a string or null")]
Texts = Annotated[list[Text], *UNIQUE, must_be("a list of strings without duplicates")]
Words = Annotated[
    list[Text] | None, Field(min_length=1), must_be("a list of at least one string, or null")
]
Variable = Annotated[
    str,
    Field(max_length=100),
    AfterValidator(_check_variable),
    must_be(
        "a name of 1 to 100 printable characters without / ` \\, the first a letter, digit or _"
    ),
]
_PATTERN = f'a file name with {{run_date:FORMAT}}, such as "{DEFAULT_PATTERN}"'
_PATTERN_ADVICE = (
    "FORMAT must have year, month and day; {ensemble} and {ensemble_member} may be left out."
)
FilePattern = Annotated[
    str,
    Field(max_length=200),
    AfterValidator(_check_pattern),
    must_be(_PATTERN, _PATTERN_ADVICE),
]
OptionalFilePattern = Annotated[
    Annotated[str, Field(max_length=200), AfterValidator(_check_pattern)] | None,
    must_be(f"{_PATTERN}, or null", _PATTERN_ADVICE),
]
Title = Annotated[
    Annotated[str, Field(max_length=100), AfterValidator(_check_title)] | None,
    must_be("1 to 100 printable characters, the first a letter or digit, or null"),
]
Units = Annotated[
    Annotated[str, Field(max_length=40), AfterValidator(_check_printable)] | None,
    must_be("1 to 40 printable characters, or null"),
]
Path = Annotated[
    str,
    Field(max_length=4096),
    AfterValidator(_check_path),
    must_be("a path, not an address, of printable characters"),
]
OptionalPath = Annotated[
    Annotated[str, Field(max_length=4096), AfterValidator(_check_path)] | None,
    must_be("a path, not an address, of printable characters, or null"),
]
Paths = Annotated[
    list[Annotated[str, Field(max_length=4096), AfterValidator(_check_path)]],
    *UNIQUE,
    must_be("a list of paths without duplicates, of printable characters"),
]
Address = Annotated[
    Annotated[str, Field(max_length=2000), AfterValidator(_check_printable)] | None,
    must_be("an address of printable characters, or null"),
]
Count = Annotated[int, Field(ge=0), must_be("an integer >= 0")]
CountFromOne = Annotated[int, Field(ge=1), must_be("an integer >= 1")]
CountFrom200 = Annotated[int, Field(ge=200), must_be("an integer >= 200")]
BlockOfRuns = Annotated[
    Literal["day", "run"] | Annotated[int, Field(ge=1)],
    must_be("day, run or an integer >= 1", "An integer is a number of days."),
]
BlocksOfWindow = Annotated[
    int, Field(ge=10), must_be("an integer >= 10", "Fewer blocks give no alarm about skill.")
]
LeastBlocks = Annotated[
    int, Field(ge=10), must_be("an integer >= 10", "Fewer blocks do not allow a decision.")
]
LeastEvents = Annotated[
    int, Field(ge=20), must_be("an integer >= 20", "Fewer events do not allow a decision.")
]
CountFromTwo = Annotated[int, Field(ge=2), must_be("an integer >= 2")]
OptionalCountFromOne = Annotated[int | None, Field(ge=1), must_be("an integer >= 1, or null")]
OptionalCountFromZero = Annotated[int | None, Field(ge=0), must_be("an integer >= 0, or null")]
Seed = Annotated[int, Field(ge=0, lt=2**32), must_be("an integer >= 0 and < 2**32")]
Seeds = Annotated[
    list[Seed],
    Field(min_length=1),
    *UNIQUE,
    # The report takes the smallest seed of a table as the first one.
    AfterValidator(sorted),
    must_be("a list of one or more integers >= 0 and < 2**32, without duplicates"),
]
Positive = Annotated[float, Field(gt=0), must_be("a number > 0")]
OptionalPositive = Annotated[float | None, Field(gt=0), must_be("a number > 0, or null")]
NotNegative = Annotated[float, Field(ge=0), must_be("a number >= 0")]
OptionalRange = Annotated[
    tuple[float, float] | None,
    AfterValidator(_ordered),
    must_be("two numbers, the smaller one first, or null"),
]
Fraction = Annotated[float, Field(gt=0, lt=1), must_be("a number > 0 and < 1")]
DropoutRate = Annotated[float | None, Field(ge=0, lt=1), must_be("a number >= 0 and < 1, or null")]
Limits = Annotated[
    list[float], Field(min_length=2, max_length=2), must_be("a list of two numbers, in degrees")
]
Sha256 = Annotated[
    str | None, Field(pattern=r"^[0-9A-Fa-f]{64}$"), must_be("64 hexadecimal digits, or null")
]
Day = Annotated[
    date, Field(strict=True), BeforeValidator(_read_date), must_be("a date such as 2015-01-01")
]
OptionalDay = Annotated[
    Annotated[date, Field(strict=True)] | None,
    BeforeValidator(_read_date),
    must_be("a date such as 2014-01-01, or null"),
]
