"""`p4c` and `p4c-bm2-ss`: compile a program to the files that `simple_switch` starts with and that clients push.

The compiled file is named as p4c names it. It holds the program's source and the description that bmv2's tools read
(softswitch.compat.bmv2_config); the switch compiles the source to machine code, or finds it in the cache if this
command ran on the same machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from p4front.own_files import write_whole
from softswitch.build.device_config import collect
from softswitch.build.isolated import compile_config
from softswitch.build.p4info_file import Format, write_p4info
from softswitch.build.runtime import runtime_library, sanitize_wanted
from softswitch.compat.bmv2_config import config_json
from softswitch.compat.flags import CommandError, Flag, Given, parse

DRIVER, COMPILER = "p4c", "p4c-bm2-ss"
INSTRUMENT = "STATE4_INSTRUMENT"
"""Environment variable: 1 adds State4's clones to the program, `map` its dirty map, `both` both."""

_P4_14 = "P4_14 is not compiled here; the original's `p4c --std p4-14 --pp new.p4 old.p4` converts a program"
_DEBUGGING = "p4c's intermediate representation does not exist here"
_DIAGNOSTICS = "this compiler has its own warnings, without classes"
_OWN_PASSES = "this compiler has passes of its own"
_PREPROCESSOR = (
    Flag(("-I",), "search a folder for includes", "FOLDER", several=True),
    Flag(("-D",), "define a macro of the preprocessor", "NAME[=VALUE]", several=True),
    Flag(("-U",), "", "NAME", several=True, no_effect="no macro is defined but those of -D"),
    Flag(("-E",), "", refused="the preprocessor's output is not shown"),
    Flag(("-M",), "", refused="make rules are not written"),
    Flag(("-MD",), "", refused="make rules are not written"),
    Flag(("-MF",), "", "FILE", refused="make rules are not written"),
    Flag(("-MG",), "", refused="make rules are not written"),
    Flag(("-MP",), "", refused="make rules are not written"),
    Flag(("-MT",), "", "TARGET", refused="make rules are not written"),
    Flag(("-MQ",), "", "TARGET", refused="make rules are not written"),
)
_FILES = (
    Flag(("--p4runtime-files",), "write P4Info; .txt and .txtpb: text, .json: JSON, .bin: binary", "FILE[,FILE]"),
    Flag(("--p4runtime-file",), "write P4Info in the format of --p4runtime-format (deprecated)", "FILE"),
    Flag(
        ("--p4runtime-format",),
        "form of --p4runtime-file",
        "FORMAT",
        choices=("binary", "json", "text"),
        default="binary",
    ),
    Flag(("--p4runtime-entries-file",), "", "FILE", refused="const entries are not written as requests"),
    Flag(("--p4runtime-entries-files",), "", "FILES", refused="const entries are not written as requests"),
)
_SHARED = (
    *_PREPROCESSOR,
    *_FILES,
    Flag(("--nocpp", "-e"), "use the source unchanged", no_effect="text without directives is the same either way"),
    Flag(("--pp",), "", "FILE", refused="the program is not printed; it is compiled from its source"),
    Flag(("--toJSON", "--toJson"), "", "FILE", refused=_DEBUGGING),
    Flag(("--fromJSON", "--fromJson"), "", "FILE", refused=_DEBUGGING),
    Flag(("--testJson",), "", refused=_DEBUGGING),
    Flag(("-T",), "", "LEVELS", several=True, no_effect=_DEBUGGING),
    Flag(("--top4",), "", "PASSES", several=True, no_effect=_DEBUGGING),
    Flag(("--dump",), "", "FOLDER", no_effect=_DEBUGGING),
    Flag(("--ndebug",), "", no_effect="the compiled program is always optimised", silent=True),
    Flag(
        ("--disable-annotations", "--disable-annotation"),
        "",
        "NAMES",
        optional="",
        refused="annotations cannot be disabled",
    ),
    Flag(("--Wdisable",), "", "NAME", optional="all", several=True, no_effect=_DIAGNOSTICS, silent=True),
    Flag(("--Winfo",), "", "NAME", optional="all", several=True, no_effect=_DIAGNOSTICS, silent=True),
    Flag(("--Wwarn",), "", "NAME", optional="all", several=True, no_effect=_DIAGNOSTICS, silent=True),
    Flag(("--Werror",), "", "NAME", optional="all", several=True, no_effect=_DIAGNOSTICS),
    Flag(("--maxErrorCount",), "", "N", number=True, no_effect="all errors are shown"),
    Flag(("--parser-inline-opt",), "", no_effect=_OWN_PASSES, silent=True),
    Flag(("--loopsUnroll",), "", no_effect=_OWN_PASSES, silent=True),
    Flag(("--doNotEmitIncludes",), "", no_effect="the program is not printed", silent=True),
    Flag(("--excludeFrontendPasses",), "", "PASSES", no_effect=_OWN_PASSES),
    Flag(("--excludeMidendPasses",), "", "PASSES", no_effect=_OWN_PASSES),
    Flag(("--excludeBackendPasses",), "", "PASSES", no_effect=_OWN_PASSES),
    Flag(("--listFrontendPasses",), "", refused=_OWN_PASSES),
    Flag(("--listMidendPasses",), "", refused=_OWN_PASSES),
    Flag(("--emit-externs",), "", no_effect="externs of other architectures are not known"),
)
_COMPILER_FLAGS = (
    *_SHARED,
    Flag(("--version",), "show the version"),
    Flag(("-o",), "the compiled file", "FILE"),
    Flag(("--std",), "language", "VERSION", choices=("p4-14", "p4-16", "14", "16"), default="p4-16"),
    Flag(("--p4v",), "language (deprecated)", "VERSION", choices=("14", "16", "1.0", "1.2"), default="16"),
    Flag(("--target",), "must be bmv2", "TARGET", default="bmv2"),
    Flag(("--arch",), "must be v1model", "ARCHITECTURE", default="v1model"),
    Flag(("-v",), "", no_effect=_DEBUGGING),
)
_DRIVER_FLAGS = (
    *_SHARED,
    Flag(("-V", "--version"), "show the version"),
    Flag(("-o", "--output"), "the folder of the compiled file (made if it is missing)", "FOLDER", default="."),
    Flag(("-x", "--std"), "language", "VERSION", choices=("p4-14", "p4_14", "p4-16", "p4_16"), default="p4-16"),
    Flag(("-b", "--target"), "must be bmv2", "TARGET", default="bmv2"),
    Flag(("-a", "--arch"), "must be v1model", "ARCHITECTURE", default="v1model"),
    Flag(("-c", "--compile"), "preprocess and compile", no_effect="that is what is done", silent=True),
    Flag(("-S",), "", no_effect="there is no assembler", silent=True),
    Flag(("-g",), "", no_effect="the switch traces any program (--log-console)", silent=True),
    Flag(("-v", "--debug"), "", no_effect=_DEBUGGING),
    Flag(("-###", "--test-only"), "", refused="no other commands are run"),
    Flag(("-Xpreprocessor",), "", "ARG", several=True, refused="give the option itself: -I or -D"),
    Flag(("-Xp4c",), "", "ARG", several=True, refused="give the option itself"),
    Flag(("-Xassembler",), "", "ARG", several=True, no_effect="there is no assembler"),
    Flag(("-Xlinker",), "", "ARG", several=True, no_effect="there is no linker"),
    Flag(("--help-pragmas", "--help-annotations"), "", refused="see the language's specification"),
    Flag(("--help-targets", "--target-help"), "list the targets"),
)
FLAGS = {DRIVER: _DRIVER_FLAGS, COMPILER: _COMPILER_FLAGS}
_SUFFIXES: dict[str, Format] = {".txt": "text", ".txtpb": "text", ".json": "json", ".bin": "binary"}


@dataclass(frozen=True)
class Compilation:
    """What a command line requests. `output` None: nothing is written. `track`: how State4 tracks updates; None: the
    program is compiled unchanged."""

    source: Path
    output: Path | None
    p4info: tuple[tuple[Path, Format], ...]
    include_dirs: tuple[Path, ...]
    defines: tuple[str, ...]
    track: str | None


def run(command: str, words: Sequence[str], environment: Mapping[str, str], version: str) -> int:
    """Runs the command. Raises P4Error for an invalid program, CommandError, SwitchError, OSError."""
    given = _parse(command, words)
    for note in given.notes:
        print(f"{command}: note: {note}", file=sys.stderr)
    if given.values.version:
        print(f"{command} {version} (softswitch)")
    elif getattr(given.values, "help_targets", False):
        print("bmv2, v1model")
    else:
        compile_files(compilation(command, given, environment))
    return 0


def _parse(command: str, words: Sequence[str]) -> Given:
    usage = f"{command} [options] PROGRAM.p4"
    return parse(command, "Compiles a P4_16 program of v1model for softswitch.", FLAGS[command], words, usage)


def compilation(command: str, given: Given, environment: Mapping[str, str]) -> Compilation:
    """The compilation that a command line requests. Raises CommandError."""
    values = given.values
    if len(given.words) != 1:
        raise CommandError(
            f"one program is compiled at a time, not {' and '.join(given.words)}: give one source file"
            if given.words
            else "no program given: name a P4 source file"
        )
    if "14" in values.std or getattr(values, "p4v", "16") in ("14", "1.0"):
        raise CommandError(_P4_14)
    if values.target not in ("bmv2", "simple_switch") or values.arch != "v1model":
        raise CommandError(f"only target bmv2 with v1model is supported, not {values.target} with {values.arch}")
    source = Path(given.words[0])
    infos = [(Path(name), _format_of(name)) for name in (values.p4runtime_files or "").split(",") if name]
    if values.p4runtime_file:
        infos.append((Path(values.p4runtime_file), values.p4runtime_format))
    output = _driver_output(values.output, source) if command == DRIVER else values.o and Path(values.o)
    folders = tuple(Path(folder) for folder in values.I)
    track = _track(environment.get(INSTRUMENT, ""))
    return Compilation(source, output or None, tuple(infos), folders, tuple(values.D), track)


def _driver_output(given: str, source: Path) -> Path:
    folder = Path(given)
    return folder if folder.suffix == ".json" and not folder.is_dir() else folder / f"{source.stem}.json"


def _format_of(name: str) -> Format:
    suffix = Path(name).suffix
    if suffix not in _SUFFIXES:
        raise CommandError(f"--p4runtime-files: {name}: unknown suffix, expected one of {', '.join(_SUFFIXES)}")
    return _SUFFIXES[suffix]


def _track(wanted: str) -> str | None:
    tracks = {"": None, "0": None, "1": "clones", "clones": "clones", "map": "map", "both": "both"}
    if wanted not in tracks:
        raise CommandError(f"{INSTRUMENT}={wanted}: expected 1, map or both")
    return tracks[wanted]


def compile_files(wanted: Compilation) -> None:
    """Raises P4Error, SwitchError, OSError."""
    from p4front.load import load_program  # no other command of `softswitch` needs the front end

    with _instrumented(wanted) as (source, folders, defines):
        program = load_program(source, include_dirs=folders, defines=defines)  # locates errors in the original files
        sys.stderr.write("".join(f"{warning.render()}\n" for warning in program.warnings))
        config = collect(source, include_dirs=folders, defines=defines)
        compiled = compile_config(config)
        # in advance: scripts wait only a few seconds for a switch to start
        runtime_library(sanitize_wanted())
    if wanted.output is not None:
        wanted.output.parent.mkdir(parents=True, exist_ok=True)
        write_whole(wanted.output, config_json(compiled.info, config).encode())
    for path, form in wanted.p4info:
        write_p4info(path, compiled.p4info, form)


@contextmanager
def _instrumented(wanted: Compilation) -> Iterator[tuple[Path, tuple[Path, ...], tuple[str, ...]]]:
    """The source to compile, with its include folders and macros: the program itself, or instrumented by State4."""
    if wanted.track is None:
        yield wanted.source, wanted.include_dirs, wanted.defines
        return
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / wanted.source.name
        command = [sys.executable, "-m", "state4", "instrument", str(wanted.source), "-o", str(text)]
        command += [
            "--track",
            wanted.track,
            *(f"-I{d}" for d in wanted.include_dirs),
            *(f"-D{d}" for d in wanted.defines),
        ]
        modules = os.pathsep.join(path for path in sys.path if path)
        done = subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": modules}, check=False)
        if done.returncode:
            raise CommandError(f"{INSTRUMENT}: the program was not instrumented")
        yield text, (), wanted.defines
