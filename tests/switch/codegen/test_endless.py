"""A program cannot block the switch: endless loops, calls and states cost one packet each."""

from __future__ import annotations

import re

import pytest

from p4front.load import load_text
from p4front.text.source import P4Error
from softswitch.codegen import generate
from softswitch.dataplane.stats import Drop
from tests.switch.scene import EXTRACT, program, scene

FOREVER = "for (bit<32> i = 0; i < 10; i = i) { v = v + 1; }"
BILLIONS = "for (bit<32> i in 0 .. 0xFFFFFFFF) { v = v + (bit<8>)i; }"
NESTED = "for (bit<32> i in 0 .. 0xFFFF) { for (bit<32> j in 0 .. 0xFFFF) { v = v + 1; } }"


def dropped_alone(**parts: str) -> list[str]:
    """Only packets whose first byte is 1 are dropped, and others forwarded before and after; returns the log."""
    with scene(**parts) as s:
        assert s.out("00 00 00 00") == "00000000"
        assert s.send("01 00 00 00") == []
        assert s.switch.stats().drops[Drop.ABORTED] == 1
        assert s.out("00 00 00 00") == "00000000"
        return s.log()


@pytest.mark.parametrize("loop", [FOREVER, BILLIONS, NESTED], ids=["forever", "billions", "nested"])
@pytest.mark.parametrize("where", ["ingress", "egress", "verify", "compute", "deparser"])
def test_a_loop_that_does_not_end_costs_its_packet(loop: str, where: str) -> None:
    emit = "packet.emit(hdr);" if where == "deparser" else ""
    code = f"bit<8> v = 0; if (hdr.h.a == 1) {{ {loop} }} {emit}"
    (line,) = dropped_alone(**{where: code})
    assert re.search(r"more than 1048576 rounds", line)


def test_a_loop_in_an_action_ends_the_control_that_called_it() -> None:
    spin = f"action spin() {{ bit<8> v = 0; {FOREVER} }} "
    spin += "table t { key = { hdr.h.a: exact; } actions = { spin; NoAction; } "
    spin += "const entries = { 1: spin(); } default_action = NoAction(); }"
    dropped_alone(locals=spin, ingress="t.apply(); if (hdr.h.a == 1) { hdr.h.c = 1; }")


def test_calls_in_a_loop_count_as_often_as_they_are_made() -> None:
    """2^19 calls in each of 1,000 rounds are stopped long before 1,000 rounds."""
    functions = doubling(18, "hdr.h.b = hdr.h.b + 1;")
    dropped_alone(locals=functions, ingress="if (hdr.h.a == 1) { for (bit<32> i in 0 .. 999) { f18(); } }")


def test_a_loop_within_its_rounds_is_run_as_it_is_written() -> None:
    with scene(ingress="for (bit<32> i in 1 .. 1000000) { hdr.h.b = hdr.h.b + 1; }") as s:
        assert s.out("00 00 00 00") == f"00{1_000_000 % 256:02x}0000"


def test_the_rounds_are_those_of_one_pass() -> None:
    """A loop of a million rounds in ingress leaves egress its own limit."""
    loop = "for (bit<32> i in 1 .. 1000000) { hdr.h.b = hdr.h.b + 1; }"
    with scene(ingress=loop, egress=loop) as s:
        assert s.out("00 00 00 00") == f"00{2_000_000 % 256:02x}0000"


def doubling(count: int, innermost: str) -> str:
    """f0 ... f<count>, each of which calls the previous one twice."""
    first = f"action f0() {{ {innermost} }}"
    return first + "".join(f" action f{i}() {{ f{i - 1}(); f{i - 1}(); }}" for i in range(1, count + 1))


def refusal(**parts: str) -> str:
    with pytest.raises(P4Error) as caught:
        generate(load_text(program(**parts), "scene.p4"))
    assert all(d.span is not None for d in caught.value.diagnostics)
    return str(caught.value)


def test_calls_that_double_are_refused_with_the_name() -> None:
    assert "action TestIngress.f20 makes more than 1048576 calls" in refusal(
        locals=doubling(40, "hdr.h.b = 1;"), ingress="f40();"
    )


def test_calls_nested_too_deeply_are_refused_with_the_name() -> None:
    chain = "action g0() { hdr.h.b = 1; }" + "".join(f" action g{i}() {{ g{i - 1}(); }}" for i in range(1, 200))
    assert "calls are nested more than 64 deep in action TestIngress.g" in refusal(locals=chain, ingress="g199();")


def test_a_deparser_that_emits_without_end_is_refused() -> None:
    chain = doubling(19, "packet.emit(hdr);")
    text = program(headers="h_t[64] more;", deparser="f19();")
    text = text.replace("in headers_t hdr) { apply", f"in headers_t hdr) {{ {chain} apply")
    with pytest.raises(P4Error, match="can emit more than 16777216 bytes"):
        generate(load_text(text, "scene.p4"))


def test_states_that_come_again_are_counted_across_parsers() -> None:
    """A parser of 60,000 states is applied again and again by another one."""
    inner = """
    parser Inner(packet_in packet) {
        bit<32> n = 0;
        state start { n = n + 1; transition select(n) { 60000: accept; default: start; } }
    }
    """
    parser = """
    Inner() inner;
    state start { packet.extract(hdr.h); transition select(hdr.h.a) { 1: spin; default: accept; } }
    state spin { inner.apply(packet); transition select(hdr.h.b) { 1: accept; default: spin; } }
    """
    ingress = "if (std.parser_error == error.ParserTimeout) { hdr.h.d = 1; }"
    with scene(declarations=inner, parser=parser, ingress=ingress) as s:
        assert s.out("01 00 00 00") == "01000001"
        assert s.out("01 01 00 00") == "01010000"
        assert s.out("00 00 00 00") == "00000000"


def test_a_function_that_loops_in_a_parser_is_a_parser_timeout() -> None:
    function = "bit<8> spin(bit<8> v) { bit<8> x = v; for (bit<32> i = 0; i < 10; i = i) { x = x + 1; } return x; }"
    parser = EXTRACT.replace("transition accept;", "transition select(hdr.h.a) { 1: spins; default: accept; }")
    parser += " state spins { hdr.h.b = spin(1); transition accept; }"
    dropped_alone(declarations=function, parser=parser)
