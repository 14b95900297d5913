"""Which network forecasts, and which forecasts are verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stormcnn.errors import UserError
from stormcnn.forecast.records import FORECASTS, find_records, verification_path
from stormcnn.models.network_archive import open_network
from stormcnn.operations.registry import CHAMPION, REGISTRY, read_champion, read_history
from stormcnn.provenance import sha256_of


def forecast_network(forecast: Mapping[str, Any], results: str) -> str:
    """Return the path of the network that forecasts.

    `forecast` is the config block and `results` the folder of the experiment. Raises `UserError`
    if `forecast.network` is `champion` and there is none.
    """
    if forecast["network"] == CHAMPION:
        return champion_network()
    own = f"{results}/models/{forecast['model']}/seed-{forecast['seed']}/network.keras"
    return forecast["network"] or own


def champion_network(number: int | None = None) -> str:
    """Return the path of the champion's network; raises `UserError` if there is no champion.

    It is that of the entry `number` of the registry, by default of the last one.
    """
    champion = read_champion(REGISTRY, number)
    if champion is None:
        raise UserError(
            f"{REGISTRY}/ has no champion to forecast with. Run ops/retrain until a network has "
            "been promoted, or set forecast.network to the path of a network."
        )
    return champion["network"]


def counted_networks(forecast: Mapping[str, Any], network: str) -> list[str]:
    """Return the SHA-256 of the networks whose forecasts of a run make another one unnecessary.

    `forecast` is the config block and `network` the path of the network that forecasts. Each run is
    forecast by one champion only, whichever it was at the time.
    """
    counted = {digest_of_network(network)}
    if forecast["network"] == CHAMPION:
        champions = (entry.champion for entry in read_history(REGISTRY))
        counted |= {champion.sha256 for champion in champions if champion}
    return sorted(counted - {""})


def observed_file(runs: Mapping[str, str], run: str) -> str:
    """Return the run file that tells the outcome of a run; `runs` are by folder of the forecasts.

    Raises `UserError` if the config does not name it.
    """
    if run not in runs:
        raise UserError(
            f"forecast.observed: no run file belongs to {FORECASTS}/{run}. Add the one with the "
            "target variable."
        )
    return runs[run]


def issued_forecasts(runs: Iterable[str]) -> list[str]:
    """Return the paths of the issued forecasts of some runs, which are given by their folders.

    Raises `UserError` if a run has none, or if there are no runs.
    """
    records: list[str] = []
    for run in runs:
        own = find_records(FORECASTS, run)
        if not own:
            raise UserError(
                f"forecast.observed: {FORECASTS}/{run} has no issued forecast, so it cannot be "
                "verified. Add its run file to forecast.runs and run the target forecast first."
            )
        records += map(str, own)
    if not records:
        raise UserError(
            "forecast.observed lists no run file. List those that contain the target variable."
        )
    return records


def verification_tables(runs: Iterable[str]) -> list[str]:
    """Return the paths of the verification tables of `issued_forecasts`; raises as that does."""
    return [str(verification_path(Path(record))) for record in issued_forecasts(runs)]


def digest_of_network(path: str) -> str:
    """Return the SHA-256 of the file of a network, or an empty string if there is no such file.

    Raises `UserError` if it is too large or not a regular file.
    """
    if not Path(path).exists():
        return ""
    open_network(path).close()
    return sha256_of(path)
