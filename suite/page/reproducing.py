"""How to make a study's numbers again, and how to tell that they are these: commands, versions, digests of records."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aebench.analysis.sources import Source


@dataclass(frozen=True, kw_only=True)
class Reproducing:
    """What it takes to run a study again.

    Attributes:
        commands: a line each, to be typed.
        file: name of the study's file; `text` is in it.
        versions: a line for each machine that its runs come from.
        digests: as `sha256sum --check` reads them in the study's folder, a line a run.
        digest: SHA-256 of these lines: it tells this set of records from any other.
    """

    commands: str
    file: str
    text: str
    versions: tuple[str, ...]
    digests: str
    digest: str


def reproducing(source: Source) -> Reproducing:
    """The commands, versions, file and digests of a study as its records tell them."""
    places = source.comparison.environments
    commits = dict.fromkeys(place.commit for place in places if place.commit)
    on = f" --backend {source.backend}"
    paths = (source.store.record_path(record.spec) for record in source.records.values())
    digests = "".join(_digest(path) for path in sorted(paths) if path.exists())  # one may have been removed meanwhile
    return Reproducing(
        commands="\n".join(
            [
                *map(_checkout, commits),
                f"aebench bench {source.argument}{on}",
                f"aebench report {source.argument}{on}",
            ]
        ),
        file=source.study.source.name,
        text=source.study.source.read_text(encoding="utf-8"),
        versions=tuple(
            " ".join([f"Python {place.python}", *(f"{name}=={number}" for name, number in place.versions.items())])
            + f" on {place.device}, {place.platform}"
            for place in places
        ),
        digests=digests,
        digest=hashlib.sha256(digests.encode()).hexdigest(),
    )


def _checkout(commit: str) -> str:
    """How to get the code of a commit; `-dirty` says of a record that there was more than that."""
    known = commit.removesuffix("-dirty")
    return f"git checkout {known}{'  # had changes that were not committed' if known != commit else ''}"


def _digest(path: Path) -> str:
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.parent.name}/{path.name}\n"
