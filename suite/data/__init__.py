"""Data sets behind one array cache: built-in digits, the sets of tensorflow-datasets, a user's own data."""

from aebench.data.catalogue import digest, import_dataset, known, load, status
from aebench.data.dataset import Dataset, DatasetStatus, Split
from aebench.data.tables import Roles

__all__ = ["Dataset", "DatasetStatus", "Roles", "Split", "digest", "import_dataset", "known", "load", "status"]
