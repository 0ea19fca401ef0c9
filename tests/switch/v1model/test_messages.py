"""Messages for people and for the controller: log_msg, assert, assume, digest."""

from __future__ import annotations

import pytest

from softswitch.dataplane.entries import DigestMessage
from softswitch.dataplane.stats import Drop
from tests.switch.scene import Scene, scene

# ---- log_msg ----


def logged(fields: str, call: str, frame: str) -> list[str]:
    with scene(fields=fields, ingress=call) as s:
        s.send(frame)
        return s.log()


@pytest.mark.parametrize("width", [1, 7, 8, 33, 64, 65, 128, 129, 200])
@pytest.mark.parametrize("kind", ["bit", "int"])
def test_numbers_are_logged_in_decimal_with_their_sign(kind: str, width: int) -> None:
    size = -(-width // 8)
    spare = 8 * size - width
    fields = f"{kind}<{width}> v;" + (f" bit<{spare}> spare;" if spare else "")
    ones, half = (1 << width) - 1, 1 << (width - 1)
    with scene(fields=fields, ingress='log_msg("<{}>", { hdr.h.v });') as s:
        for value in (0, 1, half, ones):
            s.send((value << spare).to_bytes(size, "big"))
        shown = [value - (1 << width) if kind == "int" and value & half else value for value in (0, 1, half, ones)]
        assert s.log() == [f"<{value}>" for value in shown]


def test_text_without_values_percent_signs_and_braces_that_nothing_fills() -> None:
    assert logged("bit<8> a;", 'log_msg("100% of {} %s");', "00") == ["100% of {} %s"]
    assert logged("bit<8> a;", 'log_msg("{} and {}", { hdr.h.a, hdr.h.a + 1 });', "ff") == ["255 and 0"]


def test_values_of_the_moment_of_the_call_in_order() -> None:
    call = 'log_msg("{}", { hdr.h.a }); hdr.h.a = 7; log_msg("{}", { hdr.h.a }); log_msg("{}", { hdr.h.isValid() });'
    assert logged("bit<8> a;", call, "05") == ["5", "7", "1"]


def test_a_line_that_is_too_long_is_cut() -> None:
    (line,) = logged("bit<8> a;", f'log_msg("{"x" * 3000}");', "00")
    assert set(line) == {"x"} and 900 < len(line) < 3000


# ---- assert and assume ----


@pytest.mark.parametrize("word", ["assert", "assume"])
@pytest.mark.parametrize("where", ["ingress", "egress"])
def test_a_failed_check_drops_its_packet_only_and_tells_the_line(word: str, where: str) -> None:
    with scene(**{where: f"\n{word}(hdr.h.a != 1);\nhdr.h.b = 9;"}) as s:
        assert s.send("02000000") == [(1, "02090000")]
        assert s.send("01000000") == []
        assert s.send("03000000") == [(1, "03090000")]
        assert s.switch.stats().drops[Drop.ABORTED] == 1
        (line,) = s.log()
        assert line.startswith(f"{word} failed at scene.p4:")


def test_a_failed_check_undoes_clones_and_digests_of_its_pass() -> None:
    """simple_switch exits there; this switch drops the results of the whole pass."""
    with scene(ingress="clone(CloneType.I2E, 5); digest<bit<8>>(1, hdr.h.a); assert(hdr.h.a != 1);") as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert s.send("01000000") == []
        assert s.switch.next_digest() is None
        assert [port for port, _ in s.send("02000000")] == [2, 1]


def test_a_check_in_the_parser_and_in_a_checksum_control() -> None:
    with scene(parser="state start { packet.extract(hdr.h); assert(hdr.h.a != 1); transition accept; }") as s:
        assert (s.send("01000000"), len(s.send("02000000"))) == ([], 1)
    with scene(compute="assert(hdr.h.a != 1);", verify="assume(hdr.h.a != 2);") as s:
        assert (s.send("01000000"), s.send("02000000"), len(s.send("03000000"))) == ([], [], 1)


# ---- digest ----


def digests(s: Scene) -> list[DigestMessage]:
    found = []
    while (message := s.switch.next_digest()) is not None:
        found.append(message)
    return found


LEARN = "struct learn_t { bit<8> a; bit<48> mac; bit<1> flag; int<8> level; bit<128> wide; }"


def test_a_digest_carries_the_fields_of_its_struct_at_the_time_of_the_call() -> None:
    with scene(
        declarations=LEARN,
        fields="bit<8> a; bit<48> mac;",
        ingress="""
        learn_t l = { hdr.h.a, hdr.h.mac, 1, -2, 128w1 << 100 };
        digest<learn_t>(1, l);
        l.a = 0; hdr.h.mac = 0;
        """,
    ) as s:
        s.switch.set_time(123_456)
        s.send("2a0102030405060708")
        (message,) = digests(s)
        assert (message.name, message.time_us) == ("learn_t", 123_456)
        assert message.fields == (0x2A, 0x010203040506, 1, 0xFE, 1 << 100)


def test_dropping_resubmitting_and_cloning_do_not_undo_a_digest() -> None:
    with scene(
        declarations="struct learn_t { bit<8> a; }",
        ingress="digest<learn_t>(1, { hdr.h.a }); if (hdr.h.b == 1) { mark_to_drop(std); }",
    ) as s:
        assert s.send("07010000") == []
        assert [m.fields for m in digests(s)] == [(7,)]


def test_several_digests_of_a_packet_are_several_messages_in_order() -> None:
    with scene(
        declarations="struct one_t { bit<8> a; } struct two_t { bit<8> b; bit<8> c; }",
        ingress="""
        digest<one_t>(1, { hdr.h.a }); digest<two_t>(2, { hdr.h.b, hdr.h.c }); digest<one_t>(1, { hdr.h.d });
        """,
    ) as s:
        s.send("01020304")
        assert [(m.name, m.fields) for m in digests(s)] == [("one_t", (1,)), ("two_t", (2, 3)), ("one_t", (4,))]


def test_a_controller_that_reads_too_slowly_loses_digests_and_the_switch_counts_them() -> None:
    with scene(declarations="struct learn_t { bit<8> a; }", ingress="digest<learn_t>(1, { hdr.h.a });") as s:
        for _ in range(20_000):
            s.switch.inject(0, b"\x05\0\0\0")
        lost = s.switch.stats().drops[Drop.DIGEST_QUEUE]
        assert len(digests(s)) + lost == 20_000 and lost > 0
