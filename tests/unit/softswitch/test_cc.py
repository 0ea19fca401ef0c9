"""The C compiler as the switch starts it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from softswitch.build import cc


def test_a_killed_compiler_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gcc cannot remove its intermediate files when it is killed, e.g. by Ctrl-C or at the end of a switch."""
    compiler = tmp_path / "cc"
    compiler.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && exit\ntouch "$TMPDIR/ccLEFT.s"\necho "$TMPDIR" > "$CC_SEEN"\nkill -9 $$\n'
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setenv("CC_SEEN", str(tmp_path / "seen"))
    source, folder = tmp_path / "a.c", tmp_path / "built"
    source.write_text("int a;\n")
    folder.mkdir()
    with pytest.raises(cc.CompilerFailed):
        cc.build_shared_object([source], folder / "a.so")
    assert Path((tmp_path / "seen").read_text().strip()).parent == folder
    assert list(folder.iterdir()) == []


def test_a_source_is_compiled(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text("int answer(void) { return 42; }\n")
    cc.build_shared_object([source], tmp_path / "a.so")
    symbols = subprocess.run(("nm", "-D", tmp_path / "a.so"), capture_output=True, text=True, check=True).stdout
    assert " T answer" in symbols
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.c", "a.so"]
