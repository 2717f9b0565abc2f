"""Networks as their files declare them, and those that a study brings along. Imports no Keras until one is loaded.

A network is a function decorated with `@register_network("name", version=N)` (see `aebench.models.networks`), or two
Keras models that were saved to files. A study names one that it brings along in a table:

    network = "small"

    [[own_network]]
    name = "small"
    file = "my_network.py"          # or: encoder = "encoder.keras", decoder = "decoder.keras"
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from aebench.errors import UserError, unknown
from aebench.records.spec import Frozen
from aebench.study import declarations
from aebench.study.tables import parse_each

HOW_TO_BRING = "one of your own needs a file and a table [[own_network]] with name and file"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A network.

    Attributes:
        name: what a study calls it.
        identity: what a run's spec calls it: of one that a study brings, with its version or the digest of its files,
            so that results of an older one are not taken for those of this.
        files: the Python file, or the encoder's and the decoder's.
        about: one line.
    """

    name: str
    identity: str
    files: tuple[Path, ...]
    about: str = ""

    @property
    def code(self) -> Path | None:
        """The Python file; `None` for saved models, whose files' digest is in the identity."""
        return self.files[0] if len(self.files) == 1 else None


class OwnNetwork(Frozen):
    """A study's table `[[own_network]]`: a name, and either a Python file or the files of two saved Keras models."""

    name: str = Field(pattern=r"[a-z0-9][a-z0-9_-]*")
    file: str | None = None
    encoder: str | None = None
    decoder: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> OwnNetwork:
        if (self.file is None) == (self.encoder is None and self.decoder is None):
            raise ValueError("give either 'file', or both 'encoder' and 'decoder'")
        if (self.encoder is None) != (self.decoder is None):
            raise ValueError("'encoder' and 'decoder' go together")
        return self


@cache
def built_in() -> dict[str, Declaration]:
    """The networks of `aebench.models.networks`, by name."""
    path = declarations.models() / "networks.py"
    return {
        item.name: Declaration(name=item.name, identity=item.name, files=(path,), about=item.about)
        for item in declarations.declared(path, "register_network")
    }


def brought(study: dict[str, Any], path: Path) -> dict[str, Declaration]:
    """The networks that a study's file brings along, by name.

    Raises:
        UserError: a table is not as it must be, a file is missing, or a name is taken.
    """
    found: dict[str, Declaration] = {}
    for table in parse_each(OwnNetwork, study, "own_network", f"{path}"):
        if table.name in built_in() or table.name in found:
            raise UserError(f"{path}: network {table.name!r} is there already; choose another name")
        found[table.name] = _declaration(table, path.parent)
    return found


def _declaration(table: OwnNetwork, folder: Path) -> Declaration:
    if table.file is not None:
        path = (folder / table.file).resolve()
        known = {item.name: item for item in declarations.declared(path, "register_network")}
        if table.name not in known:
            raise UserError(f"{path}: {unknown('network', table.name, known)}")
        return Declaration(name=table.name, identity=f"{table.name}@{known[table.name].version}", files=(path,))
    files = tuple((folder / str(name)).resolve() for name in (table.encoder, table.decoder))
    digest = hashlib.sha256()
    for path in files:
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            raise UserError(f"cannot read the Keras model {path}: {error.strerror}") from None
    return Declaration(name=table.name, identity=f"{table.name}@{digest.hexdigest()[:8]}", files=files)


def load(network: Declaration) -> Any:
    """The `aebench.models.Network`. Imports Keras.

    Raises:
        UserError: a file holds no Keras model.
    """
    from aebench.models import networks

    if network.code is not None:
        declarations.module(network.code)
        return networks.NETWORKS[network.name]
    return networks.of_models(*map(_saved_model, network.files))


def _saved_model(path: Path) -> Any:
    import keras

    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # whatever Keras, h5py or zipfile make of the file
        what = f"{error}".splitlines()[:1] or [type(error).__name__]
        raise UserError(f"{path} holds no Keras model that loads: {what[0]}; save one with model.save") from None
