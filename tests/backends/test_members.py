"""One function over all members: the numbers that each would have alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from aebench import backends
from aebench.backends.members import over_members, stack

STATES = np.array([[7, 0], [7, 1], [2**31 - 1, 5]], "uint32")
DRAWS = {
    "normal": lambda seed: keras.random.normal((3, 5), seed=seed),
    "uniform": lambda seed: keras.random.uniform((3, 5), seed=seed),
    "truncated_normal": lambda seed: keras.random.truncated_normal((3, 5), seed=seed),
    "dropout": lambda seed: keras.random.dropout(ops.ones((3, 5)), 0.5, seed=seed),
}


@pytest.mark.parametrize("name", DRAWS)
def test_members_draw_what_each_would_draw_alone(name):
    generator = keras.random.SeedGenerator(0)

    def draw(state, _):
        with keras.StatelessScope(state_mapping=[(generator.state, state)]) as scope:
            numbers = [DRAWS[name](generator) for _ in range(2)]
        return ops.stack(numbers), scope.get_current_value(generator.state)

    states = ops.cast(STATES, generator.state.dtype)
    together, after = backends.current().compiled(over_members(draw))(states, ())
    for member, state in enumerate(states):
        alone, alone_after = draw(state, ())
        np.testing.assert_allclose(ops.convert_to_numpy(together[member]), ops.convert_to_numpy(alone), rtol=1e-6)
        np.testing.assert_array_equal(ops.convert_to_numpy(after[member]), ops.convert_to_numpy(alone_after))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's vectorized_map")
@pytest.mark.parametrize("name", ["normal", "uniform", "truncated_normal"])
def test_random_numbers_do_not_become_a_serial_loop(name):
    import tensorflow as tf

    generator = keras.random.SeedGenerator(0)

    def draw(state, _):
        with keras.StatelessScope(state_mapping=[(generator.state, state)]):
            return DRAWS[name](generator)

    function = tf.function(over_members(draw)).get_concrete_function(ops.cast(STATES, "int64"), ())
    assert not serial(function)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's vectorized_map")
def test_argmax_does_not_become_a_serial_loop_and_finds_the_same():
    import tensorflow as tf

    numbers = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    numbers[0, 0] = [0.0, -0.0, -1.0, -2.0, -3.0]  # of equal numbers the first
    function = tf.function(over_members(lambda own, _: ops.argmax(own, axis=-1))).get_concrete_function(numbers, ())
    assert not serial(function)
    np.testing.assert_array_equal(function(tf.constant(numbers)), numbers.argmax(axis=-1))


def serial(function):
    """Which operations of a traced function take one member after the other."""
    kinds = {operation.type for operation in function.graph.get_operations()}
    return {kind for kind in kinds if "While" in kind or "TensorList" in kind}


def test_what_is_shared_is_given_to_each():
    own = {"a": ops.reshape(ops.arange(6, dtype="float32"), (3, 2)), "b": ops.arange(3, dtype="float32")}
    mapped = over_members(lambda one, shared: (one["a"] * one["b"] + shared, ops.sum(shared)))
    products, sums = mapped(own, ops.ones(2))
    expected = np.arange(6.0).reshape(3, 2) * np.arange(3.0)[:, None] + 1.0
    np.testing.assert_array_equal(ops.convert_to_numpy(products), expected)  # small whole numbers: nothing rounds
    np.testing.assert_array_equal(ops.convert_to_numpy(sums), [2.0, 2.0, 2.0])


def test_stack_puts_members_first():
    weights, biases = stack([[np.zeros((2, 3)), np.zeros(3)], [np.ones((2, 3)), np.ones(3)]])
    assert weights.shape == (2, 2, 3)
    np.testing.assert_array_equal(biases, [[0, 0, 0], [1, 1, 1]])


def test_the_gradient_is_that_of_the_sum_compiled_and_for_each_member():
    points = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
    powers = np.array([2.0, 3.0, 4.0], "float32")
    backend = backends.current()
    slopes = over_members(lambda own, _: backend.gradient(lambda array: ops.sum(array ** own[1], axis=-1))(own[0]))
    found = backend.compiled(slopes)((ops.convert_to_tensor(points), ops.convert_to_tensor(powers)), ())
    exact = powers[:, None, None] * points ** (powers[:, None, None] - 1.0)
    np.testing.assert_allclose(ops.convert_to_numpy(found), exact, rtol=1e-5, atol=1e-6)


def test_what_an_array_does_not_enter_has_a_gradient_of_zero():
    found = backends.current().gradient(lambda array: ops.ones_like(array[:, 0]))(ops.ones((3, 2)))
    assert not ops.convert_to_numpy(found).any()
