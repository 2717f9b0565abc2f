"""A study's records as one self-contained HTML page. Imports no Keras."""

from suite.report.page import write

__all__ = ["write"]
