"""Which Python runs `python -m <package of ours>`: the checkout's `.venv`, whatever the current folder.

Packages call `prepare(__name__)` from their `__init__`, the first code of ours that runs. It stands here because all
of them may import p4front, and it needs nothing but the standard library: another interpreter may have nothing else.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
"""The checkout, or site-packages where we are installed."""

EXIT_ERROR = 2
_MARK = "STATE4_INTERPRETER"  # the .venv that was entered: a broken one is not entered twice


def prepare(package: str) -> None:
    """Continues in `.venv` if `python -m <package>...` was typed with a Python in which State4 is not installed.

    From then on a missing package is one line and exit code 2, and Ctrl-C ends the command without a trace of Python.
    Does nothing where `package` is imported by others.
    """
    if Path(sys.argv[0] if sys.argv else "").name == package and sys.argv[0] != "-m":  # an installed command
        _as_command()
    if sys.argv[:1] != ["-m"]:  # what it is until runpy has found the module
        return
    if sys.version_info < (3, 10):  # noqa: UP036  (old versions must be told)
        print(
            f"error: State4 needs Python 3.10 or later; {sys.executable} is {sys.version.split()[0]}", file=sys.stderr
        )
        raise SystemExit(EXIT_ERROR)
    module = _module(sys.orig_argv, sys.argv[1:])
    if module.partition(".")[0] != package:
        return
    venv = ROOT / ".venv"
    python = venv / "bin" / "python"
    if python.exists() and not _is_prefix(venv) and not _is_installed() and os.environ.get(_MARK) != str(venv):
        os.environ[_MARK] = str(venv)
        os.execv(python, [str(python), "-m", module, *sys.argv[1:]])
    _as_command()


def _as_command() -> None:
    sys.excepthook = _one_line
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # where the locale has no such character, its number is shown
            stream.reconfigure(errors="backslashreplace")


def no_such_character(error: UnicodeEncodeError) -> str:
    """What to do about a name that cannot be written in the locale's encoding, in one line."""
    return f"{error.object!a}: the encoding of this locale, {error.encoding}, has no such character: set LC_ALL=C.UTF-8"


def missing_package(name: str) -> str:
    """What to do about a module that cannot be imported, in one line."""
    if name == "mininet":
        return "Mininet is missing: `make net-packages` installs it, as root"
    if not (ROOT / "Makefile").exists():
        return f"the Python package {name} is missing in {sys.prefix}: pip install state4"
    if (ROOT / ".venv" / "bin" / "python").exists() and not _is_prefix(ROOT / ".venv"):
        return f"the Python package {name} is missing in {sys.prefix}: use .venv/bin/python"
    return f"the Python package {name} is missing: `make venv` installs everything into .venv"


def _module(words: list[str], arguments: list[str]) -> str:
    """The module of a command line that ends with `-m MODULE *arguments`, or `-uMODULE` with more letters in front."""
    word = words[len(words) - len(arguments) - 1]
    return word.partition("m")[2] if word.startswith("-") else word


def _is_prefix(venv: Path) -> bool:
    return Path(sys.prefix).resolve() == venv.resolve()


def _is_installed() -> bool:
    """Whether State4 was installed for this interpreter; not what a build leaves in the checkout."""
    import importlib.metadata  # missing in Python 3.7, which was rejected above

    path = [entry for entry in sys.path if Path(entry).resolve() != ROOT]
    return any(True for _ in importlib.metadata.distributions(name="state4", path=path))


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """After it Python ends a command that Ctrl-C interrupted with exit code 130, as shells expect."""
    if isinstance(error, KeyboardInterrupt):
        return
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if name is None or (ROOT / name.partition(".")[0]).is_dir():
        sys.__excepthook__(kind, error, trace)
        return
    print(f"error: {missing_package(name.partition('.')[0])}", file=sys.stderr)
    raise SystemExit(EXIT_ERROR)
