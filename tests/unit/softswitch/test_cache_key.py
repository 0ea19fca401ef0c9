"""The keys of the cache change with everything that affects a shared object, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.build import cc, program, runtime
from softswitch.build.cc import SANITIZE_FLAGS, compiler_key, find_compiler
from softswitch.build.program import CompileOptions, compile_text, tools_key
from softswitch.build.runtime import runtime_key

Change = Callable[[pytest.MonkeyPatch, Path], None]


def another_compiler(patch: pytest.MonkeyPatch, folder: Path) -> None:
    script = folder / "other-cc"
    script.write_text(f'#!/bin/sh\nexec {find_compiler()} "$@"\n')
    script.chmod(0o755)
    patch.setenv("CC", str(script))


def another_version(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(cc, "_version", lambda _: "cc 99.1\n")


def another_common_flag(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(cc, "_FLAGS", (*cc._FLAGS, "-fno-plt"))


def environment(name: str) -> Change:
    return lambda patch, folder: patch.setenv(name, str(folder))


@pytest.mark.parametrize(
    "change",
    [another_compiler, another_version, another_common_flag]
    + [environment(name) for name in ("CPATH", "C_INCLUDE_PATH", "COMPILER_PATH", "LIBRARY_PATH")],
)
def test_the_compiler_and_what_it_looks_at(change: Change, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options = CompileOptions()
    before = (tools_key(options), runtime_key(False))
    assert (tools_key(options), runtime_key(False)) == before
    change(monkeypatch, tmp_path)
    after = (tools_key(options), runtime_key(False))
    assert after[0] != before[0] and after[1] != before[1]


def test_environment_that_no_compiler_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = (tools_key(CompileOptions()), runtime_key(False))
    monkeypatch.setenv("STATE4_UNRELATED", "1")
    assert (tools_key(CompileOptions()), runtime_key(False)) == before


def test_sanitizers_and_flags() -> None:
    assert tools_key(CompileOptions()) != tools_key(CompileOptions(sanitize=True))
    assert runtime_key(False) != runtime_key(True)
    assert compiler_key(("-O2",)) != compiler_key(("-O2", *SANITIZE_FLAGS))


def test_the_processor_counts_only_for_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, native = compiler_key(("-O2",)), compiler_key(("-O2", "-march=native"))
    assert cc._processor()
    monkeypatch.setattr(cc, "_processor", lambda: "another one")
    assert compiler_key(("-O2",)) == plain
    assert compiler_key(("-O2", "-march=native")) != native


@pytest.mark.parametrize("name", ["model.py", "build/cc.py", "codegen/generator.py", "runtime/include/pipeline.h"])
def test_code_of_our_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tools_key(CompileOptions())
    changed = Path(program.softswitch.__file__).parent / name
    assert changed.is_file()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + (b"\n" if path == changed else b""))
    program._own_code.cache_clear()
    try:
        assert tools_key(CompileOptions()) != before
    finally:
        monkeypatch.undo()
        program._own_code.cache_clear()
    assert tools_key(CompileOptions()) == before


def test_moved_runtime_code_is_built_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same text under another path may be included by a different file."""
    keys = []
    for folder in ("core", "ports"):
        root = tmp_path / folder
        (root / folder).mkdir(parents=True)
        (root / folder / "limits.h").write_text("#define LIMIT 1\n")
        monkeypatch.setattr(runtime, "RUNTIME_DIR", root)
        keys.append(runtime_key(False))
    assert keys[0] != keys[1]


def test_defines_and_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STATE4_CACHE", str(tmp_path))
    monkeypatch.setattr(program, "write_pipeline", lambda folder, *_: (folder / "made").touch())
    monkeypatch.setattr(program, "open_pipeline", lambda key, folder: _Found(key))
    text = "#include <core.p4>\nconst bit<8> a = X;\n"
    keys = {compile_text(text, defines=[f"X={x}"]).key for x in (1, 2)}
    keys.add(compile_text(text + "// a word\n", defines=["X=1"]).key)
    assert len(keys) == 3


class _Found:
    def __init__(self, key: str) -> None:
        self.key = key
