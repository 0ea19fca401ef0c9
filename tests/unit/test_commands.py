"""Commands that are interrupted during start-up, in a locale without the characters, or without a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doc_examples import ROOT

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
PROGRAM = """#include <core.p4>
#include <v1model.p4>
struct h_t {}
struct m_t {}
parser P(packet_in p, out h_t h, inout m_t m, inout standard_metadata_t s) { state start { transition accept; } }
control V(inout h_t h, inout m_t m) { apply {} }
control I(inout h_t h, inout m_t m, inout standard_metadata_t s) {
    register<bit<8>>(4) größe;
    apply {}
}
control E(inout h_t h, inout m_t m, inout standard_metadata_t s) { apply {} }
control C(inout h_t h, inout m_t m) { apply {} }
control D(packet_out p, in h_t h) { apply {} }
V1Switch(P(), V(), I(), E(), C(), D()) main;
"""


def run(*words: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, env=variables, timeout=100, check=False)


@pytest.mark.parametrize("package", ["softswitch", "state4"])
def test_ctrl_c_while_modules_are_imported_ends_without_a_trace(tmp_path: Path, package: str) -> None:
    (tmp_path / "finsy.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = run(package, "--help", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert done.returncode == -signal.SIGINT  # 130 to a shell
    assert (done.stdout, done.stderr) == (b"", b"")


def test_ctrl_c_ends_an_installed_command_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "finsy.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    command = tmp_path / "state4"
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom state4.cli.main import main\nsys.exit(main())\n")
    command.chmod(0o755)
    variables = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run([str(command), "--help"], capture_output=True, env=variables, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


@pytest.mark.parametrize("name", ["größe.p4".encode(), "größe.p4".encode("latin-1")])
@pytest.mark.parametrize("locale", [ASCII, {}])
def test_any_file_name_and_any_text_can_be_read_and_printed(
    tmp_path: Path, name: bytes, locale: dict[str, str]
) -> None:
    file = os.fsencode(tmp_path) + b"/" + name
    with open(file, "w", encoding="utf-8") as program:
        program.write(PROGRAM.replace("größe", "// größe\n    r"))
    analysed = run("state4", "analyse", file, **locale)
    assert (analysed.returncode, analysed.stderr) == (0, b"")
    compiled = run("softswitch", "compile", file, "-o", str(tmp_path / "config"), **locale)
    assert (compiled.returncode, compiled.stderr) == (0, b"")


@pytest.mark.parametrize("locale", [ASCII, {}])
def test_an_error_shows_characters_that_the_locale_does_not_have_by_their_numbers(
    tmp_path: Path, locale: dict[str, str]
) -> None:
    file = tmp_path / "p.p4"
    file.write_text(PROGRAM, encoding="utf-8")
    done = run("state4", "analyse", str(file), **locale)
    assert done.returncode == 2
    assert b"p.p4:8:27: error" in done.stderr and b"Traceback" not in done.stderr


def test_what_is_not_in_a_terminal_begins_with_what_there_is_to_say() -> None:
    show = "from experiments.harness.progress import display, working\nwith display(1.0), working('x'): print('said')"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, cwd=ROOT, timeout=100, check=False)
    assert (done.stdout, done.stderr) == (b"said\n", b"")
