"""The page's first screen for a notebook: the same answers as a piece of HTML that needs no script and no plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aebench.analysis.choices import Answer, answers
from aebench.analysis.questions import verdicts
from aebench.analysis.questions.gathering import Gathered, gathered
from aebench.analysis.sources import Source
from aebench.analysis.timings import timed_operations
from aebench.page.canvas import Plot
from aebench.page.cautions import Caution, cautions
from aebench.page.facts import summary
from aebench.page.look import Looks
from aebench.page.page import image_shape, named_boards, shared_looks
from aebench.page.templating import as_it_is, rendered


@dataclass(frozen=True, kw_only=True)
class FirstBoard:
    """What to choose on one board, and what was claimed of it."""

    title: str
    answers: tuple[Answer, ...]
    claims: tuple[Gathered, ...]
    looks: Looks


@dataclass(frozen=True, kw_only=True)
class FirstPart:
    """One study on one backend."""

    title: str
    summary: str
    cautions: tuple[Caution, ...]
    boards: tuple[FirstBoard, ...]


def first_screen(sources: Sequence[Source]) -> str:
    """HTML of the answers, with what to know before believing them; all text in it is escaped."""
    parts = [_part(source, sources) for source in sources]
    told = {"parts": parts, "css": as_it_is("first_screen.css")}
    return rendered("first_screen.html.j2", {**told, "senders": None, "metrics": {}})  # a glossary is the page's alone


def picture(plot: Plot) -> str:
    """A plot as HTML with its description for those who don't see it."""
    return rendered("picture.html.j2", {"plot": plot})


def _part(source: Source, sources: Sequence[Source]) -> FirstPart:
    comparison, rows = source.comparison, timed_operations(source.timings)
    return FirstPart(
        title=source.study.title,
        summary=summary(source),
        cautions=cautions(comparison, rows, shared_looks(comparison.configurations, sources)),
        boards=tuple(_boards(source, sources)),
    )


def _boards(source: Source, sources: Sequence[Source]) -> Iterator[FirstBoard]:
    rows = timed_operations(source.timings)
    for (_, title), known in named_boards(source, sources):
        looks = shared_looks(known.board, sources)
        yield FirstBoard(
            title=title,
            answers=answers(known, looks.title, rows, image_shape(source, known)),
            claims=gathered([one for one in verdicts(known) if one.claim]),
            looks=looks,
        )
