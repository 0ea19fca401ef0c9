"""P4 types as P4Info and P4Data describe them (P4Runtime specification 8)."""

from __future__ import annotations

from finsy.proto import p4i, p4t

from p4front.elaborate.names import annotated_name, type_name
from p4front.p4info.annotations import add_annotations
from p4front.syntax import ast
from p4front.syntax.annotations import literal
from p4front.types.types import (
    BitType,
    BoolType,
    EnumType,
    ErrorType,
    FieldInfo,
    IntType,
    NewType,
    SerEnumType,
    StackType,
    StructType,
    TupleType,
    Type,
    VarbitType,
    width_bits,
)


def translation(type_: Type) -> tuple[str, int] | None:
    """URI and width in bits (0: a string) of `@p4runtime_translation(uri, type)` on a `type` declaration."""
    if not isinstance(type_, NewType) or type_.decl is None:
        return None
    annotation = type_.decl.annotation("p4runtime_translation")
    if annotation is None:
        return None
    uri = annotation.tokens[0].strip('"') if annotation.tokens else ""
    if annotation.exprs and isinstance(literal(annotation.exprs[0]), str):
        uri = str(literal(annotation.exprs[0]))
    numbers = [token for token in annotation.tokens[1:] if token[:1].isdigit()]
    return uri, int(numbers[0], 0) if numbers else 0


def control_width(type_: Type) -> int:
    """Width in bits of a value at the control plane; 0 for strings (translated types) and types without a width."""
    translated = translation(type_)
    if translated is not None:
        return translated[1]
    return width_bits(type_) or 0


def padded(value: int, width: int) -> bytes:
    """`value` in big-endian bytes of a `width`-bit field, with leading zeros."""
    return (value & ((1 << width) - 1)).to_bytes(max(1, -(-width // 8)), "big")


class TypeSpecs:
    """Converts types and collects every named one on the way in `type_info`."""

    def __init__(self, info: p4i.P4Info, errors: list[str]) -> None:
        self._info = info
        self._errors = errors

    def touch(self) -> None:
        """Makes `type_info` present, also when it stays empty (as p4c does once it looked for a type)."""
        self._info.type_info.SetInParent()

    def convert(self, type_: Type) -> p4t.P4DataTypeSpec:
        self.touch()
        spec = p4t.P4DataTypeSpec()
        if isinstance(type_, BitType):
            spec.bitstring.bit.bitwidth = type_.width
        elif isinstance(type_, IntType):
            spec.bitstring.int.bitwidth = type_.width
        elif isinstance(type_, VarbitType):
            spec.bitstring.varbit.max_bitwidth = type_.max_width
        elif isinstance(type_, BoolType):
            spec.bool.SetInParent()
        elif isinstance(type_, ErrorType):
            self._error(spec)
        elif isinstance(type_, TupleType):
            spec.tuple.members.extend(self.convert(item) for item in type_.items)
        elif isinstance(type_, StackType) and isinstance(type_.element, StructType):
            self._stack(spec, type_.element, type_.size)
        elif isinstance(type_, StructType):
            self._struct(spec, type_)
        elif isinstance(type_, EnumType):
            self._enum(spec, type_)
        elif isinstance(type_, SerEnumType):
            self._serializable_enum(spec, type_)
        elif isinstance(type_, NewType):
            self._new_type(spec, type_)
        return spec

    def name_of_new_type(self, type_: Type) -> str:
        """Name for the `type_name` fields: that of a `type T name` declaration, else ""; enters it in `type_info`."""
        self.convert(type_)
        return type_.name if isinstance(type_, NewType) else ""

    def _error(self, spec: p4t.P4DataTypeSpec) -> None:
        spec.error.SetInParent()
        if not self._info.type_info.HasField("error"):
            self._info.type_info.error.members.extend(self._errors)

    def _stack(self, spec: p4t.P4DataTypeSpec, element: StructType, size: int) -> None:
        if element.kind == "header_union":
            spec.header_union_stack.header_union.name = type_name(element)
            spec.header_union_stack.size = size
        else:
            spec.header_stack.header.name = type_name(element)
            spec.header_stack.size = size
        self.convert(element)

    def _struct(self, spec: p4t.P4DataTypeSpec, type_: StructType) -> None:
        name = type_name(type_)
        types = self._info.type_info
        if type_.kind == "struct":
            spec.struct.name = name
            if name not in types.structs:
                members = [(field_name(f), self.convert(f.type)) for f in type_.fields]
                for field, member_spec in members:
                    types.structs[name].members.add(name=field, type_spec=member_spec)
                types.structs[name].SetInParent()
        elif type_.kind == "header":
            spec.header.name = name
            if name not in types.headers:
                types.headers[name].SetInParent()
                for field, _, leaf in flatten(type_):
                    types.headers[name].members.add(name=field, type_spec=self.convert(_bits(leaf)).bitstring)
        else:
            spec.header_union.name = name
            if name not in types.header_unions:
                types.header_unions[name].SetInParent()
                for union_field in type_.fields:
                    member = types.header_unions[name].members.add(name=field_name(union_field))
                    member.header.CopyFrom(self.convert(union_field.type).header)

    def _enum(self, spec: p4t.P4DataTypeSpec, type_: EnumType) -> None:
        name = type_name(type_)
        spec.enum.name = name
        if name not in self._info.type_info.enums:
            self._info.type_info.enums[name].SetInParent()
            for member in type_.members:
                self._info.type_info.enums[name].members.add(name=member)

    def _serializable_enum(self, spec: p4t.P4DataTypeSpec, type_: SerEnumType) -> None:
        name = type_name(type_)
        spec.serializable_enum.name = name
        if name not in self._info.type_info.serializable_enums:
            width = width_bits(type_.underlying) or 0
            message = self._info.type_info.serializable_enums[name]
            message.underlying_type.bitwidth = width
            for member, value in type_.members:
                message.members.add(name=member, value=padded(value, width))

    def _new_type(self, spec: p4t.P4DataTypeSpec, type_: NewType) -> None:
        name = type_name(type_)
        spec.new_type.name = name
        if name in self._info.type_info.new_types:
            return
        underlying: Type = type_
        while isinstance(underlying, NewType):
            underlying = underlying.underlying
        original = self.convert(underlying)
        message = self._info.type_info.new_types[name]
        if type_.decl is not None:
            add_annotations(message, type_.decl.annotations, without=("p4runtime_translation",))
        translated = translation(type_)
        if translated is None:
            message.original_type.CopyFrom(original)
            return
        message.translated_type.uri = translated[0]
        if translated[1]:
            message.translated_type.sdn_bitwidth = translated[1]
        else:
            message.translated_type.sdn_string.SetInParent()


def field_name(field: FieldInfo) -> str:
    given = annotated_name(field.decl.annotations) if field.decl is not None else None
    return (given or field.name).removeprefix(".")


def flatten(type_: StructType) -> list[tuple[str, list[ast.Annotation], Type]]:
    """Leaf fields of a header with struct fields: dotted name, annotations (the innermost wins), type."""
    result = []
    for field in type_.fields:
        own = field.decl.annotations if field.decl is not None else []
        if isinstance(field.type, StructType):
            for name, annotations, leaf in flatten(field.type):
                names = {a.name for a in annotations}
                merged = annotations + [a for a in own if a.name not in names]
                result.append((f"{field.name}.{name}", merged, leaf))
        else:
            result.append((field_name(field), list(own), field.type))
    return result


def _bits(type_: Type) -> Type:
    """A header field's type as a bit string."""
    if isinstance(type_, BoolType):
        return BitType(1)
    while isinstance(type_, (NewType, SerEnumType)):
        type_ = type_.underlying
    return type_
