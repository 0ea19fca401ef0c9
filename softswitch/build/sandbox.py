"""What a process gives up before it compiles a program that came over the network: time, memory, files, processes.

`rlimits` are always there. Namespaces (no network, no sight of other processes; all processes of the compilation end
with their first) and Landlock (no file but the named folders) are taken where the kernel has and allows them. All of
it is for the case that the front end or the C compiler is made to misbehave: includes are resolved without opening
files anyway (`p4front.text.includes.GivenFiles`).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_VERSION = 1
_BY_PATH = 1
# LANDLOCK_ACCESS_FS_* of version 1: execute, write file, read file, read directory, then what makes and removes
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_VERSION_1 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15  # since versions 2, 3 and 5
_READ_ONLY = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
SYSTEM_FOLDERS = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives")
"""Where a compiler and its libraries live."""


@dataclass(frozen=True)
class Limits:
    """Of one compilation. `cpu_s` and `memory_bytes` hold for each of its processes, `file_bytes` for each file."""

    cpu_s: int = 15
    wall_s: float = 120.0
    memory_bytes: int = 2 << 30
    file_bytes: int = 64 << 20


_libc = ctypes.CDLL(None, use_errno=True)


def end_with(parent: int) -> None:
    """SIGKILL for this process when its parent ends; ends at once if that is not `parent` any more."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(limits: Limits) -> None:
    """Sets the rlimits. Raises OSError, ValueError if one cannot be had."""
    for kind, value in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def separate() -> bool:
    """Goes on in a child with namespaces of its own; this process waits for it and ends as it ends. False, and nothing
    was done, where the kernel does not allow it."""
    ids = os.geteuid(), os.getegid()
    flags = _CLONE_NEWPID | _CLONE_NEWNET | _CLONE_NEWIPC
    if _libc.unshare(flags) != 0 and _libc.unshare(flags | _CLONE_NEWUSER) != 0:
        return False
    if os.geteuid() != ids[0]:  # in a user namespace the uid is unmapped until we write the map
        with suppress(OSError):
            Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
            Path("/proc/self/gid_map").write_text(f"{ids[1]} {ids[1]} 1", encoding="utf-8")
            Path("/proc/self/uid_map").write_text(f"{ids[0]} {ids[0]} 1", encoding="utf-8")
    child = os.fork()
    if child != 0:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):  # pid 1 of a namespace is killed by its own signals only if they cannot be caught
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(os.WEXITSTATUS(status))
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return True


def confine(readable: Iterable[Path | str], writable: Iterable[Path | str]) -> bool:
    """From here on this process and its children open only what is in these folders. False, and nothing was done,
    without Landlock (Linux 5.13)."""
    version = _libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 1:
        return False
    handled = _VERSION_1 | _REFER * (version >= 2) | _TRUNCATE * (version >= 3) | _IOCTL * (version >= 5)
    attributes = struct.pack("=Q", handled)
    ruleset = _libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for access, paths in ((_READ_ONLY, readable), (handled, writable)):
            for path in paths:
                _allow(ruleset, path, access & handled)
        return bool(_libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path | str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be allowed
    try:
        if not Path(path).is_dir():
            access &= _OF_FILES
        rule = struct.pack("=Qi", access, descriptor)
        _libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _BY_PATH, rule, 0)
    finally:
        os.close(descriptor)
