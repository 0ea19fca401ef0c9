"""Runs one experiment as a separate process: its progress, its summary, and an orderly end on Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_NOT_JUDGED, EXIT_OK
from experiments.harness.progress import PROGRESS_VARIABLE
from topologies.processes import end

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CLEANUP_S = 60.0
_TICK_S = 0.5
_KEPT_LINES = 30


@dataclass(frozen=True)
class Progress:
    """The last progress report of an experiment: a text, and the share that is done, 0 to 1."""

    text: str
    share: float


@dataclass(frozen=True)
class Ended:
    """How an experiment ended. `summary`: what it printed; None if it failed, in which case `error` says why."""

    seconds: float
    code: int
    summary: dict[str, Any] | None
    error: str | None


def run_experiment(module: str, arguments: Sequence[str], on_progress: Callable[[Progress, float], None]) -> Ended:
    """Runs `python -m MODULE ARGUMENTS --json` to completion. Calls `on_progress(progress, elapsed_s)` about twice a
    second.

    If the caller is interrupted (KeyboardInterrupt or another exception), Ctrl-C is passed to the experiment, which
    removes its networks, and only then the exception continues. If this process is killed, the kernel ends the
    experiment.
    """
    # A shell starts background jobs with SIGINT ignored, but the experiment has to receive it.
    with_signals = ["setpriv", "--pdeathsig", "TERM", "env", "--default-signal=INT"]
    argv = [*with_signals, sys.executable, "-m", module, *arguments, "--json"]
    begin = time.monotonic()
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, PROGRESS_VARIABLE: "lines"},
        start_new_session=True,  # the terminal's Ctrl-C reaches only us, and we pass it on once
    )
    assert process.stdout is not None and process.stderr is not None
    stderr_lines: queue.Queue[str] = queue.Queue()
    printed: list[str] = []
    readers = [
        threading.Thread(target=_read_lines, args=(process.stderr, stderr_lines.put), daemon=True),
        threading.Thread(target=_read_lines, args=(process.stdout, printed.append), daemon=True),
    ]
    for reader in readers:
        reader.start()
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    progress = Progress("starting", 0.0)
    try:
        while process.poll() is None:
            with contextlib.suppress(queue.Empty):
                line = stderr_lines.get(timeout=_TICK_S)
                progress = _progress_of(line, kept, progress)
            on_progress(progress, time.monotonic() - begin)
    except BaseException:
        _interrupt(process)
        raise
    for reader in readers:
        reader.join(5.0)
    while not stderr_lines.empty():
        _progress_of(stderr_lines.get(), kept, progress)
    return _ended(time.monotonic() - begin, process.returncode, "".join(printed), list(kept))


def _read_lines(stream: IO[str], take: Callable[[str], Any]) -> None:
    for line in stream:
        take(line)


def _progress_of(line: str, kept: deque[str], before: Progress) -> Progress:
    """The progress after a line. Other lines are kept, in case they explain a failure."""
    if line.startswith('{"progress"'):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = json.loads(line)
            total = float(message["total_s"])
            share = float(message["done_s"]) / total if total > 0 else before.share
            return Progress(str(message["progress"]), min(max(share, 0.0), 1.0))
    kept.append(line.rstrip())
    return before


def _ended(seconds: float, code: int, printed: str, kept: list[str]) -> Ended:
    if code in (EXIT_OK, EXIT_CLAIM_FAILS, EXIT_NOT_JUDGED):
        try:
            summary = json.loads(printed)
            if isinstance(summary, dict) and {"run", "claims", "measured"} <= summary.keys():
                return Ended(seconds, code, summary, None)
        except ValueError:
            pass
        # Python also exits with 1 after an uncaught exception.
        why = _error_in(kept) if code else "it printed no summary"
        return Ended(seconds, code, None, why)
    return Ended(seconds, code, None, _error_in(kept) if kept else f"it ended with code {code}")


def _error_in(kept: list[str]) -> str:
    """From the last line with `error:` on; without one, the last lines."""
    starts = [number for number, line in enumerate(kept) if line.startswith("error:")]
    lines = kept[starts[-1] :] if starts else kept[-5:]
    return "\n".join(lines).removeprefix("error:").strip() or "it printed no message"


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Passes Ctrl-C on and waits until the networks are down; further signals are held back until then."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_CLEANUP_S)
        end(process)  # type: ignore[arg-type]  # a Popen of text ends like one of bytes
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
