"""The system's C compiler: found, versioned, run, with errors that say what to install."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from softswitch.build.cache import content_key
from softswitch.errors import SwitchError

RUNTIME_DIR = Path(__file__).parents[1] / "runtime"
INTERFACE_DIR = RUNTIME_DIR / "include"
"""What generated code includes, and what the runtime offers to its controller."""
SANITIZE_FLAGS = ("-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined", "-g")

_FLAGS = ("-std=gnu11", "-fPIC", "-shared", "-fno-strict-aliasing", "-fwrapv")
_ENVIRONMENT = ("CPATH", "C_INCLUDE_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LIBRARY_PATH", "SOURCE_DATE_EPOCH")
"""Environment variables read by gcc and clang."""


class CompilerNotFound(SwitchError):
    """No C compiler on PATH."""


class CompilerFailed(SwitchError):
    """The C compiler refused what we generated: a defect of ours. `stderr` is what it said."""

    def __init__(self, message: str, stderr: str) -> None:
        super().__init__(f"{message}\n{stderr}")
        self.stderr = stderr


def find_compiler() -> str:
    """Path of the C compiler: `$CC` or the first of cc, gcc, clang on PATH. Raises CompilerNotFound."""
    wanted = os.environ.get("CC")
    for name in (wanted,) if wanted else ("cc", "gcc", "clang"):
        path = shutil.which(name)
        if path:
            return path
    what = f"$CC names {wanted}, which is" if wanted else "cc, gcc and clang are"
    raise CompilerNotFound(f"no C compiler: {what} not on PATH; install one (apt-get install gcc libc6-dev)")


@functools.lru_cache
def _version(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, errors="replace", check=False)
    return done.stdout


def compiler_key(flags: Sequence[str]) -> str:
    """Changes with everything but the sources that decides what `build_shared_object` makes: the compiler and its
    version, the flags, the environment that it looks at, and the processor where it compiles for this one alone.

    Raises CompilerNotFound.
    """
    compiler = find_compiler()
    environment = [f"{name}={os.environ[name]}" for name in _ENVIRONMENT if name in os.environ]
    processor = [_processor()] if any(flag in ("-march=native", "-mcpu=native") for flag in flags) else []
    return content_key(os.path.realpath(compiler), _version(compiler), *_FLAGS, *flags, "--", *environment, *processor)


@functools.lru_cache
def _processor() -> str:
    """The processor's features, as reported by Linux."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    known = [line for line in lines if line.startswith(("vendor_id", "model", "flags", "Features", "CPU "))]
    return "\n".join(sorted(set(known)))


def build_shared_object(sources: Sequence[Path], output: Path, *, flags: Sequence[str] = ()) -> None:
    """Compiles C sources to one shared object. Raises CompilerNotFound or CompilerFailed."""
    command = [find_compiler(), *_FLAGS, *flags]
    command += [f"-I{INTERFACE_DIR}", *map(str, sources), "-o", str(output)]
    with tempfile.TemporaryDirectory(prefix=".cc-", dir=output.parent) as folder:
        _run(command, f"the C compiler failed on {sources[0].name}", folder)


def build_with_stack_usage(source: Path, output: Path, *, flags: Sequence[str] = ()) -> str:
    """Compiles one C source to a shared object, and returns what the compiler wrote for `-fstack-usage`, one of
    `flags`. Raises as `build_shared_object`, and OSError if the compiler wrote nothing.

    In two steps: only the name of the file next to an object is the same for all versions of gcc and clang."""
    what = f"the C compiler failed on {source.name}"
    with tempfile.TemporaryDirectory(prefix=".cc-", dir=output.parent) as folder:
        compiled = Path(folder) / "unit.o"
        _run(
            [find_compiler(), *_FLAGS, *flags, f"-I{INTERFACE_DIR}", "-c", str(source), "-o", str(compiled)],
            what,
            folder,
        )
        _run([find_compiler(), *_FLAGS, *flags, str(compiled), "-o", str(output)], what, folder)
        return compiled.with_suffix(".su").read_text(encoding="utf-8", errors="replace")


def check_syntax(source: Path) -> None:
    """Only parses and type-checks a C source. Raises as `build_shared_object`."""
    command = [find_compiler(), "-std=gnu11", "-fsyntax-only", "-w", f"-I{INTERFACE_DIR}", str(source)]
    _run(command, f"the C compiler failed on {source.name}", tempfile.gettempdir())


def stay_in_session() -> None:
    """From here on the compiler runs in this process's own session, which another process terminates."""
    global _own_session
    _own_session = False


_own_session = True


def _run(command: list[str], what: str, folder: str) -> None:
    """`folder`: for the compiler's intermediate files, which it leaves behind when it is killed."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=_own_session,
        env={**os.environ, "TMPDIR": folder},
    ) as process:
        try:
            _, errors = process.communicate()
        except BaseException:  # Ctrl-C, the end of a switch: what the compiler started ends as well
            if _own_session:
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            raise
    if process.returncode != 0:
        raise CompilerFailed(what, errors[-8000:])
