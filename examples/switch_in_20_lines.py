"""A P4 program on a switch with ports in memory: an entry in, packets through, a register out."""

from pathlib import Path

from softswitch.build.program import compile_program
from softswitch.dataplane.entries import Entry, Exact
from softswitch.dataplane.switch import Switch

ALICE, BOB = 0x020000000001, 0x020000000002
FRAME = BOB.to_bytes(6, "big") + ALICE.to_bytes(6, "big") + b"\x08\x00" + bytes(86)

with Switch() as switch:
    switch.add_memory_port(1)
    switch.add_memory_port(2)
    program = switch.load(compile_program(Path(__file__).with_name("byte_quota.p4")))
    program.tables["MyIngress.route"].insert(Entry((Exact(BOB),), "MyIngress.forward", (2,)))
    program.tables["MyIngress.quota"].insert(Entry((Exact(ALICE),), "MyIngress.limit", (250,)))
    switch.commit(program)
    for _ in range(3):
        print([(port, len(frame)) for port, frame in switch.inject(1, FRAME)])
    print("bytes of Alice:", program.registers["MyIngress.used"].read_cell(1))
