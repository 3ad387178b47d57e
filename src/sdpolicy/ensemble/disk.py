"""Files written whole or not at all, and a folder that only one process writes. It knows no ensemble."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from sdpolicy.errors import Problem, ResultError

LOCK: Final = ".writer"
PART: Final = ".part"
"""How names end of what is still being written; a run that was stopped may leave one behind."""


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file under another name, then give it its own: a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=PART, dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def remove_parts(folder: Path) -> None:
    """Remove what writers that were stopped have left half-written."""
    for part in folder.rglob(f"*{PART}"):
        with suppress(OSError):
            part.unlink()


@contextmanager
def told(folder: Path, kept: str) -> Iterator[None]:
    """Turn what the file system refuses into a message; ``kept`` says what has been written."""
    try:
        yield
    except OSError as error:
        where = str(error.filename or folder)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            cure = f"{kept} Make room and go on with --resume, or write elsewhere with --out."
            raise ResultError(Problem(str(folder), "the disk is full", cure)) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            cure = f"{kept} Choose a folder that you may write to, with --out."
            raise ResultError(Problem(where, "the folder cannot be written", cure)) from error
        raise ResultError(Problem(where, f"writing failed ({error.strerror or error})", kept)) from error


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder for this process while the block runs.

    The system gives the lock up when a process ends, however it ends; the file that is left then holds nobody
    back, and the next writer takes it over.

    Raises:
        ResultError: when another process is writing.
    """
    path = folder / LOCK
    file = path.open("a+", encoding="utf-8")
    try:
        if not _lock(file):
            raise ResultError(Problem(str(folder), f"another process is writing here ({_owner(path)})", _WAIT))
        if sys.platform != "win32":  # there the locked bytes could not be read by others
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
            file.flush()
        yield
    finally:
        file.close()
    with suppress(OSError):  # another may have it open already
        path.unlink()


_WAIT: Final = (
    "Wait until it is done, or stop it. Where no such process runs any more (a network drive may keep the lock of "
    f"a machine that is gone), remove the file {LOCK} in the folder and go on with --resume."
)


def _owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        return f"number {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it does not say which"


def _lock(file: IO[str]) -> bool:
    """Lock an open file against other processes; return whether that worked."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True
