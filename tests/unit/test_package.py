"""The result of `pip install .`: three packages with all they need, and the commands in an empty folder."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.doc_examples import ROOT
from tests.venvs import environment, make_venv, run

pytestmark = pytest.mark.long

pytest.importorskip("setuptools", minversion="77.0.3", reason="older versions cannot build the wheel")

PACKAGES = ("p4front", "softswitch", "state4")
NOT_PACKED = {".md", ".pyc"}

# What no bare installation has: imported in spite of that, it would be missing.
HIDE = """
import sys

class Hidden:
    names = {"PIL", "bm_runtime", "matplotlib", "mininet", "pandas", "psutil", "pyarrow", "pytest", "scapy",
             "setuptools", "sswitch_runtime", "thrift"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that it leaves nothing here and uses nothing from an earlier build."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "experiments", "nfs", "topologies"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    done = run(sys.executable, "-m", "pip", "wheel", *options, source, cwd=folder)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands' folder of a fresh virtual environment with the wheel and its dependencies, and nothing else."""
    venv = tmp_path_factory.mktemp("venv")
    python = make_venv(venv, packages=True)
    options = ("--quiet", "--no-deps", "--no-index", "--ignore-installed")
    done = run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=venv)
    assert done.returncode == 0, done.stderr
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "hide.py").write_text(HIDE)
    (site / "hide.pth").write_text("import hide\n")
    return venv / "bin"


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"STATE4_CACHE": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with two user programs."""
    for name in ("old.p4", "new.p4"):
        shutil.copy(ROOT / "examples" / "byte_quota.p4", tmp_path / name)
    return tmp_path


def test_the_wheel_holds_every_file_of_three_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    found = {name for name in names if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in found} == set(PACKAGES)
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    wanted = {str(path.relative_to(ROOT)) for path in files if path.suffix not in NOT_PACKED}
    assert found == wanted
    assert {f"{name}/py.typed" for name in PACKAGES} <= found
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_metadata_tells_the_extras_apart(installed: Path) -> None:
    (site,) = installed.parent.glob("lib/python*/site-packages")
    (distribution,) = importlib.metadata.distributions(name="state4", path=[str(site)])
    requirements = [line.split(";") for line in distribution.requires or []]
    bare = {re.split(r"[<>=]", name)[0] for name, *marker in requirements if "extra" not in "".join(marker)}
    assert bare == {"finsy", "grpcio", "protobuf", "numpy", "rich", "tomli"}
    extras = distribution.metadata.get_all("Provides-Extra")
    assert extras is not None and set(extras) == {"bmv2", "experiments", "cluster", "dev", "mutants"}
    assert distribution.metadata["License-Expression"] == "Apache-2.0"


def test_our_other_folders_are_not_importable(installed: Path, empty: Path) -> None:
    for name in ("experiments", "nfs", "topologies", "plots", "conformance", "tests"):
        assert run(installed / "python", "-c", f"import {name}", cwd=empty).returncode == 1


def test_commands_on_programs(installed: Path, empty: Path, variables: dict[str, str]) -> None:
    def command(*words: str) -> str:
        done = run(installed / words[0], *words[1:], cwd=empty, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    command("softswitch", "compile", "old.p4", "-o", "old.config", "--p4info", "old.txt", "--emit-c", "old.c")
    assert all((empty / name).stat().st_size for name in ("old.config", "old.txt", "old.c"))
    assert "MyIngress.used" in command("state4", "analyse", "old.p4")
    command("state4", "instrument", "old.p4", "-o", "cloning.p4")
    assert "MyIngress.used" in command("state4", "analyse", "cloning.p4")
    assert "carried" in command("state4", "plan", "old.p4", "new.p4")
    assert "--grpc-server-addr" in command("softswitch", "run", "--help")


@pytest.mark.timeout(500)  # the wheel's C runtime is compiled, which the usual cache cannot have
def test_a_switch_and_a_change_of_its_program(installed: Path, empty: Path, variables: dict[str, str]) -> None:
    address, ready = f"unix:{empty}/switch.sock", empty / "ready"
    argv = [installed / "softswitch", "run", "old.p4", "--grpc-server-addr", address, "--ready-file", ready]
    with subprocess.Popen(argv, cwd=empty, env=environment(**variables), stderr=subprocess.PIPE) as switch:
        try:
            while not ready.exists():
                assert switch.poll() is None, switch.communicate()
                time.sleep(0.05)
            options = ("--target", address, "--strategy", "controller")
            done = run(installed / "state4", "reconfigure", "new.p4", *options, cwd=empty, **variables)
            assert done.returncode == 0 and "new is running" in done.stdout, done.stderr
            done = run(installed / "softswitch", "stats", address, cwd=empty)
            assert "program new" in done.stdout, done.stderr
        finally:
            switch.send_signal(signal.SIGTERM)
        assert switch.wait(60) == 0


def test_a_missing_extra_is_one_line(installed: Path, empty: Path) -> None:
    done = run(installed / "state4", "reconfigure", "new.p4", "--target", "bmv2", cwd=empty)
    assert done.returncode == 2
    assert re.fullmatch(r"state4: bmv2 needs the Python package \w+: pip install 'state4\[bmv2\]'\n", done.stderr)
