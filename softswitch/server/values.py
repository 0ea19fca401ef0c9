"""Match fields and action parameters as numbers: bit<W>, and translated strings (P4Runtime specification 8.5.6)."""

from __future__ import annotations

from dataclasses import dataclass

from finsy.proto import p4i

from softswitch.server.bytestrings import decode, encode
from softswitch.server.errors import invalid


@dataclass(frozen=True)
class ValueCodec:
    """How one field travels. `width` is the data plane's; `text`: the control plane sends a string, which must be a
    decimal number (there is no table of names here)."""

    name: str
    width: int
    text: bool = False

    def decode(self, data: bytes) -> int:
        """Raises Refused (OUT_OF_RANGE or, for text that is no number, INVALID_ARGUMENT)."""
        if not self.text:
            return decode(data, self.width, self.name)
        shown = data.decode(errors="replace")
        if not (shown.isascii() and shown.isdigit()):
            raise invalid(f"{self.name}: {shown!r} has no translation; only decimal numbers have one")
        return decode(encode(int(shown)), self.width, self.name)

    def encode(self, value: int) -> bytes:
        return str(value).encode() if self.text else encode(value)


def is_text(info: p4i.P4Info, type_name: str) -> bool:
    """Whether the named new type is translated to strings."""
    if not type_name or type_name not in info.type_info.new_types:
        return False
    new_type = info.type_info.new_types[type_name]
    return bool(new_type.translated_type.WhichOneof("sdn_type") == "sdn_string")
