"""What stands in the cells of the table and how: best, tied, a bound, absent for a reason; numbers and colours."""

from __future__ import annotations

import pytest

from aebench.analysis.configurations import compare
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import decimals_of, interval, number, plus_minus, significant
from aebench.analysis.statistics import difference_of
from aebench.page import table as tables
from aebench.page.look import looks
from aebench.page.table import MOST_ROWS, Ranked, table


@pytest.fixture
def study(make_study):
    return make_study(latent_dim="[2]")


def test_the_table_marks_the_best_and_what_is_tied_with_it(study, expand, make_record):
    specs = expand(study)
    values = {"AE": [1.0, 2.0, 3.0], "VAE β=1": [1.5, 1.4, 3.3], "VAE β=4": [8.0, 9.1, 10.0]}
    records = {spec.run_id: make_record(spec, recon_mse=values[spec.label()][spec.seed]) for spec in specs}
    comparison = compare(study, specs, records)
    evidence = Evidence(board=comparison.configurations)
    found = table([Ranked(key="a", title="A", evidence=evidence, looks=looks(comparison.configurations))])
    names = [column.name for column in found.columns]
    rows = found.bodies[0].rows
    assert [row.cells[names.index("recon_mse")].mark for row in rows] == ["best", "tied", ""]
    assert rows[0].cells[names.index("elbo_nats")].text == "n/a"
    assert (rows[0].settings, rows[1].settings) == ({}, {"β": "1"})
    assert "mutual_information_nats" not in names  # no run has it
    assert list(found.groups) == ["main", "likelihood", "classes", "cost"]


def test_of_very_many_those_have_rows_that_are_best_in_most_columns(make_study, expand, make_record):
    """All are ranked: the last, which is the best, has its row and its mark."""
    betas = [1.0 + at / 100 for at in range(MOST_ROWS + 10)]
    study = make_study(seeds=2, latent_dim="[2]", beta=f"{betas}")
    specs = expand(study)
    last = max(spec.scalars.get("beta", 0.0) for spec in specs)
    records = {
        spec.run_id: make_record(spec, recon_mse=spec.seed / 1000 + 10 - spec.scalars.get("beta", 0.0))
        for spec in specs
    }
    comparison = compare(study, specs, records)
    evidence = Evidence(board=comparison.configurations)
    found = table([Ranked(key="a", title="A", evidence=evidence, looks=looks(comparison.configurations))])
    (body,), at = found.bodies, [column.name for column in found.columns].index("recon_mse")
    assert (len(body.rows), body.left_out) == (MOST_ROWS, len(comparison.configurations) - MOST_ROWS)
    (best,) = (row for row in body.rows if row.cells[at].mark == "best")
    assert best.settings == {"β": f"{last:g}"}


def test_the_table_of_a_page_to_send_is_short(study, expand, make_record, monkeypatch):
    specs = expand(study)
    records = {spec.run_id: make_record(spec, recon_mse=float(spec.seed)) for spec in specs}
    comparison = compare(study, specs, records)
    board = Ranked(
        key="a",
        title="A",
        evidence=Evidence(board=comparison.configurations),
        looks=looks(comparison.configurations),
    )
    columns = len(table([board]).columns)
    monkeypatch.setattr(tables, "MOST_CELLS", 3 * columns)
    assert [len(table([board], short=short).bodies[0].rows) for short in (False, True)] == [3, 3]
    (first, second) = table([board, board], short=True).bodies
    assert (len(first.rows), first.left_out) == (len(second.rows), second.left_out) == (1, 2)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ({"nll_error_nats": 0.26}, "may be off by 0.26 nats/image, where at most 0.05 is allowed"),
        ({}, "was measured before its error was told"),
    ],
)
def test_a_number_that_is_not_certified_is_a_bound_and_never_the_best(study, expand, make_record, error, why):
    specs = expand(study)
    values = {"AE": 20.0, "VAE β=1": 30.0, "VAE β=4": 40.0}

    def made(spec):
        told = error if spec.variant == "ae" else {"nll_error_nats": 0.04 * spec.seed}  # .04 in the mean
        saturated = {"mutual_information_nats": 5.8, "mutual_information_ceiling_nats": 5.9}
        return make_record(spec, nll_nats=values[spec.label()] + 0.1 * spec.seed, **told, **saturated)

    comparison = compare(study, specs, {spec.run_id: made(spec) for spec in specs})
    evidence = Evidence(board=comparison.configurations)
    found = table([Ranked(key="a", title="A", evidence=evidence, looks=looks(comparison.configurations))])
    at = [column.name for column in found.columns].index("nll_nats")
    bound, best, other = (row.cells[at] for row in found.bodies[0].rows)
    assert (bound.text, bound.mark) == ("≤ 20.100", "")
    assert why in bound.title
    assert (best.text, best.mark, best.title) == ("30.100", "best", "")
    assert other.mark == ""


def test_a_number_of_factors_is_absent_for_a_reason(make_study, expand, make_record):
    study = make_study(seeds=1, latent_dim="[2]")
    specs = expand(study)
    given = {"AE": {}, "VAE β=1": {"mig": 0.1}, "VAE β=4": {"mig": 0.2, "dci_explicitness": 0.5}}
    records = {spec.run_id: make_record(spec, **given[spec.label()]) for spec in specs}
    comparison = compare(study, specs, records)
    evidence = Evidence(board=comparison.configurations)
    found = table([Ranked(key="a", title="A", evidence=evidence, looks=looks(comparison.configurations))])
    at = [column.name for column in found.columns].index("dci_explicitness")
    titles = [row.cells[at].title for row in found.bodies[0].rows]
    assert titles == ["no known factors that vary", "VAE β=1 has no DCI explicitness", ""]


def test_one_colour_a_setting_whatever_the_latent_size(make_study, expand):
    study = make_study(latent_dim="[2, 4, 8]", beta="[0.5, 1.0, 2.0]")
    comparison = compare(study, expand(study), {})
    found = looks(comparison.configurations)
    colours = {(item.label, found.by_id[item.id].colour) for item in comparison.configurations}
    assert len(colours) == len(dict(colours)) == len({colour for _, colour in colours}) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(None), "n/a"),
        (number(-1234.567, 1), "−1,234.6"),
        (number(-0.001, 2, signed=True), "0.00"),
        (number(0.5, 1, signed=True), "+0.5"),
        (significant(12345.0), "12,300"),
        (significant(0.01234, 2), "0.012"),
        (significant(0.0), "0"),
        (interval(difference_of([1.0, 1.0]), 1), "+1.0 [+1.0, +1.0]"),
        (interval(difference_of([1.0]), 1), "+1.0 (no interval: one pair)"),
    ],
)
def test_numbers_as_people_read_them(text, expected):
    assert text == expected


def test_decimals_show_two_digits_of_the_spread(study, expand, make_record):
    specs = expand(study)[:3]
    records = {spec.run_id: make_record(spec, elbo_nats=100.0 + 0.05 * spec.seed) for spec in specs}
    summary = compare(study, specs, records).configurations[0].summaries["elbo_nats"]
    assert plus_minus(summary, decimals_of([summary])) == "100.050 ± 0.050"
