"""Rooms with solids against an oracle that finds surfaces in another way, and against what their factors say."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from aebench import data
from aebench.data import shapes3d

KINDS = range(4)
SCENE = {"floor": 0.1, "wall": 0.5, "object": 0.8, "scale": 1.0, "shape": 0.0, "orientation": 0.0}


def room(**known: float) -> np.ndarray:
    values = {**SCENE, **known}
    return shapes3d.render(np.array([list(values.values())]))[0]


def distances(points: np.ndarray, rays: np.ndarray, scale: float, shape: int) -> np.ndarray:
    """How far points are from floor, walls ahead and solid, `(3, n)`, by signed distance functions (Hart 1996)."""
    half = shapes3d.SIZE * scale
    x, y, z = (points - [0.0, half, 0.0]).T
    around = np.hypot(x, z)
    if shape == 0:
        off = np.abs(np.stack([x, y, z])) - half
        solid = np.linalg.norm(np.maximum(off, 0.0), axis=0) + np.minimum(off.max(axis=0), 0.0)
    elif shape == 1:
        off = np.stack([around, np.abs(y)]) - half
        solid = np.linalg.norm(np.maximum(off, 0.0), axis=0) + np.minimum(off.max(axis=0), 0.0)
    elif shape == 2:
        solid = np.hypot(around, y) - half
    else:
        solid = np.hypot(around, y - np.clip(y, -half / 2, half / 2)) - half / 2
    walls = shapes3d.ROOM - (np.sign(rays) * points)[:, [0, 2]].max(axis=1)
    return np.stack([points[:, 1], walls, solid])


@pytest.mark.parametrize("shape", KINDS, ids=shapes3d.SHAPES)
@pytest.mark.parametrize(("scale", "orientation"), [(0.75, 0.0), (1.25, 30.0), (1.0, -12.0)])
def test_rays_end_where_steps_along_them_do(shape: int, scale: float, orientation: float) -> None:
    """The oracle steps as far as the nearest surface is, again and again; its normals are slopes of distances."""
    eye, rays = shapes3d._rays(orientation)
    rays = rays[::7]
    distance, normal, what = shapes3d.seen(eye, rays, scale, shape)
    gone = np.zeros(len(rays))
    for _ in range(400):
        gone += distances(eye + gone[:, None] * rays, rays, scale, shape).min(axis=0)
    ends = eye + gone[:, None] * rays
    apart = np.sort(distances(ends, rays, scale, shape), axis=0)
    clear = (apart[0] < 1e-6) & (apart[1] > 0.02)  # has arrived, and not at where two surfaces meet
    step = 1e-5
    slope = [
        distances(ends + step * axis, rays, scale, shape).min(axis=0)
        - distances(ends - step * axis, rays, scale, shape).min(axis=0)
        for axis in np.eye(3)
    ]
    slope = np.stack(slope, axis=1) / (2.0 * step)
    smooth = clear & (np.abs(np.linalg.norm(slope, axis=1) - 1.0) < 1e-3)
    assert clear.mean() > 0.9
    assert smooth.mean() > 0.85
    np.testing.assert_allclose(distance[clear], gone[clear], atol=1e-4)
    np.testing.assert_array_equal(what[clear], distances(ends, rays, scale, shape).argmin(axis=0)[clear])
    np.testing.assert_allclose(normal[smooth], slope[smooth], atol=1e-3)
    assert (what == shapes3d.OBJECT).mean() > 0.005


def test_colours_are_the_pure_ones_of_their_hues() -> None:
    expected = [colorsys.hsv_to_rgb(hue, 1.0, 1.0) for hue in shapes3d.HUES]
    np.testing.assert_allclose(shapes3d._colours(shapes3d.HUES), expected, atol=1e-12)


def test_a_hue_changes_its_own_surface_alone() -> None:
    floor, wall, solid = shapes3d.shades(1.0, 2.0, 10.0)
    before = room(shape=2.0, orientation=10.0).astype(int)
    for name, own in (("floor", floor), ("wall", wall), ("object", solid)):
        changed = (room(shape=2.0, orientation=10.0, **{name: 0.3}).astype(int) != before).any(axis=2)
        assert not changed[own == 0.0].any(), name
        assert changed[own > 0.1].all(), name


@pytest.mark.parametrize("shape", KINDS, ids=shapes3d.SHAPES)
def test_solids_grow_with_their_scale_and_stay_inside_the_picture(shape: int) -> None:
    objects = [shapes3d.shades(scale, shape, 30.0)[shapes3d.OBJECT] > 0.0 for scale in shapes3d.SCALES]
    areas = [one.sum() for one in objects]
    assert areas == sorted(set(areas))
    assert not objects[-1][[0, -1]].any()
    assert not objects[-1][:, [0, -1]].any()
    assert areas[0] >= 8  # pixels


def test_every_orientation_shows_even_where_the_solid_is_round() -> None:
    rooms = np.stack([room(shape=2.0, orientation=turn).astype(int) for turn in shapes3d.ORIENTATIONS])
    apart = np.abs(rooms[:, None] - rooms[None]).sum(axis=(2, 3, 4)) + np.eye(15, dtype=int) * 10**9
    assert apart.min() > 500


def test_every_scene_lights_each_pixel_once() -> None:
    """Shares of floor, wall and object: whatever a pixel shows, it is lit by no less than the light from everywhere."""
    for shape in KINDS:
        lit = shapes3d.shades(1.1, shape, -17.0).sum(axis=0)
        assert lit.min() >= shapes3d._AMBIENT - 1e-12
        assert lit.max() <= 1.0 + 1e-12


def test_the_data_set_has_the_images_of_its_factors() -> None:
    rooms = data.load("shapes3d")
    assert rooms.image_shape == (32, 32, 3)
    assert [factor.name for factor in rooms.factors][:3] == ["floor hue", "wall hue", "object hue"]
    assert rooms.test.factors is not None
    some = np.arange(0, 5000, 250)
    np.testing.assert_array_equal(rooms.test.images[some], shapes3d.render(rooms.test.factors[some]))
    for at, factor in enumerate(shapes3d.FACTORS):
        assert len(np.unique(rooms.test.factors[:, at])) == factor.levels
