"""Adam in TensorFlow's one kernel, for both engines: then they round alike, and a step is one pass over the weights."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def fused_adam(
    weight: tf.Variable, first: tf.Variable, second: tf.Variable, gradient: Any, step: Any, rate: Any, adam: Any
) -> None:
    """One step of Adam (Kingma & Ba 2015, end of section 2) in one pass over the weights; Keras's own takes ten.

    Args:
        weight, first, second: a weight and its moments, changed in place.
        gradient: of that weight.
        step: this step's number, from 1, as float32.
        rate: the learning rate.
        adam: `beta_1`, `beta_2` and `epsilon`.
    """
    tf.raw_ops.ResourceApplyAdam(
        var=weight.handle,
        m=first.handle,
        v=second.handle,
        beta1_power=tf.pow(adam["beta_1"], step),
        beta2_power=tf.pow(adam["beta_2"], step),
        lr=rate,
        beta1=adam["beta_1"],
        beta2=adam["beta_2"],
        epsilon=adam["epsilon"],
        grad=gradient,
    )


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam with `fused_adam` for its step, so that both engines round alike."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Changes a weight and its moments in place."""
        index = self._get_variable_index(variable)
        first, second = self._momentums[index].value, self._velocities[index].value
        step = tf.cast(self.iterations + 1, "float32")
        constants = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        fused_adam(variable, first, second, gradient, step, tf.cast(learning_rate, "float32"), constants)
