"""v1model's externs as generated code calls them, against values worked out by hand or by Python."""

from __future__ import annotations

import binascii

import pytest

from tests.switch.scene import program, running, scene

DATA = "123456789abcdef0"  # fields a, b, c and d of 16 bits each


def crc16(data: bytes) -> int:
    """CRC-16/ARC, bit by bit."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def checksum(data: bytes) -> int:
    """RFC 1071; a trailing odd byte is the high half of a word."""
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def xor16(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    value = 0
    for i in range(0, len(data), 2):
        value ^= int.from_bytes(data[i : i + 2], "big")
    return value


ALGORITHMS = {
    "crc16": crc16,
    "crc16_custom": crc16,
    "crc32": binascii.crc32,
    "crc32_custom": binascii.crc32,
    "csum16": checksum,
    "xor16": xor16,
    "identity": lambda data: int.from_bytes(data[:8], "big"),
}


@pytest.fixture(scope="module")
def hashes() -> dict[str, int]:
    """The hash of five bytes by each algorithm, as the switch computes it."""
    calls = "".join(
        f"hash(r, HashAlgorithm.{name}, (bit<64>)0, {{ hdr.h.a, hdr.h.b, hdr.h.x }}, (bit<64>)0xffffffffffffffff);"
        f"results.write({i}, r);"
        for i, name in enumerate(ALGORITHMS)
    )
    fields = "bit<16> a; bit<16> b; bit<8> x;"
    with scene(fields=fields, locals="register<bit<64>, bit<32>>(16) results; bit<64> r;", ingress=calls) as s:
        s.send("123456789a")
        cells = s.pipeline.registers["TestIngress.results"].read().tolist()
        return dict(zip(ALGORITHMS, cells, strict=False))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_hash_algorithms(hashes: dict[str, int], name: str) -> None:
    assert hashes[name] == ALGORITHMS[name](bytes.fromhex("123456789a"))


def test_base_and_max_of_a_hash() -> None:
    with scene(
        fields="bit<16> a; bit<16> b; bit<16> c; bit<16> d;",
        ingress="""
        hash(hdr.h.b, HashAlgorithm.identity, 16w1000, { hdr.h.a }, 32w7);
        hash(hdr.h.c, HashAlgorithm.identity, 16w1000, { hdr.h.a }, 32w0);
        hash(hdr.h.d, HashAlgorithm.identity, 16w0xfffe, { hdr.h.a }, 16w10);
        """,
    ) as s:
        assert s.out("0009000000000000") == "000903ea03e80007"  # 9 % 7 = 2; no max: the base; wraps at 16 bits


def test_fields_of_an_invalid_header_are_not_hashed() -> None:
    with scene(
        declarations="header n_t { bit<8> v; bit<4> w; bit<4> x; }",
        headers="n_t n;",
        fields="bit<16> a; bit<16> b;",
        ingress="""
        if (hdr.h.a == 1) { hdr.n = { 0xaa, 1, 2 }; }
        hash(hdr.h.b, HashAlgorithm.csum16, 16w0, { hdr.h.a, hdr.n.v, hdr.n.w, hdr.n.x }, 32w0x10000);
        """,
        deparser="packet.emit(hdr.h);",
    ) as s:
        assert int(s.out("00010000")[4:], 16) == checksum(bytes.fromhex("0001aa12"))
        assert int(s.out("00020000")[4:], 16) == checksum(bytes.fromhex("0002"))


def test_fields_that_end_inside_a_byte_are_filled_up() -> None:
    with scene(
        fields="bit<4> a; bit<4> b; bit<16> c; bit<24> d;",
        ingress="hash(hdr.h.d, HashAlgorithm.identity, 24w0, { hdr.h.a, hdr.h.c, 3w5 }, 32w0x1000000);",
    ) as s:
        # 0001 1010101111001101 101 and one zero
        assert s.out("12abcd000000") == "12abcd1abcda"


def test_registers_of_odd_widths_and_out_of_range() -> None:
    widths = (1, 9, 48, 65, 128, 200)
    registers = (
        "".join(f"register<bit<{w}>, bit<32>>(4) r{w}; bit<{w}> v{w};" for w in widths)
        + "register<int<12>, bit<32>>(4) rs; int<12> vs;"
    )
    code = "".join(
        f"r{w}.read(v{w}, (bit<32>)hdr.h.a); v{w} = v{w} - 1; r{w}.write((bit<32>)hdr.h.b, v{w});" for w in widths
    )
    code += "rs.read(vs, (bit<32>)hdr.h.a); rs.write((bit<32>)hdr.h.b, vs - 1); hdr.h.c = vs < 0 ? 8w1 : 0;"
    with scene(locals=registers, ingress=code) as s:
        s.send("00010000")
        s.send("01020000")
        s.send("09000000")  # read out of range: 0
        s.send("00090000")  # written out of range: nothing
        assert s.out("01030000")[4:6] == "01"
        for width in widths:
            register = s.pipeline.registers[f"TestIngress.r{width}"]
            values = [register.read_cell(i) for i in range(4)]
            top = 1 << width
            assert values == [(-1) % top, (-1) % top, (-2) % top, (-2) % top], width
        assert [s.pipeline.registers["TestIngress.rs"].read_cell(i) % 4096 for i in range(4)] == [
            4095,
            4095,
            4094,
            4094,
        ]


def test_a_struct_in_a_register() -> None:
    with scene(
        declarations="struct pair { bit<4> x; bool y; bit<70> z; }",
        locals="register<pair, bit<32>>(2) pairs; pair p;",
        ingress="""
        pairs.read(p, 1);
        hdr.h.b = (bit<8>)p.x; hdr.h.c = p.y ? 8w1 : 0; hdr.h.d = (bit<8>)p.z;
        pairs.write(1, { 4w9, true, 70w0x3_0000_0000_0000_0077 });
        """,
    ) as s:
        assert s.out("00000000") == "00000000"
        assert s.out("00000000") == "00090177"
        assert s.pipeline.registers["TestIngress.pairs"].read_cell(1) == 9 << 71 | 1 << 70 | 3 << 64 | 0x77


def test_counters_count_packets_and_the_bytes_that_came_in() -> None:
    with scene(
        locals="counter<bit<8>>(4, CounterType.packets_and_bytes) seen;",
        ingress="seen.count(hdr.h.a); hdr.h.setInvalid();",
    ) as s:
        for frame in ("01000000", "01000000aabb", "03000000", "09000000"):
            s.send(frame)
        counter = s.pipeline.counters["TestIngress.seen"]
        assert [tuple(row) for row in counter.read().tolist()] == [(0, 0), (2, 10), (0, 0), (1, 4)]


def test_meters_give_colours() -> None:
    with scene(
        locals="meter<bit<8>>(2, MeterType.packets) speed;", ingress="speed.execute_meter(hdr.h.a, hdr.h.b);"
    ) as s:
        s.pipeline.meters["TestIngress.speed"].configure(1, cir=1, cburst=1, pir=1, pburst=2)
        assert [s.out("01ff0000")[2:4] for _ in range(3)] == ["00", "01", "02"]
        assert s.out("00ff0000")[2:4] == "00"  # not configured: green


def test_random_numbers_stay_inside_their_bounds() -> None:
    with scene(ingress="random(hdr.h.a, 8w10, 8w13); random(hdr.h.b, 8w7, 8w7);") as s:
        seen = {s.out("00000000")[:4] for _ in range(200)}
        assert seen == {"0a07", "0b07", "0c07", "0d07"}


def test_checksums_are_verified_and_updated() -> None:
    with scene(
        fields="bit<16> a; bit<16> b; bit<16> c; bit<16> sum;",
        verify="verify_checksum(hdr.h.a != 0, { hdr.h.a, hdr.h.b, hdr.h.c }, hdr.h.sum, HashAlgorithm.csum16);",
        ingress="if (std.checksum_error == 1) { std.egress_spec = 2; } hdr.h.b = hdr.h.b + 1;",
        compute="update_checksum(hdr.h.isValid(), { hdr.h.a, hdr.h.b, hdr.h.c }, hdr.h.sum, HashAlgorithm.csum16);",
    ) as s:
        body = bytes.fromhex("111122223333")
        right = body + checksum(body).to_bytes(2, "big")
        after = bytes.fromhex("111122233333")
        expected = (after + checksum(after).to_bytes(2, "big")).hex()
        assert s.send(right) == [(1, expected)]
        assert s.send(body + b"\0\0") == [(2, expected)]
        assert s.send(bytes(8))[0][0] == 1  # the condition is false


@pytest.mark.parametrize("payload", ["", "aa", "aabb", "aabbcc"])
def test_checksums_over_the_payload(payload: str) -> None:
    with scene(
        fields="bit<8> a; bit<16> sum;",
        verify="verify_checksum_with_payload(true, { hdr.h.a }, hdr.h.sum, HashAlgorithm.csum16);",
        ingress="if (std.checksum_error == 1) { std.egress_spec = 2; } hdr.h.a = hdr.h.a + 1;",
        compute="update_checksum_with_payload(true, { hdr.h.a }, hdr.h.sum, HashAlgorithm.csum16);",
    ) as s:
        data = bytes.fromhex(payload)
        before, after = (checksum(head + data).to_bytes(2, "big") for head in (b"\x11", b"\x12"))
        assert s.send(b"\x11" + before + data) == [(1, (b"\x12" + after + data).hex())]
        assert s.send(b"\x11" + bytes(2) + data)[0][0] == 2


def test_the_old_checksum_object() -> None:
    with scene(
        fields="bit<16> a; bit<16> b; bit<16> c;",
        locals="Checksum16() sums;",
        ingress="hdr.h.c = sums.get({ hdr.h.a, hdr.h.b });",
    ) as s:
        assert int(s.out("12345678ffff")[8:], 16) == checksum(bytes.fromhex("12345678"))


def test_dropping() -> None:
    with scene(ingress="if (hdr.h.a == 1) { mark_to_drop(std); } if (hdr.h.a == 2) { std.egress_spec = 511; }") as s:
        assert s.send("01000000") == s.send("02000000") == []
        assert len(s.send("03000000")) == 1


def test_truncate_limits_the_whole_packet() -> None:
    with scene(ingress="if (hdr.h.a != 0) { truncate((bit<32>)hdr.h.a); }") as s:
        assert s.out("06000000aabbccdd") == "06000000aabb"
        assert s.out("02000000aabbccdd") == "0200"
        assert s.out("00000000aabbccdd") == "00000000aabbccdd"


def test_a_clone_keeps_the_fields_of_its_list() -> None:
    with scene(
        metadata="@field_list(1) bit<8> kept; bit<8> lost; inner_t in_; ",
        declarations="struct inner_t { @field_list(1, 2) bit<8> deep; }",
        ingress="""
        meta.kept = 5; meta.lost = 6; meta.in_.deep = 7;
        if (hdr.h.a == 1) { clone_preserving_field_list(CloneType.I2E, 9, 1); }
        if (hdr.h.a == 2) { clone_preserving_field_list(CloneType.I2E, 9, 2); }
        if (hdr.h.a == 3) { clone(CloneType.I2E, 9); }
        meta.kept = 8;      // the final value is kept
        hdr.h.b = 1;        // the clone is the packet as it came in
        """,
        egress="if (std.instance_type == 1) { hdr.h.c = meta.kept; hdr.h.d = meta.in_.deep + meta.lost; }",
    ) as s:
        s.switch.set_clone_session(9, [(3, 0)])
        assert sorted(s.send("01000000")) == [(1, "01010000"), (3, "01000807")]
        assert sorted(s.send("02000000")) == [(1, "02010000"), (3, "02000007")]
        assert sorted(s.send("03000000")) == [(1, "03010000"), (3, "03000000")]


def test_clone_with_a_list_of_data_as_in_older_programs() -> None:
    text = program(
        metadata="bit<8> x; bit<8> y;",
        ingress="meta.x = 4; meta.y = 5; clone3(CloneType.I2E, 32w9, { meta.x, std.ingress_port });",
        egress="""if (std.instance_type == 1) {
            hdr.h.b = meta.x; hdr.h.c = meta.y; hdr.h.d = (bit<8>)std.ingress_port;
        }""",
    )
    with running(text) as s:
        s.switch.set_clone_session(9, [(3, 0)])
        assert sorted(s.send("00000000", port=6)) == [(1, "00000000"), (3, "00040006")]


def test_resubmit_and_recirculate() -> None:
    with scene(
        metadata="@field_list(1) bit<8> rounds; @field_list(2) bit<8> again;",
        ingress="""
        hdr.h.b = meta.rounds; hdr.h.c = meta.again;
        if (meta.rounds < 3 && hdr.h.a == 1) {
            meta.rounds = meta.rounds + 1; resubmit_preserving_field_list(1);
        }
        """,
        egress="""
        if (meta.again < 2 && hdr.h.a == 2) {
            meta.again = meta.again + 1; hdr.h.d = hdr.h.d + 1; recirculate_preserving_field_list(2);
        }
        """,
    ) as s:
        assert s.out("01000000") == "01030000"
        assert s.out("02000000") == "02000202"  # what egress changed stays in a recirculated packet


def test_digests_carry_the_values_of_their_call() -> None:
    with scene(
        declarations="struct learn_t { bit<8> x; bit<100> y; bool z; }",
        locals="learn_t l;",
        ingress="l = { hdr.h.a, 100w1 << 90, true }; digest<learn_t>(1, l); hdr.h.a = 0;",
    ) as s:
        s.send("07000000")
        message = s.switch.next_digest(0)
        assert message is not None
        assert (message.name, message.fields) == ("learn_t", (7, 1 << 90, 1))
        assert s.switch.next_digest(0) is None


def test_log_messages() -> None:
    with scene(
        fields="bit<8> a; int<8> b; bit<128> c;",
        ingress="""
        log_msg("plain 100%");
        log_msg("a = {}, equal = {}, wide = {}", { hdr.h.a, hdr.h.a == 7, hdr.h.c });
        """,
    ) as s:
        s.send("07fe" + "00" * 15 + "ff")
        assert s.log() == ["plain 100%", "a = 7, equal = 1, wide = 255"]


def test_a_failed_assertion_drops_the_packet_and_says_where() -> None:
    with scene(ingress="assert(hdr.h.a != 1); assume(hdr.h.a != 2);") as s:
        assert s.send("01000000") == s.send("02000000") == []
        assert len(s.send("03000000")) == 1
        assert [line.split(" at ")[0] for line in s.log()] == ["assert failed", "assume failed"]


def test_a_trace_tells_the_packets_story() -> None:
    with scene(
        locals="table t { key = { hdr.h.a: exact; } actions = { NoAction; } }", ingress="t.apply(); mark_to_drop(std);"
    ) as s:
        s.switch.set_trace(True)
        s.send("01000000")
        story = "\n".join(s.log())
        for part in (
            "state start",
            "accept",
            "table TestIngress.t: hdr.h.a=0x1: miss, action NoAction()",
            "mark_to_drop",
        ):
            assert part in story
