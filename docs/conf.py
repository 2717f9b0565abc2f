"""Sphinx's settings: `make docs` builds the folder `site` from this one. Imports no Keras.

The reference is written from the code first (`write_reference.py`); what is read of models for their signatures is
read with Keras mocked.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sphinx.ext.autodoc.mock import MockFinder

sys.path.insert(0, str(Path(__file__).parent))

import write_reference

write_reference.main()

project = "aebench"
author = "the authors of aebench"
html_title = "aebench"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# Links to headings of Markdown are checked as those to pages are; `make docs` lets no warning pass.
myst_heading_anchors = 4

# For the whole build, and not only while autodoc imports a module: it looks for the sources of inherited members too.
sys.meta_path.insert(0, MockFinder(["keras", "tensorflow", "jax", "torch", "pandas"]))
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
default_role = "code"  # docstrings set code in single backticks
napoleon_custom_sections = [("Class attributes", "attributes"), "Objective", "Reference"]
napoleon_use_ivar = True

# Nothing is asked of another host: the theme has its icons inside, and fonts are the reader's own.
html_theme = "furo"
nb_execution_mode = "off"  # `run_notebooks.py` has run them, and the tests do
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"


def _with_contents(_app: Any, name: str, text: list[str]) -> None:
    """Gives the page of all variants, which is read elsewhere too, the list of pages below it that Sphinx wants."""
    if name == "variants/README":
        text[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


# What readers with a screen reader or without a mouse miss in the HTML of Sphinx and of the theme: levels of headings,
# names of the two bars at the sides, and code and tables that can be scrolled by keys.
_ACCESSIBLE = {
    'role="heading"': 'role="heading" aria-level="2"',
    '<aside class="sidebar-drawer"': '<aside aria-label="All pages" class="sidebar-drawer"',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}


def _accessible(app: Any, error: Exception | None) -> None:
    for page in () if error else Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for given, better in _ACCESSIBLE.items():
            text = text.replace(given, better)
        page.write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    """Sphinx's hook."""
    app.connect("source-read", _with_contents)
    app.connect("build-finished", _accessible)
