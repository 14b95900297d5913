"""The config: what can be set, what it means, and a sentence for everything that is wrong in it.

`Config` is the truth about the settings: `config/schema.json` is generated from it, and its field
descriptions are the reference. Every start of the workflow imports this module, so it imports
nothing heavier than pydantic.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from stormcnn.config.archive_dates import MAXIMUM_RUNS
from stormcnn.errors import UserError
from stormcnn.io import write_text

DEMO = "demo"
SIMPLE_REFERENCE = "logistic_regression"
SIMPLE_REFERENCE_TITLE = "Logistic regression"
STORM_VARIABLES = ("REFL_COM_curr", "U10_curr", "V10_curr", "T2_curr")
DROPOUTS = ("spatial_dropout", "dropout", "dense_dropout")
TARGET_VARIABLES = ("RVORT1_MAX_future", "HAIL_MAXK1_future")
LESSON_EVENT = {"target": TARGET_VARIABLES[0], "region": "storm", "threshold": 0.005}

# Keras 3's activations, without `glu` (halves the channels) and `threshold` (needs arguments).
Activation = Literal[
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink",
]  # fmt: skip


def load_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check the settings and return all of them as plain JSON values, in a fixed order.

    Strings of numbers, truth values and `null` (as a command line gives them) and date objects
    (as a file gives them) are understood; what is left out gets its default. Raises `UserError`
    with a line for each fault: the key, what was given, what is allowed.
    """
    try:
        config = Config.model_validate(_plain(given))
    except ValidationError as error:
        sentences = [line for fault in error.errors() for line in _sentences(fault)]
        raise UserError("\n".join(sentences)) from None
    return config.model_dump(mode="json")


def matched_networks(models: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """For each network with dropout, the first that differs from it only in having none.

    `models` are those of a checked config. Such two networks have equally many weights, so
    dropout alone makes the difference between them.
    """
    rest = {
        name: {key: value for key, value in model.items() if key not in ("title", *DROPOUTS)}
        for name, model in models.items()
    }
    plain = [name for name, model in models.items() if not any(map(model.get, DROPOUTS))]
    found = {}
    for name in models:
        matches = [other for other in plain if rest[other] == rest[name]]
        if matches and name not in plain:
            found[name] = matches[0]
    return found


def schema() -> dict[str, Any]:
    """JSON schema of the config. A file that sets only some of the keys is valid too."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect} | Config.model_json_schema()


def write_schema(path: str | os.PathLike[str]) -> None:
    """Write the JSON schema of the config to `path`."""
    write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", path)


def _allowed(phrase: str) -> WrapValidator:
    """Replace whatever is wrong with a value by the phrase that says what is allowed."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        # pydantic takes true for 1, which nobody means who writes `epochs: yes`.
        if not isinstance(value, bool):
            with suppress(ValueError):
                return handler(value)
        raise PydanticCustomError("allowed", "{phrase}", {"phrase": phrase})

    return WrapValidator(check)


def _different(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError
    return values


def _read_date(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _without_nulls(networks: Any) -> Any:
    if not isinstance(networks, dict):
        return networks
    return {name: network for name, network in networks.items() if network is not None}


UNIQUE = (AfterValidator(_different), Field(json_schema_extra={"uniqueItems": True}))

Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=64),
    _allowed("a name of at most 64 letters, digits, _ and -, because it becomes part of paths"),
]
Text = Annotated[str, _allowed("text")]
OptionalText = Annotated[str | None, _allowed("text or null")]
Texts = Annotated[list[Text], *UNIQUE, _allowed("a list of different texts")]
Count = Annotated[int, Field(ge=0), _allowed("a whole number from 0")]
CountFromOne = Annotated[int, Field(ge=1), _allowed("a whole number from 1")]
OptionalCount = Annotated[int | None, Field(ge=1), _allowed("a whole number from 1, or null")]
CountFromTwo = Annotated[int, Field(ge=2), _allowed("a whole number from 2")]
Seed = Annotated[int, Field(ge=0, lt=2**32), _allowed("a whole number from 0 to 4294967295")]
Positive = Annotated[float, Field(gt=0), _allowed("a number above 0")]
Strength = Annotated[float, Field(ge=0), _allowed("a number from 0")]
Fraction = Annotated[float, Field(gt=0, lt=1), _allowed("a number between 0 and 1")]
Rate = Annotated[float | None, Field(ge=0, lt=1), _allowed("a number from 0 to below 1, or null")]
Sha256 = Annotated[
    str | None, Field(pattern=r"^[0-9A-Fa-f]{64}$"), _allowed("64 hexadecimal digits, or null")
]
Day = Annotated[
    date, Field(strict=True), BeforeValidator(_read_date), _allowed("a date such as 2015-01-01")
]
OptionalDay = Annotated[
    Annotated[date, Field(strict=True)] | None,
    BeforeValidator(_read_date),
    _allowed("a date such as 2014-01-01, or null"),
]
Seeds = Annotated[
    list[Seed],
    Field(min_length=1),
    *UNIQUE,
    _allowed("a list of one or more different whole numbers from 0 to 4294967295"),
]


class Block(BaseModel):
    """A group of settings; a key that it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


class Run(Block):
    """One run of the workflow: its results never touch those of another run."""

    name: Name = Field(default=DEMO, description="Results go to `results/<name>`.")


class DemoData(Block):
    """Size of the made-up data."""

    runs: Annotated[
        int, Field(ge=2, le=MAXIMUM_RUNS), _allowed(f"a whole number from 2 to {MAXIMUM_RUNS}")
    ] = Field(
        default=100,
        description="Number of model runs. With 100, 64 lie before 2015 and 36 after, as in the "
        "NCAR archive.",
    )
    storms_per_run: CountFromOne = Field(default=40, description="Storm patches of each run.")
    seed: Seed = Field(default=1, description="Other seeds give other storms of the same kind.")


class Archive(Block):
    """Where an archive comes from, and how to tell that it is whole. `url` or `file` is needed."""

    url: OptionalText = Field(default=None, description="Address to download from.")
    file: OptionalText = Field(
        default=None,
        description="Path of an archive that is already on disk: nothing is downloaded. "
        "Relative paths start at the working directory.",
    )
    bytes: OptionalCount = Field(
        default=None, description="Size of the archive in bytes; null where it is not known."
    )
    sha256: Sha256 = Field(
        default=None, description="SHA-256 of the archive; null where none is published."
    )

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.url is None and self.file is None:
            _refuse(["url: null was given, and file is null too; one of the two is needed."])
        # A password may hold a slash or a question mark; a query behind a path may hold an @.
        if self.url is not None and re.search(r"//[^/]*@|^[^?]*@", self.url):
            # The config is written to the results and shown in the report.
            _refuse(
                [
                    "url: an address with a user name or a password was given; allowed is one "
                    "without. Put them into ~/.netrc, from where they are taken by host. An @ in "
                    "a path is written %40."
                ]
            )
        return self


class Ncar(Block):
    """The archive of storm patches that NCAR published for the AMS short course of 2019."""

    runs: Text = Field(
        default="config/runs/ncar.csv", description="List of the archive's runs (CSV)."
    )
    patches: Archive = Field(description="Archive of the run files (NetCDF).")
    tracks: Archive = Field(
        description="Archive of the storms' statistics (CSV), against which the run files are "
        "checked."
    )


class Data(Block):
    """Which storms, and what is read of them."""

    name: Name = Field(
        default=DEMO,
        description="Prepared data go to `resources/<name>`; runs with equal data settings "
        "share them. `demo` is kept for made-up data.",
    )
    source: Literal["demo", "ncar", "folder"] = Field(
        default="demo",
        description="`demo`: made-up storms; `ncar`: the archive of NCAR; `folder`: your own run "
        "files.",
    )
    folder: OptionalText = Field(
        default=None,
        description="For source `folder`: the folder of the run files, read in place. Relative "
        "paths start at the working directory.",
    )
    batch: Literal["day", "month", "year"] = Field(
        default="year",
        description="Runs whose dates share a day, month or year are prepared by one job. A new "
        "run file redoes its batch only.",
    )
    predictors: Annotated[
        list[Text],
        Field(min_length=1),
        *UNIQUE,
        _allowed("a list of one or more different variables"),
    ] = Field(
        default=list(STORM_VARIABLES[:3]),
        description="Variables of the run files that the networks see, in this order.",
    )
    target: Text = Field(
        default=TARGET_VARIABLES[0],
        description="Variable of the run files whose peak makes a storm an event or not.",
    )
    region: Literal["storm", "patch"] = Field(
        default="storm",
        description="Where the peak is taken: `storm`: inside the storm's own pixels (`masks`); "
        "`patch`: anywhere in the patch.",
    )
    skip_bad_files: bool = Field(
        default=False,
        description="true: a run file that cannot be used is listed in the inventory and left "
        "out; false: it stops the run.",
    )
    demo: DemoData = Field(default_factory=DemoData, description="For source `demo`.")
    ncar: Ncar | None = Field(
        default=None, description="For source `ncar`; `config/ncar.yaml` sets it."
    )

    @model_validator(mode="after")
    def _has_variables(self) -> Self:
        _refuse(list(self._variable_faults()))
        return self

    def _variable_faults(self) -> Iterator[str]:
        for variable in self.predictors:
            if self.source != "folder" and variable not in STORM_VARIABLES:
                yield (
                    f"predictors: {_shown(variable)} was given; allowed with source {self.source} "
                    f"are {_listed(STORM_VARIABLES)}."
                )
            elif variable.endswith("_future") or variable == self.target:
                yield (
                    f"predictors: {_shown(variable)} was given; allowed are variables that are "
                    "known when the forecast is made."
                )
        if self.source != "folder" and self.target not in TARGET_VARIABLES:
            yield (
                f"target: {_shown(self.target)} was given; allowed with source {self.source} "
                f"are {_listed(TARGET_VARIABLES)}."
            )


class Event(Block):
    """What is forecast."""

    threshold: Positive = Field(
        default=0.005,
        description="A storm is an event if its peak is larger than this, in the target's units "
        "(vorticity: s-1).",
    )


class Split(Block):
    """Which runs train and which test."""

    test_start: Day = Field(
        default=date(2015, 1, 1),
        description="Runs from this run date on are for testing, earlier ones for training. It "
        "must be the first day of a batch, so that no batch is cut in two.",
    )


class Regularizer(Block):
    """A penalty on the size of the weights (not on the biases), added to the loss."""

    l1: Strength = Field(
        default=0.0, description="Factor of the sum of absolute weights (LASSO). No unit."
    )
    l2: Strength = Field(
        default=0.0, description="Factor of the sum of squared weights (ridge). No unit."
    )
    layers: Annotated[
        list[Text] | None,
        Field(min_length=1),
        _allowed("null, or a list of one or more layers such as conv_1, dense_1 and output"),
    ] = Field(
        default=None,
        description="Layers it applies to: `conv_1`, `conv_2`, ... and `dense_1`, ... counted "
        "from the input, and `output`. null: all of them.",
    )


class Network(Block):
    """One network: convolutions, dense layers, and one unit with a sigmoid for the probability.

    Each convolution is followed by its activation and by pooling over 2 x 2 grid points. Dropout of
    points comes before the pooling, spatial dropout after it: the same numbers in less time.
    """

    title: OptionalText = Field(
        default=None, description="Name in tables and figures. null: the key of the network."
    )
    filters: Annotated[
        list[CountFromOne],
        Field(min_length=1, max_length=5),
        _allowed(
            "a list of 1 to 5 whole numbers from 1, because 2 x 2 pooling halves a patch of "
            "32 x 32 at most five times"
        ),
    ] = Field(
        default=[8, 16, 32], description="Number of filters of each convolution, from the input on."
    )
    kernel_size: CountFromOne = Field(
        default=5, description="Width of the convolution kernels, in grid points."
    )
    activation: Activation = Field(
        default="relu",
        description="Activation of the convolutions and dense layers, by its name in Keras.",
    )
    pooling: Literal["average", "max"] = Field(
        default="average", description="What 2 x 2 grid points are replaced by."
    )
    regularizer: Regularizer | None = Field(default=None, description="Weight penalty. null: none.")
    spatial_dropout: Rate = Field(
        default=None,
        description="Share of whole channels that is dropped after each convolution. Kept ones "
        "are divided by 1 - rate. null or 0: none. Not together with `dropout`.",
    )
    dropout: Rate = Field(
        default=None,
        description="Share of single values that is dropped after each convolution. Kept ones "
        "are divided by 1 - rate. null or 0: none.",
    )
    dense: Annotated[
        list[CountFromOne], _allowed("a list of whole numbers from 1, or an empty list")
    ] = Field(
        default=[],
        description="Number of units of each dense layer between the convolutions and the output.",
    )
    dense_dropout: Rate = Field(
        default=None,
        description="Share of values that is dropped between the convolutions and the first "
        "dense layer (the output, where `dense` is empty). null or 0: none.",
    )

    @property
    def has_dropout(self) -> bool:
        """Whether members of this network can differ."""
        return any(getattr(self, key) for key in DROPOUTS)

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        _refuse(list(self._faults()))
        return self

    def _faults(self) -> Iterator[str]:
        if self.spatial_dropout and self.dropout:
            yield (
                f"dropout: {self.dropout} was given with spatial_dropout {self.spatial_dropout}; "
                "allowed is one of the two."
            )
        if self.regularizer is None:
            return
        if not self.regularizer.l1 and not self.regularizer.l2:
            yield (
                "regularizer: l1 0 and l2 0 were given; allowed is l1 or l2 above 0, or null for "
                "no regularizer."
            )
        layers = [f"conv_{number + 1}" for number in range(len(self.filters))]
        layers += [f"dense_{number + 1}" for number in range(len(self.dense))]
        layers += ["output"]
        for layer in self.regularizer.layers or ():
            if layer not in layers:
                yield (
                    f"regularizer.layers: {_shown(layer)} was given; allowed in this network are "
                    f"{_listed(layers)}."
                )


class Comparison(Block):
    """How networks are set against each other."""

    reference: Text = Field(
        default="baseline", description="Key of the network that the others are compared with."
    )
    simple_reference: bool = Field(
        default=True,
        description="Whether a logistic regression on the predictors' means over each patch is "
        f"judged too, as a model `{SIMPLE_REFERENCE}`.",
    )
    own_scaling: bool = Field(
        default=False,
        description="Whether the networks of the first seed are also judged with the test storms "
        "scaled by their own statistics, as the course did. A forecaster cannot do so: they are "
        "not known beforehand.",
    )


class Training(Block):
    """How every network is trained: Adam, binary cross-entropy."""

    recipe: Literal["lesson", "fast"] = Field(
        default="lesson",
        description="`lesson`: a fixed number of epochs at one learning rate, as in the lesson. "
        "`fast`: for 20,000 training storms or more, less than half of the time at no less skill: "
        "4 epochs of batches of 128 storms, the learning rate first rising to 0.006, then falling "
        "to 0; `epochs`, `batch_size` and `learning_rate` are not used.",
    )
    epochs: CountFromOne = Field(
        default=10, description="How often the whole training period is gone through."
    )
    batch_size: CountFromOne = Field(
        default=64, description="Storms a step. The lesson has 512, for 76,377 training storms."
    )
    learning_rate: Positive = Field(default=0.001, description="Learning rate of Adam.")
    seeds: Seeds = Field(default=[0], description="Every network is trained once for each seed.")
    threads: CountFromOne = Field(
        default=1,
        description="Threads a training job. Jobs beside each other with a thread each take less "
        "time than one after another with more. Weights are bit-identical for equal numbers of "
        "threads only.",
    )
    memory_mb: CountFromOne | None = Field(
        default=None,
        description="Where the fields of the training period take more MiB than this, a training "
        "job reads them from a temporary file (of that size, in `TMPDIR`); null: they are always "
        "held in memory. The weights are the same.",
    )


class Verification(Block):
    """How forecasts are scored."""

    bootstrap: CountFromOne = Field(
        default=1000, description="Number of resamples of run dates behind each interval."
    )
    confidence: Fraction = Field(default=0.95, description="Coverage of the intervals.")


class Cases(Block):
    """Single storms whose members are kept and drawn."""

    count: Count = Field(
        default=6, description="Number of storms picked evenly over the range of probability."
    )
    members: CountFromOne = Field(default=1000, description="Members for each of these storms.")
    storms: Annotated[
        list[Count], *UNIQUE, _allowed("a list of different whole numbers from 0, or an empty list")
    ] = Field(
        default=[],
        description="More storms, by their index among the test storms, counted from 0 in order "
        "of run date and patch.",
    )


class Uncertainty(Block):
    """Monte Carlo dropout."""

    models: Texts = Field(
        default=["dropout"],
        description="Keys of the networks that are sampled; each needs a dropout. May be empty.",
    )
    members: Count = Field(
        default=50, description="Members for every test storm. 0: only the cases are sampled."
    )
    cases: Cases = Field(default_factory=Cases, description="Storms that are looked at one by one.")
    jobs: CountFromOne = Field(
        default=1,
        description="Jobs that share the sampling of a network's test storms, at most one a batch. "
        "The results do not depend on it.",
    )


class Tuning(Block):
    """Which dropout rate to take (target `tune_dropout`).

    One network is trained at several rates on the first part of the training period, and the
    rates are judged on the rest of it. The test period is never looked at.
    """

    model: OptionalText = Field(
        default=None,
        description="Key of the network, which needs a dropout: the rates replace its "
        "`spatial_dropout` or `dropout`, or its `dense_dropout` where it has neither. null: the "
        "first network that has one.",
    )
    rates: Annotated[
        list[Fraction],
        Field(min_length=1),
        *UNIQUE,
        _allowed("a list of one or more different numbers between 0 and 1"),
    ] = Field(
        default=[0.05, 0.1, 0.2, 0.3, 0.4, 0.5],
        description="Rates to try. A rate that is added trains no other again.",
    )
    seeds: Seeds = Field(
        default=[0],
        description="At each rate a network is trained for each seed; a rate is judged by the "
        "average over them.",
    )
    members: CountFromTwo = Field(
        default=50, description="Members for every storm that the rates are judged on."
    )
    validation_start: OptionalDay = Field(
        default=None,
        description="Runs of the training period from this run date on judge the rates, earlier "
        "ones train. It must be the first day of a batch, before `split.test_start`. null: the "
        "latest such day that leaves at least a quarter of the training period's runs, or, where "
        "there is none, the second batch's first day.",
    )
    report: bool = Field(
        default=False,
        description="true: the report shows the rates, so they are tried before it is written; "
        "false: only the target `tune_dropout` tries them.",
    )


class Report(Block):
    """The page that shows the results."""

    storms: CountFromOne = Field(
        default=200, description="Number of storms that can be looked at in the report."
    )


class Forecast(Block):
    """Probabilities for new storms, whose future is not known yet."""

    runs: Texts = Field(
        default=[],
        description="Paths of the new run files (target `forecast`). Relative paths start at the "
        "working directory.",
    )
    observed: Texts = Field(
        default=[],
        description="Paths of run files of the same runs with the target variable, once it is "
        "known (target `verify`).",
    )
    model: Text = Field(default="dropout", description="Key of the network that forecasts.")
    seed: Seed = Field(default=0, description="Its seed, one of `training.seeds`.")
    members: Count = Field(
        default=100, description="Monte Carlo members; 0 where the network has no dropout."
    )
    network: OptionalText = Field(
        default=None,
        description="Path of a `network.keras` to forecast with; `champion`: the network that "
        "`registry/champion.json` names. null: the one that this run trained for `model` and "
        "`seed`.",
    )


class Retraining(Block):
    """The network that `ops/retrain` trains when new run files have arrived."""

    model: Text = Field(
        default="dropout", description="Key of the network that challenges the champion."
    )
    seed: Seed = Field(default=0, description="Its seed.")
    report: bool = Field(
        default=False,
        description="true: the report of the retraining is made too, for which all `models` are "
        "trained; false: the challenger alone is trained.",
    )


class Registry(Block):
    """Where retrainings are recorded, beside the files in `registry/`."""

    mlflow: OptionalText = Field(
        default="sqlite:///registry/mlflow.db",
        description="Address of an MLflow tracking server, or of a database, without a password. "
        "The environment variable `MLFLOW_TRACKING_URI` goes before it. null: nothing is recorded "
        "in MLflow.",
    )

    @model_validator(mode="after")
    def _holds_no_secret(self) -> Self:
        # What is given is not shown: this fault is about secrets in logs.
        if self.mlflow and "@" in self.mlflow:
            _refuse(
                [
                    "mlflow: an address with a user name was given; allowed is one without, "
                    "because the config is copied into results. Set MLFLOW_TRACKING_USERNAME and "
                    "MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN, or the whole address as "
                    "MLFLOW_TRACKING_URI in the environment."
                ]
            )
        return self


def _lesson_networks() -> dict[str, Network]:
    return {
        "baseline": Network(title="Baseline"),
        "l2": Network(title="L2", regularizer=Regularizer(l2=0.001)),
        "dropout": Network(title="Spatial dropout", filters=[16, 32, 64], spatial_dropout=0.2),
    }


class Config(Block):
    """Settings of the workflow. Defaults are the demo's."""

    run: Run = Field(default_factory=Run)
    data: Data = Field(default_factory=Data)
    event: Event = Field(default_factory=Event)
    split: Split = Field(default_factory=Split)
    models: Annotated[
        dict[Name, Network],
        BeforeValidator(_without_nulls, json_schema_input_type=dict[Name, Network | None]),
    ] = Field(
        default_factory=_lesson_networks,
        description="The networks, each under a key of its own that its files are named by. A "
        "network set to null is left out.",
    )
    comparison: Comparison = Field(default_factory=Comparison)
    training: Training = Field(default_factory=Training)
    verification: Verification = Field(default_factory=Verification)
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)
    tuning: Tuning = Field(default_factory=Tuning)
    report: Report = Field(default_factory=Report)
    forecast: Forecast = Field(default_factory=Forecast)
    retraining: Retraining = Field(default_factory=Retraining)
    registry: Registry = Field(default_factory=Registry)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _refuse(
            [
                *self._source_faults(),
                *self._split_faults(),
                *self._model_faults(),
                *self._tuning_faults(),
                *self._forecast_faults(),
            ]
        )
        for name, network in self.models.items():
            network.title = network.title or name
        return self

    def _source_faults(self) -> Iterator[str]:
        data = self.data
        for key, name in {"run.name": self.run.name, "data.name": data.name}.items():
            if name == DEMO and data.source != "demo":
                yield (
                    f"{key}: {_shown(name)} was given with data.source {data.source}; allowed is "
                    "any other name, because this one is kept for made-up data."
                )
        if data.source == "folder" and data.folder is None:
            yield (
                "data.folder: null was given with data.source folder; allowed is the path of the "
                "folder of run files."
            )
        if data.source != "folder" and data.folder is not None:
            yield (
                f"data.folder: {_shown(data.folder)} was given with data.source {data.source}; "
                "allowed is null, or set data.source to folder."
            )
        if data.source == "ncar" and data.ncar is None:
            yield (
                "data.ncar: null was given with data.source ncar; allowed is a block with the "
                "archives' addresses, as in config/ncar.yaml."
            )

    def _split_faults(self) -> Iterator[str]:
        test_start, validation_start = self.split.test_start, self.tuning.validation_start
        yield from self._batch_faults("split.test_start", test_start)
        if validation_start is None:
            return
        yield from self._batch_faults("tuning.validation_start", validation_start)
        if validation_start >= test_start:
            yield (
                f"tuning.validation_start: {validation_start} was given; allowed is a day before "
                f"split.test_start, {test_start}, because the test period tunes nothing."
            )

    def _batch_faults(self, key: str, day: date) -> Iterator[str]:
        first = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[
            self.data.batch
        ]
        if day != first:
            yield (
                f"{key}: {day} was given; allowed is the first day of a "
                f"{self.data.batch} such as {first}, because data.batch is {self.data.batch} and "
                "no batch may be cut in two."
            )

    def _model_faults(self) -> Iterator[str]:
        if not self.models:
            yield "models: no network was given; allowed is at least one that is not null."
            return
        if self.comparison.simple_reference and SIMPLE_REFERENCE in self.models:
            yield (
                f"models.{SIMPLE_REFERENCE}: a network was given; allowed is any other key, "
                "because this one is kept for the simple reference, or set "
                "comparison.simple_reference to false."
            )
        titles = [network.title or name for name, network in self.models.items()]
        if self.comparison.simple_reference:
            titles.append(SIMPLE_REFERENCE_TITLE)
        for title in {title for title in titles if titles.count(title) > 1}:
            yield (
                f"models: two are called {_shown(title)}; allowed are titles (where none is given, "
                "keys) that tell the networks apart."
            )
        if self.comparison.reference not in self.models:
            yield self._no_model("comparison.reference", self.comparison.reference)
        for name in self.uncertainty.models:
            if name not in self.models:
                yield self._no_model("uncertainty.models", name)
            elif not self.models[name].has_dropout:
                yield (
                    f"uncertainty.models: {_shown(name)} was given, which has no dropout; allowed "
                    "are networks with spatial_dropout, dropout or dense_dropout above 0."
                )

    def _tuning_faults(self) -> Iterator[str]:
        model = self.tuning.model
        tunable = [name for name, network in self.models.items() if network.has_dropout]
        if model is not None and model not in self.models:
            yield self._no_model("tuning.model", model)
        elif model is not None and model not in tunable:
            yield (
                f"tuning.model: {_shown(model)} was given, which has no dropout; allowed are "
                "networks with spatial_dropout, dropout or dense_dropout above 0."
            )
        elif self.models and self.tuning.report and not tunable:
            yield ("tuning.report: true was given, but no network has a dropout; allowed is false.")

    def _forecast_faults(self) -> Iterator[str]:
        """Faults of a forecast that is asked for, by a network of this run."""
        forecast = self.forecast
        if not forecast.runs or forecast.network is not None or not self.models:
            return
        if forecast.model not in self.models:
            yield self._no_model("forecast.model", forecast.model)
        elif forecast.members and not self.models[forecast.model].has_dropout:
            yield (
                f"forecast.members: {forecast.members} was given; allowed is 0, because "
                f"{forecast.model} has no dropout."
            )
        if forecast.seed not in self.training.seeds:
            yield (
                f"forecast.seed: {forecast.seed} was given; allowed is one of training.seeds: "
                f"{_listed(map(str, self.training.seeds))}."
            )

    def _no_model(self, key: str, name: str) -> str:
        return f"{key}: {_shown(name)} was given; allowed are the networks {_listed(self.models)}."


def _refuse(faults: list[str]) -> None:
    """Report faults between keys. Each line begins with its key, seen from the block it is in."""
    if faults:
        raise PydanticCustomError("faults", "{faults}", {"faults": "\n".join(faults)})


def _plain(value: Any) -> Any:
    """The value as a YAML file without dates would give it: `null` and dates are not text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value.strip().lower() in ("", "~", "null"):
        return None
    return value


def _sentences(fault: ErrorDetails) -> Iterator[str]:
    """The sentences of one of pydantic's errors."""
    path = [str(part) for part in fault["loc"] if part != "[key]"]
    key = ".".join(path) or "config"
    given = f"{key}: {_shown(fault['input'])} was given"
    match fault["type"]:
        case "faults":
            for line in fault["ctx"]["faults"].splitlines():
                yield ".".join([*path, line])
        case "allowed":
            yield f"{given}; allowed is {fault['ctx']['phrase']}."
        case "literal_error":
            yield f"{given}; allowed is {fault['ctx']['expected'].replace(chr(39), '')}."
        case "bool_type" | "bool_parsing":
            yield f"{given}; allowed is true or false."
        case "extra_forbidden":
            known = list(_block_at(path[:-1]).model_fields)
            nearest = get_close_matches(path[-1], known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"allowed here: {_listed(known)}."
            yield f"{key}: there is no such key; {hint}"
        case "missing":
            yield f"{key}: nothing was given; it is needed here."
        case "dict_type":
            yield f"{given}; allowed is a block of networks, each under its key."
        case _:
            known = list(_block_at(path).model_fields)
            yield f"{given}; allowed is a block with the keys {_listed(known)}."


def _block_at(path: list[str]) -> type[Block]:
    """The block of settings that lies at a path of keys."""
    block: type[Block] = Config
    parts = iter(path)
    for part in parts:
        annotation = block.model_fields[part].annotation
        if get_origin(annotation) is dict:
            next(parts)
        choices = (annotation, *get_args(annotation))
        block = next(c for c in choices if isinstance(c, type) and issubclass(c, Block))
    return block


def _shown(value: Any) -> str:
    """A given value as a file would have it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


if __name__ == "__main__":
    write_schema("config/schema.json")
