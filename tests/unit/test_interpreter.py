"""`python -m ...` in a checkout with a Python other than its `.venv`: it switches to that, or says what to do."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from p4front import interpreter
from tests.doc_examples import ROOT
from tests.venvs import BASE_PYTHON, make_venv, run

FOLDERS = ("conformance", "experiments", "nfs", "p4front", "plots", "softswitch", "state4", "topologies")
BARE = (BASE_PYTHON, "-S")  # no installed package at all
NOT_HELPED = {"topologies.clean"}  # takes no option: it would act


def commands() -> list[str]:
    """Every module that can be given to `python -m`."""
    found = []
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            if path.name == "__main__.py" or '\nif __name__ == "__main__":' in path.read_text():
                found.append(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__"))
    return sorted(set(found) - NOT_HELPED)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and the Makefile, without a `.venv`."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", folder)
    return folder


@pytest.fixture
def venv(checkout: Path) -> Iterator[Path]:
    """Where `make` puts the checkout's `.venv`; what a test puts there is removed afterwards."""
    folder = checkout / ".venv"
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("module", commands())
def test_without_packages_and_venv_one_line_says_what_to_type(checkout: Path, module: str) -> None:
    done = run(*BARE, "-m", module, "--help", cwd=checkout)
    if done.returncode == 0:  # needs the standard library only
        assert "usage" in done.stdout and not done.stderr
    else:
        assert done.returncode == interpreter.EXIT_ERROR
        assert re.fullmatch(r"error: .* is missing.*: `make [a-z-]+` installs .*\n", done.stderr)


def test_the_target_that_is_named_exists() -> None:
    named = re.findall("`make ([a-z-]+)`", Path(interpreter.__file__).read_text())
    assert named and all(f"\n{name}:" in (ROOT / "Makefile").read_text() for name in named)


@pytest.mark.parametrize("module", ["experiments.delta_loss", "softswitch", "state4", "plots.fig3"])
def test_another_python_goes_on_in_the_venv(checkout: Path, venv: Path, module: str) -> None:
    make_venv(venv, packages=True)
    arguments = ["nowhere"] if module == "plots.fig3" else ["--help"]
    typed = run(*BARE, "-m", module, *arguments, cwd=checkout)
    wanted = run(venv / "bin" / "python", "-m", module, *arguments, cwd=checkout)
    assert (typed.returncode, typed.stdout, typed.stderr) == (wanted.returncode, wanted.stdout, wanted.stderr)
    assert "usage" in typed.stdout or "nowhere" in typed.stderr


def test_arguments_arrive_as_typed(checkout: Path, venv: Path) -> None:
    make_venv(venv, packages=True)
    done = run(*BARE, "-mexperiments.delta_loss", "--rate", "-m", "two words", cwd=checkout)
    assert done.returncode == 2 and "expected one argument" in done.stderr
    done = run(*BARE, "-um", "state4", "analyse", "two words", cwd=checkout)
    assert done.returncode == 2 and "two words: No such file" in done.stderr


def test_a_venv_whose_installation_ended_early(checkout: Path, venv: Path) -> None:
    make_venv(venv, packages=False)
    done = run(*BARE, "-m", "experiments.delta_loss", "--rate", "120", cwd=checkout)
    assert done.returncode == interpreter.EXIT_ERROR
    assert re.fullmatch(r"error: the Python package \w+ is missing: `make venv` installs .*\n", done.stderr)


def test_a_python_in_which_state4_is_installed_is_taken(checkout: Path, venv: Path, tmp_path: Path) -> None:
    make_venv(venv, packages=True)
    own = make_venv(tmp_path / "own", packages=False)
    (site,) = (tmp_path / "own").glob("lib/python*/site-packages")
    (site / "state4-0.1.0.dist-info").mkdir()
    (site / "state4-0.1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: state4\nVersion: 0.1.0\n")
    done = run(own, "-m", "state4", "--help", cwd=checkout)
    assert done.returncode == interpreter.EXIT_ERROR
    assert re.fullmatch(rf"error: .* is missing in {tmp_path}/own: use \.venv/bin/python\n", done.stderr)


def test_metadata_of_a_build_is_no_installation(checkout: Path, venv: Path) -> None:
    make_venv(venv, packages=True)
    metadata = checkout / "state4.egg-info"
    metadata.mkdir()
    (metadata / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: state4\nVersion: 0.1.0\n")
    try:
        assert run(*BARE, "-m", "state4", "--help", cwd=checkout).returncode == 0
    finally:
        shutil.rmtree(metadata)


def test_a_missing_module_of_ours_stays_a_traceback(checkout: Path, venv: Path) -> None:
    make_venv(venv, packages=True)
    code = checkout / "plots" / "wrong.py"
    code.write_text("import plots.nothing\n")
    try:
        assert "Traceback" in run(*BARE, "-m", "plots.wrong", cwd=checkout).stderr
    finally:
        code.unlink()
