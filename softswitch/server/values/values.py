"""Match fields, action parameters and header fields as numbers: bit<W>, and names of translated types."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.server.values.bytestrings import decode, encode
from softswitch.server.values.translation import NameTable


@dataclass(frozen=True)
class ValueCodec:
    """How one field travels. `width` is the data plane's; `names`: the control plane sends strings."""

    name: str
    width: int
    names: NameTable | None = None

    def decode(self, data: bytes, *, create: bool = True) -> int:
        """Raises Refused (OUT_OF_RANGE); for names also as NameTable.decode does."""
        if self.names is not None:
            return self.names.decode(data, self.width, self.name, create=create)
        return decode(data, self.width, self.name)

    def encode(self, value: int) -> bytes:
        return encode(value) if self.names is None else self.names.encode(value)
