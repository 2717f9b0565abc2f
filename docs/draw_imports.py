"""Draws docs/imports.svg from the imports between the packages of aebench: `python docs/draw_imports.py`.

A package stands above all that it imports. An arrow that follows from others is left out.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
PICTURE = REPO / "docs" / "imports.svg"
WIDTH, BOX, HIGH, STEP = 760, 164, 46, 92
ABOUT = {
    "conformance": "tests of any variant",
    "cli": "commands, progress, tables",
    "export": "Keras files, cards, trackers",
    "page": "the HTML page",
    "harness": "plan, cohorts, engines",
    "analysis": "means, differences, answers",
    "study": "TOML grids",
    "measures": "families of numbers",
    "backends": "TensorFlow, JAX, PyTorch",
    "data": "images, one array cache",
    "records": "specs, records, store",
    "models": "variants, networks",
}


def package(module: str) -> str | None:
    """The package of aebench that a module is in, if it is in one."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "aebench" and parts[1] in ABOUT else None


def imports() -> dict[str, set[str]]:
    """Which packages each package imports, anywhere in its files."""
    found: dict[str, set[str]] = {name: set() for name in ABOUT}
    for name in ABOUT:
        folder = REPO / ("models" if name == "models" else f"suite/{name}")
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    modules = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
                else:
                    continue
                found[name] |= {other for module in modules if (other := package(module)) and other != name}
    return found


def reduced(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without what follows: a -> c where a -> b -> c."""

    @cache
    def below(name: str) -> frozenset[str]:
        return frozenset(edges[name]).union(*(below(other) for other in edges[name]))

    return {name: {o for o in own if not any(o in below(p) for p in own if p != o)} for name, own in edges.items()}


def levels(edges: dict[str, set[str]]) -> dict[str, int]:
    """How high each package stands: one above the highest that it imports."""

    @cache
    def level(name: str) -> int:
        return 1 + max((level(other) for other in edges[name]), default=-1)

    return {name: level(name) for name in edges}


def drawn(edges: dict[str, set[str]]) -> str:
    """The picture as SVG."""
    height_of = levels(edges)
    rows = [[name for name in ABOUT if height_of[name] == at] for at in range(max(height_of.values()) + 1)]
    places = {
        name: (WIDTH * (at + 0.5) / len(row), STEP * (len(rows) - 1 - level) + 40)
        for level, row in enumerate(rows)
        for at, name in enumerate(row)
    }
    arrows = [_arrow(places[name], places[other]) for name, own in reduced(edges).items() for other in sorted(own)]
    boxes = [
        f'<g transform="translate({x:.0f} {y:.0f})"><rect x="{-BOX / 2:.0f}" y="{-HIGH / 2:.0f}" width="{BOX}" '
        f'height="{HIGH}" rx="6"/><text y="-3" class="name">{name}</text><text y="13">{ABOUT[name]}</text></g>'
        for name, (x, y) in places.items()
    ]
    height = STEP * (len(rows) - 1) + 80
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="10" text-anchor="middle">',
        "<style>rect{fill:#f6f8fa;stroke:#6b7280}path{stroke:#6b7280;fill:none;marker-end:url(#tip)}"
        ".name{font-size:14px;font-weight:bold}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<polygon points="0,0 8,4 0,8" fill="#6b7280"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" style="fill:white;stroke:none"/>',
        *arrows,
        *boxes,
        "</svg>",
        "",
    ])  # fmt: skip


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From the foot of one box to the head of another, each at the side that faces the other."""
    reach = BOX / 2 - 12
    lean = max(-reach, min(reach, end[0] - start[0]))
    return (
        f'<path d="M{start[0] + lean:.0f} {start[1] + HIGH / 2:.0f} L{end[0] - lean / 2:.0f} '
        f'{end[1] - HIGH / 2 - 2:.0f}"/>'
    )


if __name__ == "__main__":
    PICTURE.write_text(drawn(imports()), encoding="utf-8")
    print(PICTURE)
