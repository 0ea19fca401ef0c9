"""Comparisons of both switches."""

from __future__ import annotations

from state4.cim import Instrumented
from tests.bmv2.runs import compile_bmv2, on_bmv2, on_softswitch
from tests.bmv2.scenario import Scenario


def assert_same(scenario: Scenario) -> None:
    """softswitch and bmv2 give the same packets, registers and counters."""
    found = on_softswitch(scenario).differences(on_bmv2(scenario), ("softswitch", "bmv2"))
    assert not found, "\n".join([scenario.name, *found[:20]])


def assert_unchanged(scenario: Scenario, made: Instrumented) -> None:
    """With the clone flag off, bmv2 treats the instrumented program like the original, and p4c has no new warnings."""
    other = scenario.replaced(made.text, f"{scenario.name}_instrumented")
    new = warnings(compile_bmv2(made.text).warnings) - warnings(compile_bmv2(scenario.source).warnings)
    assert not new, "\n".join(new)
    found = on_bmv2(scenario).differences(on_bmv2(other), ("original", "instrumented"))
    assert not found, "\n".join([scenario.name, *found[:20]])


def warnings(output: str) -> set[str]:
    """What p4c says, without the places, which instrumentation moves.

    Of a text that warns it may say the same twice: instrumentation repeats the arguments of a write."""
    return {line.split("warning: ", 1)[1].split(": ", 1)[-1] for line in output.splitlines() if "[--Wwarn" in line}
