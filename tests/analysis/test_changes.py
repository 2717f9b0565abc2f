"""What changed between two sides: how often it is wrongly said, what is seen, and how sides are paired."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from simulated import KINDS, SEED_SD, board
from typer.testing import CliRunner

from aebench.analysis import change_words, run_sides
from aebench.analysis.changes import METRICS_HELD, changes
from aebench.analysis.configurations import Configuration, summarise
from aebench.cli.app import app
from aebench.errors import UserError
from aebench.measures import METRICS
from aebench.records.record import RunRecord
from aebench.records.store import Store

SEEDS, SIZES = 5, (2, 3, 4, 6, 8, 12, 16)
NUMBERS = ("elbo_nats", "silhouette")
COUNT = 21  # configurations
Values = np.ndarray  # (metrics, configurations, seeds)


@pytest.fixture
def grid(make_study, expand) -> list[list]:
    """The specs of 21 configurations, by seed."""
    specs = expand(make_study(seeds=SEEDS, latent_dim=[*SIZES], beta=[1.0, 4.0]))
    return [specs[at : at + SEEDS] for at in range(0, len(specs), SEEDS)]


@pytest.fixture
def made(grid, make_record) -> Callable[..., run_sides.RunSide]:
    """made(name, values, version=1) -> a side whose runs have these numbers and no others."""
    sides: dict[int, run_sides.RunSide] = {}

    def make(name: str, values: Values, version: int = 1, versions: dict | None = None) -> run_sides.RunSide:
        if version not in sides:
            specs = [spec.model_copy(update={"variant_version": version}) for own in grid for spec in own]
            sides[version] = run_sides.side("", [make_record(spec) for spec in specs])
        items = sides[version].configurations.items()
        held = {key: _with(item, values[:, at], versions or {}) for at, (key, item) in enumerate(items)}
        return run_sides.RunSide(name=name, configurations=held)

    return make


def _with(item: Configuration, values: Values, versions: dict) -> Configuration:
    """The configuration with these numbers, `(metrics, seeds)`."""
    records = tuple(
        record.model_copy(
            update={
                "metrics": dict(zip(NUMBERS, values[:, record.spec.seed].tolist(), strict=True)),
                "metric_versions": {**record.metric_versions, **versions},
            }
        )
        for record in item.records
        if record.spec.seed < values.shape[1]
    )
    summaries = {name: summarise(values[at].tolist()) for at, name in enumerate(NUMBERS)}
    return replace(item, records=records, summaries={**item.summaries, **summaries})


def noise(rng: np.random.Generator, kind: str, seeds: int = SEEDS) -> Values:
    """Each metric's runs, in standard deviations of a seed; those of one seed have something in common."""
    return np.stack([board(rng, kind, COUNT, seeds, 1)[:, :, 0] / SEED_SD for _ in NUMBERS])


def tables(rng: np.random.Generator, kind: str, count: int, made: Callable, version: int, shift: float = 0.0):
    """So many comparisons of sides that do not differ but for `shift` in one number of one configuration."""
    for _ in range(count):
        ours, theirs = noise(rng, kind), noise(rng, kind)
        theirs[0, 5] -= shift
        yield changes(made("a", ours), made("b", theirs, version), NUMBERS)


@pytest.mark.parametrize("version", [1, 2], ids=["paired", "unpaired"])
@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_changed_five_tables_of_a_hundred_at_most_say_so(made, kind, version) -> None:
    """42 numbers each; as often as 99 % of samples of that size would allow of a true level of 5 %."""
    count = 40
    wrong = sum(bool(found.found("changed")) for found in tables(np.random.default_rng(1), kind, count, made, version))
    assert wrong <= stats.binom.ppf(0.99, count, 0.05)


@pytest.mark.parametrize("version", [1, 2], ids=["paired", "unpaired"])
def test_what_is_six_standard_deviations_of_a_seed_worse_is_found(made, version) -> None:
    """Of 42 numbers one, in nine of ten tables; if spreads lent each other nothing, it were three of ten."""
    count, seen = 20, 0
    for found in tables(np.random.default_rng(2), "normal", count, made, version, shift=6.0):
        seen += any(one.metric == "elbo_nats" and one.better is False for one in found.found("changed"))
    assert seen >= stats.binom.ppf(0.001, count, 0.9)


def test_what_is_identical_is_the_same_whatever_the_margin(made) -> None:
    values = noise(np.random.default_rng(3), "normal")
    found = changes(made("a", values), made("b", values), NUMBERS)
    assert {one.finding for one in found.changes} == {"same"}
    assert found.changes[0].paired
    assert found.tests == 0, "nothing is left to be tested"
    assert len(found.changes) == COUNT * len(NUMBERS)


@pytest.mark.parametrize(("margin", "finding"), [(5.0, "same"), (1.5, "cannot tell"), (1e-3, "cannot tell")])
def test_the_same_is_what_two_one_sided_tests_say(made, margin, finding) -> None:
    """Welch's own, by SciPy, of a lone configuration: fewer than 20 lend each other nothing."""
    rng = np.random.default_rng(4)
    ours, theirs = noise(rng, "normal"), noise(rng, "normal")
    sides = [made("a", ours), made("b", theirs, 2)]
    key = next(iter(sides[0].configurations))
    sides = [run_sides.RunSide(name=one.name, configurations={key: one.configurations[key]}) for one in sides]
    (found,) = changes(*sides, ["elbo_nats"], {"elbo_nats": margin}).changes
    item = sides[0].configurations[key], sides[1].configurations[key]
    first, second = (list(one.values("elbo_nats").values()) for one in item)
    above = stats.ttest_ind(second, np.add(first, margin), equal_var=False, alternative="less").pvalue
    below = stats.ttest_ind(second, np.subtract(first, margin), equal_var=False, alternative="greater").pvalue
    assert (found.finding == "same") == (max(above, below) < 0.05)
    assert found.finding == finding
    both = stats.ttest_ind(second, first, equal_var=False)
    assert found.p == pytest.approx(both.pvalue)
    low, high = both.confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high))


def test_the_same_runs_are_paired_and_others_are_not(made) -> None:
    rng = np.random.default_rng(5)
    common = 100.0 * rng.normal(size=(len(NUMBERS), COUNT, SEEDS))  # what pairs take out
    ours, theirs = common + noise(rng, "normal"), common + noise(rng, "normal") + 8.0
    paired, unpaired = (changes(made("a", ours), made("b", theirs, version), NUMBERS) for version in (1, 2))
    assert all(one.paired and one.finding == "changed" for one in paired.changes)
    assert not any(one.paired or one.finding == "changed" for one in unpaired.changes)
    assert any("vae: 1 in A, 2 in B" in line for line in change_words.notes(unpaired))


def test_one_seed_tells_nothing_but_that_it_is_identical(made) -> None:
    values = noise(np.random.default_rng(6), "normal", seeds=1)
    found = changes(
        made("a", values), made("b", np.where(np.arange(COUNT)[:, None] < 3, values, values + 50.0)), NUMBERS
    )
    assert {(one.finding, one.p) for one in found.changes} == {("same", None), ("cannot tell", None)}
    assert len(found.found("same")) == 3 * len(NUMBERS)


def test_what_was_measured_otherwise_is_left_out_and_told(made) -> None:
    values = noise(np.random.default_rng(7), "normal")
    found = changes(made("a", values), made("b", values + 9.0, versions={"silhouette": 99}), NUMBERS)
    assert found.other_measures == ("silhouette",)
    assert {one.metric for one in found.changes} == {"elbo_nats"}
    with pytest.raises(UserError, match="measured by another version"):
        changes(made("a", values), made("b", values, versions={"silhouette": 99}), ["silhouette"])


def test_what_one_side_alone_has_is_told(grid, make_record) -> None:
    sides = [
        run_sides.side(name, [make_record(spec, silhouette=value) for spec in grid[0]])
        for name, value in (("a", 0.1), ("b", None))
    ]
    found = changes(*sides)
    assert found.one_sided == ("silhouette",)
    assert found.untold
    assert any("on one side alone: silhouette" in line for line in change_words.notes(found))


def test_of_several_versions_of_a_variant_the_newest_is_taken(made, grid, make_record) -> None:
    old = [make_record(spec) for own in grid for spec in own]
    new = [make_record(spec.model_copy(update={"variant_version": 2})) for spec in grid[-1]]
    found = run_sides.side("both", [*old, *new])
    versions = {item.specs[0].variant: item.specs[0].variant_version for item in found.configurations.values()}
    assert versions == {"ae": 1, "vae": 2}
    assert found.older == 14 * SEEDS


def test_two_backends_in_a_side_are_refused_with_how_to_pick_one(grid, make_record) -> None:
    there = make_record(grid[0][0])
    other = make_record(grid[0][0].model_copy(update={"backend": "jax"}))
    with pytest.raises(UserError, match=r"on several backends.*as in mine@"):
        run_sides.side("mine", [there, other])


def test_runs_that_began_to_diverge_are_a_change(grid, make_record) -> None:
    """Five of five against none has p = 0.008 by Fisher's test, and nothing else is tested."""
    ours = [make_record(spec) for own in grid[:1] for spec in own]
    theirs = [make_record(spec, outcome="diverged") for own in grid[:1] for spec in own]
    found = changes(run_sides.side("a", ours), run_sides.side("b", theirs))
    (one,) = found.changes
    assert (one.metric, one.finding, one.better) == ("diverged", "changed", False)
    assert one.p == pytest.approx(2 / 252)
    few = changes(run_sides.side("a", ours), run_sides.side("b", [*theirs[:1], *ours[1:]]))
    assert {row.metric: row.finding for row in few.changes}["diverged"] == "cannot tell"


def test_sides_without_anything_in_common_say_what_differs(made, grid, make_record) -> None:
    ours = run_sides.side("a", [make_record(grid[0][0])])
    theirs = run_sides.side("b", [make_record(grid[0][0].model_copy(update={"epochs": 7}))])
    with pytest.raises(UserError, match="nothing to compare: A has epochs 40, B has 7"):
        changes(ours, theirs)
    with pytest.raises(UserError, match=r"unknown metric 'elbo'.*did you mean"):
        changes(ours, ours, ["elbo"])


@pytest.fixture
def folders(tmp_path: Path, grid, make_record) -> Callable[..., list[str]]:
    """folders(shift, name) -> arguments of `compare` for two folders; B's numbers are so much higher."""

    def make(shift: float) -> list[str]:
        for name, more in (("a", 0.0), ("b", shift)):
            for spec in [spec for own in grid for spec in own]:
                record: RunRecord = make_record(spec)
                numbers = {**record.metrics, "recon_mse": record.metrics["recon_mse"] + more}
                Store(tmp_path / name).write_record(record.model_copy(update={"metrics": numbers}))
        return ["compare", str(tmp_path / "a"), str(tmp_path / "b")]

    return make


@pytest.mark.parametrize(
    ("shift", "options", "status"),
    [
        (0.0, [], 0),
        (0.0, ["--require-same"], 0),
        (0.01, [], 1),
        (0.01, ["--metrics", "silhouette"], 0),
        (0.01, ["--margin", "recon_mse=0.02"], 0),
        (0.01, ["--margin", "mse"], 2),
        (0.01, ["--speed", "--metrics", "recon_mse"], 2),
    ],
)
def test_the_status_is_fit_for_ci(folders, shift, options, status) -> None:
    result = CliRunner().invoke(app, [*folders(shift), *options])
    assert (2 if isinstance(result.exception, UserError) else result.exit_code) == status, result.output


def test_what_cannot_be_told_has_a_status_of_its_own_where_that_is_asked_for(tmp_path, grid, make_record) -> None:
    for name, value in (("a", 0.01), ("b", 0.05)):
        Store(tmp_path / name).write_record(make_record(grid[0][0], recon_mse=value))
    asked = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--metrics", "recon_mse"]
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert CliRunner().invoke(app, [*asked, "--require-same"]).exit_code == 3


def test_rows_and_page_have_what_the_text_has(folders, tmp_path: Path) -> None:
    page = tmp_path / "changes.html"
    result = CliRunner().invoke(app, [*folders(0.01), "--format", "json", "--page", str(page)])
    rows = json.loads(result.stdout)
    shifted = [row for row in rows if row["metric"] == "recon_mse"]
    assert {(row["finding"], row["better"], round(row["difference"], 9)) for row in shifted} == {
        ("changed", False, 0.01)
    }
    assert {row["finding"] for row in rows if row["metric"] != "recon_mse"} == {"same"}
    html = page.read_text()
    assert f"{len(shifted)} changed ({len(shifted)} worse)" in html
    assert html.count("▼ +0.01") == len(shifted)
    assert "http" not in html.replace("http-equiv", "")


def test_the_page_escapes_whatever_a_side_is_called(made, tmp_path: Path) -> None:
    from aebench.page import write_changes

    values = noise(np.random.default_rng(8), "normal")
    write_changes(changes(made("<script>a", values), made("b", values), NUMBERS), tmp_path / "page.html")
    assert "<script>" not in (tmp_path / "page.html").read_text()


def test_metrics_that_are_held_by_default_have_a_direction() -> None:
    assert all(METRICS[name].better for name in METRICS_HELD)
    assert len(METRICS_HELD) == len(set(METRICS_HELD)) > 10


def test_runs_without_a_class_are_replicates_and_pairs_are_without_the_same(make_study, expand, make_record) -> None:
    rng = np.random.default_rng(3)
    sides = []
    for name, left in (("a", (4, 7)), ("b", (4, 7)), ("c", (7, 4))):
        specs = expand(replace(make_study(seeds=SEEDS, latent_dim=[2], beta=[1.0]), without_class=left))
        records = [
            make_record(spec).model_copy(
                update={"metrics": {"elbo_nats": -20.0 + 5.0 * (spec.without_class == 7) - 3.0 * (name != "a") + noise}}
            )
            for spec, noise in zip(specs, 0.1 * rng.normal(size=len(specs)), strict=True)
        ]
        sides.append(run_sides.side(name, records))
    a, b, c = sides
    assert [len(item.records) for item in a.configurations.values()] == [SEEDS] * len(a.configurations)
    same, turned = changes(a, b, ("elbo_nats",)), changes(a, c, ("elbo_nats",))
    assert all(one.paired and one.finding == "changed" for one in same.changes)
    assert not any(one.paired for one in turned.changes)
