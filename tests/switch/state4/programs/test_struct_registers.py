"""Registers of structs: carried by the names of their members, in bulk and by clones, on every kind of switch."""

from __future__ import annotations

import pytest

from state4.errors import PlanRefused, TargetError
from state4.events import Event, EventLog
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.p4runtime.connection import Connection
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget, send
from tests.switch.state4.bench.target import BenchTarget, Schedule
from tests.switch.state4.generated import installed_program

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
INGRESS = f"""
control MyIngress({PARAMS}) {{
    register<flow_t>(4) flows;
    apply {{
        flow_t flow;
        bit<32> cell = (bit<32>)hdr.request.cell;
        flows.read(flow, cell);
        flow.packets = flow.packets + 1;
        flow.last = (int<8>)hdr.request.amount[7:0];
        flow.busy = hdr.request.value > 100;
        flows.write(cell, flow);
        standard_metadata.egress_spec = 2;
    }}
}}
"""


def flows(fields: str, extra: str = "") -> str:
    return program(INGRESS.replace("apply {", f"{extra} apply {{", 1), globals_=f"struct flow_t {{ {fields} }}")


OLD = "bit<8> packets; int<8> last; bool busy;"
OLD_PROGRAM = installed_program("flows", flows(OLD))
NEW_PROGRAMS = {
    "alike": installed_program("flows_alike", flows(OLD, "register<bit<8>>(1) later;")),
    "other": installed_program("flows_other", flows("bool busy; bit<40> packets; int<8> last; bit<3> later;")),
}


def members(target: ListeningTarget | BenchTarget) -> list[dict[str, int]]:
    """The flows of the running program."""
    name = "MyIngress.flows"
    new = next(p for p in (OLD_PROGRAM, *NEW_PROGRAMS.values()) if p.p4info == target.running())
    (spec,) = (register for register in new.registers if register.name == name)
    return [
        {m.name: cell >> m.shift & ((1 << m.leaf.width) - 1) for m in spec.members.values()}
        for cell in spec.integers(target.read_registers([spec])[name])
    ]


@pytest.mark.parametrize("new", NEW_PROGRAMS)
@pytest.mark.parametrize("strategy", ["controller", "state4", "state4_exact"])
@pytest.mark.parametrize("service", ["bulk", "standard"])
def test_members_go_over_by_name(
    running: Running, monkeypatch: pytest.MonkeyPatch, service: str, strategy: str, new: str
) -> None:
    if service == "standard":
        monkeypatch.setattr(Connection, "_find_bulk", lambda _: False)
    with ListeningTarget(running.address) as target:
        target.running_switch = running
        target.install(OLD_PROGRAM)
        for cell, last, value in ((0, 0xFE, 5), (0, 0xFD, 101), (3, 7, 0)):
            send(running, request(cell=cell, amount=last, value=value))

        def late(event: Event) -> None:
            """An update that only a clone carries."""
            if strategy != "controller" and (event.phase, event.what) == ("save", "begin"):
                send(running, request(cell=2, amount=0xFF, value=200))

        reconfigure(load_strategy(strategy), prepare(target, NEW_PROGRAMS[new], events=EventLog(on_event=late)))
        found = members(target)
    wanted = [
        {"packets": 2, "last": 0xFD, "busy": 1},
        {"packets": 0, "last": 0, "busy": 0},
        {"packets": 1, "last": 0xFF, "busy": 1} if strategy != "controller" else {"packets": 0, "last": 0, "busy": 0},
        {"packets": 1, "last": 7, "busy": 0},
    ]
    assert found == [{**flow, **({"later": 0} if new == "other" else {})} for flow in wanted]


@pytest.mark.parametrize("new", NEW_PROGRAMS)
@pytest.mark.parametrize("can_hold", [True, False])
def test_exact_under_packets_at_every_step(new: str, can_hold: bool) -> None:
    packets = [(1, request(cell=n % 4, amount=n, value=n)) for n in range(60)]
    target = BenchTarget(packets, Schedule([10] + [1] * 40), can_hold=can_hold)
    target.install(OLD_PROGRAM)
    target.step("begin")
    outcome = reconfigure(load_strategy("state4_exact"), prepare(target, NEW_PROGRAMS[new]))
    target.run(len(packets))
    assert [flow["packets"] for flow in members(target)] == [15, 15, 15, 15]
    assert [flow["last"] for flow in members(target)] == [56, 57, 58, 59]
    assert outcome.inexact == ()
    target.close()


PAIR = f"""
control MyIngress({PARAMS}) {{
    register<pair_t>(2) pairs;
    apply {{
        pairs.write(0, (pair_t){{ p = 1, q = 2 }});
        standard_metadata.egress_spec = 2;
    }}
}}
"""


@pytest.mark.parametrize("fields", ["bit<8> q; bit<8> p;", "bit<8> p; int<8> q;", "bit<8> p; bit<8> q; bit<1> r;"])
def test_the_switch_itself_keeps_only_what_is_declared_alike(running: Running, fields: str) -> None:
    """A layout is not a declaration: members that change places, or become signed, have the same bits."""
    old, new = (
        installed_program(f"pair{n}", program(PAIR if n == 0 else PAIR.replace("q = 2 }", more), globals_=struct))
        for n, (struct, more) in enumerate(
            (
                ("struct pair_t { bit<8> p; bit<8> q; }", ""),
                (f"struct pair_t {{ {fields} }}", "q = 2, r = 0 }" if "r;" in fields else "q = 2 }"),
            )
        )
    )
    with ListeningTarget(running.address) as target:
        target.install(old)
        send(running, request())
        with pytest.raises(PlanRefused, match=r"cannot change MyIngress\.pairs"):
            reconfigure(load_strategy("reconcile"), prepare(target, new, allow_loss=True))
        with pytest.raises(TargetError, match=r"register MyIngress\.pairs"):
            target.reconcile(new)
        assert target.running() == old.p4info


def test_the_switch_itself_keeps_structs_that_are_declared_alike(running: Running) -> None:
    with ListeningTarget(running.address) as target:
        target.install(OLD_PROGRAM)
        send(running, request(cell=1, amount=1))
        reconfigure(load_strategy("reconcile"), prepare(target, NEW_PROGRAMS["alike"]))
        assert members(target)[1] == {"packets": 1, "last": 1, "busy": 0}
