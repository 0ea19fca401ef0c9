"""Member access and indexing: fields, enum members, methods, stack elements (8.16 to 8.20)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from p4front.check.context import Context
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.constants import ConstValue
from p4front.types.rules import SIZES, is_header, is_union, kind_of, size_bits
from p4front.types.substitute import substitute_callable
from p4front.types.types import (
    BOOL,
    INTEGER,
    VOID,
    WRONG,
    ActionEnumType,
    BitType,
    CallableType,
    EnumType,
    ErrorType,
    IntegerType,
    IntType,
    MatchKindType,
    ObjectType,
    ParamInfo,
    SerEnumType,
    StackType,
    StructType,
    TableResultType,
    TupleType,
    Type,
    TypeOfType,
    TypeVar,
    strip,
)

_NO_PARAMS: tuple[ParamInfo, ...] = ()
_COUNT = (ParamInfo("count", "", INTEGER),)
_VALIDITY: dict[str, CallableType] = {
    "isValid": CallableType("builtin", "isValid", _NO_PARAMS, BOOL),
    "setValid": CallableType("builtin", "setValid", _NO_PARAMS, VOID),
    "setInvalid": CallableType("builtin", "setInvalid", _NO_PARAMS, VOID),
}
_STACK: dict[str, CallableType] = {
    name: CallableType("builtin", name, _COUNT, VOID) for name in ("push_front", "pop_front")
}


class MemberChecker:
    """Types of `base.member` and `base[index]`."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    def member(self, expr: ast.Member, called: bool = False) -> Type:
        """The type of a field or member; a CallableType for a method. With `called` a built-in method hides a field
        of its name."""
        base = self.cx.expressions.raw(expr.base)
        if base is WRONG:
            return WRONG
        if called and isinstance(base, StructType):
            builtin = self.builtin(base, expr.member.text)
            if builtin is not None:
                return builtin
        if isinstance(base, TypeOfType):
            return self._of_type(expr, base.type)
        if isinstance(base, StructType):
            return self._field(expr, base)
        if isinstance(base, StackType):
            return self._stack(expr, base)
        if isinstance(base, TableResultType):
            if expr.member.text in ("hit", "miss"):
                return BOOL
            if expr.member.text == "action_run":
                if self.cx.frame.switch_subject is not expr:
                    self.cx.error("`action_run` can only be the subject of a switch statement", expr.span)
                    return WRONG
                return ActionEnumType(base.table)
            return self._missing(expr, "a table's result", ["hit", "miss", "action_run"])
        if isinstance(base, ObjectType):
            return self._of_object(expr, base)
        if expr.member.text in SIZES and size_bits(base, True) is not None:
            return _size_method(expr.member.text)
        if isinstance(base, CallableType):
            self.cx.error(f'"{base.name}" has no members: call it first', expr.span)
            return WRONG
        return self._missing(expr, f"a value of type {kind_of(base)}", [])

    def _missing(self, expr: ast.Member, what: str, names: list[str]) -> Type:
        close = get_close_matches(expr.member.text, names, n=1, cutoff=0.7)
        hint = f', did you mean "{close[0]}"?' if close else ""
        self.cx.error(f'{what} has no member "{expr.member.text}"{hint}', expr.member.span)
        return WRONG

    # ------------------------------------------------------------ structs, headers, unions

    def _field(self, expr: ast.Member, base: StructType) -> Type:
        cx, name = self.cx, expr.member.text
        field = base.field(name)
        if field is not None:
            if field.decl is not None:
                cx.program.refs[expr] = field.decl
            whole = cx.constant(expr.base)
            if isinstance(whole, dict) and name in whole:
                cx.program.constants[expr] = whole[name]
            elif expr.base in cx.known:
                cx.known.add(expr)
            return field.type
        builtin = self.builtin(base, name)
        if builtin is not None:
            return builtin
        builtins = [method for method in (*_VALIDITY, *SIZES) if self.builtin(base, method) is not None]
        return self._missing(expr, kind_of(base), [f.name for f in base.fields] + builtins)

    def builtin(self, base: Type, name: str) -> CallableType | None:
        """The built-in method `name` of a value of type `base`."""
        if is_header(base):
            found = _VALIDITY.get(name)
        elif is_union(base):
            found = _VALIDITY["isValid"] if name == "isValid" else None
        elif isinstance(base, StackType) and _of_headers(base):
            found = _STACK.get(name)
        else:
            found = None
        if found is None and name in SIZES and size_bits(base, True) is not None:
            return _size_method(name)
        return found

    # ------------------------------------------------------------ stacks

    def _stack(self, expr: ast.Member, base: StackType) -> Type:
        cx, name = self.cx, expr.member.text
        if name == "size":
            cx.program.constants[expr] = base.size
            return BitType(32)
        if name in ("next", "last", "lastIndex") and _of_headers(base):
            if not cx.frame.in_parser:
                cx.error(f"`{name}` of a header stack can only be used in a parser", expr.span)
                return WRONG
            return BitType(32) if name == "lastIndex" else base.element
        builtin = self.builtin(base, name)
        if builtin is not None:
            return builtin
        inside = ["next", "last", "lastIndex"] if cx.frame.in_parser and _of_headers(base) else []
        builtins = [method for method in (*_STACK, *SIZES) if self.builtin(base, method) is not None]
        return self._missing(expr, f"the stack {base}", [*inside, "size", *builtins])

    def index(self, expr: ast.Index) -> Type:
        """`stack[i]`, with a check of a constant index, and `tuple[i]`, where it must be constant."""
        cx = self.cx
        base, at = cx.expressions.infer(expr.base), cx.expressions.infer(expr.index)
        if base is WRONG or at is WRONG:
            return WRONG
        value = cx.constant(expr.index)
        if isinstance(base, TupleType):
            if not isinstance(value, int) or isinstance(value, bool):
                cx.error("the index of a tuple must be a number known at compile time", expr.index.span)
                return WRONG
            if not 0 <= value < len(base.items):
                cx.error(f"index {value} is outside of {base}, which has {len(base.items)} items", expr.index.span)
                return WRONG
            whole = cx.constant(expr.base)
            if isinstance(whole, tuple) and value < len(whole):
                cx.program.constants[expr] = whole[value]
            return base.items[value]
        if not isinstance(base, StackType):
            cx.error(f"only stacks and tuples can be indexed, not {kind_of(base)}", expr.base.span)
            return WRONG
        if not isinstance(strip(at), (BitType, IntType, IntegerType)):
            cx.error(f"the index of a stack must be a number, not {kind_of(at)}", expr.index.span)
            return WRONG
        # An array without elements can only be asked for its size: minSizeInBits() of an element, say.
        if isinstance(value, int) and not 0 <= value < max(base.size, 1):
            cx.error(f"index {value} is outside of {base}, which has {base.size} elements", expr.index.span)
            return WRONG
        whole = cx.constant(expr.base)
        if isinstance(whole, tuple) and isinstance(value, int) and value < len(whole):
            cx.program.constants[expr] = whole[value]
        if isinstance(base.element, ObjectType):
            cx.known.add(expr)
        return base.element

    # ------------------------------------------------------------ types and objects

    def _of_type(self, expr: ast.Member, type_: Type) -> Type:
        cx, name = self.cx, expr.member.text
        if isinstance(type_, (EnumType, SerEnumType)):
            members = type_.decl.members if type_.decl is not None else []
            found = next((m for m in members if m.name.text == name), None)
            if found is not None:
                cx.program.refs[expr] = found
                cx.program.constants[expr] = _enum_value(type_, name)
                return type_
            if name not in SIZES:
                return self._missing(expr, kind_of(type_), [m.name.text for m in members])
        if isinstance(type_, ErrorType):
            return self._global_member(expr, cx.declarations.error_members, "error", type_)
        if isinstance(type_, MatchKindType):
            return self._global_member(expr, cx.declarations.match_kind_members, "match_kind", type_)
        if name in SIZES and size_bits(type_, True) is not None:
            return _size_method(name)
        if isinstance(type_, ObjectType) and name == "apply":
            cx.error(
                f"make an instance of {kind_of(type_)} first, or call `{type_}.apply(...)` as a statement", expr.span
            )
            return WRONG
        return self._missing(expr, f"the type {kind_of(type_)}", [])

    def _global_member(self, expr: ast.Member, members: Mapping[str, ast.EnumMember], prefix: str, type_: Type) -> Type:
        found = members.get(expr.member.text)
        if found is None:
            return self._missing(expr, prefix, list(members))
        self.cx.program.refs[expr] = found
        self.cx.program.constants[expr] = f"{prefix}.{expr.member.text}"
        return type_

    def _of_object(self, expr: ast.Member, base: ObjectType) -> Type:
        cx, name = self.cx, expr.member.text
        methods = self.methods(base, name)
        if methods:
            if methods[0].decl is not None and methods[0].kind == "method":
                cx.program.refs[expr] = methods[0].decl
            return methods[0]
        if isinstance(base.decl, ast.ExternDecl):
            names = [m.name.text for m in base.decl.methods if m.return_type is not None]
        else:
            names = ["apply"] if self.methods(base, "apply") else []
        return self._missing(expr, kind_of(base), names)

    def methods(self, base: ObjectType, name: str) -> list[CallableType]:
        """What `object.name` may call, with the object's type arguments substituted: several for overloads."""
        cx = self.cx
        if base.kind == "extern" and isinstance(base.decl, ast.ExternDecl):
            binding = dict(zip(cx.type_params.get(base.decl, ()), base.args, strict=False))
            found = []
            for method in base.decl.methods:
                if method.name.text == name and method.return_type is not None:
                    type_ = cx.program.declared.get(method)
                    if isinstance(type_, CallableType):
                        found.append(substitute_callable(type_, binding))
            return found
        if name != "apply":
            return []
        if base.kind == "table" and isinstance(base.decl, ast.TableDecl):
            return [CallableType("table", base.name, (), TableResultType(base.decl), decl=base.decl)]
        apply = self.apply_of(base)
        return [] if apply is None else [apply]

    def block_notes(self, want: Type, have: Type) -> list[tuple[str, Span | None]]:
        """What differs between the parameters a package or constructor wants of a block and those the block has."""
        if not isinstance(want, ObjectType) or not isinstance(have, ObjectType):
            return []
        wanted, given = self.apply_of(want), self.apply_of(have)
        if wanted is None or given is None or wanted.kind != given.kind:
            return []
        place = have.decl.name.span if isinstance(have.decl, ast.Declaration) else None
        return [(f"its parameters are ({_shown(given)})", place), (f"they must be ({_shown(wanted)})", None)]

    def apply_of(self, base: ObjectType) -> CallableType | None:
        """The signature of a parser's or control's apply (or of a type of either)."""
        if base.decl is None:
            return None
        signature = self.cx.signatures.apply.get(base.decl)
        if signature is None:
            return None
        return substitute_callable(
            signature, dict(zip(self.cx.type_params.get(base.decl, ()), base.args, strict=False))
        )


def _size_method(name: str) -> CallableType:
    return CallableType("builtin", name, (), INTEGER)


def _of_headers(type_: StackType) -> bool:
    """Whether it is a header stack, not an array of other values."""
    return is_header(type_.element) or is_union(type_.element) or isinstance(type_.element, TypeVar)


def _shown(signature: CallableType) -> str:
    return ", ".join(f"{p.direction} {p.type} {p.name}".strip() for p in signature.params)


def _enum_value(type_: EnumType | SerEnumType, name: str) -> ConstValue:
    if isinstance(type_, SerEnumType):
        value = type_.value(name)
        return 0 if value is None else value
    return f"{type_.name}.{name}"
