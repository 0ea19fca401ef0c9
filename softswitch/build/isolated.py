"""Compiles programs that others sent, each in a process of its own with bounds (`worker`, `sandbox`).

The process works in a private folder and is ended with the request that it is for, and with the switch. What it leaves
is copied into the cache by this side.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from softswitch.build.cache import cached_directory, content_key
from softswitch.build.device_config import DeviceConfig, check_size, parse
from softswitch.build.job import Job
from softswitch.build.program import FILES, CompiledPipeline, CompileOptions, open_pipeline, tools_key
from softswitch.build.runtime import sanitize_wanted
from softswitch.build.sandbox import Limits
from softswitch.errors import CompilationEnded, CompilationFailed, ProgramRefused, TooExpensive

log = logging.getLogger(__name__)
AT_ONCE = 2
MAX_WAITING = 16
_POLL_S = 0.02
_KEPT_VARIABLES = ("PATH", "CC", "SYSTEMROOT", "LD_LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX")
"""Of the environment: what the C compiler needs to be found."""
_MESSAGE_CHARACTERS = 2000
"""Characters of an error message; longer ones do not help and do not fit into gRPC trailers."""
_LOG_BYTES = 64 << 10


class Compilers:
    """Runs at most `at_once` compilations; some more wait. Thread-safe."""

    def __init__(self, limits: Limits | None = None, *, at_once: int = AT_ONCE) -> None:
        self.limits = limits or Limits()
        self._slots = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False

    def close(self) -> None:
        """Ends all compilations; later ones raise CompilationEnded."""
        self._closed = True

    def compile(
        self, data: bytes, *, ended: Callable[[], bool] = lambda: False, sanitize: bool | None = None
    ) -> CompiledPipeline:
        """The program of a device config, compiled or from the cache. `ended` is asked now and then whether somebody
        still waits.

        Raises ProgramRefused, TooExpensive, CompilationEnded, CompilationFailed, CacheError, CompilerNotFound."""
        check_size(data)
        options = CompileOptions(sanitize=sanitize_wanted() if sanitize is None else sanitize)
        key = content_key(tools_key(options), "device config", data)

        def stopped() -> bool:
            return self._closed or ended()

        def build(folder: Path) -> None:
            with self._slot(stopped), tempfile.TemporaryDirectory(prefix="softswitch-") as private:
                parse(data)  # what is no config at all needs no process
                self._run(Path(private), data, options, stopped)
                for name in FILES:
                    _copy(Path(private) / name, folder / name, self.limits.file_bytes)

        return open_pipeline(key, cached_directory("pipelines", key, build))

    @contextmanager
    def _slot(self, stopped: Callable[[], bool]) -> Any:
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise TooExpensive(f"{MAX_WAITING} programs are already waiting to be compiled: try again later")
            self._waiting += 1
        try:
            while not self._slots.acquire(timeout=_POLL_S):
                if stopped():
                    raise CompilationEnded("the compilation was cancelled")
        finally:
            with self._lock:
                self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    def _run(self, folder: Path, data: bytes, options: CompileOptions, stopped: Callable[[], bool]) -> None:
        """Fills the folder with the compiled pipeline."""
        (folder / "config").write_bytes(data)
        (folder / "job.json").write_text(Job(options.sanitize, self.limits).to_json())
        began = time.monotonic()
        with (folder / "log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "softswitch.build.worker", str(folder), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=_environment(folder),
                start_new_session=True,
            )
        try:
            while process.poll() is None:
                if stopped():
                    raise CompilationEnded("the compilation was cancelled")
                if time.monotonic() - began > self.limits.wall_s:
                    raise TooExpensive(f"the program takes more than {self.limits.wall_s:g} s to compile")
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_S)
        finally:
            _end(process)
        self._judge(folder, process.returncode)

    def _judge(self, folder: Path, code: int) -> None:
        """Raises what the process found, unless it is done."""
        if code < 0:
            log.warning("a compilation ended by %s", signal.Signals(-code).name)
            raise TooExpensive("the program takes too much time or memory to compile")
        try:
            result = json.loads(_read(folder / "result.json", self.limits.file_bytes))
        except (OSError, ValueError):
            log.error("a compilation failed: %s", _read(folder / "log", _LOG_BYTES).decode(errors="replace"))
            raise CompilationFailed("the compilation failed; see the log of the switch") from None
        message = result["message"]
        if len(message) > _MESSAGE_CHARACTERS:
            message = f"{message[:_MESSAGE_CHARACTERS]} ..."
        if result["outcome"] == "refused":
            raise ProgramRefused(message)
        if result["outcome"] == "expensive":
            raise TooExpensive(message)
        if result["outcome"] != "done":
            log.error("a compilation failed: %s\n%s", message, result["details"])
            raise CompilationFailed(f"{message}; see the log of the switch")


def compile_config(config: DeviceConfig, *, sanitize: bool | None = None) -> CompiledPipeline:
    """Compiles a device config as a switch does that it is sent to, or finds it in the cache. Raises as
    `Compilers.compile`."""
    return Compilers().compile(config.to_bytes(), sanitize=sanitize)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    modules = os.pathsep.join(path for path in sys.path if path)
    return kept | {"TMPDIR": str(folder), "PYTHONPATH": modules, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and all that it started, for they are a session of their own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(path: Path, max_bytes: int) -> bytes:
    """A plain file that the other side wrote, as far as `max_bytes`. Raises OSError for anything else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(max_bytes)


def _copy(source: Path, target: Path, max_bytes: int) -> None:
    try:
        data = _read(source, max_bytes)
    except OSError as error:
        raise CompilationFailed(f"the compilation left no {source.name}") from error
    target.write_bytes(data)
