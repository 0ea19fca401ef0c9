"""How one conformance test is run."""

from __future__ import annotations

from google.protobuf import text_format

from conformance.corpus import Case
from conformance.isolate import Result
from conformance.stf_run import run_stf
from p4front.load import load_program
from p4front.source import P4Error


def run_case(case: Case) -> Result:
    """Runs one test in this process."""
    return _RUNNERS[case.kind](case)


def _accept(case: Case) -> Result:
    from softswitch.codegen import generate

    try:
        program = load_program(case.program)
        if program.main is not None:
            generate(program)
    except P4Error as error:
        return Result("refused", str(error))
    return Result("passed")


def _refuse(case: Case) -> Result:
    from softswitch.codegen import generate

    try:
        program = load_program(case.program)
        if program.main is not None:
            generate(program)
    except P4Error as error:
        located = [d for d in error.diagnostics if d.span is not None]
        return Result("passed") if located else Result("failed", f"no place given: {error}")
    return Result("failed", "accepted")


def _packets(case: Case) -> Result:
    assert case.expected is not None
    try:
        problems = run_stf(case.program, case.expected)
    except P4Error as error:
        return Result("refused", str(error))
    return Result("failed", "\n".join(problems)) if problems else Result("passed")


def _p4info(case: Case) -> Result:
    from p4front.p4info import build_p4info

    assert case.expected is not None
    try:
        ours = build_p4info(load_program(case.program))
    except P4Error as error:
        return Result("refused", str(error))
    theirs = type(ours)()
    text_format.Parse(case.expected.read_text(), theirs, allow_unknown_extension=True, allow_unknown_field=True)
    if ours == theirs:
        return Result("passed")
    return Result("failed", _difference(text_format.MessageToString(ours), text_format.MessageToString(theirs)))


def _difference(ours: str, theirs: str) -> str:
    import difflib

    lines = difflib.unified_diff(theirs.splitlines(), ours.splitlines(), "p4c", "ours", lineterm="", n=2)
    return "\n".join(list(lines)[:60])


_RUNNERS = {"packets": _packets, "accept": _accept, "refuse": _refuse, "p4info": _p4info}
