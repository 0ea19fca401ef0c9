"""Gives measurements priority over a machine's other work.

Linux groups processes by session (sched(7), "The autogroup feature"): a nice value counts only within a session, and a
compiler in another terminal takes half a core from a data plane with nice -10. Each helper and each switch also has a
session of its own. Between sessions, the nice value of the session counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_MEASURING = -17
_HIGHEST = -20


def session_nice(process: int | str = "self") -> int | None:
    """The nice value of a process's session; None if the kernel does not group by session."""
    try:  # its text is "/autogroup-123 nice 0"
        return int(Path(f"/proc/{process}/autogroup").read_text(encoding="utf-8").split()[-1])
    except (OSError, ValueError, IndexError):
        return None


def prefer_session(process: int | str = "self", *, nice: int = _HIGHEST) -> bool:
    """Sets the nice value of a process's session. False if that needs more privileges, or is not supported."""
    try:
        Path(f"/proc/{process}/autogroup").write_text(str(max(nice, _HIGHEST)), encoding="utf-8")
    except OSError:
        return False
    return True


def preferred(argv: Sequence[str], *, nice: int = 0) -> list[str]:
    """A command line that gives its new session our session's nice value, plus `nice`."""
    own = session_nice()
    wanted = 0 if own is None else max(own + nice, _HIGHEST)
    if not wanted:
        return list(argv)
    return ["sh", "-c", 'echo "$0" 2>/dev/null >/proc/self/autogroup; exec "$@"', str(wanted), *argv]


@contextmanager
def measuring() -> Iterator[None]:
    """Inside, this session and everything it starts have priority over all others, as far as we are privileged."""
    before = session_nice()
    changed = before is not None and prefer_session(nice=_MEASURING)
    try:
        yield
    finally:
        if changed and before is not None:
            with suppress(OSError):
                prefer_session(nice=before)
