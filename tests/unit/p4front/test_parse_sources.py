"""The grammar on real sources: v1model.p4, and p4c's test data if there is a checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from p4front.load import load_text
from p4front.syntax import ast
from p4front.syntax.parse import parse_file, parse_text
from p4front.syntax.printer.expressions import type_text
from p4front.text.includes import LIBRARY
from p4front.text.source import P4Error


@pytest.mark.parametrize(("version", "index"), [("20180101", "bit<32>"), ("20200408", "I")])
def test_v1model_by_version(version: str, index: str) -> None:
    program, files = parse_text("#include <v1model.p4>\n", defines=[f"V1MODEL_VERSION={version}"])
    assert [Path(file.path).name for file in files] == ["<text>", "v1model.p4", "core.p4"]
    register = next(d for d in program.declarations if isinstance(d, ast.ExternDecl) and d.name.text == "register")
    assert [type_text(p.type) for p in register.methods[1].params] == ["T", index]
    errors_declared = next(d for d in program.declarations if isinstance(d, ast.ErrorDecl))
    assert [m.name.text for m in errors_declared.members] == [
        "NoError",
        "PacketTooShort",
        "NoMatch",
        "StackOutOfBounds",
        "HeaderTooShort",
        "ParserTimeout",
        "ParserInvalidArgument",
    ]
    assert Path(register.span.file.path).parent == LIBRARY


P4C = Path(os.environ["P4C"]) if "P4C" in os.environ else None
needs_p4c = pytest.mark.skipif(P4C is None, reason="set P4C to a checkout of p4c (testdata and p4include)")


def samples(folder: str) -> list[Path]:
    return [] if P4C is None else [p for p in sorted((P4C / "testdata" / folder).rglob("*.p4")) if p.is_file()]


def p4c_includes() -> list[Path]:
    assert P4C is not None
    return [P4C / "p4include", P4C / "p4include" / "bmv2"]


@needs_p4c
def test_p4c_samples_parse() -> None:
    """Parts of other programs use types that they do not declare; their syntax is still valid."""
    for path in samples("p4_16_samples"):
        parse_file(path, include_dirs=p4c_includes())


@needs_p4c
def test_p4c_errors_give_no_traceback() -> None:
    refused = []
    for path in samples("p4_16_errors"):
        try:
            parse_file(path, include_dirs=p4c_includes())
        except P4Error as error:
            refused.append(path.stem)
            assert all(d.span is not None for d in error.diagnostics)
    assert {"shift_e", "expression_e", "globalVar_e", "underscore_e", "type-in-expr-lex0", "loop3-err"} <= set(refused)


def test_a_model_of_the_user_s_that_is_not_used_is_named(tmp_path: Path) -> None:
    for name in ("core.p4", "v1model.p4"):
        (tmp_path / name).write_text("")
    program = load_text("#include <core.p4>\n", include_dirs=[tmp_path])
    (warning,) = program.warnings
    assert warning.severity == "warning" and warning.message.startswith(f"{tmp_path / 'core.p4'} is not used")
    assert load_text("#include <core.p4>\n").warnings == []
