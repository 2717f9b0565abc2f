"""Locks: who does what in a study's folder, so that several benches share it. Each ends with its process."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from aebench.errors import UserError
from aebench.records.record import now


@dataclass(frozen=True)
class Locks:
    """The locks in a folder, by name.

    The operating system holds a lock for a process, on NFS too, and frees it when that ends, however it ends: what
    was locked by a bench that was killed is free. A file says who has it; it is empty while nobody does.
    """

    folder: Path

    @contextmanager
    def taken(self, name: str, waiting: Callable[[str], None] | None = None) -> Iterator[bool]:
        """Holds a lock for as long as the context lasts, if it is to be had.

        Args:
            name: what is locked, a part of a file's name.
            waiting: told who has it, if anybody does; then it is waited for. Without, it is not.

        Yields:
            Whether it is held; always if it is waited for.

        Raises:
            UserError: the folder cannot be written to.
        """
        lock = filelock.FileLock(self._path(name))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not _acquired(lock):
                if waiting is None:
                    yield False
                    return
                waiting(self._holder(name))
                lock.acquire()
        except OSError as error:
            raise UserError(f"cannot lock {self._path(name)}: {error.strerror or error}") from None
        try:
            self._path(name).write_text(f"process {os.getpid()} on {socket.gethostname()}, since {now()}")
            yield True
        finally:
            self._path(name).write_text("")
            lock.release()

    def _holder(self, name: str) -> str:
        """Who has a lock, as `process 12 on host, since 2026-01-02T03:04:05+00:00`."""
        try:
            return self._path(name).read_text() or "another process"
        except OSError:
            return "another process"

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.lock"


def _acquired(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    return True
