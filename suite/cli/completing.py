"""What a shell completes: `aebench --install-completion` makes it ask here. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path


def studies(incomplete: str) -> list[str]:
    """The studies that begin like this: names of the suite's own, then TOML files and folders that may hold some."""
    from aebench import study

    paths = [Path(found) for found in Path().glob(f"{incomplete}*")] if _relative(incomplete) else []
    folders = [f"{path}/" for path in paths if path.is_dir() and not path.name.startswith(".")]
    files = [str(path) for path in paths if path.suffix == ".toml"]
    return [name for name in study.names() if name.startswith(incomplete)] + sorted(files) + sorted(folders)


def datasets(incomplete: str) -> list[str]:
    """The data sets that begin like this, then files and folders that may be imported."""
    from aebench import data

    paths = sorted(Path().glob(f"{incomplete}*")) if _relative(incomplete) else []
    found = [f"{path}/" if path.is_dir() else str(path) for path in paths if not path.name.startswith(".")]
    return [name for name in data.known() if name.startswith(incomplete)] + found


def _relative(incomplete: str) -> bool:
    return not (Path(incomplete).is_absolute() or incomplete.startswith("~"))
