"""The refusals listed in docs/limits.md, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest

from p4front.text.source import P4Error
from softswitch.build.program import compile_text
from tests.switch.scene import program

LIMITS = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
V1 = "#include <core.p4>\n#define V1MODEL_VERSION 20200408\n#include <v1model.p4>\n"

SCENES: dict[str, dict[str, str]] = {
    "extern Own is not part of v1model": {
        "declarations": "extern Own { Own(); }",
        "locals": "Own() o;",
    },
    "extern function own is not part of v1model": {
        "declarations": "extern void own();",
        "ingress": "own();",
    },
    '"x" can\'t be a variable: `int` exists at compile time only': {"ingress": "int x = (int)hdr.h.a;"},
    "this value of type int may need more than 4096 bits": {"ingress": "hdr.h.a = (bit<8>)((int)hdr.h.a << 5000);"},
    "/ needs values that cannot be negative": {"ingress": "hdr.h.a = (bit<8>)(((int)hdr.h.a - 1) / 3);"},
    "header two_t needs one varbit field to be extracted with a size": {
        "declarations": "header two_t { varbit<8> a; varbit<8> b; }",
        "headers": "two_t t;",
        "parser": "state start { packet.extract(hdr.h); packet.extract(hdr.t, 8); transition accept; }",
    },
    "this instance is applied elsewhere with another argument for r": {
        "declarations": "control Inner(register<bit<8>, bit<8>> r) { apply { r.write(0, 1); } }",
        "locals": "register<bit<8>, bit<8>>(1) x; register<bit<8>, bit<8>>(1) y; Inner() inner;",
        "ingress": "inner.apply(x); inner.apply(y);",
    },
    "action data must be scalars: give the fields one by one": {
        "declarations": "struct pair { bit<8> x; bit<8> y; }",
        "locals": "action set(pair p) { hdr.h.a = p.x; } table t { actions = { set; NoAction; } }",
        "ingress": "t.apply();",
    },
    "a table can have one lpm key only": {
        "locals": "table t { key = { hdr.h.a: lpm; hdr.h.b: lpm; } actions = { NoAction; } }",
        "ingress": "t.apply();",
    },
    "match kind mine is not supported: use one of exact, lpm, ternary, range, optional, selector": {
        "declarations": "match_kind { mine }",
        "locals": "table t { key = { hdr.h.a: mine; } actions = { NoAction; } }",
        "ingress": "t.apply();",
    },
    "a digest holds at most 64 fields of up to 64 bits": {
        "declarations": "struct large_t { bit<4000> a; bit<200> b; }",
        "ingress": "large_t l; l.a = 1; l.b = 2; digest<large_t>(1, l);",
    },
    "random numbers have at most 64 bits": {"ingress": "bit<65> r; random(r, 65w0, 65w9);"},
    "the hash algorithm must be a constant": {
        "ingress": """
        HashAlgorithm which = HashAlgorithm.crc16;
        if (hdr.h.a == 1) { which = HashAlgorithm.crc32; }
        hash(hdr.h.a, which, 8w0, { hdr.h.b }, 8w7);
        """,
    },
    "the size must be a compile-time integer from 0 to 268435456": {
        "locals": "counter<bit<32>>(268435457, CounterType.packets) c;",
    },
    "a register takes at most 1073741824 bytes": {"locals": "register<bit<128>, bit<32>>(268435456) r;"},
    "the size of a table must be from 0 to 2147483647": {
        "locals": "table t { actions = { NoAction; } size = 2147483648; }",
        "ingress": "t.apply();",
    },
    "the size of an array must be between 0 and 65536": {"headers": "h_t[70000] s;"},
    "a value of type headers_t has more than 65536 fields": {
        "declarations": "header two_t { bit<8> a; bit<8> b; }",
        "headers": "two_t[40000] s;",
    },
    "nested more than 400 levels deep": {"ingress": f"hdr.h.a = {'~' * 5000}hdr.h.a;"},
    'the control-plane name "x" is used twice': {
        "locals": """
        @name(".x") table t { actions = { NoAction; } }
        @name(".x") table u { actions = { NoAction; } }
        """,
    },
    'two registers have the control-plane name "x"': {
        "locals": '@name(".x") register<bit<8>, bit<8>>(1) r; @name(".x") register<bit<8>, bit<8>>(1) q;',
    },
    'the control-plane name "x" would stand for a table of each of several instances': {
        "declarations": 'control Inner() { @name(".x") table t { actions = { NoAction; } } apply { t.apply(); } }',
        "locals": "Inner() one; Inner() two;",
        "ingress": "one.apply(); two.apply();",
    },
    "a slice of a slice with a computed start is not supported": {"ingress": "hdr.h.a[5:0][hdr.h.b +: 2] = 1;"},
}


@pytest.mark.parametrize("message", SCENES)
def test_a_listed_refusal(message: str) -> None:
    assert message in LIMITS
    with pytest.raises(P4Error) as caught:
        compile_text(program(**SCENES[message]), "scene.p4")
    assert any(message in d.message and d.span is not None for d in caught.value.diagnostics), caught.value


def test_another_architecture() -> None:
    text = (
        V1 + "parser P(); package Switch(P p); parser Own() { state start { transition accept; } } Switch(Own()) main;"
    )
    with pytest.raises(P4Error) as caught:
        compile_text(text, "scene.p4")
    message = "unsupported architecture 'Switch': only V1Switch of v1model.p4 is supported"
    assert message in LIMITS and message in str(caught.value)
