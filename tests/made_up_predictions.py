"""Made-up predictions of storms whose true log odds are known, and their verification."""

import numpy as np

from stormcnn.verification.tables import verify


def made_up_storms(dates=20, storms=60, seed=0):
    """Return the true log odds, and the variables that all predictions of these storms share."""
    draw = np.random.default_rng(seed)
    date = np.repeat(np.arange(dates), storms)
    size = date.size
    odds = -2 + draw.normal(0, 0.5, dates)[date] + draw.normal(0, 1.5, size)
    hour = draw.integers(12, 36, size)
    run_date = np.datetime64("2015-04-20T00", "h") + 4 * 24 * date
    return odds, {
        "label": (draw.random(size) < 1 / (1 + np.exp(-odds))).astype("int8"),
        "run_date": run_date,
        "valid_time": run_date + hour,
        "forecast_hour": hour,
        "longitude": draw.uniform(-115, -75, size),
        "latitude": draw.uniform(28, 48, size),
        "patch": np.arange(size),
    }


def forecast(odds, storms, noise=0.0, slope=1.0, shift=0.0, seed=0):
    """Return predictions with noise on the true log odds, then `slope` and `shift`."""
    noisy = odds + np.random.default_rng(seed + 100).normal(0, noise, odds.size)
    probability = 1 / (1 + np.exp(-(slope * noisy + shift)))
    return {**storms, "probability": probability.astype("float32")}


def verify_made_up(predictions, **settings):
    settings = {"reference": "baseline", "training_climatology": 0.15, "resamples": 100} | settings
    return verify(predictions, **settings)


def row_of(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def score_of(tables, score, model="baseline", stratum="all", **wanted):
    return row_of(tables.scores, score=score, model=model, stratum=stratum, **wanted)
