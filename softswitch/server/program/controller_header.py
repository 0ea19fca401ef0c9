"""Packet-in and packet-out: `@controller_header` headers to and from metadata (P4Runtime specification 16.1)."""

from __future__ import annotations

from dataclasses import dataclass

from finsy.proto import p4r

from softswitch.model import PipelineInfo
from softswitch.server.errors import invalid
from softswitch.server.program.index import P4Index
from softswitch.server.values.values import ValueCodec


@dataclass(frozen=True)
class _Field:
    """`id` 0: P4Info does not show the field, and packet-outs have zero there."""

    id: int
    codec: ValueCodec


class ControllerHeader:
    """The header for one direction. `bits` 0: the program declares none, so packets have no header.

    Raises Refused (INVALID_ARGUMENT) if P4Info shows a field that the program lacks.
    """

    def __init__(self, index: P4Index, pipeline: PipelineInfo, name: str) -> None:
        shown = next((h for h in index.info.controller_packet_metadata if h.preamble.name == name), None)
        known = next((h for h in pipeline.controller_headers if h.name == name), None)
        metadata = {m.name: m for m in shown.metadata} if shown is not None else {}
        declared = {field for field, _ in known.fields} if known is not None else set()
        for missing in metadata.keys() - declared:
            raise invalid(f"P4Info and device config are of different programs: header {name} has no field {missing}")
        fields = []
        for field, width in known.fields if known is not None else ():
            item = metadata.get(field)
            names = index.translations.of(index.info, item.type_name.name) if item is not None else None
            fields.append(_Field(item.id if item is not None else 0, ValueCodec(field, width, names)))
        self.fields = tuple(fields)
        self.bits = sum(f.codec.width for f in self.fields)
        self.bytes = -(-self.bits // 8)

    def split(self, frame: bytes) -> p4r.PacketIn | None:
        """A frame that the program sent to the CPU port, as a message; None if it is shorter than the header."""
        if len(frame) < self.bytes:
            return None
        packet = p4r.PacketIn(payload=frame[self.bytes :])
        head = int.from_bytes(frame[: self.bytes], "big") >> (8 * self.bytes - self.bits)
        left = self.bits
        for field in self.fields:
            left -= field.codec.width
            value = head >> left & ((1 << field.codec.width) - 1)
            if field.id:
                packet.metadata.add(metadata_id=field.id, value=field.codec.encode(value))
        return packet

    def join(self, packet: p4r.PacketOut) -> bytes:
        """The frame that enters at the CPU port. Raises Refused unless each field has exactly one value that fits."""
        values: dict[int, bytes] = {}
        for item in packet.metadata:
            if item.metadata_id in values:
                raise invalid(f"metadata id {item.metadata_id} is given twice")
            values[item.metadata_id] = item.value
        known = {field.id for field in self.fields} - {0}
        for number in values:
            if number not in known:
                raise invalid(f"the program's packet_out header has no metadata id {number}")
        head = 0
        for field in self.fields:
            head <<= field.codec.width
            if not field.id:
                continue
            if field.id not in values:
                raise invalid(f"metadata {field.codec.name} (id {field.id}) of the packet_out header is missing")
            head |= field.codec.decode(values[field.id])
        head <<= 8 * self.bytes - self.bits
        return head.to_bytes(self.bytes, "big") + bytes(packet.payload)
