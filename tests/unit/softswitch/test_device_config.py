"""Device configs: a program with all its files, complete without the folders they came from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from p4front.load import load_given
from p4front.text.includes import GivenFiles
from p4front.text.source import P4Error
from softswitch.build.device_config import BadDeviceConfig, DeviceConfig, collect, parse


def sent(config: DeviceConfig) -> list[str]:
    """The files of the program as another machine reads it."""
    taken = parse(config.to_bytes())
    assert taken == config
    program = load_given(GivenFiles(taken.files, taken.include_dirs, taken.absolute), taken.main)
    return [file.path for file in program.files]


def test_a_file_of_the_same_name_by_its_absolute_path(tmp_path: Path) -> None:
    base = tmp_path / "base" / "main.p4"
    base.parent.mkdir()
    base.write_text("const bit<8> BASE = 1;\n")
    main = tmp_path / "mine" / "main.p4"
    main.parent.mkdir()
    main.write_text(f'#include "{base}"\n#include <{base.parent}/../base/other.p4>\nconst bit<8> MINE = BASE;\n')
    (tmp_path / "base" / "other.p4").write_text("const bit<8> OTHER = BASE;\n")
    config = collect(main)
    for file in (base, main, tmp_path / "base" / "other.p4"):
        file.unlink()
    assert sent(config) == ["mine/main.p4", "base/main.p4", "base/other.p4"]


def test_relative_includes_tell_nothing_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "part.p4").write_text("const bit<8> PART = 1;\n")
    (tmp_path / "main.p4").write_text('#include "part.p4"\n')
    config = collect(tmp_path / "main.p4")
    assert str(tmp_path) not in config.to_bytes().decode()
    assert sent(config) == ["main.p4", "part.p4"]


@pytest.mark.parametrize(
    "absolute", [{"/x.p4": "missing.p4"}, {"core.p4": "main.p4"}, {"/x.p4": ["main.p4"]}, ["/x.p4"]]
)
def test_absolute_paths_name_files_that_were_sent(absolute: object) -> None:
    content = json.loads(DeviceConfig("main", "main.p4", {"main.p4": ""}).to_bytes()) | {"absolute": absolute}
    with pytest.raises(BadDeviceConfig, match="damaged"):
        parse(json.dumps(content).encode())


def test_an_absolute_path_that_was_not_sent(tmp_path: Path) -> None:
    there = tmp_path / "there.p4"
    there.write_text("const bit<8> THERE = 1;\n")
    with pytest.raises(P4Error, match="send it, too"):
        sent(DeviceConfig("main", "main.p4", {"main.p4": f'#include "{os.fspath(there)}"\n'}))


@pytest.mark.parametrize("text", ["{}", '{"program": "basic.p4", "__meta__": {"version": [2, 23]}, "parsers": []}'])
def test_json_of_another_compiler_says_which_one_is_wanted(text: str) -> None:
    with pytest.raises(
        BadDeviceConfig, match=r"not what `softswitch compile` wrote .*p4c of `softswitch compat install`"
    ):
        parse(text.encode())
