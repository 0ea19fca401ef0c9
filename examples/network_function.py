"""Your own network function: what State4 finds in it, what it adds, and what a change of program would carry."""

from __future__ import annotations

from running_switch import HERE

from p4front.load import load_program
from state4.cam import analyse
from state4.cim import instrument
from state4.plan.compare import make_plan
from state4.programs import prepare_program

PROGRAM = HERE / "byte_quota.p4"

program = load_program(PROGRAM)
analysis = analyse(program)
for component in analysis.components:
    size = "" if component.width is None else f" of {component.width} bits"
    print(f"{component.kind} {component.name}: {component.cells} cells{size}")
for write in analysis.writes:
    print(f"written at line {write.place.line}: {', '.join(write.components)}[{write.index}] = {write.value}")

instrumented = instrument(program, analysis)
added = len(instrumented.text.splitlines()) - len(PROGRAM.read_text().splitlines())
print(f"instrumentation adds {added} lines; a clone has {instrumented.layout.header_bytes} bytes")

prepared = prepare_program(PROGRAM)
plan = make_plan(prepared.p4info, prepared.p4info)
print(f"a change to itself carries {plan.cells} cells and {len(plan.tables)} tables")
