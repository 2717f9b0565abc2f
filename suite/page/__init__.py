"""Studies' records as one self-contained HTML page, and what changed between two of them. Imports no Keras."""

from aebench.page.changes import write_changes
from aebench.page.page import write, write_figures

__all__ = ["write", "write_changes", "write_figures"]
