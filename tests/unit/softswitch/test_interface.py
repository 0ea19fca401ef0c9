"""Python's view of the C interface agrees with the C compiler's, and so do the constants that Python repeats."""

from __future__ import annotations

import ctypes
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from softswitch.build.cc import INTERFACE_DIR, find_compiler
from softswitch.codegen.values.hashes import HASHES
from softswitch.codegen.values.layout import STANDARD_FIELDS
from softswitch.dataplane.interface import HEADERS, SCALARS, InterfaceError, fields_of, interface, read_interface
from softswitch.dataplane.messages import LOG_KINDS
from softswitch.dataplane.native import ERRORS, library
from softswitch.dataplane.rows import READ_HEAD, ROW_HEAD, ROW_NAMES
from softswitch.dataplane.stats import Drop, PortStats, SwitchStats
from softswitch.model import cell_bytes, words

C = interface()
INCLUDES = "".join(f'#include "{name}"\n' for name in HEADERS)


def c_accepts(tmp_path: Path, assertions: list[str]) -> None:
    source = tmp_path / "interface.c"
    checks = "".join(f'_Static_assert({assertion}, "");\n' for assertion in assertions)
    source.write_text(INCLUDES + "#include <stddef.h>\n" + checks)
    command = [find_compiler(), "-std=gnu11", "-fsyntax-only", "-w", f"-I{INTERFACE_DIR}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_constants_have_the_compilers_values(tmp_path: Path) -> None:
    assert len(C.constants) > 80
    c_accepts(tmp_path, [f"{name} == {value}{'ull' if value > 0 else ''}" for name, value in C.constants.items()])


def test_structs_have_the_compilers_layout(tmp_path: Path) -> None:
    assertions: list[str] = []
    for name, kind in C.structs.items():
        assertions.append(f"sizeof({name}) == {ctypes.sizeof(kind)}")
        for field in fields_of(kind):
            place = getattr(kind, field)
            assertions.append(f"offsetof({name}, {field}) == {place.offset}")
            assertions.append(f"sizeof((({name} *)0)->{field}) == {place.size}")
    assert len(C.structs) >= 8
    c_accepts(tmp_path, assertions)


def test_functions_have_the_compilers_types(tmp_path: Path) -> None:
    assertions = [f"sizeof({name}) == {ctypes.sizeof(kind)}" for name, kind in SCALARS.items()]
    for name, function in C.functions.items():
        result, *arguments = function.declared
        kind = f"{result} (*)({', '.join(arguments) or 'void'})"
        assertions.append(f"__builtin_types_compatible_p(__typeof__(&{name}), {kind})")
        for text, chosen in zip(arguments, function.arguments, strict=True):
            assert ("*" in text) == (chosen is ctypes.c_void_p), f"{name}: {text}"
    c_accepts(tmp_path, assertions)


def test_every_function_is_there() -> None:
    for name in C.functions:
        assert getattr(library(), name).argtypes is not None


@pytest.mark.parametrize(
    "declaration",
    [
        "double ss_rate(ss_switch *sw);",
        "int ss_try(struct other value);",
        "extern int ss_global;",
        "typedef struct ss_odd { float share; } ss_odd;",
        "#define SS_ODD (1 << 3)",
    ],
)
def test_a_form_that_is_not_read_is_an_error(tmp_path: Path, declaration: str) -> None:
    header = tmp_path / "api.h"
    header.write_text(f"{declaration}\n")
    with pytest.raises(InterfaceError):
        read_interface([header])


def test_every_status_has_an_exception() -> None:
    assert set(ERRORS) == set(C.enums["ss_status"]) - {"SS_OK"}


def test_statistics_have_the_fields_of_the_structs() -> None:
    assert {field.name for field in fields(PortStats)} == set(fields_of(C.structs["ss_port_stats"]))
    assert {field.name for field in fields(SwitchStats)} == {*fields_of(C.structs["ss_switch_stats"]), "ports"}
    assert [f"SS_DROP_{drop.name}" for drop in Drop] == list(C.enums["ss_drop"][:-1])


def test_rows_begin_as_declared() -> None:
    assert ROW_NAMES == ("SS_ROW_PRIORITY", "SS_ROW_KIND", "SS_ROW_REFERENCE", "SS_ROW_IDLE_NS")  # TableRows.row
    assert (C.constants["SS_ROW_HEAD"], C.constants["SS_READ_HEAD"]) == (ROW_HEAD, READ_HEAD)


def test_queues_and_hashes_are_those_of_the_runtime() -> None:
    assert {f"SS_LOG_{kind.upper()}" for kind in LOG_KINDS.values()} == set(C.enums["ss_log_kind"])
    assert tuple(f"SS_HASH_{name.upper()}" for name in HASHES) == C.enums["ss_hash"]


def test_the_standard_metadata_of_generated_code(tmp_path: Path) -> None:
    header = (INTERFACE_DIR / "pipeline.h").read_text()
    struct = re.sub(r"/\*.*?\*/", "", header[header.index("typedef struct ss_std") : header.index("} ss_std;")])
    assert struct.count(",") + struct.count(";") == len(STANDARD_FIELDS)
    c_accepts(tmp_path, [f"offsetof(ss_std, {name}) < sizeof(ss_std)" for name in STANDARD_FIELDS])


def test_widths_in_words_and_cells() -> None:
    assert [words(width) for width in (1, 64, 65, 128, 129)] == [1, 1, 2, 2, 3]
    assert [cell_bytes(width) for width in (1, 8, 9, 32, 33, 64, 65, 129)] == [1, 1, 2, 4, 8, 8, 16, 24]
