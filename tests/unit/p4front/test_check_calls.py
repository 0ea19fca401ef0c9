"""Calls, objects and packages: overloads, named and default arguments, directions, where a call may stand."""

from __future__ import annotations

import pytest

from tests.unit.p4front.p4check import V1MODEL, error_of, errors_of, in_control, v1switch

FUNCTIONS = (
    "bit<8> add(in bit<8> a, in bit<8> b) { return a + b; } void set(out bit<8> a) { a = 1; } "
    "extern void pick(in bit<8> a); extern void pick(in bit<8> a, in bool b); "
    "T twice<T>(in T v) { return v; } bit<8> inc(in bit<8> a, in bit<8> by = 1) { return a + by; }"
)


def test_accepted_calls() -> None:
    body = (
        "x = add(x, 3); x = add(b = 1, a = x); set(x); set(_); pick(x); pick(1, true); pick(b = true, a = 2); "
        "x = twice(x); x = twice<bit<8>>(3); x = inc(x); x = inc(by = 2, a = x); act(3, x); act(d = 3, v = x);"
    )
    assert errors_of(in_control(body, before=FUNCTIONS, local="action act(inout bit<8> v, bit<8> d) { v = d; }")) != []
    body = body.replace("act(3, x)", "act(x, 3)")
    assert errors_of(in_control(body, before=FUNCTIONS, local="action act(inout bit<8> v, bit<8> d) { v = d; }")) == []


WRONG_CALLS = [
    ("x = add(x);", '4:13 "add": no argument for the parameter "b"'),
    ("x = add(x, 1, 2);", '4:23 "add": 3 arguments for 2 parameters'),
    ("x = add(x, y);", '4:20 cannot pass bit<16> for the parameter "b", of type bit<8>: add a cast `(bit<8>)`'),
    ("x = add(a = 1, 2);", '4:24 "add": either all arguments of a call are named or none'),
    ("x = add(a = 1, c = 2);", '4:24 "add": there is no parameter "c": the parameters are a, b'),
    (
        "set(3);",
        '4:13 the `out` parameter "a" needs a variable: it is not a variable, a field, a slice or an element of one',
    ),
    ("set(y);", '4:13 cannot pass bit<16> for the parameter "a", of type bit<8>: add a cast `(bit<8>)`'),
    ("x = add(x, _);", '4:20 `_` can only stand for an `out` argument, and "b" is none'),
    ("pick();", '4:9 no overload of "pick" takes these 0 arguments'),
    ("x = twice(3);", "4:19 this value needs a width, as in `32w1`: the type T is taken from it"),
    ("x = twice<bit<8>, bool>(x);", '4:13 "twice" takes 1 type argument, not 2'),
    ("x = set(x);", "4:13 this call gives no value"),
    ("x = add;", '4:13 "add" is a function: call it with `(...)`'),
    ("verify(true, error.NoError);", "4:9 `verify` can only be called in a parser"),
    ('static_assert(1 == 2, "no");', "4:23 static_assert failed: no"),
    ("nothing(x);", '4:9 unknown name "nothing"'),
]


@pytest.mark.parametrize(("body", "message"), WRONG_CALLS)
def test_refused_calls(body: str, message: str) -> None:
    assert error_of(in_control(body, before=FUNCTIONS)) == message


@pytest.mark.parametrize(
    ("declarations", "message"),
    [
        ("void f() { f(); }", '1:12 "f" calls itself: recursion is not allowed'),
        ("bit<8> f(in bit<8> x) { if (x == 1) { return 2; } }", '1:8 "f" does not return a value on every path'),
        ("bit<8> f() { return; }", None),
        ("bit<8> f() { return true; }", "1:21 cannot return bool from a function that gives bit<8>"),
        ("void f(in bit<8> x, in bit<8> x) { }", '1:31 "x" is declared twice in this scope'),
        (
            "void f(in int x) { }",
            '1:8 parameter "x": a value of type int is known at compile time: it has no direction',
        ),
        ("void f(out bit<8> x = 1) { }", '1:23 parameter "x": an `out` parameter can\'t have a default value'),
        ("void f() { exit; }", None),
        ("void f(in bit<8> x) { } void f(in bit<8> x) { }", '1:30 "f" is declared twice in this scope'),
        (
            "action a(bit<8> d, inout bit<8> v) { }",
            '1:10 parameter "d": parameters without a direction (action data) come last',
        ),
        ("struct S { bit<8> a; S s; }", '1:22 "S" refers to itself: a declaration can\'t contain itself'),
        ("header H { bool b; error e; }", None),
        ("header_union U { bit<8> x; }", None),
        ("struct S { bit<8> a; bool a; }", '1:27 "a" is declared twice in this scope'),
        ("enum E { A, A }", '1:13 "A" is declared twice in this scope'),
        ("struct S<T> { T a; } const S x = { 1 };", "1:28 struct S<T> is generic: write its type arguments `<T>`"),
        ("struct S<T> { T a; } const S<bool, bool> x = { true };", "1:28 struct S<T> takes 1 type argument, not 2"),
        ("type varbit<8> N;", "1:6 `type` makes a new type from bit<>, int<> or bool, not from varbit<8>"),
        ("const int<0> x = 0;", "1:11 int<0> has no values: the width of a signed type is at least 1"),
        ("bit<8> x;", None),
    ],
)
def test_refused_declarations(declarations: str, message: str | None) -> None:
    found = errors_of(declarations)
    assert len(found) == 1
    assert message is None or found == [message]


EXTERN = (
    "extern Box<T> { Box(bit<32> size); Box(bit<32> size, T first); T get(); void put(in T v); "
    "void put(in T v, in bool twice); }"
)


def test_objects_of_externs() -> None:
    local = "Box<bit<8>>(4) b; Box(4, 16w1) c; Box<bit<8>>(size = 4, first = 2) d;"
    assert (
        errors_of(
            in_control("x = b.get(); b.put(3); b.put(v = 1, twice = true); y = c.get();", before=EXTERN, local=local)
        )
        == []
    )


@pytest.mark.parametrize(
    ("local", "body", "message"),
    [
        ("Box(4) b;", "", '3:46 can\'t tell what the type parameter T of "Box" is: write `Box<...>`'),
        ("Box<bit<8>>() b;", "", '3:46 no overload of "Box" takes these 0 arguments'),
        ("Box<bit<8>>(4) b;", "b.put(y);", None),
        ("Box<bit<8>>(4) b;", "b.pot(x);", None),
        ("Box<bit<8>>(4) b;", "Box<bit<8>>(4) e;", None),
        ("Box<bit<8>>((bit<32>)x) b;", "", '3:58 the argument for "size" must be known at compile time'),
        ("", "Box<bit<8>> b;", None),
    ],
)
def test_wrong_objects(local: str, body: str, message: str | None) -> None:
    found = errors_of(in_control(body, before=EXTERN, local=local))
    assert len(found) == 1
    assert message is None or found == [message]


def test_controls_and_parsers_with_constructor_parameters() -> None:
    before = (
        "control inner(inout bit<8> v)(bit<8> by, bool on) { apply { if (on) { v = v + by; } } } "
        "control plain(inout bit<8> v) { apply { v = 0; } }"
    )
    local = "inner(3, true) a; inner(on = false, by = 1) b;"
    assert errors_of(in_control("a.apply(x); b.apply(x); plain.apply(x);", before=before, local=local)) == []
    found = errors_of(in_control("inner.apply(x); a.apply(y); plain.apply();", before=before, local=local))
    assert found == [
        "4:9 control inner takes constructor arguments: declare an instance of it",
        '4:33 cannot pass bit<16> for the parameter "v", of type bit<8>: add a cast `(bit<8>)`',
        '4:37 "plain": no argument for the parameter "v"',
    ]


def test_where_things_may_be_called() -> None:
    before = "action act() { } control other() { apply { } } bit<8> f() { act(); return 1; }"
    found = errors_of(
        in_control(
            "t.apply();", before=before, local="table t { actions = { go; NoAction; } } action go() { t.apply(); }"
        )
    )
    assert [message.split(" ", 1)[1] for message in found] == [
        'a function can\'t call the action "act"',
        'unknown action "go"',
        "a table can only be applied in the apply block of a control, not in an action",
    ]


ABSTRACT = "extern Virtual { Virtual(); abstract bit<16> f(in bit<16> ix); void run(in bit<16> ix); } "


def test_abstract_methods() -> None:
    good = "Virtual() v = { bit<16> f(in bit<16> i) { return i + 1; } };"
    assert errors_of(in_control("v.run(y);", before=ABSTRACT, local=good)) == []
    assert error_of(in_control("", before=ABSTRACT, local="Virtual() v;")).endswith(
        'the abstract method "f" of extern Virtual needs an implementation'
    )
    wrong = "Virtual() v = { bit<8> f(in bit<16> i) { return 1; } };"
    assert "it must be `bit<16> f(in bit<16> ix)`" in error_of(in_control("", before=ABSTRACT, local=wrong))


def test_a_block_that_does_not_fit_the_architecture_says_how() -> None:
    text = v1switch("apply { }").replace(
        "control E(inout hs_t h, inout meta_t m,", "control E(inout hs_t h, in meta_t m,"
    )
    assert error_of(text).endswith(
        'cannot pass control E for the parameter "eg", of type control type Egress<hs_t, meta_t>'
    )


@pytest.mark.parametrize(
    ("ingress", "message"),
    [
        ("apply { s.egress_spec = 8w3; }", "7:25 cannot assign bit<8> to bit<9>: add a cast `(bit<9>)`"),
        ("apply { hash(m.a, HashAlgorithm.crc99, 32w0, { m.a }, 32w9); }", None),
        ("apply { digest(1, { m.a, 5 }); }", None),
        ("register<bit<32>>(m.a) r; apply { }", '7:19 the argument for "size" must be known at compile time'),
        ("register(5) r; apply { }", None),
        ("apply { mark_to_drop(m); }", None),
        ("apply { clone_preserving_field_list(CloneType.I2E, 5, (bit<8>)m.a); }", None),
    ],
)
def test_externs_of_v1model(ingress: str, message: str | None) -> None:
    found = errors_of(v1switch(ingress))
    assert len(found) == 1
    assert message is None or found == [message]


def test_main_is_the_instance_of_a_package() -> None:
    assert error_of("extern main { }") == '1:8 "main" must be the instance of a package'


def test_packets_take_headers_only() -> None:
    text = V1MODEL + "parser P(packet_in p, out hs_t h) { state start { p.extract(h); transition accept; } }"
    assert error_of(text) == "6:61 `extract` takes a header, not struct hs_t"
    text = V1MODEL + "control D(packet_out p, in meta_t m) { apply { p.emit(m.a); } }"
    assert error_of(text) == "6:55 `emit` takes headers, stacks, unions and structs of these, not bit<32>"
    text = V1MODEL + (
        "header V { bit<8> n; varbit<64> o; } parser P(packet_in p, out V v) "
        "{ state start { p.extract(v); transition accept; } }"
    )
    assert "give its size in bits" in error_of(text)
