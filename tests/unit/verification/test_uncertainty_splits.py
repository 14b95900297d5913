"""The parts of variance and entropy are those of the members and add up to the total."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stormcnn.sampling.members import binary_entropy, summarize_members
from stormcnn.verification.uncertainty_splits import split_entropy, split_variance

members_of_storms = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.integers(2, 12)),
    elements=st.floats(0, 1, allow_subnormal=False),
)


@given(members_of_storms)
def test_variance_of_the_event_is_what_members_agree_on_plus_their_spread(members):
    summary = summarize_members(members)
    split = split_variance(summary["mc_mean"], summary["mc_std"], members.shape[1])
    np.testing.assert_allclose(split.aleatoric + split.epistemic, split.total, atol=1e-15)
    np.testing.assert_allclose(split.aleatoric, (members * (1 - members)).mean(1), atol=1e-12)
    np.testing.assert_allclose(split.epistemic, members.var(axis=1), atol=1e-12)


@pytest.mark.slow
@given(members_of_storms)
def test_entropy_of_the_mean_is_the_mean_entropy_plus_information_that_is_never_negative(members):
    summary = summarize_members(members)
    split = split_entropy(summary["mc_mean"], summary["mc_entropy"])
    assert (split.mutual_information >= 0).all()
    np.testing.assert_allclose(split.expected + split.mutual_information, split.total, atol=1e-12)
    np.testing.assert_allclose(split.total, binary_entropy(members.mean(axis=1)), atol=1e-12)


def test_mutual_information_by_hand():
    split = split_entropy([0.5, 0.5], [0.0, np.log(2)])
    np.testing.assert_allclose(split.mutual_information, [np.log(2), 0])


def test_rounding_in_a_file_gives_no_negative_information():
    assert split_entropy([0.5], [np.log(2) + 1e-8]).mutual_information[0] == 0
