"""The table in headless Chromium: sorted, filtered, its columns chosen, copied."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

TABLE = "#configurations"


def first_number(text: str) -> float:
    return float(re.match(r"[−+]?[\d,.]+", text)[0].replace("−", "-").replace(",", ""))


def test_a_header_sorts_by_number_and_again_the_other_way(write, visit):
    seen = visit(write(latent_dim="[2, 16, 4]"))
    before = seen.column(TABLE, "Reconstruction MSE")
    seen.page.click(f"{TABLE} th[data-name=recon_mse] button")
    rising = [first_number(text) for text in seen.column(TABLE, "Reconstruction MSE")]
    assert rising == sorted(rising) != [first_number(text) for text in before]
    seen.page.click(f"{TABLE} th[data-name=recon_mse] button")
    assert [first_number(text) for text in seen.column(TABLE, "Reconstruction MSE")] == rising[::-1]
    assert seen.page.get_attribute(f"{TABLE} th[data-name=recon_mse]", "aria-sort") == "descending"
    seen.page.click(f"{TABLE} th:has-text('Latent size') button")
    assert seen.column(TABLE, "Latent size") == sorted(seen.column(TABLE, "Latent size"), key=int)


def test_filters_leave_the_rows_that_were_asked_for(write, visit):
    seen = visit(write(latent_dim="[2, 16, 4]"))

    def rows() -> list[tuple[str, str, str]]:
        script = """(rows) => rows.filter((row) => !row.hidden)
            .map(({ dataset }) => [dataset.variant, dataset.latent, JSON.parse(dataset.settings)["β"] ?? ""])"""
        return [tuple(row) for row in seen.page.eval_on_selector_all(f"{TABLE} tbody tr", script)]

    assert len(rows()) == 9
    seen.page.check("input[name=only-latent][value='16']")
    assert rows() == [("ae", "16", ""), ("vae", "16", "1"), ("vae", "16", "4")]
    seen.page.check("input[name=only-latent][value='2']")
    seen.page.check("input[name='only-β'][value='4']")
    assert sorted(rows()) == [("vae", "16", "4"), ("vae", "2", "4")]
    for box in seen.page.query_selector_all("#filters input:checked"):
        box.uncheck()
    assert len(rows()) == 9


def test_columns_are_chosen_by_group_and_one_by_one(write, visit):
    seen = visit(write())

    def shown() -> set[str]:
        script = "(heads) => heads.filter((head) => head.offsetParent !== null).map((head) => head.dataset.name)"
        return set(seen.page.eval_on_selector_all(f"{TABLE} th[data-name]", script))

    main = shown()
    assert {"elbo_nats", "recon_mse", "silhouette"} <= main
    assert "rate_nats" not in main
    seen.page.check("#group-likelihood")
    assert {"rate_nats", "distortion_nats"} <= shown()
    seen.page.uncheck("#group-main")
    assert "elbo_nats" not in shown()
    seen.page.click("#pick summary")
    seen.page.get_by_label("ELBO", exact=True).check()
    assert "elbo_nats" in shown()
    assert seen.column(TABLE, "ELBO")[0] == "n/a"


def test_interval_and_spread_are_shown_in_turn(write, visit):
    page = visit(write()).page
    cell = page.locator(f"{TABLE} tbody tr").nth(0).locator("td.of-main").nth(1)
    assert re.fullmatch(r"[\d.]+ ± [\d.]+", cell.inner_text().strip())
    page.check("#beside-interval")
    mean, low, high = map(float, re.fullmatch(r"([\d.]+) \[([\d.]+), ([\d.]+)\]", cell.inner_text().strip()).groups())
    values = [(30.0 + np.random.default_rng(seed).normal(0, 0.3)) / 1000 for seed in range(3)]  # as the fixture's AE
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (mean, low, high) == pytest.approx((np.mean(values), *expected), abs=2e-5)


def test_what_is_shown_is_copied_as_csv_and_latex(write, visit):
    import io

    import pandas as pd

    page = visit(write()).page
    page.check("input[name=only-variant][value=vae]")
    page.click("#copy-csv")
    frame = pd.read_csv(io.StringIO(page.input_value("#copy-text")))
    assert len(frame) == 4
    assert frame["Latent size"].tolist() == [2, 2, 4, 4]
    noise = [np.random.default_rng(seed).normal(0, 0.3) for seed in range(3)]
    mse = [(20.0 + 10.0 + 2.0 + each) / 1000 for each in noise]  # as the fixture's VAE of β = 1, latent size 2
    assert frame["recon_mse_mean"][0] == pytest.approx(np.mean(mse), rel=1e-6)
    assert frame["recon_mse_sd"][0] == pytest.approx(np.std(mse, ddof=1), abs=1e-5)
    assert frame["recon_mse_n"].tolist() == [3] * 4
    assert "rate_nats_mean" not in frame.columns
    page.click("#copy-latex")
    text = page.input_value("#copy-text")
    assert text.count("\\\\") == 5  # a header and four rows
    assert r"VAE $\beta$=1" in text
    assert r"\mathbf{" in text
    page.wait_for_selector("#copied:has-text('LaTeX: 4 rows, 8 columns')")  # whether or not it may use the clipboard


def test_sorting_leaves_rows_without_a_number_below_and_works_from_the_keyboard(write, visit):
    seen = visit(write())
    header = seen.page.locator(f"{TABLE} th[data-name=elbo_nats] button")
    for _ in range(2):
        header.focus()
        seen.page.keyboard.press("Enter")
        texts = seen.column(TABLE, "ELBO")
        assert [text == "n/a" for text in texts] == sorted(text == "n/a" for text in texts)
        assert texts[-1] == "n/a"
