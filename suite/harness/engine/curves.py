"""Learning curves: one row of numbers an epoch, until the run ends or one of them is not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from aebench.records.record import Curve

Row = Mapping[str, float]  # the fields of `Curve` that a variant has, nats per image


class Rows:
    """The rows of one run so far."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self.diverged = False

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> None:
        """Adds an epoch; the first that holds a number that isn't finite is the last one."""
        if self.diverged:
            return
        self._rows.append(row)
        self.diverged = not all(math.isfinite(value) for value in row.values())

    def table(self) -> tuple[list[str], np.ndarray]:
        """The rows so far as names and numbers `(epochs, names)`."""
        names = [*self._rows[0]] if self._rows else []
        return names, np.array([[row[name] for name in names] for row in self._rows], "float64")

    @classmethod
    def of(cls, names: Sequence[str], numbers: np.ndarray) -> Rows:
        """What `table` was taken of."""
        rows = cls()
        for row in numbers.tolist():
            rows.add(dict(zip(names, row, strict=True)))
        return rows

    def curve(self) -> Curve:
        """The finite epochs as a record keeps them, to 6 significant digits."""
        rows = self._rows[:-1] if self.diverged else self._rows
        return Curve(
            **{
                name: tuple(float(f"{row[name]:.6g}") for row in rows)
                for name in Curve.model_fields
                if rows and name in rows[0]
            }
        )
