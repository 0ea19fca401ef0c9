"""Frames of the paper's network: host n is 10.0.0.n with MAC 00:00:00:00:00:0n on port n; number 6 is the server."""

from __future__ import annotations

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

SERVER = 6
HULA = 0x88B5
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(number: int) -> str:
    return f"00:00:00:00:00:{number:02x}"


def ip(number: int) -> str:
    return f"10.0.0.{number}"


def ethernet(source: int, target: int | str) -> Packet:
    return Ether(src=mac(source), dst=target if isinstance(target, str) else mac(target))


def tcp(
    source: int, target: int, port: int, flags: str = "S", *, source_port: int = 40000, payload: bytes = b""
) -> bytes:
    segment = TCP(sport=source_port, dport=port, flags=flags)
    return bytes(ethernet(source, target) / IP(src=ip(source), dst=ip(target)) / segment / Raw(payload))


def udp(source: int, target: int, port: int, *, source_port: int = 40000, payload: bytes = b"data") -> bytes:
    datagram = UDP(sport=source_port, dport=port)
    return bytes(ethernet(source, target) / IP(src=ip(source), dst=ip(target)) / datagram / Raw(payload))


def ping(source: int, target: int) -> bytes:
    return bytes(ethernet(source, target) / IP(src=ip(source), dst=ip(target)) / ICMP())


def arp_request(source: int, target: int) -> bytes:
    return bytes(ethernet(source, BROADCAST) / ARP(op=1, hwsrc=mac(source), psrc=ip(source), pdst=ip(target)))


def arp_reply(source: int, target: int) -> bytes:
    reply = ARP(op=2, hwsrc=mac(source), psrc=ip(source), hwdst=mac(target), pdst=ip(target))
    return bytes(ethernet(source, target) / reply)


def probe(source: int, tor: int, utilisation: int) -> bytes:
    """A HULA probe, padded as on a wire."""
    header = Ether(src=mac(source), dst=BROADCAST, type=HULA)
    return (bytes(header) + (tor << 8 | utilisation).to_bytes(4, "big")).ljust(60, b"\0")


def utilisation(frame: bytes) -> int:
    """The utilisation that a probe carries."""
    return frame[17]
