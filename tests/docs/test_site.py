"""The documentation as `make docs` builds it: no dead link, nothing asked of another host, readable by all."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from aebench import study
from aebench.data.known import KNOWN
from aebench.measures import METRICS, PROFILES
from aebench.study import variants

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a process of its own, in which Keras is mocked."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "sphinx", "-E", "-W", "--keep-going", "-q", "docs", str(folder)]
    built = subprocess.run(
        command, cwd=REPO, env={**os.environ, "PYTHONPATH": str(REPO)}, capture_output=True, text=True, check=False
    )
    assert (built.returncode, built.stdout, built.stderr) == (0, "", ""), "TensorFlow would have told of itself"
    return folder


class Links(HTMLParser):
    """What a page links to and what can be linked to in it.

    Attributes:
        targets: every `href` and `src`, by the tag that has it.
        anchors: every `id`.
        words: its text.
    """

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[tuple[str, str]] = []
        self.anchors: set[str] = set()
        self.words = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.targets.append((tag, value))

    def handle_data(self, data: str) -> None:
        self.words += data


links = cache(Links)


def test_no_link_is_dead(site: Path) -> None:
    """Sphinx lets none pass that it knows of; raw HTML, the theme and pictures have others."""
    dead, seen = [], 0
    for page in site.rglob("*.html"):
        for _, target in links(page).targets:
            parts = urlsplit(target)
            if parts.scheme:
                continue
            seen += 1
            file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchor = unquote(parts.fragment)
            if not file.is_file() or (anchor and file.suffix == ".html" and anchor not in links(file).anchors):
                dead.append(f"{page.relative_to(site)}: {target}")
    assert dead == []
    assert seen > 5000


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    """Links that a reader may follow may lead anywhere; whatever a page needs lies beside it."""
    loading = [(page.name, tag, target) for page in site.rglob("*.html") for tag, target in links(page).targets
               if tag != "a" and urlsplit(target).scheme not in ("", "data")]  # fmt: skip
    assert loading == []
    styles = [file for file in site.rglob("*.css") if "@import" in (text := file.read_text()) or "url(http" in text]
    assert styles == []


def test_the_reference_has_everything_that_the_suite_has(site: Path) -> None:
    for name in variants.built_in():
        assert (site / "variants" / f"{name}.html").is_file()
    for name in KNOWN:
        assert (site / "reference" / f"data-{name}.html").is_file()
    told = "".join(links(page).words for page in (site / "reference").glob("measures-*.html"))
    assert [name for name in {**METRICS, **PROFILES} if name not in told] == []
    studies = links(site / "reference" / "studies.html").anchors
    assert set(study.names()) <= studies
    commands = links(site / "reference" / "commands.html").words
    assert all(f"aebench {name}" in commands for name in ("bench", "report", "data import", "rescore"))
    api = links(site / "api.html").anchors
    assert {"aebench.api.bench", "aebench.models.base.Autoencoder.terms", "aebench.models.vae.VAE"} <= api


LOOKED_AT = ("index.html", "faq.html", "variants/vae.html")


@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_page_in_the_browser_asks_its_own_folder_alone_and_fits_a_phone(site: Path, visit, name: str) -> None:
    seen = visit(site / name, viewport={"width": 390, "height": 844})
    assert seen.complaints == []
    asked = {urlsplit(url).scheme for url in seen.requests}
    assert asked <= {"file", "data"}
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_axe_finds_nothing(site: Path, visit, name: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(site / name, color_scheme=scheme).page
    found = Axe().run(page).response["violations"]
    assert [(one["impact"], one["id"], one["nodes"][0]["html"][:160], len(one["nodes"])) for one in found] == []
