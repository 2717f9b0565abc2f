"""Time series that are there without a network: a standard synthetic set, and real ones inside Matplotlib."""

from __future__ import annotations

import numpy as np

from aebench.data.dataset import Published, Split
from aebench.errors import UserError
from aebench.records.record import Column, Factor

STEPS = 128
COUNT = 900
CLASSES = ("cylinder", "bell", "funnel")
FACTORS = tuple(
    Factor(name=name, kind="ordered", unit=unit)
    for name, unit in (("start", "time steps"), ("length", "time steps"), ("height", "standard deviations of noise"))
)
_SEED = 19940101  # any number, but never another one: the stored digest depends on it
_DECIMALS = 4  # so that the last digits of a machine's logarithm do not matter
_MONTHS = 12


def draw_cylinder_bell_funnel() -> Published:
    """900 series by Saito's formula: noise, and from a start on, for a while, a plateau, a rise or a fall.

    Returns:
        One split `(900, 128, 1)`, a third of each class, with start, length and height of the shape.
    """
    rng = np.random.RandomState(_SEED)  # frozen by numpy's policy (NEP 19)
    labels = np.arange(COUNT) % len(CLASSES)
    start, length = rng.randint(16, 33, COUNT), rng.randint(32, 97, COUNT)
    height = 6.0 + rng.standard_normal(COUNT)
    share = (np.arange(1, STEPS + 1) - start[:, None]) / length[:, None]
    forms = np.stack([np.ones_like(share), share, 1.0 - share])[labels, np.arange(COUNT)]
    inside = (share >= 0.0) & (share <= 1.0)
    series = height[:, None] * forms * inside + rng.standard_normal(share.shape)
    factors = np.stack([start, length, height], axis=1)
    train = Split(
        images=series.round(_DECIMALS)[..., None],
        labels=labels.astype(np.int64),
        maximum=1.0,
        factors=factors.round(_DECIMALS),
        columns=(Column(name="value"),),
    )
    return Published(train=train, class_names=CLASSES, factors=FACTORS, values="real")


def read_stock_years() -> Published:
    """Years of monthly closes: the logarithm of each over the December before, month by month.

    All of one year are one group: markets move together, so a year is in one split alone.

    Returns:
        One split `(n, 12, 1)`, without classes, in the order of columns, then years.

    Raises:
        UserError: this Matplotlib has no such file.
    """
    import pandas as pd
    from matplotlib import cbook

    try:
        frame = pd.read_csv(cbook.get_sample_data("Stocks.csv", asfileobj=False), comment="#")
    except OSError as error:
        raise UserError("this version of Matplotlib has no Stocks.csv among its sample data; take 3.10") from error
    dates = pd.to_datetime(frame.pop("Date"))
    monthly = dates.dt.day == 1  # others are days of dividends, and the last one
    logs, years = np.log(frame[monthly].to_numpy(np.float64)), dates[monthly].dt.year.to_numpy()
    found = [
        (year, logs[at : at + _MONTHS, column] - logs[at - 1, column])
        for column in range(logs.shape[1])
        for at in range(_MONTHS, len(logs) - _MONTHS + 1, _MONTHS)
        if np.isfinite(logs[at - 1 : at + _MONTHS, column]).all()
        for year in [years[at]]
    ]
    train = Split(
        images=np.stack([path for _, path in found]).round(_DECIMALS)[..., None],
        labels=None,
        maximum=1.0,
        columns=(Column(name="log price"),),
        groups=np.array([year for year, _ in found]),
    )
    return Published(train=train, values="real")
