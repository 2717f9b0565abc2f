"""Packs: a study's store as one archive, with a checksum of every member. Whoever opens one need not trust its sender.

A pack is a zip archive: members are read one by one, Python reads it without another package, and arrays lie in it as
they lie in the store. What is in it twice packed is the same to the byte: names are sorted, no time of packing is kept.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final, Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator

from aebench.errors import UserError
from aebench.records.damage import UNREADABLE, damage
from aebench.records.kept import Kept
from aebench.records.record import Environment
from aebench.records.spec import Frozen
from aebench.records.store import Store
from aebench.records.writing import write_aside

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
RUNS, TIMINGS = "runs.parquet", "timings.parquet"
STUDY, SENDER = 200, 200  # characters of a study's and of a sender's name
# JSON shrinks to a tenth, pictures of nothing to a fiftieth: what unpacks to more than this many times its size and
# some MB has been made to fill a disk.
MOST_TIMES, MOST_BESIDE = 100, 1 << 24
_MOST_MANIFEST = 1 << 28  # bytes: names and checksums of a million members
_CHUNK = 1 << 20
_NAME = r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*"
_PLACES = re.compile(
    rf"{RUNS}|{TIMINGS}|(records|timings|datasets)/{_NAME}\.json|artefacts/{_NAME}/{_NAME}\.npz|study(/{_NAME})+"
)
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip archive can hold


class Member(Frozen):
    """One file of a pack: the SHA-256 of its content, and how long that is."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(Frozen):
    """What a pack holds.

    Attributes:
        study: name of the study; its file is `study/<name>.toml`.
        by: who sent it; empty where that is not told.
        suite: version of aebench that packed it.
        weights: whether trained weights are in it.
        environments: the machines on which its runs were trained, with versions, each once.
        members: every other file by its name.
    """

    format_number: Literal[1] = FORMAT
    study: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=STUDY)
    by: str = Field(default="", max_length=SENDER)
    suite: str = Field(max_length=100)
    weights: bool
    environments: tuple[Environment, ...]
    members: dict[str, Member]

    @field_validator("by")
    @classmethod
    def _plain(cls, value: str) -> str:
        """Nothing that turns or hides what stands beside it."""
        if not value.isprintable():
            raise ValueError("a sender's name is one line of printable characters")
        return value


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A pack whose archive is sound, unpacked.

    Attributes:
        path: the archive.
        store: the folder that it was unpacked to, as a store.
        damaged: what is not as the manifest says, a line each.
    """

    path: Path
    manifest: Manifest
    store: Store
    damaged: tuple[str, ...]

    @property
    def study(self) -> Path:
        """The study's file."""
        return self.store.root / "study" / f"{self.manifest.study}.toml"


def digest(manifest: Manifest) -> str:
    """Tells a pack's content from that of others: 12 characters."""
    return hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()[:12]


def write(out: Path, head: Manifest, store: Store, runs: Collection[str], files: Mapping[str, bytes]) -> Manifest:
    """Makes one archive of a store.

    Args:
        out: the archive, replaced if it is there.
        head: what it is of, with `weights` where these are wanted; `members`, and whether there are any, are filled in.
        store: whose records, timings, data sets and arrays go into it.
        runs: ids of the runs whose records and arrays do.
        files: other members by name: tables, and the study with what it brings along.

    Returns:
        The manifest with its members.

    Raises:
        UserError: a file cannot be read, is damaged, has a name that no pack has, or the archive cannot be written.
    """
    paths = dict(_stored(store.root, runs, weights=head.weights))
    for path in paths.values():
        if path.suffix == ".npz" and (reason := damage(path)):
            raise UserError(f"{path} is damaged: {reason}; run `aebench rescore`, which makes it again or says how")
    names = sorted({*paths, *files})
    for name in names:
        if not _PLACES.fullmatch(name):
            raise UserError(f"a pack cannot hold {name!r}: names have letters, digits and ._+- only; rename the file")
    members = {name: _member(files[name] if name in files else _bytes(paths[name])) for name in names}
    weights = any(path.stem == Kept.WEIGHTS for path in paths.values())
    manifest = head.model_copy(update={"members": members, "weights": weights})

    def fill(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            _add(archive, MANIFEST, manifest.model_dump_json(indent=1).encode())
            for name in names:
                _add(archive, name, files[name] if name in files else _bytes(paths[name]))

    write_aside(out, fill)
    return manifest


class UnsoundPackError(UserError):
    """A pack that is not opened."""


@contextmanager
def opened(path: Path) -> Iterator[Pack]:
    """A pack, unpacked into a folder that is removed afterwards; nothing is written anywhere else.

    Raises:
        UnsoundPackError: it is no archive, was made to harm, or is of another form.
        UserError: it cannot be read.
    """
    with TemporaryDirectory(prefix="aebench-pack-") as folder:
        root = Path(folder)
        try:
            with zipfile.ZipFile(path) as archive:
                manifest, damaged = _unpack(archive, path.stat().st_size, root)
        except _HostileError as hostile:
            raise UnsoundPackError(f"{path} is no sound pack: {hostile}; ask its sender for another") from None
        except OSError as error:
            raise UserError(f"cannot read the pack {path}: {error.strerror or error}") from None
        except UNREADABLE:
            reason = "it is no whole zip archive"
            raise UnsoundPackError(f"{path} is no sound pack: {reason}; ask its sender for another") from None
        yield Pack(path=path, manifest=manifest, store=Store(root), damaged=tuple(damaged))


class _HostileError(Exception):
    """Why an archive is not opened."""


def _unpack(archive: zipfile.ZipFile, size: int, root: Path) -> tuple[Manifest, list[str]]:
    infos = archive.infolist()
    _refuse_hostile(infos, size)
    manifest = _manifest(archive)
    there, told = {info.filename for info in infos} - {MANIFEST}, manifest.members.keys()
    damaged = [f"{shown(name)} is in the manifest and not in the pack" for name in sorted(told - there)]
    damaged += [f"{shown(name)} is in the pack and not in the manifest" for name in sorted(there - told)]
    for name in sorted(there & told):
        reason = _extract(archive, name, manifest.members[name], root / name)
        if not reason and name.endswith(".npz"):
            reason = _unsound_arrays(root / name)
        if reason:  # nobody is to take it for what was sent
            (root / name).unlink(missing_ok=True)
            damaged.append(f"{name} {reason}")
    return manifest, damaged


def _refuse_hostile(infos: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Looks at what the archive says of its members, before anything is unpacked."""
    seen: set[str] = set()
    for info in infos:
        name = info.filename
        if name in seen:
            raise _HostileError(f"{shown(name)} is in it twice")
        seen.add(name)
        if name != MANIFEST and not _PLACES.fullmatch(name):
            raise _HostileError(f"{shown(name)} is no place in a pack")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _HostileError(f"{shown(name)} is a link or no file")
        if info.flag_bits & 1:
            raise _HostileError(f"{shown(name)} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _HostileError(f"{shown(name)} is compressed in a way that no pack is")
    if MANIFEST not in seen:
        raise _HostileError(f"it has no {MANIFEST}")
    unpacked = sum(info.file_size for info in infos)
    if unpacked > MOST_TIMES * size + MOST_BESIDE:
        raise _HostileError(f"its {size:,} bytes would unpack to {unpacked:,}")


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    if archive.getinfo(MANIFEST).file_size > _MOST_MANIFEST:
        raise _HostileError(f"its {MANIFEST} is too long")
    try:
        return Manifest.model_validate_json(archive.read(MANIFEST))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"][:1]))
        raise _HostileError(
            f"its {MANIFEST} is not of format {FORMAT}: {shown(place)}: {first['msg']}"
            if place
            else f"its {MANIFEST} is no JSON of format {FORMAT}"
        ) from None


def _extract(archive: zipfile.ZipFile, name: str, told: Member, to: Path) -> str:
    """Unpacks one member; returns what is wrong with it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    found, length = hashlib.sha256(), 0
    try:
        with archive.open(name) as member, to.open("xb") as file:
            while chunk := member.read(_CHUNK):
                length += len(chunk)
                if length > told.bytes:
                    return "is longer than the manifest says"
                found.update(chunk)
                file.write(chunk)
    except OSError:  # of the disk that it is written to
        raise
    except UNREADABLE:
        return "is damaged: it does not unpack"
    if length != told.bytes or found.hexdigest() != told.sha256:
        return "has another checksum than the manifest says"
    return ""


def _unsound_arrays(path: Path) -> str:
    """Why arrays are not to be loaded: they hold Python objects, or say that they are longer than they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if sum(info.file_size for info in infos) > MOST_TIMES * path.stat().st_size + MOST_BESIDE:
                return "would unpack to far more than it is"
            for info in infos:
                with archive.open(info) as member:
                    if reason := _unsound_array(member, info.file_size):
                        return reason
                    while member.read(_CHUNK):  # at its end the checksum is held against it
                        pass
    except UNREADABLE:
        return "holds no whole arrays"
    return ""


def _unsound_array(member: IO[bytes], size: int) -> str:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    if dtype.hasobject:
        return "holds Python objects, which loading would run"
    length = dtype.itemsize
    for side in shape:  # of Python's own integers, which do not overflow
        length *= side
    return "" if min(shape, default=0) >= 0 and member.tell() + length == size else "holds an array of another length"


def _stored(root: Path, runs: Collection[str], *, weights: bool) -> Iterator[tuple[str, Path]]:
    for pattern in ("timings/*.json", "datasets/*.json"):
        for path in root.glob(pattern):
            if not path.name.startswith("."):
                yield path.relative_to(root).as_posix(), path
    for run in runs:  # and of no other: it may be without a record, or be finished meanwhile
        for path in (root / "records" / f"{run}.json", *(root / "artefacts" / run).glob("*.npz")):
            if not path.name.startswith(".") and (weights or path.stem != Kept.WEIGHTS):
                yield path.relative_to(root).as_posix(), path


def _member(content: bytes) -> Member:
    return Member(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED if name.endswith((".json", ".toml", ".py")) else zipfile.ZIP_STORED
    archive.writestr(info, content)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; make it readable or remove it") from None


def shown(text: str, most: int = 120) -> str:
    """A stranger's text as it may stand in a line of a terminal: nothing in it moves the cursor, and it is short."""
    inert = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[: most + 1])
    return inert if len(inert) <= most else f"{inert[:most]}..."
