"""P4 source to a shared object, cached by content.

The cache key of a program is the text of every file that was read, our own front end, code generator and headers, the
compiler and its flags: a changed comment in an include recompiles, a second start of the same program costs
milliseconds, and loads neither the front end nor the code generator.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from finsy.proto import p4i

import p4front
import softswitch
from p4front.own_files import replacing
from softswitch.build.cache import cache_folder, cached_directory, content_key
from softswitch.build.cc import (
    INTERFACE_DIR,
    SANITIZE_FLAGS,
    build_with_stack_usage,
    check_syntax,
    compiler_key,
)
from softswitch.build.model_json import from_json, to_json
from softswitch.build.runtime import sanitize_wanted
from softswitch.model import PipelineInfo

if TYPE_CHECKING:
    from p4front.program import Program
    from softswitch.codegen import Generated

STACK_FLAGS = ("-fstack-usage", "-fno-ipa-icf")
"""What `softswitch.build.stack` needs. The second keeps the compiler from making one function of two equal ones, whose
name would be missing."""
_OPTIMISE = ("-O2", "-w", *STACK_FLAGS)


@dataclass(frozen=True)
class CompileOptions:
    """`include_dirs` and `defines` are those of the preprocessor; `sanitize` builds with the address and
    undefined-behaviour sanitizers, which the runtime must have been built with, too (default: STATE4_SANITIZE)."""

    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    sanitize: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        return ("-O1", "-w", *SANITIZE_FLAGS, *STACK_FLAGS) if self.sanitize else _OPTIMISE


@dataclass(frozen=True)
class CompiledPipeline:
    """A program in the cache. `key` names its content; `so_path` is the shared object, `c_path` its source."""

    name: str
    key: str
    folder: Path
    info: PipelineInfo

    @property
    def so_path(self) -> Path:
        return self.folder / "pipeline.so"

    @property
    def c_path(self) -> Path:
        return self.folder / "pipeline.c"

    @functools.cached_property
    def warnings(self) -> str:
        """What is odd about the program, with places, as the first compilation saw them; "" if nothing is."""
        return (self.folder / "warnings.txt").read_text(encoding="utf-8")

    @functools.cached_property
    def p4info(self) -> p4i.P4Info:
        message = p4i.P4Info()
        message.ParseFromString((self.folder / "p4info.bin").read_bytes())
        return message


def compile_program(
    path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = (), sanitize: bool | None = None
) -> CompiledPipeline:
    """Compiles a P4_16 v1model program, or finds it in the cache.

    Raises P4Error (every located error) for a program that is wrong or beyond our limits, OSError if it cannot be read,
    CompilerNotFound without a C compiler.
    """
    options = CompileOptions(tuple(include_dirs), tuple(defines), sanitize_wanted() if sanitize is None else sanitize)
    return _compile(path.read_bytes(), path, None, options)


def compile_text(
    text: str,
    name: str = "<text>",
    *,
    include_dirs: Sequence[Path] = (),
    defines: Sequence[str] = (),
    sanitize: bool | None = None,
) -> CompiledPipeline:
    """The same for a program's text; `name` stands for the file in messages and is where `#include "..."` starts."""
    options = CompileOptions(tuple(include_dirs), tuple(defines), sanitize_wanted() if sanitize is None else sanitize)
    return _compile(text.encode(), Path(name), text, options)


def syntax_check(generated: Generated) -> None:
    """Lets the C compiler parse generated code. Raises CompilerFailed."""
    with TemporaryDirectory() as folder:
        source = Path(folder) / "pipeline.c"
        source.write_text(generated.c_source, encoding="utf-8", errors="surrogateescape")
        check_syntax(source)


def _compile(content: bytes, path: Path, text: str | None, options: CompileOptions) -> CompiledPipeline:
    tools = tools_key(options)
    request = content_key(
        tools, content, str(path.absolute()), *(str(d.absolute()) for d in options.include_dirs), "-D", *options.defines
    )
    known = _known_request(request)
    if known is not None:
        return known
    from p4front.load import load_program, load_text

    if text is None:
        program = load_program(path, include_dirs=options.include_dirs, defines=options.defines)
    else:
        program = load_text(text, str(path), include_dirs=options.include_dirs, defines=options.defines)
    compiled = _build(program, tools, options)
    _remember_request(request, compiled.key, program, path)
    return compiled


def _build(program: Program, tools: str, options: CompileOptions) -> CompiledPipeline:
    texts = [part for file in program.files for part in (Path(file.path).name, file.text)]
    key = content_key(tools, *texts, *options.defines)

    def build(folder: Path) -> None:
        write_pipeline(folder, program, options)

    return open_pipeline(key, cached_directory("pipelines", key, build))


FILES = ("pipeline.c", "info.json", "warnings.txt", "p4info.bin", "pipeline.so")
"""What a compiled pipeline's folder holds."""


def write_pipeline(folder: Path, program: Program, options: CompileOptions) -> None:
    """Fills a folder with `FILES`. Raises P4Error, CompilerNotFound, CompilerFailed."""
    from p4front.p4info import build_p4info
    from softswitch.build.stack import check_stack
    from softswitch.codegen import generate

    generated = generate(program)
    (folder / "pipeline.c").write_text(generated.c_source, encoding="utf-8", errors="surrogateescape")
    (folder / "info.json").write_text(to_json(generated.info), encoding="utf-8")
    found = (*program.warnings, *generated.warnings)
    (folder / "warnings.txt").write_text(
        "".join(f"{warning.render()}\n" for warning in found), encoding="utf-8", errors="backslashreplace"
    )
    (folder / "p4info.bin").write_bytes(build_p4info(program).SerializeToString(deterministic=True))
    usage = build_with_stack_usage(folder / "pipeline.c", folder / "pipeline.so", flags=options.flags)
    check_stack(program, generated.c_source, usage)


def open_pipeline(key: str, folder: Path) -> CompiledPipeline:
    """A compiled pipeline from its folder."""
    info = from_json((folder / "info.json").read_text(encoding="utf-8"))
    return CompiledPipeline(info.name, key, folder, info)


def tools_key(options: CompileOptions) -> str:
    """Changes with everything of ours that decides what a program becomes. Raises CompilerNotFound."""
    return content_key(_own_code(), compiler_key(options.flags))


# A request (one file with its options) is remembered with the files that it read and their content, so that a warm
# start need not parse anything.


def _known_request(request: str) -> CompiledPipeline | None:
    path = cache_folder("requests") / f"{request}.json"
    try:
        known = json.loads(path.read_text())
        if any(content_key(Path(file).read_bytes()) != key for file, key in known["files"].items()):
            return None
        folder = cache_folder("pipelines") / known["key"]
        return open_pipeline(known["key"], folder) if folder.is_dir() else None
    except (OSError, ValueError, KeyError):
        return None


def _remember_request(request: str, key: str, program: Program, path: Path) -> None:
    files = {
        str(Path(file.path).absolute()): content_key(file.text)
        for file in program.files
        if Path(file.path).exists() and Path(file.path) != path
    }
    with replacing(cache_folder("requests") / f"{request}.json") as part:
        part.write_text(json.dumps({"key": key, "files": files}), encoding="utf-8")


@functools.lru_cache
def _own_code() -> str:
    """A key of everything of ours that decides what is generated."""
    front_end, switch = Path(p4front.__file__).parent, Path(softswitch.__file__).parent
    own = [*front_end.rglob("*.py"), *(front_end / "include").glob("*.p4"), *INTERFACE_DIR.glob("*.h")]
    own += [switch / "model.py"]
    own += [file for room in ("build", "codegen") for file in (switch / room).rglob("*.py")]
    roots = (front_end.parent, switch.parent)
    named = {next(file.relative_to(r).as_posix() for r in roots if file.is_relative_to(r)): file for file in own}
    messages = [f"{name} {version(name)}" for name in ("finsy", "protobuf")]  # which P4Info consists of
    return content_key(*messages, *(part for name, file in sorted(named.items()) for part in (name, file.read_bytes())))
