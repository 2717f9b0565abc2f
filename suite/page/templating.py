"""Templates: whatever stands in a page is escaped, but for the suite's own styles and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aebench.analysis.numbers import counted, significant
from aebench.measures import validity

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, content: Mapping[str, Any]) -> str:
    """The HTML of a template with its content."""
    return _environment().get_template(template).render(content)


def as_it_is(*names: str) -> Markup:
    """Files of the folder of templates, one after the other, not escaped."""
    from markupsafe import Markup

    return Markup("\n".join((TEMPLATES / name).read_text() for name in names))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "significant": significant,
        "counted": counted,
        "checks": validity.of_metric,
        "as_heading": as_heading,
    }
    return made


def as_heading(text: str) -> str:
    """A text with a capital at its start, unless that is a Greek letter: δ-VAE keeps its name."""
    return text[:1].upper() + text[1:] if text[:1].isascii() else text
