"""How each data set is cut into train, validation and test: fixed for ever, and stated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aebench.data.dataset import Array, Published, Split
from aebench.errors import UserError
from aebench.records.record import items

MINIMUM_TRAIN = 20
MINIMUM_TEST = 2
MINIMUM_VALIDATION = 2
_SEED = 20240229  # any number, but never another one: every stored digest depends on it
_LAST = 5000
_DIGITS_TEST, _DIGITS_VALIDATION = 360, 180

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Splits:
    """The three splits and one sentence on how they were made."""

    train: Split
    validation: Split
    test: Split
    rule: str


def hold_out(split: Split, count: int) -> tuple[Split, Split]:
    """Takes a fixed random part out of a split: whole groups where there are any, else stratified by class.

    Args:
        split: the images to divide.
        count: how many to take out; of groups, as many as come nearest to that.

    Returns:
        The rest and the part taken out, each in the order that the images had.
    """
    held = np.zeros(len(split), bool)
    if split.groups is not None:
        held = _whole_groups(split.groups, count)
    elif split.labels is not None:
        held[_stratified(split.labels, count)] = True
    else:
        held[_permutation(len(split))[-count:]] = True
    return split.take(np.flatnonzero(~held)), split.take(np.flatnonzero(held))


def _permutation(length: int) -> Indices:
    # RandomState's stream is frozen by numpy's policy (NEP 19); Generator's is not.
    return np.asarray(np.random.RandomState(_SEED).permutation(length), np.intp)


def _stratified(labels: Array, count: int) -> Indices:
    order = _permutation(len(labels))
    members = [order[labels[order] == value] for value in np.unique(labels)]
    quotas = _quotas(np.array([len(part) for part in members]), count)
    return np.concatenate([part[:quota] for part, quota in zip(members, quotas, strict=True)])


def _whole_groups(groups: Array, count: int) -> npt.NDArray[np.bool_]:
    """Which images are in as many groups, in a fixed random order, as have nearest to `count` images.

    One group at least, and two are left where there are more: another split may be taken out of the rest.
    """
    _, at, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = _permutation(len(sizes))
    most = max(1, len(sizes) - 2)
    taken = int(np.abs(np.cumsum(sizes[order])[:most] - count).argmin()) + 1
    return np.isin(at, order[:taken])


def _quotas(sizes: Indices, count: int) -> Indices:
    """Shares `count` among classes in proportion to their sizes, by largest remainder."""
    exact = sizes * count / sizes.sum()
    quotas: Indices = np.floor(exact).astype(np.intp)
    largest = np.argsort(-(exact - quotas), kind="stable")[: count - quotas.sum()]
    quotas[largest] += 1
    return quotas


def cut(published: Published, rule: str, where: str) -> Splits:
    """Cuts a published data set into train, validation and test.

    Args:
        published: the splits as published.
        rule: a key of `RULES`.
        where: what to call the data set in messages.

    Returns:
        The three splits.

    Raises:
        UserError: too few images.
    """
    what = items(published.train.images.shape[1:])
    groups = published.train.groups
    if groups is not None and (found := len(np.unique(groups))) < (needed := 2 if published.test else 3):
        raise UserError(f"{where} has {found} groups, which stay whole in one split; at least {needed} are needed")
    _enough(len(published.train), MINIMUM_TRAIN, f"training {what}", where)
    if published.test is not None:
        _enough(len(published.test), MINIMUM_TEST, f"test {what}", where)
    if published.validation is not None:
        _enough(len(published.validation), MINIMUM_VALIDATION, f"validation {what}", where)
    splits = RULES[rule](published)
    if groups is not None:
        by_group = f"{where}, cut by whole groups,"
        _enough(len(splits.train), MINIMUM_TRAIN, f"training {what}", by_group)
        _enough(len(splits.test), MINIMUM_TEST, f"test {what}", by_group)
    return splits


def _enough(given: int, needed: int, what: str, where: str) -> None:
    if given < needed:
        raise UserError(f"{where} has {given} {what}; at least {needed} are needed; add {what.split()[-1]}")


def _digits(published: Published) -> Splits:
    rest, test = hold_out(published.train, _DIGITS_TEST)
    train, validation = hold_out(rest, _DIGITS_VALIDATION)
    sizes = f"{len(train)} train, {len(validation)} validation, {len(test)} test"
    rule = f"Stratified by class with a fixed seed: {sizes}."
    return Splits(train=train, validation=validation, test=test, rule=rule)


def _last(published: Published) -> Splits:
    train, test = published.train, published.test
    assert test is not None  # every set with this rule is published with a test split
    return Splits(
        train=train.take(np.arange(len(train) - _LAST)),
        validation=train.take(np.arange(len(train) - _LAST, len(train))),
        test=test,
        rule=f"The last {_LAST:,} images of the published training order are validation; published test.",
    )


def _tenth(published: Published) -> Splits:
    return _part(published, 10, "tenth")


def _fifth(published: Published) -> Splits:
    """Larger parts: tables and series are often some hundred."""
    return _part(published, 5, "fifth")


def _part(published: Published, divisor: int, word: str) -> Splits:
    train, test, said = published.train, published.test, "published test"
    if test is None:
        (train, test), said = hold_out(train, len(train) // divisor), f"another such {word}, taken first, is test"
    if published.validation is not None:
        validation, rule = published.validation, f"Published train and validation; {said}."
    else:
        train, validation = hold_out(train, len(train) // divisor)
        how = "random" if train.labels is None else "stratified"
        how = how if train.groups is None else "random (whole groups alone)"
        rule = f"A {how} {word} of train, drawn with a fixed seed, is validation; {said}."
    return Splits(train=train, validation=validation, test=test, rule=rule)


def _blocks(published: Published) -> Splits:
    assert published.validation is not None  # every set with this rule is made with all three
    assert published.test is not None
    rule = "Each photograph's blocks of 60x60 pixels in a fixed pattern: a seventh is test, another validation."
    return Splits(train=published.train, validation=published.validation, test=published.test, rule=rule)


RULES: dict[str, Callable[[Published], Splits]] = {
    "digits": _digits,
    "last": _last,
    "tenth": _tenth,
    "fifth": _fifth,
    "blocks": _blocks,
}
