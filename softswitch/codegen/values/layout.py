"""C types for P4 types: structs, headers (with `valid_`), stacks, unions, tuples, varbits; zero values, equality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from p4front.text.source import Span
from p4front.types.constants import ConstValue
from p4front.types.types import (
    BOOL,
    BitType,
    BoolType,
    EnumType,
    ErrorType,
    IntegerType,
    IntType,
    ListType,
    StackType,
    StringType,
    StructType,
    TupleType,
    Type,
    VarbitType,
    VoidType,
    strip,
)
from softswitch.codegen.errors import refuse
from softswitch.codegen.names import Namer, field_name, identifier
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr


@dataclass(frozen=True)
class Leaf:
    """A scalar or varbit inside a value: as a C expression, its type, the headers that it lies in (outermost first)."""

    c: CExpr
    type: Type
    headers: tuple[CExpr, ...] = ()
    name: str = ""


def is_aggregate(type_: Type) -> bool:
    return isinstance(strip(type_), (StructType, StackType, TupleType, VarbitType, ListType))


def is_header(type_: Type) -> bool:
    return isinstance(type_, StructType) and type_.kind == "header"


def is_union(type_: Type) -> bool:
    return isinstance(type_, StructType) and type_.kind == "header_union"


def scalar_width(type_: Type) -> int | None:
    """Bits of a scalar as the data plane keeps it (enumerations and errors: 32), None for anything else."""
    type_ = strip(type_)
    if isinstance(type_, (BitType, IntType)):
        return type_.width
    if isinstance(type_, BoolType):
        return 1
    if isinstance(type_, (EnumType, ErrorType)):
        return 32
    return None


def is_signed(type_: Type) -> bool:
    return isinstance(strip(type_), IntType)


def members(type_: Type) -> list[tuple[str, Type]]:
    """C member names and types of a struct, header, union or tuple; none for anything else."""
    if isinstance(type_, TupleType):
        return [(f"f{i}", t) for i, t in enumerate(type_.items)]
    return [(field_name(f.name), f.type) for f in type_.fields] if isinstance(type_, StructType) else []


def element(stack: CExpr, at: CExpr | int) -> CExpr:
    """An element of a header stack."""
    return cexpr.index(cexpr.member(stack, "e"), at)


def wire_bits(type_: Type) -> int:
    """Bits of a value on the wire; a varbit at its maximum, a union as its largest header."""
    type_ = strip(type_)
    if isinstance(type_, VarbitType):
        return type_.max_width
    if isinstance(type_, StackType):
        return type_.size * wire_bits(type_.element)
    if isinstance(type_, (StructType, TupleType)):
        parts = [wire_bits(t) for _, t in members(type_)]
        return max(parts, default=0) if is_union(type_) else sum(parts)
    return scalar_width(type_) or 0


def min_bits(type_: Type) -> int:
    """Size on the wire with empty varbits; the smallest header of a union."""
    plain = strip(type_)
    if isinstance(plain, VarbitType):
        return 0
    if isinstance(plain, StackType):
        return plain.size * min_bits(plain.element)
    if is_union(plain):
        return min((min_bits(t) for _, t in members(plain)), default=0)
    if isinstance(plain, (StructType, TupleType)):
        return sum(min_bits(t) for _, t in members(plain))
    return wire_bits(plain)


MAX_LEAVES = 1 << 16
"""Most scalars in one value, stack elements counted one by one."""

LEGACY_FIELDS = frozenset(
    ("clone_spec", "drop", "recirculate_port", "lf_field_list", "resubmit_flag", "recirculate_flag")
)
"""Fields of standard_metadata_t until July 2019, without a use since: a program has them if its own v1model.p4 does."""
STANDARD_FIELDS = LEGACY_FIELDS.union(
    """
    ingress_port egress_spec egress_port instance_type packet_length enq_timestamp enq_qdepth deq_timedelta deq_qdepth
    ingress_global_timestamp egress_global_timestamp mcast_grp egress_rid checksum_error parser_error priority
    """.split()  # noqa: SIM905
)
"""The fields of ss_std."""
_WIDE_FIELDS = ("ingress_global_timestamp", "egress_global_timestamp")


def leaf_count(type_: Type) -> int:
    """How many scalars and varbits a value has."""
    plain = strip(type_)
    if isinstance(plain, StackType):
        return max(1, plain.size) * leaf_count(plain.element)
    if isinstance(plain, (StructType, TupleType)):
        return sum(leaf_count(t) for _, t in members(plain))
    return 1


class Layout:
    """The C types that a program needs, each defined once, in order of need."""

    def __init__(self, namer: Namer, errors: list[str]) -> None:
        self.definitions: list[str] = []
        self._namer = namer
        self._errors = errors
        self._names: dict[Type, str] = {}
        self._equal: dict[Type, str] = {}
        self._limbs: set[int] = {2}

    # ------------------------------------------------------------ types

    def c_type(self, type_: Type, span: Span | None = None) -> str:
        """The C type of a P4 type; defines it at first use."""
        type_ = strip(type_)
        known = self._names.get(type_)
        if known is not None:
            return known
        name = self._make(type_, span)
        self._names[type_] = name
        return name

    def _make(self, type_: Type, span: Span | None) -> str:
        if isinstance(type_, (BitType, IntType)):
            self.need_limbs(type_.width)
            return scalars.ct(type_.width)
        if isinstance(type_, BoolType):
            return "bool"
        if isinstance(type_, (EnumType, ErrorType)):
            return "uint32_t"
        if isinstance(type_, VoidType):
            return "void"
        if isinstance(type_, StringType):
            return "const char *"
        if isinstance(type_, VarbitType):
            size = max(1, -(-type_.max_width // 8))
            return self._define(f"varbit_{type_.max_width}", ["uint32_t bits;", f"uint8_t data[{size}];"])
        if leaf_count(type_) > MAX_LEAVES:
            raise refuse(span, f"a value of type {type_} has more than {MAX_LEAVES} fields")
        if isinstance(type_, StackType):
            element = self.c_type(type_.element, span)
            name = f"stack_{identifier(str(type_.element))}_{type_.size}"
            return self._define(name, ["uint32_t next;", f"{element} e[{max(1, type_.size)}];"])
        if isinstance(type_, TupleType):
            return self._define("tuple", self._fields(type_, span) or ["char none_;"])
        if isinstance(type_, StructType):
            if type_.name == "standard_metadata_t" and any(f.name == "egress_spec" for f in type_.fields):
                self._check_standard(type_, span)
                return "ss_std"
            fields = self._fields(type_, span)
            prefix = {"struct": "str", "header": "hdr", "header_union": "uni"}[type_.kind]
            head = ["bool valid_;"] if type_.kind == "header" else []
            return self._define(f"{prefix}_{identifier(str(type_))}", head + fields or ["char none_;"])
        raise refuse(span, f"a value of type {type_} cannot exist at run time")

    @staticmethod
    def _check_standard(type_: StructType, span: Span | None) -> None:
        """A program's own v1model.p4 may have fewer fields than ss_std, and narrower ones; it cannot have others."""
        for field in type_.fields:
            where = field.decl.span if field.decl is not None else span
            if field.name not in STANDARD_FIELDS:
                raise refuse(where, f"standard_metadata_t has a field {field.name}, which v1model.p4 does not have")
            width, most = scalar_width(field.type), 64 if field.name in _WIDE_FIELDS else 32
            if width is None or width > most:
                raise refuse(where, f"standard_metadata_t's field {field.name} must be a number of at most {most} bits")

    def need_limbs(self, width: int) -> None:
        """Makes the operations on values of `width` bits available."""
        count = scalars.limbs(width)
        if scalars.is_wide(width) and count not in self._limbs:
            self._limbs.add(count)
            self.definitions.append(f"SS_DEFINE_WIDE({count})")

    def _fields(self, type_: StructType | TupleType, span: Span | None) -> list[str]:
        return [f"{self.c_type(t, span)} {name};" for name, t in members(type_)]

    def _define(self, tag: str, lines: list[str]) -> str:
        name = f"struct {self._namer.fresh(tag)}"
        body = "".join(f"    {line}\n" for line in lines)
        self.definitions.append(f"{name} {{\n{body}}};")
        return name

    # ------------------------------------------------------------ values

    def zero(self, type_: Type) -> CExpr:
        """The value that a variable starts with: zeros, headers invalid."""
        width = scalar_width(type_)
        if isinstance(strip(type_), BoolType):
            return cexpr.FALSE
        if width is not None:
            return scalars.literal(0, width)
        return cexpr.compound(self.c_type(type_))

    def constant(self, value: ConstValue, type_: Type, span: Span | None = None) -> CExpr:
        """A compile-time value as a C expression of the C type of `type_`."""
        plain = strip(type_)
        if isinstance(plain, BoolType):
            return cexpr.TRUE if value else cexpr.FALSE
        if isinstance(plain, (BitType, IntType)) and isinstance(value, (int, bool)):
            self.need_limbs(plain.width)
            return scalars.literal(int(value), plain.width)
        if isinstance(plain, IntegerType) and isinstance(value, int):
            return scalars.literal(value, max(32, value.bit_length()))
        if isinstance(plain, (EnumType, ErrorType)) and isinstance(value, str):
            member = value.rsplit(".", 1)[-1]
            names = plain.members if isinstance(plain, EnumType) else self._errors
            if member in names:
                return cexpr.constant(f"{list(names).index(member)}u")
        if isinstance(plain, (StructType, TupleType)) and isinstance(value, (tuple, dict)):
            parts = list(value) if isinstance(value, tuple) else None
            texts = [".valid_ = true"] if is_header(plain) else []
            for i, (name, member_type) in enumerate(members(plain)):
                if parts is not None:
                    item = parts[i] if i < len(parts) else None
                elif isinstance(plain, StructType) and isinstance(value, dict):
                    item = value.get(plain.fields[i].name)
                else:
                    item = None
                if item is not None:
                    texts.append(f".{name} = {self.constant(item, member_type, span)}")
            return cexpr.compound(self.c_type(plain), texts)
        if isinstance(plain, StackType) and isinstance(value, tuple):
            return self.stack([self.constant(item, plain.element, span) for item in value[: plain.size]], plain)
        raise refuse(span, f"a constant of type {type_} is not supported at run time")

    def stack(self, items: Sequence[CExpr], type_: StackType) -> CExpr:
        """A header stack with these elements first."""
        listed = ", ".join(map(str, items))
        return cexpr.compound(self.c_type(type_), [f".e = {{{listed or '0'}}}"])

    def equal(self, a: CExpr, b: CExpr, type_: Type) -> CExpr:
        """`a == b` as a C truth value; `a` and `b` are l-values where the type is an aggregate (8.9-8.12)."""
        width = scalar_width(type_)
        if width is not None:
            return scalars.compare("==", a, b, width, False)
        return cexpr.call(self._equal_function(strip(type_)), cexpr.address(a), cexpr.address(b))

    def _equal_function(self, type_: Type) -> str:
        name = self._equal.get(type_)
        if name is not None:
            return name
        a, b = (cexpr.dereference(cexpr.name(pointer)) for pointer in "ab")
        tests: list[CExpr] = []
        if isinstance(type_, VarbitType):
            bits = [cexpr.member(operand, "bits") for operand in (a, b)]
            data = [cexpr.member(operand, "data") for operand in (a, b)]
            size = cexpr.binary("/", cexpr.binary("+", bits[0], 7), 8)
            tests = [cexpr.binary("==", *bits), cexpr.binary("==", cexpr.call("memcmp", *data, size), 0)]
        elif isinstance(type_, StackType):
            tests = [self.equal(element(a, i), element(b, i), type_.element) for i in range(type_.size)]
        elif isinstance(type_, (StructType, TupleType)):
            tests = [self.equal(cexpr.member(a, n), cexpr.member(b, n), t) for n, t in members(type_)]
        test = cexpr.all_of(tests) or cexpr.TRUE
        if is_header(type_):
            valid = [cexpr.member(operand, "valid_") for operand in (a, b)]
            same = cexpr.binary("||", cexpr.negation(valid[0]), test)
            test = cexpr.binary("&&", cexpr.binary("==", *valid), same)
        c_type = self.c_type(type_)
        name = self._namer.fresh(f"equal_{identifier(c_type.split()[-1])}")
        self._equal[type_] = name
        self.definitions.append(f"static bool {name}(const {c_type} *a, const {c_type} *b)\n{{\n    return {test};\n}}")
        return name

    # ------------------------------------------------------------ parts

    def leaves(self, c: CExpr, type_: Type, headers: tuple[CExpr, ...] = (), name: str = "") -> Iterator[Leaf]:
        """The scalars and varbits of a value, in order."""
        plain = strip(type_)
        if isinstance(plain, StackType):
            for i in range(plain.size):
                yield from self.leaves(element(c, i), plain.element, headers, f"{name}[{i}]")
        elif isinstance(plain, (StructType, TupleType)):
            inner = (*headers, c) if is_header(plain) else headers
            labels = [f.name for f in plain.fields] if isinstance(plain, StructType) else []
            for i, (member, member_type) in enumerate(members(plain)):
                label = labels[i] if labels else f"f{i}"
                own = cexpr.member(c, member)
                yield from self.leaves(own, member_type, inner, f"{name}.{label}" if name else label)
        else:
            yield Leaf(c, type_, headers, name)

    def data_leaves(self, c: CExpr, type_: Type, name: str = "") -> Iterator[Leaf]:
        """The leaves of a value as P4Data has them: that a header is valid comes before its fields."""
        plain = strip(type_)
        if isinstance(plain, StackType):
            for i in range(plain.size):
                yield from self.data_leaves(element(c, i), plain.element, f"{name}[{i}]")
        elif isinstance(plain, (StructType, TupleType)):
            if is_header(plain):
                yield Leaf(cexpr.member(c, "valid_"), BOOL, name=f"{name}.isValid()" if name else "isValid()")
            labels = [f.name for f in plain.fields] if isinstance(plain, StructType) else []
            for i, (member, member_type) in enumerate(members(plain)):
                label = labels[i] if labels else f"f{i}"
                inner = cexpr.member(c, member)
                yield from self.data_leaves(inner, member_type, f"{name}.{label}" if name else label)
        else:
            yield Leaf(c, type_, name=name)

    def invalidate(self, c: CExpr, type_: Type) -> Iterator[str]:
        """Statements that make every header inside a value invalid and its stacks empty."""
        plain = strip(type_)
        if isinstance(plain, StackType):
            yield f"{cexpr.member(c, 'next')} = 0;"
            for i in range(plain.size):
                yield from self.invalidate(element(c, i), plain.element)
        elif is_header(plain):
            yield f"{cexpr.member(c, 'valid_')} = false;"
        elif isinstance(plain, (StructType, TupleType)):
            for member, member_type in members(plain):
                yield from self.invalidate(cexpr.member(c, member), member_type)
