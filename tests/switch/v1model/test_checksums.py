"""verify_checksum and update_checksum, with and without payload, for csum16 and the other algorithms."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.switch.scene import scene
from tests.switch.v1model.test_hash import ALGORITHMS, csum16, xor16

DATA = "bit<16> sum; bit<32> a; bit<24> b; bit<8> c;"


def message(a: int, b: int, c: int, sum_: int = 0, payload: bytes = b"") -> bytes:
    return sum_.to_bytes(2, "big") + a.to_bytes(4, "big") + b.to_bytes(3, "big") + bytes([c]) + payload


def test_update_writes_the_sum_of_the_final_fields() -> None:
    with scene(
        fields=DATA,
        egress="hdr.h.c = hdr.h.c + 1;",
        compute="update_checksum(true, { hdr.h.a, hdr.h.b, hdr.h.c }, hdr.h.sum, HashAlgorithm.csum16);",
    ) as s:

        @settings(max_examples=100, deadline=None)
        @given(st.integers(0, 2**32 - 1), st.integers(0, 2**24 - 1), st.integers(0, 254), st.binary(max_size=9))
        def check(a: int, b: int, c: int, payload: bytes) -> None:
            total = csum16(message(a, b, c + 1)[2:])
            assert s.out(message(a, b, c, 0x5555, payload)) == message(a, b, c + 1, total, payload).hex()

        check()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_update_with_every_algorithm_is_cut_to_the_field(algorithm: str) -> None:
    for width, field in ((16, "bit<16> sum;"), (32, "bit<32> sum;")):
        with scene(
            fields=f"{field} bit<32> a; bit<24> b; bit<8> c;",
            compute=f"update_checksum(true, {{ hdr.h.a, hdr.h.b, hdr.h.c }}, hdr.h.sum, HashAlgorithm.{algorithm});",
        ) as s:
            data = bytes.fromhex("0102030405060708")
            total = ALGORITHMS[algorithm](data) % (1 << width)
            assert s.out(bytes(width // 8) + data) == f"{total:0{width // 4}x}{data.hex()}"


def test_update_only_where_the_condition_holds() -> None:
    with scene(
        fields=DATA,
        compute="update_checksum(hdr.h.isValid() && hdr.h.c != 0, { hdr.h.a }, hdr.h.sum, HashAlgorithm.csum16);",
    ) as s:
        assert s.out(message(7, 0, 0, 0x1111)) == message(7, 0, 0, 0x1111).hex()
        assert s.out(message(7, 0, 1, 0x1111)) == message(7, 0, 1, 0xFFF8).hex()


def test_one_sum_may_build_on_another() -> None:
    """As with the inner and outer checksum of a tunnel."""
    with scene(
        fields="bit<16> first; bit<16> second; bit<16> a;",
        compute="""
        update_checksum(true, { hdr.h.a }, hdr.h.first, HashAlgorithm.csum16);
        update_checksum(true, { hdr.h.first, hdr.h.a }, hdr.h.second, HashAlgorithm.csum16);
        """,
    ) as s:
        first = csum16(b"\x12\x34")
        second = csum16(first.to_bytes(2, "big") + b"\x12\x34")
        assert s.out("000000001234") == f"{first:04x}{second:04x}1234"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("fields", ["{ hdr.h.a, hdr.h.b, hdr.h.c }", "{ hdr.h.a, hdr.h.b }", "{ hdr.h.c }"])
def test_update_with_payload_covers_the_bytes_that_were_not_parsed(fields: str, algorithm: str) -> None:
    with scene(
        fields=DATA,
        ingress="hdr.h.a = hdr.h.a + 1;",
        compute=f"update_checksum_with_payload(true, {fields}, hdr.h.sum, HashAlgorithm.{algorithm});",
    ) as s:

        @settings(max_examples=30, deadline=None)
        @given(st.integers(0, 2**32 - 2), st.integers(0, 2**24 - 1), st.integers(0, 255), st.binary(max_size=41))
        def check(a: int, b: int, c: int, payload: bytes) -> None:
            part = {"a": (a + 1).to_bytes(4, "big"), "b": b.to_bytes(3, "big"), "c": bytes([c])}
            data = b"".join(part[name] for name in part if f"hdr.h.{name}" in fields)
            # an odd number of bytes: the payload goes on within the word
            total = ALGORITHMS[algorithm](data + payload) % 65536
            assert s.out(message(a, b, c, 0, payload)) == message(a + 1, b, c, total, payload).hex()

        check()


def verifying(call: str) -> dict[str, str]:
    return {"fields": DATA, "verify": call, "ingress": "hdr.h.c = (bit<8>)std.checksum_error;"}


@pytest.mark.parametrize("algorithm", ["csum16", "xor16", "crc16"])
def test_verify_tells_ingress_and_drops_nothing(algorithm: str) -> None:
    call = f"verify_checksum(true, {{ hdr.h.a, hdr.h.b }}, hdr.h.sum, HashAlgorithm.{algorithm});"
    with scene(**verifying(call)) as s:
        right = ALGORITHMS[algorithm](message(0x01020304, 0x050607, 0)[2:9])
        for total in ((right + step) % 65536 for step in range(-2, 3)):
            error = 0 if total == right else 1
            assert s.out(message(0x01020304, 0x050607, 9, total)) == message(0x01020304, 0x050607, error, total).hex()


def test_verify_with_payload() -> None:
    call = "verify_checksum_with_payload(true, { hdr.h.a, hdr.h.b }, hdr.h.sum, HashAlgorithm.csum16);"
    with scene(**verifying(call)) as s:
        for payload in (b"", b"\x80", b"\x80\x01", b"\x00\xff\xee"):
            right = csum16(message(1, 2, 0)[2:9] + payload)
            assert s.out(message(1, 2, 9, right, payload)) == message(1, 2, 0, right, payload).hex()
            assert s.out(message(1, 2, 9, right ^ 1, payload)) == message(1, 2, 1, right ^ 1, payload).hex()


def test_an_error_stays_whatever_is_verified_after_it() -> None:
    call = """
    verify_checksum(hdr.h.c != 0, { hdr.h.a }, hdr.h.sum, HashAlgorithm.xor16);
    verify_checksum(true, { 16w0 }, 16w0, HashAlgorithm.xor16);
    """
    with scene(**verifying(call.replace("16w0, HashAlgorithm", "hdr.h.b[15:0], HashAlgorithm"))) as s:
        right = xor16(message(0x01020304, 0, 0)[2:6])
        assert s.out(message(0x01020304, 0, 9, right ^ 1)) == message(0x01020304, 0, 1, right ^ 1).hex()
        assert s.out(message(0x01020304, 0, 9, right)) == message(0x01020304, 0, 0, right).hex()
        assert s.out(message(0x01020304, 0, 0, right ^ 1)) == message(0x01020304, 0, 0, right ^ 1).hex()  # not asked
        assert s.out(message(0x01020304, 7, 9, right)) == message(0x01020304, 7, 1, right).hex()  # the second


def test_a_header_that_is_not_there_does_not_count() -> None:
    with scene(
        declarations="header two_t { bit<16> v; }",
        fields="bit<32> sum; bit<8> a;",
        headers="two_t more;",
        ingress="if (hdr.h.a == 1) { hdr.more.setValid(); hdr.more.v = 0xabcd; }",
        compute="update_checksum(true, { hdr.h.a, hdr.more.v }, hdr.h.sum, HashAlgorithm.crc32);",
    ) as s:
        assert s.out("0000000000") == f"{zlib.crc32(bytes(1)):08x}00"
        assert s.out("0000000001") == f"{zlib.crc32(bytes.fromhex('01abcd')):08x}01abcd"


def test_recirculated_packets_are_verified_again() -> None:
    with scene(
        fields=DATA,
        verify="verify_checksum(true, { hdr.h.a }, hdr.h.sum, HashAlgorithm.csum16);",
        ingress="hdr.h.c = hdr.h.c + (bit<8>)std.checksum_error * 16;",
        egress="if (hdr.h.b == 0) { hdr.h.b = 1; recirculate_preserving_field_list(0); }",
        compute="update_checksum(true, { hdr.h.a }, hdr.h.sum, HashAlgorithm.csum16);",
    ) as s:
        assert s.out(message(5, 0, 0, 0)) == message(5, 1, 16, 0xFFFA).hex()  # wrong at first, then right
