"""Where built things live: `$XDG_CACHE_HOME/state4` (or `~/.cache/state4`), one folder per content key.

A folder appears whole or not at all: it is built under a temporary name and renamed. Two processes that want the same
key at the same time build it once; the second waits for the first.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from p4front.own_files import NotOurs, create_or_open, own_folder, own_home
from softswitch.errors import CacheError


def cache_root() -> Path:
    """The folder of all cached files; `STATE4_CACHE` names another one. It need not exist yet."""
    own = os.environ.get("STATE4_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else own_home() / ".cache") / "state4"


def cache_folder(kind: str) -> Path:
    """The folder `<root>/<kind>`, made if it is missing. What is in it is loaded as code, so it must be ours alone.

    Raises CacheError if it cannot be made, or if another user could have put something there."""
    folder = cache_root() / kind
    try:
        return own_folder(folder)
    except NotOurs as error:
        raise CacheError(
            f"the cache {folder} is not used: {error.filename}: {error.strerror}; name another folder in STATE4_CACHE"
        ) from None
    except OSError as error:
        raise CacheError(f"cannot write to {folder}: {error.strerror}; name another folder in STATE4_CACHE") from error


def content_key(*parts: str | bytes) -> str:
    """A name for content: the hash of all parts, each with its length, so that ("ab", "c") differs from ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogateescape") if isinstance(part, str) else part  # names need not be text
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def cached_directory(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder `<root>/<kind>/<key>`; when it is missing, `build(folder)` fills it first.

    An exception of `build` is passed on and leaves nothing behind. Raises CacheError if the cache cannot be written.
    """
    parent = cache_folder(kind)
    target = parent / key
    if target.is_dir():
        with suppress(OSError):  # root's cache
            os.utime(target)  # so that the least recently used can be identified
        return target
    try:
        return _built(parent, key, build)
    except OSError as error:
        raise CacheError(f"cannot write to {parent}: {error.strerror or error}; {_remedy(error)}") from error


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "make room there, or name another folder in STATE4_CACHE"
    return "name another folder in STATE4_CACHE"


def _built(parent: Path, key: str, build: Callable[[Path], None]) -> Path:
    """The folder `key` in `parent`, made by `build` unless another process makes it first."""
    target = parent / key
    lock_path = parent / f".{key}.lock"
    with os.fdopen(create_or_open(lock_path), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        scratch = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=parent))
        try:
            build(scratch)
            scratch.chmod(0o755)
            try:
                scratch.rename(target)
            except OSError:
                if (
                    not target.is_dir()
                ):  # else another process that met a removed lock was quicker, with the same content
                    raise
                shutil.rmtree(scratch, ignore_errors=True)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        finally:
            with suppress(FileNotFoundError):
                lock_path.unlink()
    return target
