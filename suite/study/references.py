"""The papers that a variant's docstring names under `Reference:`, read as they are written. Imports no Keras."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_SECTION = re.compile(r"^References?:\n((?:[ \t]+.*\n?|\n)*)", re.MULTILINE)
# `Kingma & Welling 2014, "Auto-Encoding Variational Bayes", ICLR, arXiv:1312.6114.`
_ENTRY = re.compile(
    r'(?:^|[.;]\s+)(?P<authors>[^";]+?) (?P<year>\d{4}), "(?P<title>[^"]+)"'
    r'(?P<where>.*?)(?=\.?$|[.;]\s+[^";]+? \d{4}, ")'
)
_GREEK = {
    letter: f"${name}$"
    for letter, name in zip("αβγδλσ", (r"\alpha", r"\beta", r"\gamma", r"\delta", r"\lambda", r"\sigma"), strict=True)
}
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper as a docstring names it.

    Attributes:
        authors: surnames; the last is "others" where the docstring says "et al.".
        where: journal or conference; empty where only arXiv has it.
        arxiv: its number there; empty without.
    """

    authors: tuple[str, ...]
    year: int
    title: str
    where: str
    arxiv: str

    @property
    def key(self) -> str:
        """What BibTeX knows it by: `kingma2014auto`."""
        words = re.findall("[a-z0-9]{3,}", _ascii(self.title))
        first = re.sub("[^a-z]", "", _ascii(self.authors[0].split()[-1]))
        return f"{first}{self.year}{words[0] if words else ''}"


def papers(docstring: str) -> tuple[Paper, ...]:
    """The papers of a docstring, in its order; what is not written as a reference is no paper."""
    section = _SECTION.search(docstring + "\n")
    if section is None:
        return ()
    text = " ".join(section[1].split())
    return tuple(_paper(found) for found in _ENTRY.finditer(text))


def bibtex(paper: Paper) -> str:
    """The paper as an entry for BibTeX, with no more than is known of it."""
    fields = {
        "author": " and ".join(map(_braced, paper.authors)),
        "title": _braced(paper.title),
        "year": str(paper.year),
    }
    fields |= {"howpublished": _typeset(paper.where)} if paper.where else {}
    fields |= {"eprint": paper.arxiv, "archiveprefix": "arXiv"} if paper.arxiv else {}
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{paper.key},\n{lines}}}"


def _paper(found: re.Match[str]) -> Paper:
    where, arxiv = found["where"], _ARXIV.search(found["where"])
    parts = [part.strip(" .") for part in _ARXIV.sub("", where).split(",")]
    names = re.split(r", | & ", found["authors"].replace(" et al.", ", others"))
    return Paper(
        authors=tuple(names),
        year=int(found["year"]),
        title=found["title"],
        where=", ".join(filter(None, parts)),
        arxiv=arxiv[1] if arxiv else "",
    )


def _braced(words: str) -> str:
    """Kept together and as it is written; "others" is BibTeX's own word."""
    return words if words == "others" else f"{{{_typeset(words)}}}"


def _typeset(words: str) -> str:
    """LaTeX of the words: its own characters are escaped, Greek letters are named."""
    escaped = re.sub(r"([&%$#_{}])", r"\\\1", words)
    return "".join(_GREEK.get(letter, letter) for letter in escaped)


def _ascii(words: str) -> str:
    """Small letters without accents."""
    plain = unicodedata.normalize("NFKD", words.lower().replace("ø", "o").replace("ł", "l"))
    return plain.encode("ascii", "ignore").decode()
