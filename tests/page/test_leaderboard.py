"""The page of all packs in a folder: whose runs are on it, what is pooled, what is left out; names are inert."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packing import rewritten
from typer.testing import CliRunner, Result

from aebench import study as studies
from aebench.analysis import pooling
from aebench.analysis.audit import audit
from aebench.cli.app import app
from aebench.records.packs import opened
from aebench.records.store import Store

SCRIPT = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>\"'"
LONG = "W" * 150
TITLE = "<script>window.hit = 1</script>" * 300
HEBREW = "שלום"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def send(
    make_study: Callable[..., Any],
    expand: Callable[..., Any],
    make_record: Callable[..., Any],
    make_timing: Callable[..., Any],
    made_up_store: Callable[..., Any],
    tmp_path: Path,
) -> Callable[..., Path]:
    """send("ada", "Ada", seeds=[0, 1], device=..., noise=...) -> her pack of runs with these seeds."""

    def make(
        file: str, by: str, seeds: list[int], device: str = "Made-up CPU", noise: float = 0.0, digest: str = "0",
        **grid: Any,
    ) -> Path:  # fmt: skip
        study = make_study(**{"latent_dim": "[2]", "beta": "[1.0]", "seeds": seeds, **grid})
        store = Store(tmp_path / file)
        specs = study.expand(dict.fromkeys(study.datasets, digest * 64), "tensorflow")
        for spec in specs:
            record = make_record(spec)
            elbo = record.metrics["elbo_nats"]
            metrics = {**record.metrics, "elbo_nats": None if elbo is None else elbo + noise}
            place = record.environment.model_copy(update={"device": device})
            day = f"2024-05-0{1 + len([*tmp_path.glob('packs/*')])}T00:00:00+00:00"
            store.write_record(record.model_copy(update={"metrics": metrics, "environment": place, "finished": day}))
        timing = make_timing(specs[0])
        place = timing.environment.model_copy(update={"device": device})
        store.write_timing(timing.model_copy(update={"environment": place}))
        path = tmp_path / "packs" / f"{file}.zip"
        path.parent.mkdir(exist_ok=True)
        found = run("pack", tmp_path / "made-up.toml", "--out", store.root, "-o", path, "--by", by)
        assert found.exit_code == 0, found.exception
        return path

    return make


def pooled(paths: list[Path], folder: Path) -> list[pooling.Pool]:
    from contextlib import ExitStack

    with ExitStack() as stack:
        found = [stack.enter_context(opened(path)) for path in paths]
        sent = [one for pack in found if (one := pooling.sound(pack, audit(pack)))]
        return [*pooling.pools(sent, folder)]


def test_seeds_are_pooled_and_the_same_run_is_counted_once(send: Callable[..., Path], tmp_path: Path) -> None:
    paths = [send("ada", "Ada", [0, 1]), send("bo", "Bo", [1, 2], noise=0.25)]
    (pool,) = pooled(paths, tmp_path / "pool")
    (source,) = pool.sources
    (item,) = source.comparison.where(variant="vae")
    assert [record.spec.seed for record in item.records] == [0, 1, 2]
    ada, bo = pool.sent
    assert [pool.of[record.run_id][0] for record in item.records] == [ada, ada, bo]
    assert [*pool.repeats] == [1]
    assert pool.repeats[1].runs == 2  # seed 1 of both variants
    assert pool.repeats[1].metric == "elbo_nats"
    assert pool.repeats[1].apart == pytest.approx(0.25)
    other = pooled(paths[::-1], tmp_path / "other")
    assert other[0].sources[0].comparison.configurations == source.comparison.configurations


@pytest.mark.parametrize("what", ["data", "epochs"])
def test_other_experiments_are_no_replicates(send: Callable[..., Path], tmp_path: Path, what: str) -> None:
    changes: dict[str, Any] = {"data": {"digest": "1"}, "epochs": {"epochs": 41}}[what]
    found = pooled([send("ada", "Ada", [0]), send("bo", "Bo", [1], **changes)], tmp_path / "pool")
    assert len(found) == (2 if what == "data" else 1), "numbers on other images are never ranked together"
    items = [item for pool in found for source in pool.sources for item in source.comparison.where(variant="vae")]
    assert [len(item.records) for item in items] == [1, 1]
    assert len({source.study.name for pool in found for source in pool.sources}) == len(found)


def test_the_page_says_who_trained_what_and_runs_no_name(
    send: Callable[..., Path], tmp_path: Path, browser: Any
) -> None:
    send("ada", SCRIPT, [0, 1], device=SCRIPT, title=TITLE)
    send("bo", HEBREW, [1, 2], device="Made-up GPU")
    send("cy", LONG, [3])
    rewritten(send("dee", "Dee", [4]), lambda members: members.update({"timings.parquet": b""}))
    (tmp_path / "packs" / "bad.zip").write_bytes(b"PK")
    found = run("leaderboard", tmp_path / "packs")
    assert found.exit_code == 1
    assert "left out: bad.zip: " in found.stderr
    assert "left out: dee.zip: timings.parquet is no whole Parquet file" in found.stderr
    page = browser.new_page(viewport={"width": 390, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "packs" / "leaderboard" / "index.html").as_uri())
    assert page.evaluate("window.hit") is None
    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    senders = page.locator("table.senders tbody tr th").all_inner_texts()
    assert senders == [SCRIPT, HEBREW, LONG]
    assert "4 of 4 runs have no numbers of single images" in page.locator("table.senders").inner_text()
    assert "bad.zip" in page.locator("#senders").inner_text()
    rows = page.locator("#configurations td.sender").all_text_contents()
    assert all(f"{HEBREW}\u2069: 1 seed on CPU: Made-up GPU" in row and "2 seeds on" in row for row in rows)
    assert "Made-up GPU" in page.locator("#speed").inner_text()
    for link in page.locator("table.senders a").all():
        assert (tmp_path / "packs" / "leaderboard" / str(link.get_attribute("href"))).is_file()
    page.close()


def test_a_folder_without_packs_says_what_to_do(tmp_path: Path) -> None:
    found = run("leaderboard", tmp_path)
    assert "holds no packs (no .zip files); make them with `aebench pack STUDY`" in str(found.exception)


def test_a_study_of_data_that_are_elsewhere_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('dataset = "theirs"\nseeds = 1\nepochs = 1\nlatent_dim = 2\n[[variant]]\nname = "ae"\n')
    assert studies.read(str(path), ["theirs"]).datasets == ("theirs",)
    with pytest.raises(Exception, match="unknown value 'theirs'"):
        studies.read(str(path))
