"""What a sandboxed compiler process can still do. Each test asks a process of its own."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from pathlib import Path
from softswitch.build import sandbox
folder = Path(sys.argv[1])
{code}
"""


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT.format(code=code), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def has_landlock() -> bool:
    return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) > 0


@pytest.mark.skipif(not has_landlock(), reason="needs Landlock")
def test_only_the_named_folders_can_be_opened(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "mine" / "link").symlink_to(tmp_path / "secret")
    code = """
assert sandbox.confine([*sandbox.SYSTEM_FOLDERS, *sys.path[1:]], [folder / "mine", "/dev/null"])
(folder / "mine" / "made").write_text("made")
os.mkdir(folder / "mine" / "sub")
open("/dev/null", "w").write("x")
for name in ("secret", "mine/link", "mine/../secret"):
    try:
        print(open(folder / name).read())
    except PermissionError:
        print("refused")
new, secret = folder / "new", folder / "secret"
for action in (lambda: new.write_text(""), lambda: os.listdir("/etc"), lambda: os.unlink(secret)):
    try:
        action()
        print("done")
    except PermissionError:
        print("refused")
import subprocess
print(subprocess.run(["/bin/sh", "-c", f"cat {folder}/secret; echo $?"], capture_output=True, text=True).stdout.strip())
"""
    done = run(tmp_path, code)
    assert done.stdout.split() == ["refused"] * 6 + ["1"], done.stderr
    assert (tmp_path / "mine" / "made").exists()


def test_memory_is_bounded(tmp_path: Path) -> None:
    code = """
sandbox.limit(sandbox.Limits(memory_bytes=256 << 20))
try:
    bytearray(1 << 30)
except MemoryError:
    print("refused")
"""
    assert run(tmp_path, code).stdout == "refused\n"


def test_files_are_bounded(tmp_path: Path) -> None:
    code = """
sandbox.limit(sandbox.Limits(file_bytes=1000))
try:
    (folder / "big").write_bytes(bytes(2000))
except OSError as error:
    print(error.strerror)
"""
    assert run(tmp_path, code).stdout == "File too large\n"
    assert (tmp_path / "big").stat().st_size <= 1000


def test_time_is_bounded_also_of_children(tmp_path: Path) -> None:
    code = """
sandbox.limit(sandbox.Limits(cpu_s=1))
sandbox.separate()
pid = os.fork()
while True:
    pass
"""
    assert run(tmp_path, code).returncode == -9


def test_all_processes_end_with_the_one_that_waits(tmp_path: Path) -> None:
    """Including the child of a child, which has left the session."""
    code = """
separate = sandbox.separate()
print(separate, flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        (folder / "alive").touch()
        while True:
            time.sleep(0.01)
            os.utime(folder / "alive")
time.sleep(100)
"""
    command = [sys.executable, "-c", SCRIPT.format(code=code), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "True\n":
        process.kill()
        process.communicate()
        pytest.skip("needs PID namespaces")
    while not (tmp_path / "alive").exists():
        assert process.poll() is None
    process.kill()
    assert process.stdout.read() == ""  # all that hold the pipe are gone
    process.communicate()


def test_a_parent_that_is_gone_ends_it(tmp_path: Path) -> None:
    assert run(tmp_path, f"sandbox.end_with({os.getpid()})\nprint('on')").stdout == "on\n"
    gone = run(tmp_path, "sandbox.end_with(1 << 22)\nprint('on')")
    assert (gone.stdout, gone.returncode) == ("", 1)
