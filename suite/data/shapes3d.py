"""A room with one solid in it, in the manner of 3D Shapes (Burgess & Kim 2018), drawn anew by casting rays.

The factors and their values are the published ones; room, camera and light are our own, at half the size, so that
images are like the published ones and not the same to the pixel.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from aebench.data import combinations
from aebench.data.dataset import Array, Published
from aebench.records.record import Factor

SIDE = 32  # of the image, in pixels; of 64 as published
FINER = 3  # rays along and across a pixel
HUES = np.arange(10.0) / 10.0
SCALES = np.linspace(0.75, 1.25, 8)
SHAPES = ("cube", "cylinder", "sphere", "capsule")
ORIENTATIONS = np.linspace(-30.0, 30.0, 15)
FACTORS = (
    *(Factor(name=f"{what} hue", kind="periodic", levels=10, period=1.0) for what in ("floor", "wall", "object")),
    Factor(name="scale", kind="ordered", levels=8),
    Factor(name="shape", kind="categorical", levels=4, value_names=SHAPES),
    Factor(name="orientation", kind="ordered", unit="degrees", levels=15),
)
_VALUES = (HUES, HUES, HUES, SCALES, np.arange(4.0), ORIENTATIONS)

SIZE = 1.15  # half of the solid's width at scale 1; it stands on the floor in the middle of the room
ROOM = 4.3  # half of the room's width; its walls are higher than what is seen
_EYE, _TARGET = np.array([0.0, 2.77, 7.3]), np.array([0.0, 0.93, 0.0])  # at orientation 0; y is up
_VIEW = 0.437  # tangent of half of the field of view
_LIGHT = np.array([0.37, 0.74, 0.56]) / np.linalg.norm([0.37, 0.74, 0.56])  # where it comes from, in the room
_AMBIENT = 0.45  # share of light that comes from everywhere
FLOOR, WALL, OBJECT = range(3)


def draw() -> Published:
    """A fixed sample of the 480,000 images.

    Returns:
        `(n, 32, 32, 3)` of 0 to 255, and each image's three hues, scale, shape and orientation.
    """
    chosen = combinations.draw([len(values) for values in _VALUES])
    values = np.stack([own[chosen[:, at]] for at, own in enumerate(_VALUES)], axis=1)
    return combinations.publish(render(values), 255.0, values, FACTORS)


def render(values: Array) -> Array:
    """Draws rooms.

    Args:
        values: `(n, 6)` hues of floor, wall and object from 0 to 1, scale, shape (0 cube, 1 cylinder, 2 sphere, 3
            capsule) and orientation in degrees: of the room, and the solid with it, around the upright axis.

    Returns:
        `(n, 32, 32, 3)` uint8.
    """
    images = np.empty((len(values), SIDE, SIDE, 3), np.uint8)
    for scene, places in _alike(values[:, 3:]):
        light = np.einsum("nmc,mhw->nhwc", _colours(values[places, :3]), shades(*scene))
        images[places] = np.round(255.0 * light).astype(np.uint8)
    return images


def _alike(scenes: Array) -> Iterator[tuple[Array, Array]]:
    """Each scene that occurs, and where: colours are all that its images differ in."""
    distinct, which = np.unique(scenes, axis=0, return_inverse=True)
    for at, scene in enumerate(distinct):
        yield scene, np.flatnonzero(which.ravel() == at)


def _colours(hues: Array) -> Array:
    """The pure colours of `hues`, `(..., 3)`: red, green and blue fall from 1 to 0 a third of a turn away."""
    away = np.abs((hues[..., None] - np.array([0.0, 1.0, 2.0]) / 3.0 + 0.5) % 1.0 - 0.5)
    return np.asarray(np.clip(2.0 - 6.0 * away, 0.0, 1.0))


def shades(scale: float, shape: float, orientation: float) -> Array:
    """How much light of floor, wall and object reaches each pixel, `(3, 32, 32)` from 0 to 1."""
    eye, rays = _rays(orientation)
    _, normal, what = seen(eye, rays, scale, int(shape))
    light = _AMBIENT + (1.0 - _AMBIENT) * np.maximum(normal @ _LIGHT, 0.0)
    each = np.stack([np.where(what == one, light, 0.0) for one in (FLOOR, WALL, OBJECT)])
    return np.asarray(each.reshape(3, SIDE, FINER, SIDE, FINER).mean(axis=(2, 4)))


def _rays(orientation: float) -> tuple[Array, Array]:
    """Where the camera is in the room, and unit directions of `FINER` rays along and across each pixel, `(n, 3)`.

    The camera goes around the room the other way, so that the room turns before it.
    """
    forward = (_TARGET - _EYE) / np.linalg.norm(_TARGET - _EYE)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    at = _VIEW * ((np.arange(SIDE * FINER) + 0.5) / (SIDE * FINER) * 2.0 - 1.0)
    rays = forward + at[None, :, None] * right - at[:, None, None] * np.cross(right, forward)
    rays = rays.reshape(-1, 3) / np.linalg.norm(rays.reshape(-1, 3), axis=1, keepdims=True)
    turn = np.deg2rad(-orientation)
    turned = np.array([[np.cos(turn), 0.0, np.sin(turn)], [0.0, 1.0, 0.0], [-np.sin(turn), 0.0, np.cos(turn)]])
    return turned @ _EYE, rays @ turned.T


def seen(eye: Array, rays: Array, scale: float, shape: int) -> tuple[Array, Array, Array]:
    """What each ray meets first.

    Args:
        eye: `(3,)`; walls behind and beside it are not in its way.
        rays: unit directions, `(n, 3)`.
        scale: of the solid.
        shape: its number.

    Returns:
        How far it is, `(n,)`; its normal there, `(n, 3)`; and whether it is floor, wall or object, `(n,)`.
    """
    half = SIZE * scale
    solid = (_cube, _cylinder, _sphere, _capsule)[shape]
    hits = [_floor(eye, rays), *_walls(eye, rays), *solid(eye - np.array([0.0, half, 0.0]), rays, half)]
    distances = np.stack([distance for distance, _ in hits])
    first = distances.argmin(axis=0)
    normals = np.stack([np.broadcast_to(normal, rays.shape) for _, normal in hits])
    which, every = np.array([FLOOR, WALL, WALL] + [OBJECT] * (len(hits) - 3)), np.arange(len(rays))
    return distances[first, every], normals[first, every], which[first]


# Of the parts of solids below: how far along each ray they are met, infinity where they are not, and their normals
# there. The solid's centre is the origin.
Hit = tuple[Array, Array]


def _floor(eye: Array, rays: Array) -> Hit:
    distance = np.where(rays[:, 1] < 0.0, -eye[1] / np.minimum(rays[:, 1], -1e-12), np.inf)
    return distance, np.array([0.0, 1.0, 0.0])


def _walls(eye: Array, rays: Array) -> Iterator[Hit]:
    for axis in (0, 2):
        ahead = np.sign(rays[:, axis])
        distance = (ahead * ROOM - eye[axis]) / np.where(ahead == 0.0, 1.0, rays[:, axis])
        normal = np.zeros_like(rays)
        normal[:, axis] = -ahead
        yield np.where(ahead == 0.0, np.inf, distance), normal


def _cube(eye: Array, rays: Array, half: float) -> Iterator[Hit]:
    for axis, side in itertools.product(range(3), (-1.0, 1.0)):
        distance = (side * half - eye[axis]) / np.where(rays[:, axis] == 0.0, np.inf, rays[:, axis])
        place = np.delete(np.abs(eye + distance[:, None] * rays), axis, axis=1)
        yield _if((place <= half).all(axis=1), distance), side * np.eye(3)[axis]


def _sphere(eye: Array, rays: Array, half: float) -> Iterator[Hit]:
    distance = _first_root(np.ones(len(rays)), rays @ eye, float(eye @ eye) - half**2)
    yield distance, (eye + np.where(np.isinf(distance), 0.0, distance)[:, None] * rays) / half


def _cylinder(eye: Array, rays: Array, half: float) -> Iterator[Hit]:
    yield _tube(eye, rays, half, half)
    for side in (-1.0, 1.0):
        distance = (side * half - eye[1]) / np.where(rays[:, 1] == 0.0, np.inf, rays[:, 1])
        place = eye + distance[:, None] * rays
        yield _if(place[:, 0] ** 2 + place[:, 2] ** 2 <= half**2, distance), np.array([0.0, side, 0.0])


def _capsule(eye: Array, rays: Array, half: float) -> Iterator[Hit]:
    """As high as the others, and half as wide."""
    radius = 0.5 * half
    yield _tube(eye, rays, radius, half - radius)
    for side in (-1.0, 1.0):
        yield from _sphere(eye - np.array([0.0, side * (half - radius), 0.0]), rays, radius)


def _tube(eye: Array, rays: Array, radius: float, half: float) -> Hit:
    """The side of an upright cylinder."""
    flat, flat_eye = rays * [1.0, 0.0, 1.0], eye * [1.0, 0.0, 1.0]
    distance = _first_root((flat**2).sum(axis=1), flat @ flat_eye, float(flat_eye @ flat_eye) - radius**2)
    place = eye + np.where(np.isinf(distance), 0.0, distance)[:, None] * rays
    return _if(np.abs(place[:, 1]) <= half, distance), place * [1.0, 0.0, 1.0] / radius


def _first_root(square: Array, half_linear: Array, constant: float) -> Array:
    """The smaller root of `square` t² + 2 `half_linear` t + `constant` if it is ahead, infinity if not."""
    inside = half_linear**2 - square * constant
    root = (-half_linear - np.sqrt(np.maximum(inside, 0.0))) / np.maximum(square, 1e-12)
    return _if((inside > 0.0) & (square > 1e-12), root)


def _if(met: Array, distance: Array) -> Array:
    return np.where(met & (distance > 0.0), distance, np.inf)
