"""What changed between two sides, as one HTML file."""

from __future__ import annotations

from pathlib import Path

from aebench.analysis.change_words import TITLE, lines, notes, verdict
from aebench.analysis.changes import FINDINGS, Changes
from aebench.page.templating import as_it_is, rendered
from aebench.records.writing import write_aside


def write_changes(found: Changes, path: Path) -> None:
    """Writes the page.

    Raises:
        UserError: the file cannot be written.
    """
    told = [*zip(found.changes, lines(found), strict=True)]
    content = {
        "a": found.a.name,
        "b": found.b.name,
        "caption": TITLE,
        "notes": notes(found),
        "verdict": verdict(found),
        "groups": {name: [(one, line) for one, line in told if one.finding == name] for name in FINDINGS},
        "css": as_it_is("page.css"),
    }
    text = rendered("changes.html.j2", content)
    write_aside(path, lambda file: file.write(text.encode()))
