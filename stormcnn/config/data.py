"""Settings of the block `data`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from stormcnn.addresses import secret_parts
from stormcnn.config.archive_dates import MAXIMUM_RUNS
from stormcnn.config.block import Block
from stormcnn.config.experiment import DEMO
from stormcnn.config.field_types import (
    UNIQUE,
    Address,
    CountFromOne,
    FilePattern,
    Name,
    NotNegative,
    OptionalCountFromOne,
    OptionalPath,
    OptionalRange,
    Path,
    Seed,
    Sha256,
    Variable,
    must_be,
)
from stormcnn.config.wording import listed, shown
from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.vocabulary import LESSON_EVENT, STORM_FAULTS, Region, StormFault

STORM_VARIABLES = ("REFL_COM_curr", "U10_curr", "V10_curr", "T2_curr")
"""Predictors in the run files of the demo and of the NCAR archive."""

TARGET_VARIABLES = ("RVORT1_MAX_future", "HAIL_MAXK1_future")
"""Targets in the run files of the demo and of the NCAR archive."""


class DemoData(Block):
    """Size of the made-up data set."""

    runs: Annotated[
        int, Field(ge=2, le=MAXIMUM_RUNS), must_be(f"an integer >= 2 and <= {MAXIMUM_RUNS}")
    ] = Field(
        default=100,
        description="Number of forecast runs. Of 100 runs, 64 start before 2015 and 36 later, as "
        "in the NCAR archive.",
    )
    storms_per_run: CountFromOne = Field(
        default=40, description="Number of storms in each forecast run."
    )
    seed: Seed = Field(
        default=1, description="Random seed. Other seeds give other storms of the same kind."
    )


class Archive(Block):
    """Where an archive comes from, and how to verify it. Either `url` or `file` is required."""

    url: Address = Field(
        default=None,
        description="URL (http or https) to download the archive from, without secrets: neither "
        "user name nor password, query or fragment.",
    )
    file: OptionalPath = Field(
        default=None,
        description="Path of an archive that is already on disk; nothing is downloaded. Relative "
        "paths start at the working directory.",
    )
    bytes: OptionalCountFromOne = Field(
        default=None, description="Size of the archive in bytes. null: unknown, not checked."
    )
    unpacked_bytes: OptionalCountFromOne = Field(
        default=None,
        description="Largest total size of the files in the archive in bytes. null: 20 times the "
        "size of the archive.",
    )
    sha256: Sha256 = Field(
        default=None, description="SHA-256 digest of the archive. null: unknown, not checked."
    )

    def _faults(self) -> Iterator[str]:
        if self.url is None and self.file is None:
            yield "url must be set, or file (got null for both)."
        if self.url is None:
            return
        # The config is copied into the results and the report, so messages do not show the URL.
        if secrets := secret_parts(self.url):
            yield (
                f"url must not contain a {listed(secrets, 'or')}, because the config is copied "
                "into the results. Write user name and password to ~/.netrc, and an @ in a path as "
                "%40. If the server needs a query, download the archive and set `file`."
            )
        elif not self.url.lower().startswith(("http://", "https://")):
            yield "url must begin with https:// or http://."


class Ncar(Block):
    """The archive of storm patches that NCAR published for the AMS short course of 2019."""

    runs: Path = Field(
        default="config/runs/ncar.csv",
        description="CSV file that lists the forecast runs in the archive.",
    )
    patches: Archive = Field(description="Archive of the run files (NetCDF).")
    tracks: Archive = Field(
        description="Archive of the storm statistics (CSV). The run files are checked against it."
    )


class Data(Block):
    """Which storms are used, and which of their variables are read."""

    name: Name = Field(
        default=DEMO,
        description="The prepared data are written to `resources/<name>`. Experiments with the "
        "same data settings share them. `demo` is reserved for made-up data.",
    )
    source: Literal["demo", "ncar", "folder"] = Field(
        default="demo",
        description="`demo`: made-up storms. `ncar`: the NCAR archive. `folder`: your own run "
        "files.",
    )
    folder: OptionalPath = Field(
        default=None,
        description="Folder with your run files, for source `folder`. The files are read in "
        "place. Relative paths start at the working directory.",
    )
    run_list: OptionalPath = Field(
        default=None,
        description="CSV file with the columns run_date, file, batch and sha256, for source "
        "`folder`: only its files are used, and only with this content. null: all run files of "
        "the folder.",
    )
    file_pattern: FilePattern = Field(
        default=DEFAULT_PATTERN,
        description="Form of the names of your run files, for source `folder`: `{run_date:FORMAT}` "
        "is the initialization time in the format of Python's `strptime`; `{ensemble}` and "
        "`{ensemble_member}` stand for any text and may be left out. Files with other names are "
        "not used.",
    )
    batch: Literal["day", "month", "year"] = Field(
        default="year",
        description="Forecast runs of the same day, month or year are prepared by one job. A new "
        "run file reruns only the job of its batch.",
    )
    predictors: Annotated[
        list[Variable],
        Field(min_length=1),
        *UNIQUE,
        must_be("a list of one or more variables without duplicates"),
    ] = Field(
        default=list(STORM_VARIABLES[:3]),
        description="Variables of the run files that are the input of the networks, in this order.",
    )
    target: Variable = Field(
        default=LESSON_EVENT["target"],
        description="Variable of the run files that decides whether a storm is an event: its "
        "largest value (the peak) is compared with `event.threshold`. It is a field, or has one "
        "value per storm, such as hagelslag's `Max_Hail_Size`.",
    )
    region: Region = Field(
        default="storm",
        description="Where the peak is taken. `storm`: within the grid points of the storm "
        "(`masks`). `patch`: in the whole patch. A target with one value per storm is taken as it "
        "is.",
    )
    skip_bad_files: bool = Field(
        default=False,
        description="What happens if a run file cannot be used. true: it is left out and listed "
        "in the inventory. false: the workflow stops.",
    )
    reject: Annotated[
        list[StormFault],
        *UNIQUE,
        must_be(f"a list of {', '.join(STORM_FAULTS)} without duplicates"),
    ] = Field(
        default=list(STORM_FAULTS),
        description="Kinds of questionable storms that are left out; the inventory counts all of "
        "them. `duplicate`: a copy of another storm of the same file. `padded`: the patch is "
        "filled up with zeros at the edge of the domain. `constant`: a predictor has the same "
        "value at all grid points.",
    )
    lead_hours: OptionalRange = Field(
        default=None,
        description="First and last lead time in hours; storms with others are left out. null: "
        "all. With runs every 12 hours, [12, 23.99] takes each valid time from one run only.",
    )
    settle_seconds: NotNegative = Field(
        default=0,
        description="Run files that were modified less than this many seconds ago are left for "
        "the next call, because they may still be being written. For source `folder`.",
    )
    demo: DemoData = Field(
        default_factory=DemoData, description="Settings of the made-up data, for source `demo`."
    )
    ncar: Ncar | None = Field(
        default=None,
        description="Settings of the NCAR archive, for source `ncar`. `config/ncar.yaml` has them.",
    )

    def _faults(self) -> Iterator[str]:
        if self.source != "folder" and self.file_pattern != DEFAULT_PATTERN:
            yield (
                f"file_pattern must be left out if data.source is {self.source} (got "
                f"{shown(self.file_pattern)}). forecast.file_pattern is for new run files."
            )
        for variable in self.predictors:
            if self.source != "folder" and variable not in STORM_VARIABLES:
                yield (
                    f"predictors must be among {listed(STORM_VARIABLES)} if data.source is "
                    f"{self.source} (got {shown(variable)})."
                )
            elif variable.endswith("_future") or variable == self.target:
                yield (
                    "predictors must be known when the forecast is issued "
                    f"(got {shown(variable)}). Remove the target and variables whose names end "
                    "with _future."
                )
        if self.source != "folder" and self.target not in TARGET_VARIABLES:
            yield (
                f"target must be {listed(TARGET_VARIABLES, 'or')} if data.source is {self.source} "
                f"(got {shown(self.target)})."
            )
