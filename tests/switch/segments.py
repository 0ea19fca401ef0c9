"""TCP and UDP flows as frames, and as the super-frames that a kernel makes of them when a card does the segmentation.

Written from the RFCs, independently of the switch's own code: what the tests of offloads compare it with.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
TCP, UDP = 6, 17
NEEDS_CHECKSUM, ECN = 1, 0x80
GSO_TCP4, GSO_TCP6, GSO_UDP = 1, 4, 5
_VNET = struct.Struct("<BBHHHH")


@dataclass(frozen=True)
class Offload:
    """struct virtio_net_hdr: what a kernel and a card tell each other about a frame."""

    flags: int = 0
    gso_type: int = 0
    header_bytes: int = 0
    segment: int = 0
    checksum_start: int = 0
    checksum_offset: int = 0

    def packed(self) -> bytes:
        return _VNET.pack(
            self.flags, self.gso_type, self.header_bytes, self.segment, self.checksum_start, self.checksum_offset
        )

    @classmethod
    def of(cls, packed: bytes) -> Offload:
        return cls(*_VNET.unpack_from(packed))


@dataclass(frozen=True)
class SuperFrame:
    data: bytes
    offload: Offload


@dataclass(frozen=True)
class Flow:
    """One direction of a connection. `tags`: VLAN tags (type, tag); `extension`: IPv6 extension headers, of which the
    first is a hop-by-hop header; `options`: of TCP, a multiple of four bytes."""

    version: int = 4
    protocol: int = TCP
    tags: tuple[tuple[int, int], ...] = ()
    source: int = 1
    destination: int = 2
    source_port: int = 40000
    destination_port: int = 5001
    fragment: int = 0x4000
    traffic_class: int = 0
    time_to_live: int = 64
    options: bytes = bytes.fromhex("0101080a00112233445566aa")
    ip_options: bytes = b""
    extension: bytes = b""
    ack: int = 77
    window: int = 501

    @property
    def network(self) -> int:
        return 14 + 4 * len(self.tags)

    @property
    def transport(self) -> int:
        return self.network + (20 + len(self.ip_options) if self.version == 4 else 40 + len(self.extension))

    @property
    def payload(self) -> int:
        return self.transport + (20 + len(self.options) if self.protocol == TCP else 8)

    @property
    def checksum_offset(self) -> int:
        return 16 if self.protocol == TCP else 6

    def address(self, host: int) -> bytes:
        return bytes((10, 9, 0, host)) if self.version == 4 else bytes.fromhex("fd000009") + bytes((*[0] * 11, host))

    def pseudo(self, length: int) -> bytes:
        middle = struct.pack(">BBH", 0, self.protocol, length)
        if self.version == 6:
            middle = struct.pack(">IBBBB", length, 0, 0, 0, self.protocol)
        return self.address(self.source) + self.address(self.destination) + middle

    def frame(
        self, data: bytes, *, sequence: int = 0, ident: int = 0, flags: int = ACK, partial: bool = False
    ) -> bytes:
        """`partial`: the checksum is offloaded: its field has the sum of the pseudo header."""
        if self.protocol == TCP:
            words = (self.source_port, self.destination_port, sequence & 0xFFFFFFFF, self.ack)
            head = struct.pack(">HHII", *words) + bytes((5 + len(self.options) // 4 << 4, flags))
            transport = head + struct.pack(">HHH", self.window, 0, 0) + self.options + data
        else:
            transport = struct.pack(">HHHH", self.source_port, self.destination_port, 8 + len(data), 0) + data
        pseudo = self.pseudo(len(transport))
        checksum = ones(pseudo) if partial else (~ones(pseudo + transport) & 0xFFFF) or 0xFFFF
        at = self.checksum_offset
        transport = transport[:at] + struct.pack(">H", checksum) + transport[at + 2 :]
        return self._link() + self._ip(len(transport), ident) + transport

    def _link(self) -> bytes:
        ends = (*(0x02, 0, 0, 0, 0, self.destination), *(0x02, 0, 0, 0, 0, self.source))
        tags = b"".join(struct.pack(">HH", *tag) for tag in self.tags)
        return bytes(ends) + tags + (b"\x08\x00" if self.version == 4 else b"\x86\xdd")

    def _ip(self, length: int, ident: int) -> bytes:
        if self.version == 6:
            following = 0 if self.extension else self.protocol
            head = struct.pack(">IHBB", 6 << 28 | self.traffic_class << 20 | 0x12345, 0, following, self.time_to_live)
            head = head[:4] + struct.pack(">H", length + len(self.extension)) + head[6:]
            return head + self.address(self.source) + self.address(self.destination) + self.extension
        size = 20 + len(self.ip_options)
        head = struct.pack(">BBHHH", 0x40 | size // 4, self.traffic_class, size + length, ident & 0xFFFF, self.fragment)
        head += struct.pack(">BBH", self.time_to_live, self.protocol, 0)
        head += self.address(self.source) + self.address(self.destination) + self.ip_options
        return head[:10] + struct.pack(">H", ~ones(head) & 0xFFFF) + head[12:]

    def segments(self, data: bytes, size: int, *, sequence: int = 0, ident: int = 0, flags: int = ACK) -> list[bytes]:
        """The frames on a wire: `size` bytes of `data` each."""
        parts = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
        frames = []
        for index, part in enumerate(parts):
            these = flags
            if index:
                these &= ~CWR
            if index + 1 < len(parts):
                these &= ~(FIN | PSH)
            frames.append(self.frame(part, sequence=sequence + index * size, ident=ident + index, flags=these))
        return frames

    def super_frame(self, data: bytes, size: int, *, sequence: int = 0, ident: int = 0, flags: int = ACK) -> SuperFrame:
        """The same data as one frame."""
        kind = GSO_UDP if self.protocol == UDP else GSO_TCP4 if self.version == 4 else GSO_TCP6
        if self.protocol == TCP and flags & CWR:
            kind |= ECN
        frame = self.frame(data, sequence=sequence, ident=ident, flags=flags, partial=True)
        offload = Offload(NEEDS_CHECKSUM, kind, self.payload, size, self.transport, self.checksum_offset)
        return SuperFrame(frame, offload)

    def back(self) -> Flow:
        """The other direction."""
        return replace(
            self,
            source=self.destination,
            destination=self.source,
            source_port=self.destination_port,
            destination_port=self.source_port,
        )


def ones(data: bytes) -> int:
    """The one's complement sum of big-endian words (RFC 1071)."""
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
