"""Captures of a wire, as tcpdump writes them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from experiments.measure.wire import HEAD_BYTES, HULA, IPV4, read_capture
from experiments.traffic.armed import TrafficError
from experiments.traffic.frames import hula_probe, tcp_syn, udp_datagram

NS = 1_000_000_000


def header(magic: int = 0xA1B23C4D) -> bytes:
    return struct.pack("<IHHiIII", magic, 2, 4, 0, 0, HEAD_BYTES, 1)


def record(at_ns: int, frame: bytes, keep: int = HEAD_BYTES) -> bytes:
    return struct.pack("<IIII", at_ns // NS, at_ns % NS, min(keep, len(frame)), len(frame)) + frame[:keep]


UDP = udp_datagram(
    source_mac="00:00:00:00:00:02",
    target_mac="00:00:00:00:00:06",
    source_ip="10.0.0.2",
    target_ip="10.0.0.6",
    source_port=4000,
    port=5000,
    payload=bytes(1472),
)
SYN = tcp_syn(
    source_mac="00:00:00:00:00:05",
    target_mac="00:00:00:00:00:06",
    source_ip="10.0.0.5",
    target_ip="10.0.0.6",
    source_port=4001,
    port=5001,
)
PROBE = hula_probe(source_mac="00:00:00:00:00:01", tor=1)
START = 1_800_000_000 * NS


def test_frames_have_their_full_length_and_their_time(tmp_path: Path) -> None:
    file = tmp_path / "a.pcap"
    file.write_bytes(header() + record(START + 5, UDP) + record(START + 250_000_005, SYN) + record(START + NS, PROBE))
    frames = read_capture(file, -START / 1e9)
    assert frames["bytes"].tolist() == [1514, 60, 60]
    assert frames["type"].tolist() == [IPV4, IPV4, HULA]
    assert frames["received_s"].tolist() == pytest.approx([0.0, 0.25, 1.0], abs=1e-6)
    assert frames["source"].tolist()[:2] == [0x0A000002, 0x0A000005]
    assert frames["destination"].tolist()[:2] == [0x0A000006] * 2
    assert frames["port"].tolist()[:2] == [5000, 5001]
    assert frames["source_port"].tolist()[:2] == [4000, 4001]


def test_the_last_record_may_be_cut(tmp_path: Path) -> None:
    file = tmp_path / "a.pcap"
    file.write_bytes(header() + record(START, UDP) + record(START + 1, SYN)[:30])
    assert len(read_capture(file)) == 1


def test_an_empty_capture_has_no_frames(tmp_path: Path) -> None:
    file = tmp_path / "a.pcap"
    file.write_bytes(header())
    assert read_capture(file).empty


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not a capture with timestamps in ns"),
        (header(0xA1B2C3D4) + record(START, UDP), "is not a capture with timestamps in ns"),
        (header() + record(START, UDP, keep=20) + bytes(22), "was not recorded with 42 bytes of each frame"),
    ],
)
def test_another_file_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "a.pcap"
    file.write_bytes(content)
    with pytest.raises(TrafficError, match=why):
        read_capture(file)
