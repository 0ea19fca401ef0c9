"""Frames that the kernel's sockets would not send in the form needed: single TCP SYNs and HULA probes."""

from __future__ import annotations

import socket
import struct

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_HULA = 0x88B5  # nfs/include/headers.p4
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
_FLAG_SYN = 0x02


def mac_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def internet_checksum(data: bytes) -> int:
    """The 16-bit one's complement checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_syn(*, source_mac: str, target_mac: str, source_ip: str, target_ip: str, source_port: int, port: int) -> bytes:
    """One SYN in an Ethernet frame of minimum length, with correct checksums and no TCP options."""
    addresses = socket.inet_aton(source_ip) + socket.inet_aton(target_ip)
    without = struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, _FLAG_SYN, 64240, 0, 0)
    pseudo = addresses + struct.pack("!BBH", 0, PROTOCOL_TCP, len(without))
    tcp = without[:16] + struct.pack("!H", internet_checksum(pseudo + without)) + without[18:]
    return _ethernet(source_mac, target_mac) + _ipv4(addresses, PROTOCOL_TCP, tcp).ljust(46, b"\0")


def udp_datagram(
    *, source_mac: str, target_mac: str, source_ip: str, target_ip: str, source_port: int, port: int, payload: bytes
) -> bytes:
    """One UDP datagram in an Ethernet frame, without a UDP checksum (0 means none)."""
    addresses = socket.inet_aton(source_ip) + socket.inet_aton(target_ip)
    udp = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    return _ethernet(source_mac, target_mac) + _ipv4(addresses, PROTOCOL_UDP, udp).ljust(46, b"\0")


def _ethernet(source_mac: str, target_mac: str) -> bytes:
    return mac_bytes(target_mac) + mac_bytes(source_mac) + struct.pack("!H", ETHERTYPE_IPV4)


def _ipv4(addresses: bytes, protocol: int, payload: bytes) -> bytes:
    start = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0)
    return start[:10] + struct.pack("!H", internet_checksum(start + addresses)) + addresses + payload


def hula_probe(*, source_mac: str, tor: int, utilisation: int = 0) -> bytes:
    """A HULA probe of top-of-rack switch `tor`: 24-bit ToR, 8-bit utilisation of the path so far."""
    ethernet = b"\xff" * 6 + mac_bytes(source_mac) + struct.pack("!H", ETHERTYPE_HULA)
    return (ethernet + struct.pack("!I", (tor << 8) | utilisation)).ljust(60, b"\0")
