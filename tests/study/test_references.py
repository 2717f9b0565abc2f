"""The papers that docstrings name, and their BibTeX."""

from __future__ import annotations

import ast
import re

import pytest

from aebench.study import declarations, variants
from aebench.study.references import Paper, bibtex, papers


@pytest.mark.parametrize("name", variants.built_in())
def test_every_variant_names_papers_and_all_of_them_are_read(name: str) -> None:
    variant = variants.built_in()[name]
    (declared,) = (one for one in declarations.declared(variant.path, "register") if one.name == name)
    section = (ast.get_docstring(declared.node) or "").partition("Reference:")[2]
    text = " ".join(section.split())
    assert [paper.title for paper in variant.papers] == re.findall(r'\d{4}, "([^"]+)"', text)
    assert variant.papers
    assert [paper.arxiv for paper in variant.papers if paper.arxiv] == re.findall(r"arXiv:([\d.]+\d)", text)
    assert all(re.fullmatch(r"[a-z]+\d{4}[a-z0-9]+", paper.key) for paper in variant.papers)


def test_a_reference_is_read_as_it_is_written() -> None:
    found = papers(
        'A model.\n\nReference:\n    van den Oord & Vinyals 2017, "Neural Discrete\n    Representation Learning", '
        'NeurIPS, arXiv:1711.00937; Ng et al. 2011, "Sparse\n    autoencoder", lecture notes.\n'
    )
    assert found == (
        Paper(
            authors=("van den Oord", "Vinyals"),
            year=2017,
            title="Neural Discrete Representation Learning",
            where="NeurIPS",
            arxiv="1711.00937",
        ),
        Paper(authors=("Ng", "others"), year=2011, title="Sparse autoencoder", where="lecture notes", arxiv=""),
    )


@pytest.mark.parametrize("text", ["", "A model.", "A model.\n\nReference:\n    my own thesis"])
def test_what_is_no_reference_is_no_paper(text: str) -> None:
    assert papers(text) == ()


def test_bibtex_has_what_is_known_and_escapes_what_latex_would_read() -> None:
    paper = Paper(
        authors=("Sønderby", "others"), year=2016, title="β-VAEs & 100_%", where="NeurIPS", arxiv="1602.02282"
    )
    assert bibtex(paper) == (
        "@misc{sonderby2016vaes,\n"
        "  author = {{Sønderby} and others},\n"
        "  title = {{$\\beta$-VAEs \\& 100\\_\\%}},\n"
        "  year = {2016},\n"
        "  howpublished = {NeurIPS},\n"
        "  eprint = {1602.02282},\n"
        "  archiveprefix = {arXiv},\n"
        "}"
    )
