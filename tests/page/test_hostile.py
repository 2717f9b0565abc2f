"""Every text that a person can give, hostile: opened in a browser, the page runs none of it and keeps its shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aebench import page
from aebench.records.record import Column, DatasetRecord, Factor, Switch
from aebench.records.store import Store

# Each would set `window.hit`, or undo what stands around it, if it stood anywhere unescaped: in text, in an attribute
# with either quote, in a script, a style, a comment, CDATA or a picture; or it turns, hides or lengthens what it is in.
TEXTS = (
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 1</script>",
    "\"><img src=x onerror='window.hit = 1'>",
    "' onmouseover='window.hit = 1' autofocus onfocus='window.hit = 1' x='",
    "</style></title></textarea><svg onload=window.hit=1>",
    "--><svg/onload=window.hit=1><!--]]><script>window.hit=1</script>",
    "javascript:window.hit=1//${window.hit=1}`;window.hit=1;'\"\\",
    "{{ 7 * 7 }}{% raw %}&lt;script&gt;&#60;b&#62;%s%(a)s$\\mathrm{x}$",
    "\u202eשלום مرحبا\u2066\u2067 \u200b\ufeff",
    "x" * 10_000,
    "wide " * 2_000,
)


@pytest.fixture
def texts() -> Iterator[str]:
    return cycle(TEXTS)


@pytest.fixture
def path(source: Callable[..., Any], make_record: Callable[..., Any], texts: Iterator[str], tmp_path: Path) -> Path:
    """The page of a study with all of them, one after the other."""

    def quoted(count: int) -> list[str]:
        return [json.dumps(next(texts)) for _ in range(count)]

    made = source(seeds=2, epochs=12)
    toml = Path(made.study.source)
    told = quoted(6)
    toml.write_text(
        toml.read_text().replace('title = "A made-up study"', f"title = {told[0]}").replace(
            'about = "AE and β-VAE on made-up images"', f"about = {told[1]}"
        )
        + f'[[contrast]]\nvariant = "vae"\nagainst = "ae"\nclaim = {told[2]}\n'
        + f'[[expected]]\nvariant = "vae"\nmetric = "recon_mse"\nvalue = 0.03\ntitle = {told[3]}\nsource = {told[4]}\n'
        + f"note = {told[5]}\nlow = -1.0\nhigh = 1.0\n"
    )  # fmt: skip
    from aebench import study

    store, records = Store(made.store.root), {}
    for number, spec in enumerate(made.specs):
        record = make_record(spec)
        place = record.environment.model_copy(update={
            "device": next(texts), "platform": next(texts), "python": next(texts), "commit": next(texts),
            "versions": {"keras": next(texts), next(texts): next(texts)},
            "switches": {next(texts): Switch(value=next(texts), default=next(texts))},
        })  # fmt: skip
        training = record.training.model_copy(update={"reason": next(texts)})
        records[spec.run_id] = record.model_copy(update={"environment": place, "training": training})
        arrays = store.read_arrays(spec.run_id, "figures")
        assert arrays is not None
        names = [next(texts)[:2_000] for _ in range(3)]  # an array of text is as wide as its widest
        labels = np.array([names[at % 3] for at in range(25)])
        store.write_arrays(spec.run_id, "figures", {**arrays, "class_names": np.array(names),
                                                    "prior_sample_labels": labels})  # fmt: skip
        if not number:
            store.write_dataset(DatasetRecord(
                name="digits", digest=spec.dataset_digest, sizes=(60, 20, 20), image_shape=(8, 8, 1),
                class_names=tuple(next(texts) for _ in range(3)), source=next(texts), split_rule=next(texts),
                factors=tuple(Factor(name=next(texts), kind="ordered", unit=next(texts)) for _ in TEXTS),
                columns=tuple(Column(name=next(texts)) for _ in TEXTS),
            ))  # fmt: skip
    place = next(iter(records.values())).environment
    timings = [timing.model_copy(update={"environment": place}) for timing in made.timings]
    hostile = replace(made, study=study.read(str(toml)), records=records, timings=timings)
    return page.write([hostile], tmp_path / "hostile")


def test_no_text_on_a_page_is_run(path: Path, visit: Callable[..., Any]) -> None:
    seen = visit(path, viewport={"width": 390, "height": 900})
    found = seen.page
    for summary in found.locator("summary").all()[:40]:
        summary.evaluate("(node) => node.parentElement.open = true")
    found.evaluate("""() => {
        for (const node of document.querySelectorAll("*")) {
            for (const kind of ["mouseover", "focus", "pointerenter"]) node.dispatchEvent(new Event(kind));
        }
    }""")
    found.wait_for_timeout(200)  # of pictures that fail
    assert found.evaluate("window.hit") is None
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    inline = "(all) => all.flatMap((node) => [...node.attributes]).filter((one) => one.name.startsWith('on')).length"
    assert found.locator("*").evaluate_all(inline) == 0
    assert TEXTS[0] in found.locator("body").inner_text(), "it is there, as text"
    beyond = """() => [...document.querySelectorAll("body *")].filter((node) => {
        if (node.getBoundingClientRect().right <= 391) return false;
        for (let at = node.parentElement; at; at = at.parentElement)
            if (getComputedStyle(at).overflowX !== "visible") return false;
        return true;
    }).map((node) => `${node.tagName}.${node.getAttribute("class")}: ${node.textContent.slice(0, 40)}`)"""
    assert found.evaluate(beyond) == [], "what is too long breaks, or scrolls in its own box"
