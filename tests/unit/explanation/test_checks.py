"""Tests of maps pass for maps that deserve it, and fail for others."""

import numpy as np
import pytest
import xarray as xr

from stormcnn.explanation import checks
from stormcnn.explanation.checks import Vortices, check_model, check_storms
from stormcnn.explanation.maps import within_radius
from stormcnn.verification.resampling import resample_blocks

SIZE, STORMS = 16, 24
X, Y = np.full(STORMS, 6.0), np.full(STORMS, -9.0)
RADIUS = np.full(STORMS, 6.0)
VARIABLES = ["REFL_COM_curr", "U10_curr", "V10_curr"]


def explained(seed, *, noise=0.3, random_share=0.0, missing=0.0, flat=-0.3):
    """Return what explains one network, whose maps are largest at the vortices.

    `random_share` is the share of the map that random weights give too, `missing` what is missing
    in its sum, relatively, and `flat` the change of the probability with flat wind.
    """
    draw = np.random.default_rng(seed)
    inside = within_radius((SIZE, SIZE), 3.0, X, Y, RADIUS)
    vortex = np.repeat(inside[..., None], 3, axis=3)
    attribution = (vortex + noise * draw.normal(size=vortex.shape)).astype(np.float32)
    other = draw.normal(size=vortex.shape)
    randomized = random_share * attribution + (1 - random_share) * other
    total = attribution.sum(axis=(1, 2, 3), dtype=np.float64)
    probability = draw.uniform(0.4, 0.9, STORMS)
    return xr.Dataset(
        {
            "probability": ("storm", probability),
            "log_odds": ("storm", -2 + total * (1 + missing)),
            "reference_log_odds": -2.0,
            "steps": ("storm", np.full(STORMS, 16)),
            "attribution": (("storm", "y", "x", "variable"), attribution),
            "randomized_attribution": (
                ("storm", "y", "x", "variable"),
                randomized.astype(np.float32),
            ),
            "flattened_probability": (
                ("storm", "flattened"),
                np.stack([probability, probability + flat], axis=1),
            ),
        },
        coords={"variable": VARIABLES, "flattened": ["REFL_COM_curr", "U10_curr+V10_curr"]},
        attrs={"grid_spacing_km": 3.0},
    )


def verdicts(seeds=3, blocks=12, speed=10.0, vortices=True, x=X, **how):
    by_seed = {seed: explained(seed, **how) for seed in range(seeds)}
    draws = resample_blocks(np.arange(STORMS) % blocks, 200)
    known = Vortices(x, Y, RADIUS, np.full(STORMS, speed)) if vortices else None
    table = check_model("dropout", by_seed, draws, 0.95, known)
    assert list(table["model"].unique()) == ["dropout"]
    return table.set_index("check")["verdict"].to_dict()


def test_good_maps_pass_every_test():
    judged = verdicts()
    assert judged.pop(checks.SEEDS) == checks.NOT_JUDGED
    assert judged == dict.fromkeys(
        (
            checks.COMPLETENESS,
            checks.RANDOM_WEIGHTS,
            checks.VORTEX,
            checks.RANDOM_VORTEX,
            checks.POSITIVE,
            checks.CALM,
        ),
        checks.PASSED,
    )


@pytest.mark.parametrize(
    ("failing", "how"),
    [
        (checks.COMPLETENESS, {"missing": 0.02}),
        (checks.RANDOM_WEIGHTS, {"random_share": 0.9}),
        (checks.VORTEX, {"x": X - 24}),
        (checks.RANDOM_VORTEX, {"random_share": 0.9}),
        (checks.POSITIVE, {"x": X - 24}),
        (checks.POSITIVE, {"random_share": 1.0}),
        (checks.CALM, {"flat": 0.1}),
    ],
)
def test_map_with_a_fault_fails(failing, how):
    assert verdicts(**how)[failing] == checks.FAILED


def test_nothing_is_judged_with_few_blocks_but_completeness():
    judged = verdicts(blocks=9)
    assert judged.pop(checks.COMPLETENESS) == checks.PASSED
    assert set(judged.values()) == {checks.NOT_JUDGED}


def test_vortices_are_not_sought_without_truth_or_if_none_is_visible():
    without = {checks.COMPLETENESS, checks.RANDOM_WEIGHTS, checks.SEEDS}
    assert set(verdicts(vortices=False)) == without
    assert set(verdicts(speed=1.0)) == without


def test_one_seed_has_no_agreement_of_seeds_and_too_few_random_weights():
    judged = verdicts(seeds=1)
    assert checks.SEEDS not in judged
    assert judged[checks.VORTEX] == checks.PASSED
    assert judged[checks.RANDOM_VORTEX] == checks.NOT_JUDGED
    assert np.isnan(check_storms({0: explained(0)})["seed_agreement"]).all()


def test_storms_get_means_over_seeds_and_their_own_tests():
    by_seed = {seed: explained(seed) for seed in range(3)}
    wrong = by_seed[1]["log_odds"].values
    wrong[5] += 0.05 * abs(wrong[5] + 2)
    for one in by_seed.values():
        one["randomized_attribution"].values[7] = one["attribution"].values[7]
    storms = check_storms(by_seed)
    assert np.flatnonzero(storms["passed"].values == 0).tolist() == [5, 7]
    assert storms["completeness_error"].values[5] == pytest.approx(0.05, abs=0.003)
    assert storms["random_weights"].values[7] == pytest.approx(1)
    expected = np.mean([one["attribution"].values for one in by_seed.values()], axis=0)
    np.testing.assert_allclose(storms["attribution"].values, expected, atol=1e-6)
    assert (storms["seed_agreement"].values > 0.05).all()


def test_constant_map_is_undefined_and_claims_nothing():
    one = explained(0)
    for name in ("attribution", "randomized_attribution"):
        one[name].values[3] = 0
    one["log_odds"].values[3] = -2
    storms = check_storms({0: one})
    assert np.isnan(storms["random_weights"].values[3])
    assert storms["passed"].values[3] == 1
