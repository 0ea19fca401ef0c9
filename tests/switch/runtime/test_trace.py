"""The textual trace of a packet (`softswitch run --trace`)."""

from __future__ import annotations

import time
from pathlib import Path

from softswitch.dataplane.entries import Entry, Exact, Group
from tests.switch import frames
from tests.switch.controller import EVERYTHING, Controller
from tests.switch.harness import Bench
from tests.switch.p4runtime.test_stream import packet_out
from tests.switch.scene import Scene, scene
from tests.switch.test_cli import daemon


def story(bench: Bench | Scene, port: int, frame: bytes) -> list[str]:
    """The lines of one packet."""
    bench.switch.set_trace(True)
    bench.switch.inject(port, frame)
    bench.switch.set_trace(False)
    lines: list[str] = []
    while (line := bench.switch.next_log()) is not None:
        if line.kind == "trace":
            lines += line.text.splitlines()
    return lines


def assert_lines(lines: list[str], *wanted: str) -> None:
    """Asserts that all of `wanted` are in the lines in this order; others may be in between."""
    rest = iter(lines)
    for line in wanted:
        assert line in rest, f"{line!r} is missing or too late in\n" + "\n".join(lines)


def test_a_packet_that_the_firewall_lets_through() -> None:
    with Bench("chained") as bench:
        assert_lines(
            story(bench, 1, frames.tcp(1, frames.SERVER, 80)),
            "received on port 1, 54 bytes",
            "parser PacketParser: state start, extracts hdr.ethernet",
            "parser PacketParser: state ipv4, extracts hdr.ipv4",
            "parser PacketParser: state tcp, extracts hdr.tcp",
            "parser PacketParser: accept",
            "verify_checksum: checksum_error is 0",
            "control MyIngress.knocking",
            "if (hdr.ipv4.isValid()): true",
            "table MyIngress.knocking.allowed: src=0xa000001: hit, action MyIngress.knocking.allow()",
            "table MyIngress.l2.smac: src_mac=0x1, port=0x1: hit, action NoAction()",
            "table MyIngress.l2.dmac: dst_mac=0x6: hit, action MyIngress.l2.forward(port=0x6)",
            "register MyIngress.hula.path_time[6] is 0x0",
            "register MyIngress.hula.link_time[6] = 0x989680",
            "egress, port 6",
            "sent out of port 6, 54 bytes",
        )


def test_a_packet_that_the_firewall_stops() -> None:
    with Bench("chained") as bench:
        lines = story(bench, 2, frames.tcp(2, frames.SERVER, 10000))
        assert_lines(
            lines,
            "table MyIngress.knocking.allowed: src=0xa000002: miss, action NoAction()",
            "if (meta.blocked): true",
            "mark_to_drop",
            "if (!meta.blocked): false",
            "dropped: at the end of ingress",
        )
        assert not any(line.startswith(("egress", "sent", "control MyIngress.l2")) for line in lines)


def test_a_probe_that_is_replicated() -> None:
    with Bench("chained") as bench:
        lines = story(bench, 1, frames.probe(1, 5, 7))
        assert_lines(
            lines,
            "multicast to group 2",
            "egress, port 1",
            "dropped: at the end of egress",
            "sent out of port 2, 60 bytes",
        )
        assert sum(line.startswith("sent out of port") for line in lines) == 5


def test_parser_errors_have_names() -> None:
    with scene(
        parser="""
        state start {
            packet.extract(hdr.h);
            verify(hdr.h.a != 1, error.NoMatch);
            transition select(hdr.h.b) { 0: accept; }
        }
        """
    ) as s:
        assert_lines(story(s, 0, b"\x01\2\3"), "parser error PacketTooShort")
        assert_lines(story(s, 0, b"\x01\2\3\4"), "parser error error.NoMatch")
        assert_lines(story(s, 0, b"\x02\2\3\4"), "parser error NoMatch", "sent out of port 1, 4 bytes")


def test_wide_values_parameters_and_groups_without_members() -> None:
    with scene(
        fields="bit<8> a; bit<72> wide;",
        locals="""
        action set(bit<72> v, bool flag) { hdr.h.wide = v; }
        table plain { key = { hdr.h.wide: exact; hdr.h.a: ternary; } actions = { set; NoAction; } }
        action_selector(HashAlgorithm.crc16, 4, 16) choice;
        table chosen {
            key = { hdr.h.a: exact; hdr.h.wide: selector; }
            actions = { NoAction; }
            implementation = choice;
        }
        table none { actions = { set; } const default_action = set(72w0x123456789abcdef012, true); }
        """,
        ingress="plain.apply(); chosen.apply(); none.apply();",
    ) as s:
        s.pipeline.profiles["TestIngress.choice"].insert_group(Group(1))
        s.pipeline.tables["TestIngress.chosen"].insert(Entry((Exact(5),), group=1))
        assert_lines(
            story(s, 0, bytes.fromhex("05ff0000000000000001")),
            "table TestIngress.plain: hdr.h.wide=0xff0000000000000001, hdr.h.a=0x5: miss, action NoAction()",
            "table TestIngress.chosen: hdr.h.a=0x5: hit, no live member in its group",
            "table TestIngress.none: miss, action TestIngress.set(v=0x123456789abcdef012, flag=0x1)",
        )


def test_what_externs_do() -> None:
    with scene(
        declarations="struct learn_t { bit<8> a; }",
        locals="""
        register<bit<72>, bit<8>>(4) cells; counter<bit<8>>(4, CounterType.packets) seen;
        meter<bit<8>>(4, MeterType.packets) rate; action nothing() { }
        """,
        ingress="""
        bit<72> v;
        cells.read(v, hdr.h.a); cells.write(hdr.h.b, 72w1 << 64);
        seen.count(3); rate.execute_meter(8w2, hdr.h.c);
        digest<learn_t>(1, { hdr.h.a }); clone(CloneType.I2E, 9); truncate(3);
        if (hdr.h.a == 1 && hdr.h.b
            == 2) { assert(hdr.h.a != 1); }
        """,
        egress="if (std.instance_type == 0) { recirculate_preserving_field_list(0); mark_to_drop(std); }",
    ) as s:
        lines = story(s, 0, bytes([0, 9, 0, 0]))
        assert_lines(
            lines,
            "register TestIngress.cells[0] is 0x00000000000000000",
            "register TestIngress.cells[9, out of range] = 0x10000000000000000",
            "counter TestIngress.seen[3] counts",
            "meter TestIngress.rate[2]: colour 0",
            "digest learn_t",
            "clone to session 9",
            "truncate to 3 bytes",
            "if (hdr.h.a == 1 && hdr.h.b == 2): false",
            "recirculate",
            "mark_to_drop",
        )
        (last,) = [line for line in story(s, 0, bytes([1, 2, 0, 0])) if "failed" in line and "assert failed" in line]
        assert last.startswith("assert failed at scene.p4:")


def test_the_daemon_logs_each_packet(tmp_path: Path) -> None:
    log, address = tmp_path / "log", f"unix:{tmp_path}/s"
    with (
        daemon(str(EVERYTHING), "--trace", "--log-file", str(log), "--grpc-server-addr", address),
        Controller(address, 1) as controller,
    ):
        controller.send(packet=packet_out(bytes(14), (1, 4), (2, 0)))
        give_up = time.monotonic() + 20
        while "dropped" not in log.read_text():
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.02)
        assert_lines(
            [line.split("] ")[-1].strip() for line in log.read_text().splitlines()],
            "received on port 510, 16 bytes",
            "if (hdr.packet_out.isValid()): true",
            "egress, port 4",
            "dropped: there is no port 4",
        )
