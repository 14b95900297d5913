"""Forecast the storms of run files, one after the other, with a network that is loaded once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import xarray as xr

from stormcnn import __version__
from stormcnn.errors import UserError
from stormcnn.forecast.contents import ForecastContents, TrackRecordRow
from stormcnn.forecast.files import assemble_forecast, outside_range, ranking
from stormcnn.forecast.forecast_warnings import find_warnings
from stormcnn.forecast.neighbourhood import neighbourhood_probability
from stormcnn.forecast.network_metadata import (
    read_about,
    read_recalibration_settings,
    read_thresholds,
)
from stormcnn.forecast.outlines import storm_outlines
from stormcnn.forecast.reasons import choose_explained, explain_storms
from stormcnn.forecast.run_inputs import read_for_network
from stormcnn.forecast.similar import find_similar, read_training_storms
from stormcnn.provenance import provenance, sha256_of
from stormcnn.sampling.members import summarize_members
from stormcnn.storms.event_texts import event_texts
from stormcnn.storms.run_files import parse_run_name
from stormcnn.storms.run_summary import TRAINING_ATTRIBUTES
from stormcnn.verification.recalibration import Recalibration
from stormcnn.vocabulary import Array, StrPath


class Forecaster:
    """A network that has been loaded, with everything that its file says.

    Parameters: the path of the `network`; the settings `title`, `units` and `lead` for texts about
    its `event`; how many MC `members` to draw, and their `seed`; how many storms of each run are
    `explained` (see `reasons.choose_explained`); the number of `threads`. `sha256` is that of the
    file of the network. Raises `UserError` if the network cannot be used.
    """

    def __init__(
        self,
        network: StrPath,
        *,
        event: Mapping[str, Any],
        members: int,
        seed: int,
        explained: int,
        threads: int,
    ) -> None:
        # TensorFlow takes long to import, and writes messages while it is imported.
        _prepare_backend(threads)
        from stormcnn.models.network_files import load_network
        from stormcnn.sampling.sampler import MemberSampler, dropout_layers

        self.about = read_about(network)
        self.sha256 = sha256_of(network)
        self.thresholds = read_thresholds(network)
        self._recalibration = read_recalibration_settings(network)
        self._network = load_network(network)
        if sha256_of(network) != self.sha256:
            raise UserError(f"{network}: the file changed while it was read. Try again.")
        self._texts = event_texts(
            **self.about["event"], **event, attributes=self.about["event_attributes"]
        )
        has_members = members and dropout_layers(self._network)
        self._sampler = MemberSampler(self._network, members, seed) if has_members else None
        self._seed = seed
        self._explained = explained
        self._training_storms = read_training_storms(network, self.sha256)

    def forecast(
        self,
        run_file: StrPath,
        *,
        reject: Sequence[str],
        file_pattern: str,
        memory_mb: float,
        issued: datetime,
        track_record: Iterable[TrackRecordRow] = (),
    ) -> ForecastContents:
        """Return the forecast of all valid storms of a run file.

        `reject`, `file_pattern` and `memory_mb` are those of `storms.reading.read_run`. `issued` is
        the current time (UTC). If the file of the network has a recalibration, it is applied to
        all probabilities, also to those of each MC member. Raises `UserError`, which names the run
        file, if it does not fit the network or cannot be read.
        """
        from stormcnn.models.prediction import predict_probability

        about = self.about
        storms = read_for_network(
            run_file,
            predictors=about["predictors"],
            units=about["predictor_units"],
            reject=reject,
            file_pattern=file_pattern,
            outlines=True,
            memory_mb=memory_mb,
        )
        fields = storms["predictors"].values
        try:
            raw = predict_probability(self._network, fields)
        except UserError as error:
            raise UserError(f"{run_file}: {error}") from None
        probability = self._recalibrate(raw)
        forecast = assemble_forecast(
            storms,
            probability,
            raw,
            self._sample(fields),
            outside_range(fields, about["training_minimum"], about["training_maximum"]),
            self._texts.phrase,
            about["event"]["target"],
        )
        storms = storms.isel(storm=ranking(probability, raw))
        name = parse_run_name(run_file, file_pattern)
        forecast = forecast.assign_attrs(
            self._attributes(storms.attrs, forecast.sizes.get("mc_member", 0)),
            run_date=f"{name.run_date:%Y-%m-%dT%H:%M}",
            ensemble_member=name.ensemble_member,
            run_file=str(run_file).rpartition("/")[2],
            issued=f"{issued:%Y-%m-%dT%H:%M:%SZ}",
        )
        forecast = forecast.assign_attrs(warnings="\n".join(find_warnings(forecast)))
        return ForecastContents(
            forecast=forecast,
            storms=storms,
            outlines=storm_outlines(storms),
            explanations=self._explain(storms),
            similar=self._find_similar(storms),
            neighbourhood=neighbourhood_probability(forecast, storms) if len(fields) else None,
            thresholds=self.thresholds,
            track_record=tuple(track_record),
        )

    def _recalibrate(self, probability: Array) -> Array:
        if not self._recalibration:
            return probability
        return Recalibration.from_json(self._recalibration).apply(probability)

    def _sample(self, fields: Array) -> dict[str, Array]:
        """Return the probabilities of the MC members and their summary, or nothing."""
        if self._sampler is None or not len(fields):
            return {}
        members = np.concatenate(
            [self._recalibrate(values) for _, values in self._sampler.batches(fields)]
        )
        return summarize_members(members) | {"member_probability": members}

    def _explain(self, storms: xr.Dataset) -> xr.Dataset | None:
        if not self._explained or not storms.sizes["storm"]:
            return None
        chosen = choose_explained(storms["valid_time"].values, self._explained)
        return explain_storms(self._network, storms, self._recalibrate, chosen)

    def _find_similar(self, storms: xr.Dataset) -> xr.Dataset | None:
        if self._training_storms is None or not storms.sizes["storm"]:
            return None
        return find_similar(self._network, storms, self._training_storms)

    def _attributes(self, of_run: Mapping[str, Any], members: int) -> dict[str, Any]:
        """Return what a forecast says about its network and about what was read."""
        about, texts, recalibration = self.about, self._texts, self._recalibration
        return {
            "title": of_run["title"],
            **{name: about[name] for name in TRAINING_ATTRIBUTES},
            "predictors": ",".join(about["predictors"]),
            "predictor_units": json.dumps(about["predictor_units"]),
            **{f"event_{key}": value for key, value in about["event"].items()},
            "event_title": texts.title,
            "event_lead": texts.lead,
            "event_units": texts.units,
            "event_threshold_units": about["event_attributes"].get("threshold_units", ""),
            "training_event_frequency": about["training_event_frequency"],
            "recalibration": json.dumps(recalibration) if recalibration else "none",
            "thresholds": json.dumps(self.thresholds),
            "members": members,
            "members_seed": self._seed,
            "rejected_storms": of_run["rejected"],
            "rejected_reason": of_run["reason"],
            "run_file_sha256": of_run["sha256"],
            **provenance(
                {"network": about, "recalibration": recalibration, "members": members},
                model=about["model"],
                seed=about["seed"],
            ),
            "stormcnn_version": __version__,
            "network_sha256": self.sha256,
        }


@cache
def _prepare_backend(threads: int) -> None:
    """Prepare the backend, which is possible only once in a process.

    Nothing random is drawn from it: the masks of MC members have their own seed.
    """
    from stormcnn.models import backend

    backend.prepare(threads, seed=0)
