"""The plots draw the records' numbers, with t intervals, in deterministic files."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from scipy import stats

from aebench.analysis.configurations import Configuration, compare
from aebench.page.canvas import Plot
from aebench.page.look import Looks, looks
from aebench.page.plots import MOST_SERIES, board_plots, non_dominated, thinned
from aebench.page.plots.lines import elbo, silhouette
from aebench.page.plots.maps import maps
from aebench.page.plots.pareto import SPEED, pareto
from aebench.page.plots.planes import rate_distortion
from aebench.page.plots.profiles import by_class, kl_spectrum
from aebench.records.record import RunRecord
from aebench.records.spec import RunSpec
from aebench.study import Study

CLASSES = 3
EVERY_PLOT = {"elbo", "rate-distortion", "reconstruction", "silhouette", "pareto", "maps", "kl-spectrum", "by-class",
              "path-entropy", "learning-curves"}  # fmt: skip


@pytest.fixture
def board(
    make_study: Callable[..., Study],
    expand: Callable[[Study], list[RunSpec]],
    make_record: Callable[..., RunRecord],
) -> Callable[..., tuple[Sequence[Configuration], Looks]]:
    """board(change=..., seeds=3) -> a board whose records have profiles too, and its looks; `change` edits a record."""

    def make(change: Callable[[RunRecord], RunRecord] = lambda record: record, **study: Any) -> Any:
        chosen = make_study(**study)
        specs = expand(chosen)
        records = [
            change(_with_profiles(make_record(spec, active_units=1.0, prior_recognisable=0.5))) for spec in specs
        ]
        comparison = compare(chosen, specs, {record.run_id: record for record in records})
        return comparison.configurations, looks(comparison.configurations)

    return make


@pytest.mark.parametrize("signs", [*itertools.product((-1, 1), repeat=2), (1, -1, 1)])
def test_a_point_is_kept_if_and_only_if_no_other_dominates_it(signs: tuple[int, ...]) -> None:
    # Few distinct values, so that ties and equal points are among them.
    points = np.random.default_rng(0).integers(0, 7, (60, len(signs))).astype(float)
    expected = {
        at
        for at, mine in enumerate(points)
        if not any(
            all(sign * a >= sign * b for a, b, sign in zip(other, mine, signs, strict=True))
            and tuple(other) != tuple(mine)
            for other in points
        )
    }
    found = non_dominated(points, signs)
    assert set(found) == expected
    assert len(found) == len(expected) < len(points)
    assert [points[at][0] for at in found] == sorted(points[at][0] for at in found)


def test_of_no_points_none_and_of_one_that_one_is_kept() -> None:
    assert non_dominated([], (1, 1)) == []
    assert non_dominated([(3.0, 4.0)], (1, -1)) == [0]


def test_every_plot_is_drawn_where_a_board_has_every_number(board: Callable[..., Any]) -> None:
    plots = board_plots(*board())
    assert {plot.key for plot in plots} == EVERY_PLOT
    assert len(plots) == len(EVERY_PLOT)
    for plot in plots:
        assert re.fullmatch(r"[a-z0-9-]+", plot.key)
        assert plot.width <= 1440
        assert plot.title
        assert plot.caption.endswith(".")
        assert any(digit in plot.alt for digit in "123456789")


@pytest.mark.parametrize(("maker", "metric"), [(elbo, "elbo_nats"), (silhouette, "silhouette")])
def test_bars_over_latent_size_are_the_t_intervals_of_the_means(
    board: Callable[..., Any], maker: Callable[..., Plot], metric: str
) -> None:
    items, shared = board()
    (axes,) = maker(items, shared).figure.axes
    for item in items:
        values = list(item.values(metric).values())
        if values:
            low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
            assert _has_bar(axes, float(low), float(high)), item.label


def test_bars_on_the_rate_distortion_plane_are_t_intervals_both_ways(board: Callable[..., Any]) -> None:
    items, shared = board()
    (axes,) = _plot(rate_distortion, items, shared).figure.axes
    across = [line.get_xdata() for line in axes.lines]
    for item in items:
        values = list(item.values("rate_nats").values())
        if values:
            ends = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
            assert any(_holds(np.asarray(xs, float), ends) for xs in across), item.label
            distortions = list(item.values("distortion_nats").values())
            ends = stats.t.interval(0.95, len(values) - 1, np.mean(distortions), stats.sem(distortions))
            assert _has_bar(axes, *ends), item.label


def test_bars_by_class_are_t_intervals_of_each_class(board: Callable[..., Any]) -> None:
    items, shared = board()
    axes = _plot(by_class, items, shared).figure.axes
    for item in items:
        rows = np.array([record.profiles["silhouette_by_class"] for record in item.usable])
        low, high = stats.t.interval(0.95, len(rows) - 1, rows.mean(axis=0), stats.sem(rows, axis=0))
        panel = axes[2 * sorted({other.latent_dim for other in items}).index(item.latent_dim)]
        assert all(_has_bar(panel, *ends) for ends in zip(low, high, strict=True)), item.label


def test_the_spectrum_is_sorted_in_each_run_and_has_the_mean_of_the_records(board: Callable[..., Any]) -> None:
    items, shared = board()
    plot = _plot(kl_spectrum, items, shared)
    panels = {axes.get_title(loc="left"): axes for axes in plot.figure.axes}
    for item in (item for item in items if item.variant == "vae"):
        runs = [sorted(record.profiles["kl_by_dimension_nats"], reverse=True) for record in item.usable]
        expected = np.mean(runs, axis=0)
        drawn = [line.get_ydata() for line in panels[f"latent size {item.latent_dim}"].lines
                 if line.get_label() == item.label]  # fmt: skip
        assert len(drawn) == 1
        assert drawn[0] == pytest.approx(expected)
        assert (np.diff(drawn[0]) <= 0).all()


def test_a_spectrum_below_the_axis_is_drawn_at_its_foot(board: Callable[..., Any]) -> None:
    items, shared = board(lambda record: _with(record, kl_by_dimension_nats=(0.0,) * record.spec.latent_dim))
    plot = _plot(kl_spectrum, items, shared)
    drawn = [line for line in plot.figure.axes[0].lines if str(line.get_label()).startswith("VAE")]
    assert drawn
    low, _ = plot.figure.axes[0].get_ylim()
    assert all((np.asarray(line.get_ydata()) > low).all() for line in drawn)


def test_cells_of_the_maps_say_mean_and_half_width(board: Callable[..., Any]) -> None:
    items, shared = board(seeds=5)
    plot = _plot(maps, items, shared)
    panel = next(axes for axes in plot.figure.axes if axes.get_title(loc="left").startswith("Silhouette"))
    rows, columns = list(shared.series(items)), sorted({item.latent_dim for item in items})
    for item in items:
        values = list(item.values("silhouette").values())
        half = stats.t.ppf(0.975, 4) * stats.sem(values)
        cell = columns.index(item.latent_dim), rows.index(shared.by_id[item.id])
        said = [text.get_text() for text in _in_cells(panel) if tuple(map(int, text.get_position())) == cell]
        decimals = len(said[0].split(".")[1])
        assert decimals >= 2
        assert said == [f"{np.mean(values):.{decimals}f}", f"± {half:.{decimals}f}"]


def test_cells_without_a_number_say_so(board: Callable[..., Any]) -> None:
    items, shared = board()
    plot = _plot(maps, items, shared)
    elbo = plot.figure.axes[0]
    assert elbo.get_title(loc="left").startswith("ELBO")
    assert [text.get_text() for text in elbo.texts].count("n/a") == 2  # the AE at both latent sizes


def test_words_in_the_maps_can_be_read_on_every_cell(board: Callable[..., Any]) -> None:
    from matplotlib.colors import to_rgb

    items, shared = board(beta=[0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
    plot = _plot(maps, items, shared)
    for axes in plot.figure.axes:
        if not axes.collections:
            continue
        mesh = axes.collections[0]
        values = np.ma.asarray(mesh.get_array())
        for text in _in_cells(axes):
            column, row = map(int, text.get_position())
            if values.mask is np.ma.nomask or not values.mask[row, column]:
                ground = mesh.cmap(mesh.norm(values[row, column]))
                assert _contrast(to_rgb(text.get_color()), ground[:3]) > 3.5


def test_the_front_is_joined_and_named(board: Callable[..., Any]) -> None:
    items, shared = board()
    plot = _plot(pareto, items, shared)
    axes = next(axes for axes in plot.figure.axes if axes.get_title(loc="left") == "Silhouette and reconstruction")
    places = [(item.summaries["recon_mse"].mean, item.summaries["silhouette"].mean) for item in items]
    front = non_dominated(places, (-1, 1))
    steps = [line for line in axes.lines if line.get_drawstyle() != "default"]
    assert [tuple(point) for point in steps[0].get_xydata()] == [places[at] for at in front]
    named = {text.get_text() for text in axes.texts}
    assert named == {f"{items[at].label}, {items[at].latent_dim}" for at in front}


def test_speeds_enter_the_fronts_only_where_runs_of_one_speed_agree(board: Callable[..., Any]) -> None:
    def steady(record: RunRecord) -> RunRecord:
        return record.model_copy(update={"metrics": {**record.metrics, SPEED: 1000.0 * record.spec.latent_dim}})

    def busy(record: RunRecord) -> RunRecord:
        return record.model_copy(update={"metrics": {**record.metrics, SPEED: 1000.0 * (1 + record.spec.seed)}})

    def partly(record: RunRecord) -> RunRecord:
        return steady(record) if record.spec.seed else record

    titles = {}
    for change in (steady, busy, partly):
        plot = _plot(pareto, *board(change))
        titles[change] = {axes.get_title(loc="left") for axes in plot.figure.axes}
    assert "Reconstruction and training speed" in titles[steady]
    assert "Reconstruction and training speed" not in titles[busy] | titles[partly]


@pytest.mark.parametrize("maker", [elbo, maps])
def test_the_same_numbers_give_the_same_files(maker: Any, board: Callable[..., Any], tmp_path: Path) -> None:
    one, other = (_plot(maker, *board(latent_dim=[2])).save(tmp_path / name, "plot") for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_a_board_of_one_seed_is_drawn_without_bars(board: Callable[..., Any]) -> None:
    plots = {plot.key: plot for plot in board_plots(*board(seeds=1))}
    assert set(plots) == EVERY_PLOT
    (axes,) = plots["elbo"].figure.axes
    assert [ends for line in axes.lines for ends in _bars(line)] == []
    assert "±" not in plots["elbo"].alt
    for key in ("elbo", "kl-spectrum", "path-entropy"):
        assert b"nan" not in plots[key].svg.lower()


def test_a_board_of_plain_autoencoders_has_no_plot_of_the_posterior(board: Callable[..., Any]) -> None:
    items, _ = board()
    plain = [item for item in items if item.variant == "ae"]
    keys = {plot.key for plot in board_plots(plain, looks(plain))}
    assert keys == EVERY_PLOT - {"elbo", "rate-distortion", "kl-spectrum"}


def test_a_board_without_labels_has_no_plot_of_classes(board: Callable[..., Any]) -> None:
    def unlabelled(record: RunRecord) -> RunRecord:
        metrics = {name: value for name, value in record.metrics.items() if "silhouette" not in name}
        profiles = {"kl_by_dimension_nats": record.profiles["kl_by_dimension_nats"]} if record.spec.scalars else {}
        return record.model_copy(update={"metrics": metrics, "profiles": profiles})

    keys = {plot.key for plot in board_plots(*board(unlabelled))}
    assert keys == EVERY_PLOT - {"silhouette", "by-class", "path-entropy"}


def test_a_board_of_diverged_runs_alone_has_no_plots(board: Callable[..., Any]) -> None:
    items, shared = board(lambda record: record.model_copy(update={"outcome": "diverged", "metrics": {}}))
    assert board_plots(items, shared) == []


def _with_profiles(record: RunRecord) -> RunRecord:
    spec = record.spec
    rng = np.random.default_rng([spec.seed, spec.latent_dim, len(spec.scalars)])
    lists = {
        "silhouette_by_class": rng.normal(0.1, 0.05, CLASSES),
        "recon_mse_by_class": rng.uniform(0.02, 0.05, CLASSES),
        "path_entropy_nats": rng.uniform(0.1, 0.5, 11),
        "path_entropy_nats_pixels": np.linspace(0.1, 0.4, 11),
    }
    if spec.scalars:
        lists["kl_by_dimension_nats"] = rng.uniform(0.01, 2.0, spec.latent_dim)
    return _with(record, **{name: tuple(map(float, values)) for name, values in lists.items()})


def _with(record: RunRecord, **profiles: tuple[float, ...]) -> RunRecord:
    own = {name: values for name, values in profiles.items() if record.spec.scalars or "kl" not in name}
    return record.model_copy(update={"profiles": {**record.profiles, **own}})


def _plot(maker: Callable[..., Plot | None], items: Sequence[Configuration], shared: Looks) -> Plot:
    plot = maker(items, shared)
    assert plot is not None
    return plot


def _bars(line: Any) -> list[tuple[float, float]]:
    """The ends of a line's upright pieces."""
    xs, ys = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    return [
        (ys[at], ys[at + 1]) for at in range(len(ys) - 1) if xs[at] == xs[at + 1] and np.isfinite(ys[at : at + 2]).all()
    ]


def _has_bar(axes: Axes, low: float, high: float) -> bool:
    return any(ends == pytest.approx((low, high)) for line in axes.lines for ends in _bars(line))


def _holds(values: np.ndarray, ends: Sequence[float]) -> bool:
    return any(values[at : at + 2] == pytest.approx(np.asarray(ends)) for at in range(len(values) - 1))


def _in_cells(axes: Axes) -> list[Text]:
    return [text for text in axes.texts if text.get_transform() is axes.transData]


def _contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """WCAG 2.2's contrast ratio."""

    def luminance(colour: Sequence[float]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_of_many_settings_the_winners_and_plain_variants_are_shown(board: Callable[..., Any]) -> None:
    items, shared = board(beta=str([0.1 * step for step in range(1, 31)]), latent_dim=[2, 4])
    first = [items[-1]]
    shown = thinned(items, shared, first)
    assert len(shared.series(shown)) == MOST_SERIES < len(shared.series(items))
    assert items[-1] in shown
    assert {item.id for item in items if item.plain} <= {item.id for item in shown}
    assert all(f"{MOST_SERIES} of 31 settings" in plot.caption for plot in board_plots(items, shared, first))


def test_a_single_epoch_is_drawn_as_points(board: Callable[..., Any]) -> None:
    def cut(record: RunRecord) -> RunRecord:
        curve = record.curve.model_copy(update={name: values[:1] for name, values in record.curve})
        return record.model_copy(update={"curve": curve})

    plots = {change: board_plots(*board(change), []) for change in (cut, lambda record: record)}
    one, several = ({plot.key: plot for plot in found}["learning-curves"] for found in plots.values())
    for plot, marker in ((one, "o"), (several, "None")):
        lines = [line for axes in plot.figure.axes for line in axes.lines]
        assert lines
        assert {str(line.get_marker()) for line in lines} == {marker}
