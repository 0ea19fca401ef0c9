"""Where built things live: `$XDG_CACHE_HOME/state4` (or `~/.cache/state4`), one folder per content key.

A folder appears whole or not at all: it is built under a temporary name and renamed. Two processes that want the same
key at the same time build it once; the second waits for the first.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from softswitch.errors import CacheError


def cache_root() -> Path:
    """The folder of all cached files; `STATE4_CACHE` names another one. It need not exist yet."""
    own = os.environ.get("STATE4_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "state4"


def content_key(*parts: str | bytes) -> str:
    """A name for content: the hash of all parts, each with its length, so that ("ab", "c") differs from ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def cached_directory(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder `<root>/<kind>/<key>`; when it is missing, `build(folder)` fills it first.

    An exception of `build` is passed on and leaves nothing behind. Raises CacheError if the cache cannot be written.
    """
    parent = cache_root() / kind
    target = parent / key
    if target.is_dir():
        with suppress(OSError):  # another user's cache
            os.utime(target)  # so that the oldest can be told from the unused
        return target
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheError(f"cannot write to {parent}: {error.strerror}; name another folder in STATE4_CACHE") from error
    lock_path = parent / f".{key}.lock"
    with lock_path.open("w") as lock:
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
                if not target.is_dir():  # else somebody who met a removed lock was quicker, with the same content
                    raise
                shutil.rmtree(scratch, ignore_errors=True)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        finally:
            with suppress(FileNotFoundError):
                lock_path.unlink()
    return target
