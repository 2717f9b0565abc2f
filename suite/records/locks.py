"""Locks: who does what in a study's folder, so that several benches share it. Each ends with its process."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import filelock

from aebench.errors import UserError
from aebench.records.record import now


@dataclass(frozen=True)
class Locks:
    """The locks in a folder, by name.

    The operating system holds a lock for a process, on NFS too, and frees it when that ends, however it ends: what
    was locked by a bench that was killed is free. A second file says who has it, and is there for as long as somebody
    does: what the first holds is the lock's own.
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
        path, holder = self.folder / f"{name}.lock", self.folder / f"{name}.holder"
        lock = filelock.FileLock(path)
        with _told(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            ours = _acquired(lock)
        if not ours and waiting is not None:
            waiting(_said(holder))
            with _told(path):
                lock.acquire()
            ours = True
        if not ours:
            yield False
            return
        try:
            with suppress(OSError):  # a full disk must not keep anybody from work: the lock holds without it
                holder.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {now()}")
            yield True
        finally:
            with suppress(OSError):
                holder.unlink(missing_ok=True)
            lock.release()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot lock {path}: {error.strerror or error}") from None


def _said(holder: Path) -> str:
    """Who has a lock, as `process 12 on host, since 2026-01-02T03:04:05+00:00`."""
    try:
        return holder.read_text() or "another process"
    except OSError:
        return "another process"


def _acquired(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    return True
