"""Data sets behind one array cache: built-in digits, the sets of tensorflow-datasets, a user's own images."""

from aebench.data.catalogue import digest, import_dataset, known, load, status
from aebench.data.dataset import Dataset, DatasetStatus, Split

__all__ = ["Dataset", "DatasetStatus", "Split", "digest", "import_dataset", "known", "load", "status"]
