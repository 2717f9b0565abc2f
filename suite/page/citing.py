"""What to cite of a page: aebench, and the papers of the variants that it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

from aebench.records.spec import variant_label
from aebench.study.references import bibtex
from aebench.study.variants import Declaration

SUITE = """\
@software{aebench,
  author = {{The aebench authors}},
  title = {{aebench: a benchmark suite for autoencoder variants}},
  version = {%s},
}"""


@dataclass(frozen=True, kw_only=True)
class Citing:
    """Entries for BibTeX, and variants whose files name no paper."""

    text: str
    without: tuple[str, ...]


def citing(variants: Iterable[Declaration]) -> Citing:
    """The entries of aebench and of each paper that a variant's docstring names, once."""
    known = {variant.name: variant for variant in variants}
    papers = dict.fromkeys(paper for variant in known.values() for paper in variant.papers)
    return Citing(
        text="\n\n".join([SUITE % version("aebench"), *map(bibtex, papers)]),
        without=tuple(variant_label(name, {}) for name, variant in known.items() if not variant.papers),
    )
