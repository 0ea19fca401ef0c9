"""Packet-in and packet-out: `@controller_header` headers to and from metadata (P4Runtime specification 16.1)."""

from __future__ import annotations

from dataclasses import dataclass

from finsy.proto import p4i, p4r

from softswitch.server.bytestrings import decode, encode
from softswitch.server.errors import invalid


@dataclass(frozen=True)
class _Field:
    id: int
    name: str
    width: int


class ControllerHeader:
    """One direction's header. `bits` 0: the program declares none, packets travel bare."""

    def __init__(self, info: p4i.P4Info, name: str) -> None:
        self.fields: tuple[_Field, ...] = ()
        for header in info.controller_packet_metadata:
            if header.preamble.name == name:
                self.fields = tuple(_Field(m.id, m.name, m.bitwidth) for m in header.metadata)
        self.bits = sum(f.width for f in self.fields)
        self.bytes = -(-self.bits // 8)

    def split(self, frame: bytes) -> p4r.PacketIn | None:
        """A frame that the program sent to the CPU port, as a message; None if it is shorter than the header."""
        if len(frame) < self.bytes:
            return None
        packet = p4r.PacketIn(payload=frame[self.bytes :])
        head = int.from_bytes(frame[: self.bytes], "big") >> (8 * self.bytes - self.bits)
        left = self.bits
        for field in self.fields:
            left -= field.width
            value = head >> left & ((1 << field.width) - 1)
            packet.metadata.add(metadata_id=field.id, value=encode(value))
        return packet

    def join(self, packet: p4r.PacketOut) -> bytes:
        """The frame that enters at the CPU port. Raises Refused unless each field has exactly one value that fits."""
        values: dict[int, bytes] = {}
        for item in packet.metadata:
            if item.metadata_id in values:
                raise invalid(f"metadata id {item.metadata_id} is given twice")
            values[item.metadata_id] = item.value
        known = {field.id for field in self.fields}
        for number in values:
            if number not in known:
                raise invalid(f"the program's packet_out header has no metadata id {number}")
        head = 0
        for field in self.fields:
            if field.id not in values:
                raise invalid(f"metadata {field.name} (id {field.id}) of the packet_out header is missing")
            head = head << field.width | decode(values[field.id], field.width, field.name)
        head <<= 8 * self.bytes - self.bits
        return head.to_bytes(self.bytes, "big") + bytes(packet.payload)
