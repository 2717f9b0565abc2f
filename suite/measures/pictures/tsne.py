"""t-SNE (van der Maaten & Hinton 2008), exact, in float32 on the device that the models run on.

scikit-learn's takes 2 s for 360 points and 7 s for 2,000 on 2 cores; this one 0.15 s and 3 s, and reaches a divergence
as low.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from keras import ops

from aebench import backends

PERPLEXITY = 30.0
EXAGGERATION = 12.0
EARLY_STEPS, LATE_STEPS = 250, 500  # with and without exaggeration
BISECTIONS = 40
LOG_PRECISION = (-12.0, 24.0)  # where each point's is looked for, in units of the mean squared distance


def tsne(points: np.ndarray) -> np.ndarray:
    """Puts points into the plane so that near ones stay near; starts from their principal components, draws nothing.

    Args:
        points: `(n, d)`, n >= 2 and d >= 2.

    Returns:
        `(n, 2)` float32.
    """
    points = points.astype("float32") - points.mean(axis=0, dtype="float32")
    joint, places = _tensor(joint_probabilities(points)), _tensor(_start(points))
    state = (places, ops.zeros_like(places), ops.ones_like(places))
    rate = max(len(points) / EXAGGERATION / 4.0, min(50.0, 2.0 * len(points)))  # Belkina et al. 2019; few: no overshoot
    for steps, exaggeration, momentum in ((EARLY_STEPS, EXAGGERATION, 0.5), (LATE_STEPS, 1.0, 0.8)):
        constants = _tensor((exaggeration, momentum, rate))
        state = _compiled(_descend)(joint, state, ops.convert_to_tensor(steps, "int32"), constants)
    return np.asarray(ops.convert_to_numpy(state[0]))


def _tensor(values: Any) -> Any:
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def joint_probabilities(points: np.ndarray) -> np.ndarray:
    """Symmetric p_ij of all pairs, `(n, n)`, 0 beyond each point's nearest ones (van der Maaten 2014, section 4.1)."""
    count = len(points)
    perplexity = min(PERPLEXITY, (count - 1) / 3)
    distances = _squared_distances(points)
    nearest = np.argpartition(distances, int(3 * perplexity), axis=1)[:, : int(3 * perplexity) + 1]
    near = _conditional(np.take_along_axis(distances, nearest, axis=1), math.log(perplexity))
    conditional = np.zeros_like(distances)
    np.put_along_axis(conditional, nearest, near, axis=1)
    return np.asarray((conditional + conditional.T) / (2.0 * count))


def _squared_distances(points: np.ndarray) -> np.ndarray:
    """Squared distances of all pairs, `(n, n)`, in units of their mean; infinite of a point to itself."""
    squares = np.sum(points**2, axis=1)
    distances: np.ndarray = np.maximum(squares[:, None] + squares - 2.0 * points @ points.T, 0.0)
    distances /= max(float(distances.mean()), 1e-30)
    np.fill_diagonal(distances, np.inf)
    return distances


def _conditional(distances: np.ndarray, entropy: float) -> np.ndarray:
    """p_j|i `(n, neighbours)` of Gaussians around each point, as wide as makes their entropy `entropy` nats."""
    distances = distances - distances.min(axis=1, keepdims=True)
    low, high = (np.full((len(distances), 1), end, "float32") for end in LOG_PRECISION)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        p = np.exp(-np.exp(middle) * distances)
        p /= p.sum(axis=1, keepdims=True)
        wide = -np.sum(p * np.log(np.maximum(p, 1e-30)), axis=1, keepdims=True) > entropy
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return np.asarray(p)


def _start(points: np.ndarray) -> np.ndarray:
    """The first two principal components, the first scaled to a standard deviation of 1e-4 (Kobak & Berens 2019)."""
    plane = points @ np.linalg.eigh(points.T @ points)[1][:, :-3:-1]
    return np.asarray(plane / max(float(plane[:, 0].std()), 1e-30) * 1e-4)


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return backends.current().compiled_loop(function)


def _descend(joint: Any, state: Any, steps: Any, constants: Any) -> Any:
    """Gradient descent with momentum and gains, as in the authors' code, from `state`: places, velocities, gains."""
    exaggeration, momentum, rate = constants[0], constants[1], constants[2]

    def step(_: Any, state: Any) -> Any:
        places, velocity, gains = state
        gradient = _gradient(exaggeration * joint, places)
        gains = ops.where(gradient * velocity < 0.0, gains + 0.2, ops.maximum(gains * 0.8, 0.01))
        velocity = momentum * velocity - rate * gains * gradient
        return places + velocity, velocity, gains

    return ops.fori_loop(0, steps, step, state)


def _gradient(joint: Any, places: Any) -> Any:
    """Slope of KL(P || Q) at places `(n, 2)`: 4 Σ_j (p_ij - q_ij) w_ij (y_i - y_j), w_ij = 1 / (1 + |y_i - y_j|²)."""
    x, y = places[:, 0], places[:, 1]
    weights = 1.0 / (1.0 + (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2)
    total = ops.sum(weights) - places.shape[0]
    moments = ops.concatenate([places, ops.ones_like(places[:, :1])], axis=1)
    forces = ops.matmul((joint - weights / total) * weights, moments)
    return 4.0 * (forces[:, 2:] * places - forces[:, :2])
