"""Factors of variation: kept from file to record, and made as stated."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from aebench import data
from aebench.data import combinations, dsprites, morpho_mnist, xysquares
from aebench.data.pixels import prepare
from aebench.errors import UserError
from aebench.harness.execute import _dataset_record


@pytest.fixture
def with_factors(arrays) -> dict[str, np.ndarray]:
    for split, count in (("train", 60), ("test", 12)):
        at = np.arange(count)
        arrays[f"factors_{split}"] = np.stack([at % 3, at % 4 / 4, at * 0.5 % 6], axis=1)
    return arrays | {
        "factor_names": np.array(["shape", "size", "turn"]),
        "factor_kinds": np.array(["categorical", "ordered", "periodic"]),
        "factor_periods": np.array([np.nan, np.nan, 6.0]),
    }


def test_a_users_factors_are_kept_from_file_to_record(npz, with_factors) -> None:
    data.import_dataset("mine", npz(with_factors))
    mine = data.load("mine")
    assert [str(factor) for factor in mine.factors] == ["shape (3, categorical)", "size (4)", "turn (12, periodic)"]
    assert [factor.period for factor in mine.factors] == [None, None, 6.0]
    np.testing.assert_array_equal(mine.test.factors, with_factors["factors_test"])
    for split in mine.splits().values():  # each image kept its own row: labels say which
        np.testing.assert_array_equal(split.factors[:, 0], split.labels)
    assert len(mine.validation.factors) == 6
    assert _dataset_record(mine).factors == mine.factors
    assert next(entry for entry in data.status() if entry.name == "mine").factors == mine.factors


def test_pixels_carry_factors_of_what_is_trained_on(npz, with_factors) -> None:
    mine = data.import_dataset("mine", npz(with_factors))
    both = prepare(mine, "gaussian", "train+validation")
    np.testing.assert_array_equal(both.train_factor_values[:, 0], both.train_labels)
    np.testing.assert_array_equal(both.factor_values, mine.test.factors)
    assert len(prepare(mine, "gaussian", "train").train_factor_values) == 54


def test_factors_are_part_of_the_content(npz, with_factors) -> None:
    one = data.import_dataset("one", npz(with_factors)).digest
    with_factors["factors_train"][0, 1] += 0.25
    assert data.import_dataset("two", npz(with_factors)).digest != one


def test_a_set_without_factors_has_none(npz, arrays, cache_folder: Path) -> None:
    mine = data.import_dataset("mine", npz(arrays))
    assert (mine.factors, mine.test.factors) == ((), None)
    assert "factors" not in (cache_folder / "mine" / "meta.json").read_text()


BAD = {
    "one split alone": ({"factors_test": None}, "no factors_test"),
    "no names": ({"factor_names": None}, "no factor_names"),
    "names without factors": ({"factors_train": None, "factors_test": None}, "no factors_train, factors_test"),
    "too few rows": ({"factors_test": np.zeros((11, 3))}, r"shape \(11, 3\); needed: \(12, 3\)"),
    "too few names": ({"factor_names": np.array(["a", "b"])}, r"needed: \(60, 2\)"),
    "two of one name": ({"factor_names": np.array(["a", "b", "b"])}, "a name of its own"),
    "NaN": ({"factors_test": np.full((12, 3), np.nan)}, "NaN"),
    "text": ({"factors_test": np.full((12, 3), "red")}, "number the values"),
    "unknown kind": ({"factor_kinds": np.array(["ordered", "odd", "ordered"])}, "'odd'; allowed: categorical"),
    "kinds of others": ({"factor_kinds": np.array(["ordered"])}, "1 for 3 factors"),
    "broken categories": (
        {"factor_kinds": np.array(["ordered", "categorical", "ordered"])},
        "values 0, 1, 2",
    ),
    "no period": ({"factor_periods": None}, "period nan"),
    "negative period": ({"factor_periods": np.array([1.0, 1.0, -1.0])}, r"period -1\.0; give a number > 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_unsuitable_factors_are_refused_in_one_line(npz, with_factors, case: str) -> None:
    change, message = BAD[case]
    changed = {name: value for name, value in (with_factors | change).items() if value is not None}
    with pytest.raises(UserError, match=message) as told:
        data.import_dataset("mine", npz(changed))
    assert "\n" not in str(told.value)


def test_drawn_combinations_are_distinct_and_even() -> None:
    drawn = combinations.draw((8,) * 6)
    assert len(np.unique(drawn, axis=0)) == len(drawn) == combinations.TRAIN + combinations.TEST
    share = np.array([np.bincount(column, minlength=8) for column in drawn.T]) / len(drawn)
    assert np.abs(share - 1 / 8).max() < 5 * np.sqrt(1 / 8 * 7 / 8 / len(drawn))


def test_xysquares_are_where_their_factors_say() -> None:
    squares = data.load("xysquares")
    assert squares.image_shape == (32, 32, 3)
    assert (squares.test.images.sum(axis=(1, 2)) == xysquares.SQUARE**2).all()
    pixels = np.arange(32)[:, None]
    centres = np.stack(
        [(squares.test.images * place).sum(axis=(1, 2)) / 16 for place in (pixels, pixels[..., None])], axis=-1
    )
    np.testing.assert_allclose((centres.reshape(-1, 6) - 1.5) / 4, squares.test.factors)
    one, other = squares.test.images[:2].astype(int)
    assert set(np.unique((one - other) ** 2)) <= {0, 1}
    again = xysquares.draw().test
    np.testing.assert_array_equal(again.images, squares.test.images)


def sprites(**known: float) -> np.ndarray:
    values = {"shape": 0.0, "scale": 1.0, "orientation": 0.0, "x": 0.5, "y": 0.5, **known}
    return dsprites.render(np.array([list(values.values())]))[0, :, :, 0]


@pytest.mark.parametrize("shape", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_sprites_have_the_area_and_place_of_their_factors(shape: float, scale: float) -> None:
    """Pixels on the edge are in or out by where they lie: a rim of one pixel bounds what that does to the area."""
    drawn = [sprites(shape=shape, scale=scale, orientation=turn) for turn in dsprites.ORIENTATIONS[:10]]
    areas = np.array([image.sum() for image in drawn])
    assert areas.mean() == pytest.approx(dsprites.AREA * scale**2, rel=0.03)
    moved = sprites(shape=shape, scale=scale, x=16 / 31, y=21 / 31)
    still = sprites(shape=shape, scale=scale, x=15 / 31, y=15 / 31)
    np.testing.assert_array_equal(moved, np.roll(still, (6, 1), axis=(0, 1)))  # a step is a pixel


def test_the_declared_symmetries_are_the_shapes() -> None:
    symmetries = dsprites.FACTORS[2].symmetries
    for at, name in enumerate(dsprites.SHAPES):
        own = symmetries.get(name, dsprites.FACTORS[2].period)
        for parts in (2, 3, 4):
            turn = 2 * np.pi / parts
            changed = (sprites(shape=at, orientation=0.3) != sprites(shape=at, orientation=0.3 + turn)).sum()
            same = np.isclose(turn / own, round(turn / own)) and turn >= own
            assert (changed <= 2) == same, (name, parts, changed)  # rounding may move a pixel of the edge


def test_no_sprite_is_cut_by_the_border_and_the_mean_pixel_is_the_published_one() -> None:
    every = product((0.0, 1.0, 2.0), [1.0], dsprites.ORIENTATIONS, (0.0, 1.0), (0.0, 1.0))
    corners = dsprites.render(np.array(list(every)))[..., 0]
    assert not corners[:, [0, -1]].any()
    assert not corners[:, :, [0, -1]].any()
    values = dsprites._sample()[:2000]
    assert dsprites.render(values).mean() == pytest.approx(0.0425, abs=5 * 0.0425 * 0.4 / np.sqrt(2000))


def strokes(thickness: float, length: float, shear: float) -> np.ndarray:
    """A bar drawn on a fine grid, `(28, 28)`, each pixel the share of its ink."""
    fine = (np.arange(28 * 20) + 0.5) / 20 - 14
    x, y = fine[None, :] + shear * fine[:, None], fine[:, None]
    ink = (np.abs(x) <= thickness / 2) & (np.abs(y) <= length / 2)
    return ink.reshape(28, 20, 28, 20).mean(axis=(1, 3))


@pytest.mark.parametrize("thickness", [2.0, 3.0, 5.0])
@pytest.mark.parametrize("shear", [-0.4, 0.0, 0.4])
def test_bars_measure_what_they_are_drawn_as(thickness: float, shear: float) -> None:
    """All to within a pixel of the enlarged image at each edge, which is .5 of a length; corners round the rest."""
    found = dict(
        zip([f.name for f in morpho_mnist.FACTORS], morpho_mnist.measure(strokes(thickness, 16, shear)[None])[0],
            strict=True)
    )  # fmt: skip
    assert found["slant"] == pytest.approx(np.arctan(shear), abs=0.03)
    assert found["width"] == pytest.approx(thickness * (1 - morpho_mnist.TAILS), abs=0.5)
    assert found["height"] == pytest.approx(16 * (1 - morpho_mnist.TAILS), abs=0.5)
    assert found["area"] == pytest.approx(16 * thickness, rel=0.06)
    assert found["thickness"] == pytest.approx(thickness * np.cos(np.arctan(shear)), abs=0.5)


def test_an_image_without_ink_measures_nothing() -> None:
    assert (morpho_mnist.measure(np.zeros((2, 28, 28))) == 0).all()


def test_measurements_do_not_depend_on_company_or_place() -> None:
    bars = np.stack([strokes(2, 10, 0.2), strokes(4, 14, -0.3)])
    together = morpho_mnist.measure(bars)
    np.testing.assert_allclose(together[1], morpho_mnist.measure(bars[1:])[0])
    np.testing.assert_allclose(morpho_mnist.measure(np.roll(bars, (3, -2), axis=(1, 2))), together, atol=1e-9)
