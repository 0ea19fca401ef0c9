"""Values of any P4 type as P4Data (P4Runtime specification 8.5), by the type that P4Info gives.

A value here is a list of the unsigned numbers of its leaves, in order of declaration: what registers and digests hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4d, p4i, p4t

from softswitch.server.errors import invalid
from softswitch.server.values.bytestrings import decode, decode_signed, encode, encode_signed
from softswitch.server.values.translation import Translations

_NUMBERED = ("enum", "serializable_enum", "error")
_HEADERS = ("header", "header_stack", "header_union", "header_union_stack")


class DataTypes:
    """Encodes and decodes with the named types of one P4Info."""

    def __init__(self, info: p4i.P4Info, translations: Translations) -> None:
        self._info = info
        self._types = info.type_info
        self._translations = translations

    def width(self, spec: p4t.P4DataTypeSpec) -> int:
        """Bits of all leaves together."""
        return sum(width for width, _ in self.leaves(spec))

    def leaves(self, spec: p4t.P4DataTypeSpec) -> Iterator[tuple[int, bool]]:
        """(width, signed) of each leaf. A bool takes 1 bit, an enum or error 32, a header's validity 1."""
        kind = spec.WhichOneof("type_spec")
        if kind == "bitstring":
            yield _bit_width(spec.bitstring)
        elif kind == "bool":
            yield 1, False
        elif kind == "tuple":
            for item in spec.tuple.members:
                yield from self.leaves(item)
        elif kind == "struct":
            for member in self._types.structs[spec.struct.name].members:
                yield from self.leaves(member.type_spec)
        elif kind in _HEADERS:
            for name in self._headers(spec):
                yield 1, False
                for field in self._types.headers[name].members:
                    yield _bit_width(field.type_spec)
        elif kind == "serializable_enum":
            yield self._types.serializable_enums[spec.serializable_enum.name].underlying_type.bitwidth, False
        elif kind == "new_type":
            yield from self._new_type(spec)
        elif kind in ("enum", "error"):
            yield 32, False
        else:
            raise invalid(f"values of kind {kind} are not supported here")

    def _new_type(self, spec: p4t.P4DataTypeSpec) -> Iterator[tuple[int, bool]]:
        new_type = self._types.new_types[spec.new_type.name]
        if new_type.WhichOneof("representation") == "original_type":
            yield from self.leaves(new_type.original_type)
        else:
            yield new_type.translated_type.sdn_bitwidth or 32, False

    def declaration(self, spec: p4t.P4DataTypeSpec, name: str = "") -> Iterator[tuple[str, str]]:
        """Name and type of each leaf, as the program declares them: what two types share if they mean the same. The
        names of structs and headers themselves do not matter."""
        kind = spec.WhichOneof("type_spec")
        if kind == "tuple":
            for position, item in enumerate(spec.tuple.members):
                yield from self.declaration(item, f"{name}.{position}")
        elif kind == "struct":
            for member in self._types.structs[spec.struct.name].members:
                yield from self.declaration(member.type_spec, f"{name}.{member.name}")
        elif kind == "header":
            for field in self._types.headers[spec.header.name].members:
                yield f"{name}.{field.name}", str(field.type_spec)
        elif kind == "new_type":
            new_type = self._types.new_types[spec.new_type.name]
            if new_type.HasField("original_type"):
                yield from self.declaration(new_type.original_type, name)
            else:
                yield name, str(new_type.translated_type)
        elif kind in _NUMBERED:
            yield name, f"{kind} {self._numbered(spec)}"
        else:
            yield name, str(spec)

    def _numbered(self, spec: p4t.P4DataTypeSpec) -> str:
        """The names of an enum or of errors, in the order of their numbers: a cell keeps the number."""
        if spec.WhichOneof("type_spec") == "error":
            return ", ".join(self._types.error.members)
        if spec.HasField("enum"):
            return ", ".join(member.name for member in self._types.enums[spec.enum.name].members)
        members = self._types.serializable_enums[spec.serializable_enum.name].members
        return ", ".join(f"{member.name} {member.value.hex()}" for member in members)

    def validity(self, spec: p4t.P4DataTypeSpec) -> Iterator[bool]:
        """Of each leaf of `leaves`: whether it is the validity of a header."""
        kind = spec.WhichOneof("type_spec")
        if kind == "tuple":
            for item in spec.tuple.members:
                yield from self.validity(item)
        elif kind == "struct":
            for member in self._types.structs[spec.struct.name].members:
                yield from self.validity(member.type_spec)
        elif kind in _HEADERS:
            for name in self._headers(spec):
                yield True
                yield from (False for _ in self._types.headers[name].members)
        else:
            yield False

    def named_values(self, spec: p4t.P4DataTypeSpec) -> Iterator[tuple[int, bool]]:
        """Of each leaf of `leaves`: how many values it has if each has a name (of an enum or an error), else 0; and
        whether it is the validity of a header."""
        kind = spec.WhichOneof("type_spec")
        if kind == "tuple":
            for item in spec.tuple.members:
                yield from self.named_values(item)
        elif kind == "struct":
            for member in self._types.structs[spec.struct.name].members:
                yield from self.named_values(member.type_spec)
        elif kind == "enum":
            yield len(self._types.enums[spec.enum.name].members), False
        elif kind == "error":
            yield len(self._types.error.members), False
        elif kind == "new_type" and self._types.new_types[spec.new_type.name].HasField("original_type"):
            yield from self.named_values(self._types.new_types[spec.new_type.name].original_type)
        else:
            yield from ((0, valid) for valid in self.validity(spec))

    def encode(self, spec: p4t.P4DataTypeSpec, values: Iterator[int]) -> p4d.P4Data:
        """Takes from `values` as many numbers as the type has leaves."""
        data = p4d.P4Data()
        kind = spec.WhichOneof("type_spec")
        if kind == "bitstring":
            data.bitstring = _encode_bits(spec.bitstring, _take(values))
        elif kind == "bool":
            data.bool = bool(_take(values))
        elif kind == "tuple":
            data.tuple.members.extend(self.encode(member, values) for member in spec.tuple.members)
        elif kind == "struct":
            members = self._types.structs[spec.struct.name].members
            data.struct.members.extend(self.encode(member.type_spec, values) for member in members)
        elif kind == "header":
            data.header.CopyFrom(self._header(spec.header.name, values))
        elif kind == "header_stack":
            name = spec.header_stack.header.name
            data.header_stack.entries.extend(self._header(name, values) for _ in range(spec.header_stack.size))
        elif kind == "header_union":
            data.header_union.CopyFrom(self._union(spec.header_union.name, values))
        elif kind == "header_union_stack":
            stack = spec.header_union_stack
            unions = (self._union(stack.header_union.name, values) for _ in range(stack.size))
            data.header_union_stack.entries.extend(unions)
        elif kind == "serializable_enum":
            data.enum_value = encode(_take(values))
        elif kind == "new_type":
            new_type = self._types.new_types[spec.new_type.name]
            if new_type.WhichOneof("representation") == "original_type":
                return self.encode(new_type.original_type, values)
            names = self._translations.of(self._info, spec.new_type.name)
            data.bitstring = names.encode(_take(values)) if names is not None else encode(_take(values))
        elif kind == "enum":
            data.enum = self._types.enums[spec.enum.name].members[_take(values)].name
        elif kind == "error":
            data.error = self._types.error.members[_take(values)]
        return data

    def _header(self, name: str, values: Iterator[int]) -> p4d.P4Header:
        header = p4d.P4Header(is_valid=bool(_take(values)))
        fields = [(member.type_spec, _take(values)) for member in self._types.headers[name].members]
        if header.is_valid:
            header.bitstrings.extend(_encode_bits(bits, value) for bits, value in fields)
        return header

    def _union(self, name: str, values: Iterator[int]) -> p4d.P4HeaderUnion:
        union = p4d.P4HeaderUnion()
        for member in self._types.header_unions[name].members:
            header = self._header(member.header.name, values)
            if header.is_valid:
                union.valid_header_name = member.name
                union.valid_header.CopyFrom(header)
        return union

    def _headers(self, spec: p4t.P4DataTypeSpec) -> list[str]:
        """The headers of a header, a union (all members), or a stack of either, in order."""
        kind = spec.WhichOneof("type_spec")
        if kind == "header":
            return [spec.header.name]
        if kind == "header_stack":
            return [spec.header_stack.header.name] * spec.header_stack.size
        union = spec.header_union if kind == "header_union" else spec.header_union_stack.header_union
        names = [member.header.name for member in self._types.header_unions[union.name].members]
        return names if kind == "header_union" else names * spec.header_union_stack.size

    def decode(self, spec: p4t.P4DataTypeSpec, data: p4d.P4Data, what: str, widths: Iterator[int]) -> list[int]:
        """The leaves of `data`; `widths` are the data plane's, but for the validity of headers, which it does not have.
        Raises Refused if `data` does not have the type."""
        kind, given = spec.WhichOneof("type_spec"), data.WhichOneof("data")
        if kind == "new_type":
            new_type = self._types.new_types[spec.new_type.name]
            if new_type.WhichOneof("representation") == "original_type":
                return self.decode(new_type.original_type, data, what, widths)
            names = self._translations.of(self._info, spec.new_type.name)
            if names is not None and given == "bitstring":
                return [names.decode(data.bitstring, next(widths), what)]
            width = next(widths)
            widths = iter((width,))
            spec = p4t.P4DataTypeSpec()
            spec.bitstring.bit.bitwidth = width
            kind = "bitstring"
        if kind in _HEADERS[1:]:
            raise invalid(f"{what}: values of kind {kind} cannot be written")
        expected = "enum_value" if kind == "serializable_enum" else kind
        if given != expected:
            raise invalid(f"{what}: expected a value of kind {expected}, got {given or 'nothing'}")
        if kind not in ("header", "tuple", "struct"):
            next(widths)
        if kind == "bitstring":
            return [_decode_bits(spec.bitstring, data.bitstring, what)]
        if kind == "bool":
            return [int(data.bool)]
        if kind == "serializable_enum":
            width = self._types.serializable_enums[spec.serializable_enum.name].underlying_type.bitwidth
            return [decode(data.enum_value, width, what)]
        if kind == "enum":
            return [_index([m.name for m in self._types.enums[spec.enum.name].members], data.enum, what)]
        if kind == "error":
            return [_index(list(self._types.error.members), data.error, what)]
        if kind == "header":
            return self._decode_header(spec, data, what, widths)
        if kind == "tuple":
            specs, members = list(spec.tuple.members), data.tuple.members
        else:
            specs = [m.type_spec for m in self._types.structs[spec.struct.name].members]
            members = data.struct.members
        if len(specs) != len(members):
            raise invalid(f"{what}: {len(specs)} members expected, got {len(members)}")
        return [v for s, member in zip(specs, members, strict=True) for v in self.decode(s, member, what, widths)]

    def _decode_header(self, spec: p4t.P4DataTypeSpec, data: p4d.P4Data, what: str, widths: Iterator[int]) -> list[int]:
        members = self._types.headers[spec.header.name].members
        for _ in members:
            next(widths)
        if not data.header.is_valid:
            if data.header.bitstrings:
                raise invalid(f"{what}: an invalid header has no fields")
            return [0] * (1 + len(members))
        if len(members) != len(data.header.bitstrings):
            raise invalid(f"{what}: {len(members)} fields expected, got {len(data.header.bitstrings)}")
        fields = zip(members, data.header.bitstrings, strict=True)
        return [1, *(_decode_bits(member.type_spec, value, what) for member, value in fields)]


def _index(names: list[str], name: str, what: str) -> int:
    if name not in names:
        raise invalid(f"{what}: {name!r} is none of {', '.join(names)}")
    return names.index(name)


def _bit_width(spec: p4t.P4BitstringLikeTypeSpec) -> tuple[int, bool]:
    kind = spec.WhichOneof("type_spec")
    if kind == "int":
        return int(spec.int.bitwidth), True
    return int(spec.bit.bitwidth if kind == "bit" else spec.varbit.max_bitwidth), False


def _encode_bits(spec: p4t.P4BitstringLikeTypeSpec, value: int) -> bytes:
    width, signed = _bit_width(spec)
    return encode_signed(value, width) if signed else encode(value)


def _decode_bits(spec: p4t.P4BitstringLikeTypeSpec, data: bytes, what: str) -> int:
    width, signed = _bit_width(spec)
    return decode_signed(data, width, what) if signed else decode(data, width, what)


def _take(values: Iterator[int]) -> int:
    value = next(values, None)
    if value is None:
        raise ValueError("there are fewer numbers than the type has leaves")
    return value
