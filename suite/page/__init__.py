"""Studies' records as one self-contained HTML page, pieces of it, and what changed between two. Imports no Keras."""

from aebench.page.changes import write_changes
from aebench.page.first_screen import first_screen, picture
from aebench.page.page import write, write_figures

__all__ = ["first_screen", "picture", "write", "write_changes", "write_figures"]
