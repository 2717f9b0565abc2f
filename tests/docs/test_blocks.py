"""Every block of code that the documents show runs, page by page, as a reader would type it."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from aebench.cli.app import app
from aebench.harness import plan
from aebench.models import networks

REPO = Path(__file__).resolve().parents[2]
# Those of docs/variants/ and docs/reference/ are written from code that has its own tests.
PAGES = sorted([*(REPO / "docs").glob("*.md"), REPO / "README.md", REPO / "CONTRIBUTING.md"])
NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
# `# my_variant.py`: the block is that file; `# mine.toml, continued`: the rest of it.
FILE = re.compile(r"# (\w[\w-]*\.(?:py|toml))(, continued)?\b")


@dataclass(frozen=True)
class Block:
    """A block of code, where it begins, and why it is not run; empty where it is."""

    page: Path
    line: int
    language: str
    text: str
    not_run: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPO)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of code of a page, and not Sphinx's directives."""
    why = ""
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block":
            found = NOT_RUN.fullmatch(token.content.strip())
            why = found[1] if found else ""
        elif token.type == "fence" and not token.info.startswith("{"):
            yield Block(page, token.map[0] + 1, token.info.strip(), token.content, why)
            why = ""


def run(block: Block, known: dict[str, Any]) -> None:
    """Writes the block's file, runs its Python in `known`, or its commands."""
    file = FILE.match(block.text)
    if block.language == "text":
        return
    if file:
        with Path(file[1]).open("a" if file[2] else "w", encoding="utf-8") as target:
            target.write(block.text)
        if block.language == "toml":
            tomllib.loads(Path(file[1]).read_text(encoding="utf-8"))
    elif block.language == "python":
        # As many empty lines before as the page has: a traceback then points at it.
        exec(compile("\n" * block.line + block.text, block.page, "exec"), known)
    elif block.language == "sh":
        for line in block.text.splitlines():
            command(block, line)
    else:
        pytest.fail(f"{block}: a block of {block.language or 'no language'} is not run; say why it need not be")


def command(block: Block, line: str) -> None:
    program, *arguments = shlex.split(line, comments=True)
    assert program == "aebench", f"{block}: {program} is not run here; say why it need not be"
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{block}: {line}\n{result.output}\n{result.exception!r}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A reader's folder: in it stays what earlier pages have benched. Speeds are left out: they take their time."""
    path = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.syspath_prepend(path)
        patch.setattr(networks, "NETWORKS", dict(networks.NETWORKS))
        patch.setattr(plan, "timing_specs", lambda *_: [])
        before = set(sys.modules)
        yield path
        for name in set(sys.modules) - before:
            if Path(getattr(sys.modules[name], "__file__", None) or os.sep).parent == path:
                del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_the_page_runs(page: Path, folder: Path) -> None:
    known: dict[str, Any] = {}
    for block in blocks(page):
        if not block.not_run:
            run(block, known)


def test_blocks_that_are_not_run_say_why_and_are_few() -> None:
    found = [block for page in PAGES for block in blocks(page)]
    left_out = [block for block in found if block.not_run]
    assert [str(block) for block in left_out if len(block.not_run.split()) < 4] == []
    assert Counter(block.language for block in left_out) == {"sh": 19, "python": 3, "toml": 2}
    assert len(found) - len(left_out) > 40
