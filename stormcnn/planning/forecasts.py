"""Which network forecasts, and which forecasts are verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stormcnn.errors import UserError
from stormcnn.models.network_archive import open_network
from stormcnn.operations.registry import CHAMPION, REGISTRY, read_champion
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


def new_run_file(runs: Mapping[str, str], run_date: str) -> str:
    """Return the run file of a forecast; raises `UserError` if the config does not name it."""
    if run_date not in runs:
        raise UserError(
            f"forecast.runs: no run file has the run date {run_date}. Add the run file to "
            "forecast.runs, and the one with its future to forecast.observed."
        )
    return runs[run_date]


def digests_of_forecasts(run_dates: Iterable[str], results: str) -> dict[str, str]:
    """Return the SHA-256 of the forecasts of some run dates, by the path of the forecast.

    Only existing forecasts are verified: one made now might use a network trained on the same
    runs since. Raises `UserError` if a forecast is missing.
    """
    digests = {}
    for run_date in run_dates:
        path = f"{results}/forecast/{run_date}.nc"
        if not Path(path).exists():
            raise UserError(
                f"forecast.observed: {path} is missing, so the run of {run_date} was not forecast. "
                "Add its run file to forecast.runs and run the target forecast first."
            )
        digests[path] = sha256_of(path)
    return digests


def digest_of_network(path: str) -> str:
    """Return the SHA-256 of the file of a network, or an empty string if there is no such file.

    Raises `UserError` if it is too large or not a regular file.
    """
    if not Path(path).exists():
        return ""
    open_network(path).close()
    return sha256_of(path)
