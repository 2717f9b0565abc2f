"""Studies' records as one self-contained HTML page. Imports no Keras."""

from suite.report.page import Source, write, write_figures

__all__ = ["Source", "write", "write_figures"]
