"""Running one conformance test."""

from __future__ import annotations

from google.protobuf import text_format

from conformance.corpus import Case
from conformance.isolate import Result
from conformance.stf_run import run_stf
from p4front.load import load_program
from p4front.text.source import P4Error

ACCEPTED = {
    "issue1777-bmv2": "registers of structs work here; p4c's bmv2 back end does not support them",
    "issue3299": "switch in actions works here; p4c's bmv2 back end does not support it",
    "issue1296": "a generic extern as its own type argument is a type like any other here; p4c rejects it",
    "issue3291": "a generic struct as its own type argument is a type like any other here; p4c rejects it",
    "issue2544_self_ref": "an extern's method may take an instance of the extern here; p4c rejects it",
    "multicast-bmv2": "two controls have an action with the same absolute name, as in programs translated from P4_14",
    "spec-ex32_e": "@length is not an annotation of the specification, so its content is not checked",
}
"""Invalid programs of p4c's test data that are accepted here, by file name, with the reason."""


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
        return Result("passed") if located else Result("failed", f"error without a location: {error}")
    return Result("failed", f"accepted: {ACCEPTED.get(case.program.stem, 'reason unknown')}")


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


def _agree(case: Case) -> Result:
    from conformance.agreement import disagreements

    try:
        program = load_program(case.program)
        problems = disagreements(program) if program.main is not None else []
    except P4Error as error:
        return Result("refused", str(error))
    return Result("failed", "\n".join(problems)) if problems else Result("passed")


def _difference(ours: str, theirs: str) -> str:
    import difflib

    lines = difflib.unified_diff(theirs.splitlines(), ours.splitlines(), "p4c", "ours", lineterm="", n=2)
    return "\n".join(list(lines)[:60])


_RUNNERS = {"packets": _packets, "accept": _accept, "refuse": _refuse, "p4info": _p4info, "agree": _agree}
