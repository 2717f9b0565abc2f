"""Plots of speed: one a device, backend and precision, all of one scale."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aebench.analysis.configurations import compare
from aebench.analysis.timings import timed_operations
from aebench.page.look import looks
from aebench.page.throughput import speed_plots
from aebench.records.record import TimingRecord
from aebench.records.spec import RunSpec
from aebench.study import Study


def test_two_backends_give_two_plots_of_speed_with_the_same_limits(
    make_study: Callable[..., Study],
    expand: Callable[[Study], list[RunSpec]],
    make_timing: Callable[..., TimingRecord],
) -> None:
    specs = expand(make_study(seeds=1))
    slow = [make_timing(spec, batch) for spec in specs for batch in (1, 128)]
    fast = [_faster(record) for record in slow]
    shared = looks(compare(make_study(seeds=1), specs, {}).configurations)
    rows = timed_operations([*slow, *fast])
    assert {(row.backend, row.precision) for row in rows} == {("tensorflow", "float32"), ("jax", "float32")}
    plots = speed_plots(rows, shared)
    assert len({plot.key for plot in plots}) == len(plots) == 2
    assert ["JAX" in plot.title for plot in plots] == [True, False]
    assert all("Made-up CPU (2 cores)" in plot.title for plot in plots)
    limits = {axes.get_ylim() for plot in plots for axes in _rows_of(plot.figure, 0)}
    assert len(limits) == 1
    alone = speed_plots(timed_operations(slow), shared, rows)
    assert {axes.get_ylim() for axes in _rows_of(alone[0].figure, 0)} == limits
    low, high = limits.pop()
    assert low < min(row.low for row in rows)
    assert high > max(row.high for row in rows)


def test_shares_of_peak_have_panels_of_their_own_where_they_are_known(
    make_study: Callable[..., Study],
    expand: Callable[[Study], list[RunSpec]],
    make_timing: Callable[..., TimingRecord],
) -> None:
    specs = expand(make_study(seeds=1))
    shared = looks(compare(make_study(seeds=1), specs, {}).configurations)
    plain = make_timing(specs[0])
    operations = {name: timed.model_copy(update={"flops_per_image": 1e4}) for name, timed in plain.operations.items()}
    known = plain.model_copy(update={"operations": operations, "matmul_flops_per_s": 1e11})
    (without,), (beside,) = (
        speed_plots(timed_operations([plain]), shared),
        speed_plots(timed_operations([known]), shared),
    )
    assert len(beside.figure.axes) == 2 * len(without.figure.axes)
    drawn = [float(line.get_ydata()[0]) for axes in _rows_of(beside.figure, 1) for line in axes.lines]
    assert drawn == pytest.approx([100.0 * (row.share_of_peak or 0.0) for row in timed_operations([known])])


def _rows_of(figure: Figure, row: int) -> list[Axes]:
    found = []
    for axes in figure.axes:
        spec = axes.get_subplotspec()
        if spec is not None and spec.rowspan.start == row:
            found.append(axes)
    return found


def _faster(record: TimingRecord) -> TimingRecord:
    operations = {name: timed.model_copy(update={"seconds": tuple(value / 30.0 for value in timed.seconds)})
                  for name, timed in record.operations.items()}  # fmt: skip
    return record.model_copy(
        update={"spec": record.spec.model_copy(update={"backend": "jax"}), "operations": operations}
    )
