"""Folders and files of ours in places that other users can reach: caches, run folders, files that a command names.

What is read back from such a folder may be executed, so a folder is accepted only if nobody but its owner could have
put anything there. This module is in p4front because all packages may import p4front, and it needs only the standard
library.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ALL_IDS = "0 0 4294967295"


class NotOurs(OSError):
    """Another user could change what is in a folder. `filename` is the folder, `strerror` the reason."""


def own_folder(path: Path, mode: int = 0o755) -> Path:
    """`path` as a folder that only this user (or root) can change, made if it is missing; its parents likewise.

    Each folder from the root on, and each link on the way, must belong to this user or root, and nobody else may write
    to it. A parent with the sticky bit (such as /tmp) may be written by others, since they cannot replace what is ours
    there; `path` itself may not. Raises NotOurs, and OSError if it cannot be made.
    """
    path = Path(os.path.abspath(path))
    for parent in reversed(path.parents):
        _check(parent, last=False)
        _make(parent, mode)
    _make(path, mode)
    _check(path, last=True)
    return path


def _make(path: Path, mode: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(path, mode & ~_umask())
        # A folder created by another process in the meantime is checked in the next step.


def _check(path: Path, *, last: bool) -> None:
    """Raises NotOurs; a folder that does not exist yet is as good as its parent."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if found.st_uid not in _trusted_owners():
        raise NotOurs(errno.EPERM, f"it belongs to user {found.st_uid}", str(path))
    if stat.S_ISLNK(found.st_mode):
        target = Path(os.path.abspath(path.parent / os.readlink(path)))
        for parent in reversed(target.parents):
            _check(parent, last=False)
        _check(target, last=last)
        return
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    others = found.st_mode & stat.S_IWOTH
    group = found.st_mode & stat.S_IWGRP and found.st_gid not in (0, found.st_uid)  # a group of the user's own is fine
    if (others or group) and (last or not found.st_mode & stat.S_ISVTX):
        raise NotOurs(errno.EPERM, "other users may write to it", str(path))


def _trusted_owners() -> set[int]:
    """This user and root; in a user namespace also the id that stands for all owners outside of it."""
    owners = {0, os.geteuid()}
    with suppress(OSError, ValueError):
        if " ".join(Path("/proc/self/uid_map").read_text(encoding="utf-8").split()) != _ALL_IDS:
            owners.add(int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="utf-8")))
    return owners


def _umask() -> int:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)
    return 0o022


def own_home() -> Path:
    """This user's home: `$HOME`, unless it is another user's, as sudo may leave it."""
    home = Path.home()
    with suppress(OSError, KeyError):
        if os.stat(home).st_uid != os.geteuid():
            return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    return home


def create_or_open(path: Path, mode: int = 0o600) -> int:
    """A descriptor of a regular file for reading and writing, made if it is missing; never that behind a link.

    Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """A new file next to `path`, with an unpredictable name; it replaces `path` if the block ends
    well, and is gone otherwise. A link of that name is replaced, never followed. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    part = Path(name)
    try:
        os.fchmod(descriptor, mode & ~_umask())
        os.close(descriptor)
        yield part
        part.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that a command was told to write: all of it, or nothing, and an older one stays.

    What is no plain file (a link, a terminal, a pipe) is written as it is. Raises OSError with the file's name.
    """
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(content)
            return
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666
        with replacing(path, mode) as part:
            part.write_bytes(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
