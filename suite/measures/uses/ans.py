"""Asymmetric numeral systems (Duda 2009): a stack of symbols as one number, as long as their probabilities ask for.

What is pushed last is popped first; popping symbols that nobody pushed turns bits into samples, which bits back needs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

WORD = 32  # bits that leave the head at once
_FULL = 1 << WORD


class Stack:
    """The bits of everything pushed so far.

    Args:
        rng: gives the words that are there before, of which popping takes.
        words: how many of them.
    """

    def __init__(self, rng: np.random.Generator, words: int) -> None:
        self._tail = [int(word) for word in rng.integers(_FULL, size=words, dtype=np.uint64)]
        self._head = _FULL | int(rng.integers(_FULL, dtype=np.uint64))

    @property
    def bits(self) -> float:
        """How long it is; of the head, which is never empty, what it says."""
        return float(WORD * len(self._tail) + np.log2(float(self._head)))

    @property
    def content(self) -> tuple[int, ...]:
        """All of it, to be compared."""
        return (self._head, *self._tail)

    def push(self, start: int, count: int, precision: int) -> None:
        """Puts a symbol on top, which has `count` of the `2**precision` places, from `start` on."""
        if self._head >= count << (2 * WORD - precision):
            self._tail.append(self._head % _FULL)
            self._head >>= WORD
        times, place = divmod(self._head, count)
        self._head = (times << precision) + place + start

    def pop(self, precision: int, find: Callable[[int], tuple[int, int, int]]) -> int:
        """Takes the symbol on top off.

        Args:
            precision: as it was pushed with.
            find: the symbol that has a place, where its places start, and how many they are.

        Raises:
            IndexError: nothing is left.
        """
        place = self._head & ((1 << precision) - 1)
        symbol, start, count = find(place)
        self._head = count * (self._head >> precision) + place - start
        if self._head < _FULL:
            self._head = (self._head << WORD) | self._tail.pop()
        return symbol
