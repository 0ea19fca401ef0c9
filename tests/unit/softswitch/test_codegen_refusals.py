"""What the code generator refuses: always before any C, with a location and a remedy; and what it must accept."""

from __future__ import annotations

import re

import pytest

from p4front.load import load_text
from p4front.text.includes import LIBRARY
from p4front.text.source import P4Error
from softswitch.build.program import syntax_check
from softswitch.codegen import generate
from tests.switch.scene import EXTRACT, program


def refusal(text: str) -> P4Error:
    checked = load_text(text, "scene.p4")
    with pytest.raises(P4Error) as caught:
        generate(checked)
    assert all(d.span is not None for d in caught.value.diagnostics)
    return caught.value


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"locals": "register<bit<8>, bit<32>>(1 << 29) r;"}, "the size must be"),
        ({"locals": "register<bit<2048>, bit<32>>(1 << 24) r;"}, "a register takes at most"),
        (
            {"locals": "bit<128> r;", "ingress": "random(r, 128w0, 128w9);"},
            "random numbers have at most 64 bits",
        ),
        (
            {"declarations": "extern void blink(in bit<8> times);", "ingress": "blink(3);"},
            "extern function blink is not part of v1model",
        ),
        (
            {"declarations": "extern lamp { lamp(); void on(); }", "locals": "lamp() l;", "ingress": "l.on();"},
            "extern lamp is not part of v1model",
        ),
        (
            {
                "metadata": "varbit<16> v;",
                "ingress": "digest<tuple<varbit<16>>>(1, { meta.v });",
            },
            "a digest cannot hold a varbit",
        ),
        (
            {
                "locals": """direct_counter(CounterType.packets) c;
                action nop() { }
                table t1 { actions = { nop; } default_action = nop(); counters = c; }
                table t2 { actions = { nop; } default_action = nop(); counters = c; }""",
                "ingress": "t1.apply(); t2.apply();",
            },
            "already belongs to table",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_limits_are_named_where_they_are_met(parts: dict[str, str], message: str) -> None:
    assert message in str(refusal(program(**parts)))


def test_all_refusals_of_a_program_come_at_once() -> None:
    text = program(
        declarations="extern void one(); extern void two();",
        ingress="one(); hdr.h.a = 1; two();",
    )
    error = refusal(text)
    assert [d.message.split()[2] for d in error.diagnostics] == ["one", "two"]


def test_another_architecture_is_refused_by_name() -> None:
    text = """
    #include <core.p4>
    control C();
    package MyPackage(C c);
    control Empty() { apply { } }
    MyPackage(Empty()) main;
    """
    assert "unsupported architecture 'MyPackage'" in str(refusal(text))


def test_a_v1switch_of_another_shape_is_refused() -> None:
    text = """
    #include <core.p4>
    parser P(packet_in p);
    control C(inout bit<8> x);
    package V1Switch(P p, C vr, C ig, C eg, C ck, C dep);
    parser TheParser(packet_in p) { state start { transition accept; } }
    control TheControl(inout bit<8> x) { apply { } }
    V1Switch(TheParser(), TheControl(), TheControl(), TheControl(), TheControl(), TheControl()) main;
    """
    assert "unsupported architecture 'a V1Switch of its own'" in str(refusal(text))


def test_an_architecture_that_calls_itself_v1switch_is_refused() -> None:
    model = (LIBRARY / "v1model.p4").read_text()
    own = re.sub(r"\w+(<9>)?( ingress_port;)", r"bit<16>\2", model)
    assert own != model
    assert "'a V1Switch of its own'" in str(refusal(program().replace("#include <v1model.p4>", own)))
    generate(load_text(program().replace("#include <v1model.p4>", model), "scene.p4"))  # v1model itself, copied


def test_a_program_without_main_is_refused() -> None:
    assert "no main" in str(refusal("#include <core.p4>\nheader h_t { bit<8> a; }"))


NAMES = ["int", "register_", "valid_", "frame", "f", "x", "key", "hit", "entry", "linux", "NULL", "assert", "uint8_t"]


@pytest.mark.parametrize("name", [n for n in NAMES if n != "int"])
def test_names_that_mean_something_in_c(name: str) -> None:
    text = program(
        fields=f"bit<8> {name}; bit<8> other;",
        metadata=f"bit<8> {name};",
        locals=f"""
        action act(bit<8> {name}) {{ hdr.h.other = {name}; }}
        table tab {{ key = {{ hdr.h.{name}: exact; }} actions = {{ act; NoAction; }} }}
        """,
        ingress=f"bit<8> {name} = hdr.h.{name}; {{ bit<8> {name} = 3; meta.{name} = {name}; }} tab.apply();",
    )
    syntax_check(generate(load_text(text, "scene.p4")))


def test_odd_control_plane_names_are_escaped() -> None:
    text = program(
        locals=r"""
        @name("a\"b%d\\c??/") action act() { }
        @name("t\"%s\\") table tab { key = { hdr.h.a: exact @name("k\"\\%n"); } actions = { act; } }
        @name("r\"") register<bit<8>, bit<32>>(4) r;
        """,
        ingress='tab.apply(); log_msg("100% \\"quoted\\" ??/ {}", { hdr.h.a });',
        parser=EXTRACT,
    )
    syntax_check(generate(load_text(text, "scene.p4")))
