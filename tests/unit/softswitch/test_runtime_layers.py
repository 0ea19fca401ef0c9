"""Includes and calls between the files and folders of the C runtime go one way (softswitch/runtime/README.md)."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from softswitch.build.cc import RUNTIME_DIR, find_compiler

Graph = dict[str, set[str]]
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
_FOLDER_ROW = re.compile(r"^\| (\w+) \|", re.MULTILINE)


def layers() -> list[str]:
    """The folders in the order of the README's table, lowest first."""
    text = (RUNTIME_DIR / "README.md").read_text()
    return [name for name in _FOLDER_ROW.findall(text) if name != "folder"]


def module(path: Path) -> str:
    """A .c file and its header are one module."""
    return path.relative_to(RUNTIME_DIR).with_suffix("").as_posix()


def by_folder(graph: Graph) -> Graph:
    folders: Graph = defaultdict(set)
    for source, targets in graph.items():
        for target in targets:
            if source.split("/")[0] != target.split("/")[0]:
                folders[source.split("/")[0]].add(target.split("/")[0])
    return folders


def circle(graph: Graph) -> list[str]:
    """The nodes of one cycle; [] if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def includes() -> Graph:
    graph: Graph = defaultdict(set)
    for path in [*RUNTIME_DIR.rglob("*.h"), *RUNTIME_DIR.rglob("*.c")]:
        for name in _INCLUDE.findall(path.read_text()):
            found = next(file for file in (RUNTIME_DIR / name, path.parent / name) if file.is_file())
            if module(found) != module(path):
                graph[module(path)].add(module(found))
    return graph


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The files whose object files use a symbol defined by another file."""
    folder = tmp_path_factory.mktemp("objects")
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O0", "-w", f"-I{RUNTIME_DIR}", f"-I{RUNTIME_DIR / 'include'}"]
    defined: dict[str, str] = {}
    used: dict[str, set[str]] = {}
    for source in sorted(RUNTIME_DIR.rglob("*.c")):
        name = module(source)
        target = folder / f"{name.replace('/', '.')}.o"
        subprocess.run([find_compiler(), *flags, "-c", str(source), "-o", str(target)], check=True)
        listed = subprocess.run(["nm", "--portability", str(target)], check=True, capture_output=True, text=True)
        symbols = [line.split()[:2] for line in listed.stdout.splitlines()]
        used[name] = {symbol for symbol, kind in symbols if kind == "U"}
        defined |= {symbol: name for symbol, kind in symbols if kind.isupper() and kind != "U"}
    return {name: {defined[s] for s in symbols if s in defined} - {name} for name, symbols in used.items()}


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}}) == []
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert circle(by_folder({"x/a": {"y/b"}, "y/c": {"x/d"}}))  # no circle of files, but one of folders


def test_includes_and_calls_are_seen(calls: Graph) -> None:
    assert "core/switch" in includes()["core/safe_point"]
    assert "core/safe_point" in calls["core/swap"]
    assert {"tables/pairs", "core/swap"} <= calls["programs/handover"]


def test_no_circle_between_files(calls: Graph) -> None:
    graph = includes()
    for name, targets in calls.items():
        graph[name] |= targets
    assert not circle(graph)


def test_folders_use_only_those_below(calls: Graph) -> None:
    order = layers()
    assert sorted(order) == sorted(folder.name for folder in RUNTIME_DIR.iterdir() if folder.is_dir())
    graph = includes()
    for name, targets in calls.items():
        graph[name] |= targets
    upward = [
        f"{source} uses {target}"
        for source, targets in graph.items()
        for target in targets
        if order.index(target.split("/")[0]) > order.index(source.split("/")[0])
    ]
    assert not upward


def test_every_file_says_what_it_is_for() -> None:
    for path in RUNTIME_DIR.rglob("*.[ch]"):
        header = path.with_suffix(".h")
        described = header if header.is_file() else path
        assert described.read_text().startswith("/* "), f"{described} has no comment at its top"
