"""Ending with the parent process, so that no daemon is left behind by a script that was killed."""

from __future__ import annotations

import ctypes
import os
import signal

from softswitch.errors import SwitchError

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """SIGTERM for us when the parent ends. Raises SwitchError if that can't be had, or if it has ended already."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise SwitchError(f"--parent-death: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        raise SwitchError("--parent-death: the parent process has ended already")
