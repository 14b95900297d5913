"""MC members equal the network with their masks, for all storms and however work is split."""

import keras
import numpy as np
import pytest

from stormcnn.errors import UserError
from stormcnn.models.architecture import build_network
from stormcnn.sampling.masks import drop_ones
from stormcnn.sampling.sampler import MemberSampler, draw_masks, dropout_layers

LESSON = {
    "filters": [4, 6, 8],
    "kernel_size": 5,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.3,
}
MANY_CHANNELS = {"filters": [4, 32, 32]}
VARIANTS = {
    "lesson": {},
    "max pooling": {"pooling": "max"},
    "high rate": {"spatial_dropout": 0.6},
    "small kernel": {"kernel_size": 3},
    "one layer": {"filters": [5]},
    "two layers": {"filters": [3, 5]},
    "elu and dense": {"activation": "elu", "dense": [7]},
    "plain dropout": {"spatial_dropout": None, "dropout": 0.25},
    "dense dropout": {"spatial_dropout": None, "dense": [6], "dense_dropout": 0.4},
    "both kinds": {"dense": [6], "dense_dropout": 0.4},
    "many channels": MANY_CHANNELS,
    "many channels, small kernel": {**MANY_CHANNELS, "kernel_size": 3},
    "many channels, even kernel": {**MANY_CHANNELS, "kernel_size": 4},
    "many channels, plain dropout": {**MANY_CHANNELS, "spatial_dropout": None, "dropout": 0.25},
}


def network(size=16, **changes):
    keras.utils.set_random_seed(3)
    built = build_network({**LESSON, **changes}, (size, size), [20.0, 0.0, 0.0], [15.0, 5.0, 5.0])
    for weight in built.trainable_weights:  # Biases of zero would hide a forgotten bias.
        weight.assign(weight + 0.05 * keras.random.normal(weight.shape, seed=1))
    return built


@pytest.fixture(scope="module")
def lesson():
    """The network of the lesson, which tests do not change."""
    return network()


def storms(count, size=16, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal([20, 0, 0], [15, 5, 5], (count, size, size, 3)).astype(np.float32)


def apply_with_masks(net, patches, masks, member):
    """Apply the layers of the network one by one, multiplying by the mask of each dropout."""
    x = keras.ops.convert_to_tensor(patches)
    for layer in net.layers[1:]:
        if layer.name in masks:
            mask = masks[layer.name][member]
            x = x * (mask if mask.ndim == len(x.shape) - 1 else mask[None, None, None, :])
        else:
            x = layer(x)
    return np.asarray(x)[:, 0]


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
def test_members_equal_the_network_with_the_same_masks(changes):
    net = network(**changes)
    patches = storms(5)
    masks = draw_masks(net, 7, range(6))
    probabilities = MemberSampler(net, 6, seed=7).probabilities(patches)
    expected = np.stack([apply_with_masks(net, patches, masks, m) for m in range(6)], axis=1)
    assert probabilities.shape == (5, 6)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert probabilities.std(axis=1).min() > 1e-4


@pytest.fixture(scope="module")
def members_in_single_precision(lesson):
    return MemberSampler(lesson, 6, seed=0).probabilities(storms(4))


@pytest.fixture
def mixed_precision(members_in_single_precision):
    """Build networks that compute in bfloat16 and hold their weights in float32."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def test_members_in_mixed_precision_are_close(lesson, members_in_single_precision, mixed_precision):
    mixed = network()
    mixed.set_weights(lesson.get_weights())
    members = MemberSampler(mixed, 6, seed=0).probabilities(storms(4)).astype("f4")
    np.testing.assert_allclose(members, members_in_single_precision, atol=0.05)


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("layer", ["conv_2_pooling", "conv_3_pooling", "conv_3_dropout", "output"])
def test_output_of_each_layer_equals_that_of_keras_with_the_same_masks(layer, pooling):
    """Compare random sums of the output of a layer, because a sigmoid would reduce errors."""
    whole = network(pooling=pooling)
    x = keras.layers.Flatten()(whole.get_layer(layer).output)
    weigh = keras.layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal(1, seed=0))
    net = keras.Model(whole.input, weigh(x))
    patches = storms(4)
    masks = draw_masks(net, 7, range(6))
    sums = MemberSampler(net, 6, seed=7).probabilities(patches)
    expected = np.stack([apply_with_masks(net, patches, masks, m) for m in range(6)], axis=1)
    np.testing.assert_allclose(sums, expected, atol=1e-5 * np.abs(expected).max())
    assert np.ptp(expected, axis=1).min() > 0.01 * np.abs(expected).max()


@pytest.mark.parametrize(
    "changes", [{}, {"pooling": "max"}, {"activation": "softmax"}, MANY_CHANNELS]
)
@pytest.mark.parametrize("size", [19, 20])
def test_pooling_may_ignore_points_and_the_activation_may_mix_channels(changes, size):
    # The first pooling ignores a row and a column of 19 x 19 points, the third one of 5 x 5.
    net = network(size, **changes)
    patches = storms(3, size)
    masks = draw_masks(net, 7, range(4))
    probabilities = MemberSampler(net, 4, seed=7).probabilities(patches)
    expected = np.stack([apply_with_masks(net, patches, masks, m) for m in range(4)], axis=1)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_spatial_dropout_commutes_with_pooling(pooling):
    net = network(pooling=pooling)
    masks = draw_masks(net, 7, range(1))
    named = {layer.name: layer for layer in net.layers}
    x = named["scaling"](storms(5))
    for number in (1, 2, 3):
        for step in ("", "_activation", "_dropout", "_pooling"):
            name = f"conv_{number}{step}"
            x = x * masks[name][0] if step == "_dropout" else named[name](x)
    x = named["probability"](named["output"](named["flatten"](x)))
    np.testing.assert_allclose(
        np.asarray(x)[:, 0],
        MemberSampler(net, 1, seed=7).probabilities(storms(5))[:, 0],
        atol=1e-6,
    )


def test_masks_keep_one_minus_rate_and_preserve_the_expectation():
    net = network(filters=[64, 8, 8])
    mask = draw_masks(net, 1, range(400))["conv_1_dropout"]
    assert mask.shape == (400, 64)
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / (1 - 0.3))}
    assert mask.mean() == pytest.approx(1, abs=0.02)
    assert (mask > 0).mean() == pytest.approx(0.7, abs=0.015)


def test_masks_of_layers_members_and_seeds_differ():
    net = network(filters=[16, 16, 16])
    masks = draw_masks(net, 1, range(3))
    first, second, _ = masks.values()
    assert (first != second).any()
    assert (first[0] != first[1]).any()
    assert (first != draw_masks(net, 2, range(3))["conv_1_dropout"]).any()


def test_masks_of_a_member_do_not_depend_on_the_other_members(lesson):
    all_masks = draw_masks(lesson, 5, range(8))
    masks = draw_masks(lesson, 5, [3])
    for name, mask in all_masks.items():
        np.testing.assert_array_equal(mask[3], masks[name][0])


def gather(sampler, patches, at_once):
    return np.concatenate([part for _, part in sampler.batches(patches, at_once)])


# With 10 members: a third of the members of one storm, all of one storm, all of four storms.
@pytest.mark.parametrize("at_once", [4, 10, 40])
def test_members_do_not_depend_on_order_or_number_of_storms(lesson, at_once):
    sampler = MemberSampler(lesson, 10, seed=0)
    patches = storms(21)
    whole = gather(sampler, patches, at_once)
    shuffled = np.random.default_rng(1).permutation(21)
    np.testing.assert_array_equal(gather(sampler, patches[shuffled], at_once), whole[shuffled])
    np.testing.assert_array_equal(gather(sampler, patches[13:14], at_once), whole[13:14])


def test_members_do_not_depend_on_how_many_are_computed_at_once(lesson):
    sampler = MemberSampler(lesson, 9, seed=0)
    patches = storms(7)
    whole = sampler.probabilities(patches)
    for at_once in (1, 4, 18):
        np.testing.assert_allclose(gather(sampler, patches, at_once), whole, atol=1e-6)


@pytest.mark.parametrize(
    ("members", "at_once", "sizes"), [(5, 20, [4, 4, 4, 4, 1]), (9, 8, [1] * 17), (2, 64, [16, 1])]
)
def test_batches_are_as_large_as_allowed(lesson, members, at_once, sizes):
    sampler = MemberSampler(lesson, members, seed=0)
    batches = list(sampler.batches(storms(17), at_once))
    assert [probability.shape for _, probability in batches] == [(n, members) for n in sizes]
    assert [index for part, _ in batches for index in range(part.start, part.stop)] == [*range(17)]


def test_replaced_network_is_sampled_as_by_a_new_sampler():
    patches, first, second = storms(3), network(), network()
    second.set_weights([1.5 * weight for weight in first.get_weights()])
    expected = MemberSampler(second, 8, seed=4).probabilities(patches)
    sampler = MemberSampler(first, 8, seed=3)
    before = sampler.probabilities(patches)
    sampler.replace_network(second, seed=4)
    np.testing.assert_array_equal(sampler.probabilities(patches), expected)
    assert np.abs(before - expected).max() > 0.01


def test_first_members_stay_the_same_with_more_members(lesson):
    patches = storms(3)
    few = gather(MemberSampler(lesson, 8, seed=2), patches, at_once=4)
    many = gather(MemberSampler(lesson, 12, seed=2), patches, at_once=4)
    np.testing.assert_array_equal(many[:, :8], few)


def test_mean_of_members_is_close_to_the_network_without_dropout_for_a_low_rate():
    net, patches = network(spatial_dropout=0.02), storms(20)
    plain = net.predict(patches, verbose=0)[:, 0]
    members = MemberSampler(net, 300, seed=0).probabilities(patches)
    np.testing.assert_allclose(members.mean(axis=1), plain, atol=0.03)


def test_network_without_dropout_is_refused():
    net = network(spatial_dropout=None)
    assert dropout_layers(net) == []
    with pytest.raises(UserError, match=r"uncertainty\.models"):
        MemberSampler(net, 5, seed=0)


def test_dropout_with_a_rate_of_zero_is_ignored():
    net = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.SpatialDropout2D(0.0), keras.layers.Flatten()]
    )
    assert dropout_layers(net) == []


@pytest.mark.parametrize("kind", [0, 1], ids=["dropout", "spatial dropout"])
def test_dropped_ones_look_like_those_of_keras(kind):
    ours = drop_ones((4, 4, 2000), rate=0.5, seed=1)[kind]
    layer = (keras.layers.Dropout, keras.layers.SpatialDropout2D)[kind](0.5, seed=1)
    theirs = np.asarray(layer(np.ones((1, 4, 4, 2000), np.float32), training=True))[0]
    assert set(np.unique(ours)) == set(np.unique(theirs)) == {0, 2}
    for field in (ours, theirs):
        assert field.mean() == pytest.approx(1, abs=0.1)
        whole_channels = (field == field[0, 0]).all(axis=(0, 1))
        assert whole_channels.all() if kind else not whole_channels.all()
