"""Studies' records as one self-contained HTML page. Imports no Keras."""

from aebench.page.page import write, write_figures

__all__ = ["write", "write_figures"]
