"""Frames that we build ourselves, parsed by scapy."""

from __future__ import annotations

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from experiments.traffic.frames import hula_probe, internet_checksum, tcp_syn, udp_datagram


def test_a_syn_is_what_scapy_would_make() -> None:
    ours = tcp_syn(
        source_mac="00:00:00:00:00:02",
        target_mac="00:00:00:00:00:06",
        source_ip="10.0.0.2",
        target_ip="10.0.0.6",
        source_port=40000,
        port=20000,
    )
    theirs = (
        Ether(src="00:00:00:00:00:02", dst="00:00:00:00:00:06")
        / IP(src="10.0.0.2", dst="10.0.0.6", id=0, flags="DF")
        / TCP(sport=40000, dport=20000, seq=1, flags="S", window=64240)
    )
    assert ours == bytes(theirs).ljust(60, b"\0")


def test_a_probe_carries_tor_and_utilisation() -> None:
    frame = hula_probe(source_mac="00:00:00:00:00:06", tor=0x010203, utilisation=0x7F)
    assert frame[12:18] == bytes.fromhex("88b5 010203 7f")
    assert len(frame) == 60


def test_checksum_of_rfc_1071() -> None:
    assert internet_checksum(bytes.fromhex("0001f203f4f5f6f7")) == ~0xDDF2 & 0xFFFF
    assert internet_checksum(b"\x01") == ~0x0100 & 0xFFFF


def test_a_datagram_is_what_scapy_would_make() -> None:
    ours = udp_datagram(
        source_mac="00:00:00:00:00:01",
        target_mac="00:00:00:00:00:06",
        source_ip="10.0.0.1",
        target_ip="10.0.0.6",
        source_port=40000,
        port=5300,
        payload=b"x" * 100,
    )
    theirs = (
        Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:06")
        / IP(src="10.0.0.1", dst="10.0.0.6", id=0, flags="DF")
        / UDP(sport=40000, dport=5300, chksum=0)
        / (b"x" * 100)
    )
    assert ours == bytes(theirs)
