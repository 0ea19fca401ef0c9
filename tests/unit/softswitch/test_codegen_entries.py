"""Entries declared in a program, in the generated C."""

from __future__ import annotations

from p4front.load import load_text
from softswitch.build.program import syntax_check
from softswitch.codegen import generate
from tests.switch.scene import program


def test_the_words_of_all_entries_stand_in_one_array() -> None:
    """With an unnamed array for each part of each entry, C compilers took quadratic time: minutes for 20,000
    entries."""
    entries = " ".join(f"({i}, 8w{i} &&& 0xF0): mark({i}); (0x8{i:x}, _): nothing();" for i in range(16))
    table = (
        "action mark(bit<8> v) { hdr.h.c = v; } action nothing() { } table t { key = { hdr.h.a: exact; "
        f"hdr.h.b: ternary; }} actions = {{ mark; nothing; }} const entries = {{ {entries} }} "
        "default_action = nothing(); }"
    )
    generated = generate(load_text(program(locals=table, ingress="t.apply();"), "scene.p4"))
    assert "(const uint64_t[])" not in generated.c_source
    assert generated.c_source.count("static const uint64_t table_words_0[]") == 1
    syntax_check(generated)
