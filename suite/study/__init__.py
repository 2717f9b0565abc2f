"""Studies: declared grids of runs, with what they bring along and what their numbers are held against. No Keras."""

from aebench.study.grid import Study
from aebench.study.reading import STUDIES, names, read

__all__ = ["STUDIES", "Study", "names", "read"]
