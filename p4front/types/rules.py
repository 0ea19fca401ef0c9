"""Rules about types alone: what may stand where, what casts to what, sizes (7.2, 8.11, 9.1 of the specification)."""

from __future__ import annotations

from p4front.types.types import (
    BitType,
    BoolType,
    CallableType,
    DontCareType,
    EnumType,
    ErrorneousType,
    ErrorType,
    IntegerType,
    IntType,
    ListType,
    NewType,
    ObjectType,
    SerEnumType,
    StackType,
    StringType,
    StructType,
    TupleType,
    Type,
    TypeVar,
    VarbitType,
    VoidType,
)

SIZED = (BitType, IntType)
VALUES_LIMIT = 1 << 17
"""Largest number of scalars in one struct or array: nested ones would otherwise grow without bound."""
WIDTH_LIMIT = 1 << 16
"""Largest width of a scalar in bits: far above any use, low enough that folding stays cheap."""


SIZES = {
    "minSizeInBits": (False, 1),
    "maxSizeInBits": (True, 1),
    "minSizeInBytes": (False, 8),
    "maxSizeInBytes": (True, 8),
}
"""The size methods: (largest?, bits per unit)."""


def is_struct(type_: Type) -> bool:
    return isinstance(type_, StructType) and type_.kind == "struct"


def is_header(type_: Type) -> bool:
    return isinstance(type_, StructType) and type_.kind == "header"


def is_union(type_: Type) -> bool:
    return isinstance(type_, StructType) and type_.kind == "header_union"


def is_wrong(type_: Type) -> bool:
    return isinstance(type_, ErrorneousType)


def kind_of(type_: Type) -> str:
    """The type for a message: `struct S`, `header H`, `bit<8>`, ..."""
    if isinstance(type_, StructType):
        return f"{type_.kind.replace('_', ' ')} {type_}" if type_.name else str(type_)
    if isinstance(type_, (EnumType, SerEnumType)):
        return f"enum {type_}"
    if isinstance(type_, ObjectType):
        return f"{type_.kind.replace('_type', ' type')} {type_}"
    return str(type_)


def struct_field_problem(kind: str, type_: Type) -> str | None:
    """Why a struct, header or header_union (`kind`) can't have a field of this type; None if it can (7.2.8)."""
    if isinstance(type_, (ErrorneousType, TypeVar)):
        return None
    if kind == "header_union":
        return None if is_header(type_) else "only headers can be its fields"
    if kind == "header":
        return _header_field_problem(type_)
    if isinstance(type_, SIZED) or (isinstance(type_, StructType) and type_.name):
        return None
    if isinstance(type_, (BoolType, VarbitType, ErrorType, EnumType, SerEnumType, NewType, StackType, TupleType)):
        return None
    return "a field must have a value at run time"


def _header_field_problem(type_: Type) -> str | None:
    if isinstance(type_, (*SIZED, BoolType, VarbitType, SerEnumType, TypeVar, ErrorneousType)):
        return None
    if isinstance(type_, NewType):
        return _header_field_problem(type_.underlying)
    if isinstance(type_, StackType):
        return _header_field_problem(type_.element)
    if is_struct(type_) and isinstance(type_, StructType):
        for field in type_.fields:
            if isinstance(field.type, VarbitType):
                return "a varbit must stand in the header itself"
            problem = _header_field_problem(field.type)
            if problem:
                return problem
        return None
    return "only bit<>, int<>, bool, varbit, serialisable enums and structs of these have a place in a packet"


def tuple_item_problem(type_: Type) -> str | None:
    """Why `tuple<>` can't hold this type; None if it can."""
    if isinstance(type_, (VoidType, DontCareType)):
        return "it is not the type of a value"
    if isinstance(type_, ObjectType):
        return "an object can't be stored"
    if isinstance(type_, ListType):
        return "a list exists at compile time only"
    return None


def variable_problem(type_: Type) -> str | None:
    """Why there can't be a variable of this type."""
    if isinstance(type_, ObjectType):
        return f"{kind_of(type_)} has no values: to make an instance write `{type_}(...) name;`"
    if isinstance(type_, (VoidType, DontCareType, CallableType)):
        return f"{type_} has no values"
    if isinstance(type_, IntegerType):
        return "`int` exists at compile time only: give it a width, such as bit<32>"
    if isinstance(type_, StringType):
        return "a string exists at compile time only"
    if isinstance(type_, ListType):
        return "a list exists at compile time only"
    return None


def newtype_allowed(type_: Type) -> bool:
    """Whether `type T name;` accepts T."""
    return isinstance(type_, (*SIZED, BoolType, NewType, ErrorneousType, TypeVar))


def comparable(type_: Type) -> bool:
    """Whether `==` is defined on two values of this type (8.4 and following)."""
    if isinstance(type_, StackType):
        return comparable(type_.element)
    if isinstance(type_, TupleType):
        return all(map(comparable, type_.items))
    if isinstance(type_, StructType):
        return all(comparable(f.type) for f in type_.fields)
    scalars = (*SIZED, BoolType, IntegerType, VarbitType, ErrorType, EnumType, SerEnumType, NewType, ErrorneousType)
    return isinstance(type_, (*scalars, StringType))


def castable(source: Type, target: Type) -> bool:
    """Whether an explicit cast of a value (not of a list or struct expression) is allowed (8.11.1)."""
    if source == target or isinstance(source, ErrorneousType) or isinstance(target, ErrorneousType):
        return True
    if isinstance(target, NewType):
        inner = target.underlying
        while isinstance(inner, NewType) and inner != source:
            inner = inner.underlying
        if inner == source or (isinstance(source, IntegerType) and isinstance(inner, SIZED)):
            return True
        return isinstance(source, (NewType, SerEnumType)) and castable(source.underlying, target)
    if isinstance(target, SerEnumType):
        if isinstance(source, (NewType, SerEnumType)):
            return castable(source.underlying, target)
        return isinstance(source, IntegerType) or source == target.underlying
    if isinstance(source, (NewType, SerEnumType)):
        return castable(source.underlying, target)
    if isinstance(source, IntegerType):
        return isinstance(target, (*SIZED, BoolType))
    if isinstance(source, BoolType):
        return target == BitType(1)
    if isinstance(source, SIZED):
        if isinstance(target, BoolType):
            return source == BitType(1)
        if isinstance(target, IntegerType):
            return True
        if isinstance(target, SIZED):
            return type(source) is type(target) or source.width == target.width
    return False


def cast_hint(source: Type, target: Type) -> str:
    """`: add a cast ...` where one (or two) would help, else the empty string."""
    if castable(source, target):
        return f": add a cast `({target})`"
    if isinstance(source, SIZED) and isinstance(target, SIZED):
        middle = type(target)(source.width)
        return f": add the casts `({target})({middle})`"
    return ""


def size_bits(type_: Type, largest: bool) -> int | None:
    """`maxSizeInBits` (largest) or `minSizeInBits` of a type (8.25); None where it is not defined."""
    if isinstance(type_, SIZED):
        return type_.width
    if isinstance(type_, BoolType):
        return 1
    if isinstance(type_, (NewType, SerEnumType)):
        return size_bits(type_.underlying, largest)
    if isinstance(type_, VarbitType):
        return type_.max_width if largest else 0
    if isinstance(type_, StackType):
        inner = size_bits(type_.element, largest)
        return None if inner is None else inner * type_.size
    if isinstance(type_, (StructType, TupleType)):
        parts = [f.type for f in type_.fields] if isinstance(type_, StructType) else list(type_.items)
        sizes = [size_bits(p, largest) for p in parts]
        known = [s for s in sizes if s is not None]
        if len(known) != len(sizes):
            return None
        if is_union(type_):
            return (max if largest else min)(known, default=0)
        return sum(known)
    return None


def size_value(type_: Type, name: str) -> int | None:
    """The value of a size method on a type; bytes are rounded up."""
    largest, unit = SIZES[name]
    bits = size_bits(type_, largest)
    return None if bits is None else -(-bits // unit)


def count_values(type_: Type, memo: dict[Type, int]) -> int:
    """Number of scalars in a value of the type; `memo` keeps the counts of structs already seen."""
    if isinstance(type_, StackType):
        return max(type_.size, 1) * count_values(type_.element, memo)
    if isinstance(type_, TupleType):
        return sum(count_values(t, memo) for t in type_.items)
    if isinstance(type_, StructType):
        if type_ not in memo:
            memo[type_] = sum(count_values(f.type, memo) for f in type_.fields)
        return memo[type_]
    return 1


def contains_varbit(type_: Type) -> bool:
    if isinstance(type_, VarbitType):
        return True
    if isinstance(type_, StructType):
        return any(contains_varbit(f.type) for f in type_.fields)
    if isinstance(type_, TupleType):
        return any(map(contains_varbit, type_.items))
    if isinstance(type_, StackType):
        return contains_varbit(type_.element)
    return False


def contains_int(type_: Type) -> bool:
    """Whether an `int` without a width is the type or inside it."""
    if isinstance(type_, IntegerType):
        return True
    if isinstance(type_, TupleType):
        return any(map(contains_int, type_.items))
    if isinstance(type_, StructType) and type_.decl is None:
        return any(contains_int(f.type) for f in type_.fields)
    return False
