"""Writes docs/variants/ from the docstrings of the variants: `python docs/write_variants.py`. Imports no Keras.

A page for each variant and a table of all; the numbers in them are those of docs/variants/numbers.json, which
docs/variants_numbers.py makes from the records of a study.
"""

from __future__ import annotations

import ast
import html
import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aebench.study import declarations, variants

REPO = Path(__file__).resolve().parent.parent
PAGES = REPO / "docs" / "variants"
NUMBERS = PAGES / "numbers.json"
SECTIONS = ("Objective", "Args", "Reference")
# Of numbers.json: the key, the head of its column and its decimals.
COLUMNS = (
    ("nll_nats", "NLL, nats ↓", 2),
    ("elbo_nats", "ELBO, nats ↑", 2),
    ("recon_mse", "Reconstruction MSE ↓", 4),
    ("silhouette", "Silhouette ↑", 3),
    ("prior_recognisable", "Samples recognised ↑", 3),
    ("speed", "Images/s, VAE = 1 ↑", 2),
)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a variant's docstring says.

    Attributes:
        declared: the variant's declaration.
        cls: its class's name.
        parents: the classes that it extends.
        summary: the docstring's first line.
        text: what follows, up to the first section.
        sections: their texts by name, without their indentation.
    """

    declared: variants.Declaration
    cls: str
    parents: tuple[str, ...]
    summary: str
    text: str
    sections: dict[str, str]

    @property
    def settings(self) -> dict[str, float | int | str]:
        """The variant's own settings with their defaults."""
        return {**self.declared.scalars, **self.declared.options}

    @property
    def arguments(self) -> dict[str, str]:
        """What the section Args says of each, on one line."""
        found = re.findall(r"^(\S[^:\n]*): (.*(?:\n[ \n].*)*)", self.sections.get("Args", ""), re.MULTILINE)
        return {name: " ".join(text.split()) for names, text in found for name in names.split(", ")}


def page_of(declared: variants.Declaration) -> Page:
    """The page of a variant, read from its file."""
    known = declarations.declared(declared.path, "register")
    (node,) = (item.node for item in known if item.name == declared.name)
    assert isinstance(node, ast.ClassDef)
    head, *parts = re.split(rf"^({'|'.join(SECTIONS)}):\n", ast.get_docstring(node) or "", flags=re.MULTILINE)
    summary, _, text = head.partition("\n")
    sections = {name: inspect.cleandoc("\n" + body) for name, body in zip(parts[::2], parts[1::2], strict=True)}
    return Page(
        declared=declared,
        cls=node.name,
        parents=tuple(ast.unparse(base) for base in node.bases),
        summary=summary,
        text=text.strip(),
        sections=sections,
    )


def pages() -> dict[str, str]:
    """The text of each file in docs/variants/, by its name."""
    found = [page_of(declared) for declared in sorted(variants.built_in().values(), key=lambda item: item.name)]
    names = {page.cls: page.declared.name for page in found}
    numbers: list[dict[str, Any]] = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else []
    written = {f"{page.declared.name}.md": _page(page, names, numbers) for page in found}
    return {"README.md": _index(found, numbers), **written}


def _page(page: Page, names: dict[str, str], numbers: list[dict[str, Any]]) -> str:
    declared = page.declared
    parents = [f"[{names[parent]}]({names[parent]}.md)" for parent in page.parents if parent in names]
    source = declared.path.name
    about = [f"`aebench.models.{page.cls}`, version {declared.version}, in [models/{source}](../../models/{source})"]
    about += [f"extends {', '.join(parents)}"] if parents else []
    rows = [row for row in numbers if row["variant"] == declared.name]
    parts = [
        f"# {declared.name}",
        prose(page.summary),
        "; ".join(about) + ".",
        prose(page.text),
        f"## Objective\n\n```text\n{page.sections.get('Objective', '')}\n```",
        f"## Settings\n\n{_settings(page)}",
        f"## Reference\n\n{prose(page.sections.get('Reference', ''))}",
        f"## What it is good for, by our own numbers\n\n{_numbers(rows)}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _settings(page: Page) -> str:
    rows = [
        [f"`{name}`", f"`{page.settings[name]!r}`" if name in page.settings else "", cell(text)]
        for name, text in page.arguments.items()
        if not name.startswith("**")
    ]
    rest = [prose(text) for name, text in page.arguments.items() if name.startswith("**")]
    return "\n\n".join([table(["setting", "default", "meaning"], rows), *(f"All others: {text}" for text in rest)])


def _numbers(rows: list[dict[str, Any]]) -> str:
    """The variant's rows: one for each study, data set and size of its codes."""
    if not rows:
        return "No study has been run on it yet."
    heads = ["study", "data", "z", "best setting", "runs", *(head for _, head, _ in COLUMNS)]
    return f"{table(heads, [[row['study'], *_row(row, 'dataset', 'latent_dim', 'label')] for row in rows])}\n\n{NOTE}"


def _row(row: dict[str, Any], *names: str) -> list[str]:
    values = [_value(row.get(key), decimals) for key, _, decimals in COLUMNS]
    return [*(cell(str(row[name])) for name in names), str(row["runs"]), *values]


def _value(value: Any, decimals: int) -> str:
    """A mean with its sd, a number, or nothing."""
    if value is None:
        return "n/a"
    parts = [part for part in (value if isinstance(value, list) else [value]) if part is not None]
    return " ± ".join(f"{part:.{decimals}f}" for part in parts)


NOTE = (
    "Test split, mean ± sd over seeds, at the setting that is best on validation (ELBO, or distortion without a rate). "
    "Samples recognised: share of decoded prior draws that a classifier puts into one class with p >= 0.9. Images/s: "
    "of a cohort of 16 in training, against the VAE's in the same run."
)


def _index(found: list[Page], numbers: list[dict[str, Any]]) -> str:
    rows = [
        [
            f"[{page.declared.name}]({page.declared.name}.md)",
            cell(page.summary),
            ", ".join(f"`{name}` = {value}" for name, value in page.settings.items()),
        ]
        for page in found
    ]
    boards = dict.fromkeys((row["study"], row["dataset"], row["latent_dim"]) for row in numbers)
    tables = [
        f"## {dataset}, z = {size} (study {study})\n\n{_board(board)}"
        for study, dataset, size in boards
        if (
            board := [
                row for row in numbers if (row["study"], row["dataset"], row["latent_dim"]) == (study, dataset, size)
            ]
        )
    ]
    parts = [
        "# Variants",
        "Each is one file in `models/`; `make docs` writes these pages from the docstrings.",
        table(["variant", "what it is", "settings (defaults)"], rows),
        *([*tables, NOTE] if tables else []),
    ]
    return "\n\n".join(parts) + "\n"


def _board(rows: list[dict[str, Any]]) -> str:
    """All variants on one data set at one size of codes, those with the best bound first."""
    ordered = sorted(rows, key=lambda row: (row["nll_nats"] is None, (row["nll_nats"] or row["recon_mse"])[0]))
    heads = ["variant", "best setting", "runs", *(head for _, head, _ in COLUMNS)]
    linked = [[f"[{row['variant']}]({row['variant']}.md)", *_row(row, "label")] for row in ordered]
    return table(heads, linked)


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; its cells are Markdown already, see `cell`."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def prose(text: str) -> str:
    """A docstring's text as Markdown, in which `<` would open a tag."""
    return html.escape(text, quote=False).replace("&gt;", ">").replace("&amp;", "&")


def cell(text: str) -> str:
    """A text as Markdown for a cell of a table."""
    return prose(text).replace("|", "\\|")


def main() -> None:
    """Writes the pages, and removes those of variants that are gone."""
    PAGES.mkdir(exist_ok=True)
    written = pages()
    for path in PAGES.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (PAGES / name).write_text(text, encoding="utf-8")
    print(PAGES)


if __name__ == "__main__":
    main()
