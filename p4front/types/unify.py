"""Inference of type arguments: matching parameter types against argument types (8.20, 9)."""

from __future__ import annotations

from collections.abc import Callable

from p4front.types.rules import SIZED
from p4front.types.substitute import substitute
from p4front.types.types import (
    CallableType,
    DontCareType,
    ErrorneousType,
    IntegerType,
    InvalidHeaderType,
    ListType,
    NewType,
    ObjectType,
    SerEnumType,
    SetType,
    StackType,
    StructType,
    TupleType,
    Type,
    TypeVar,
)

ApplyOf = Callable[[ObjectType], CallableType | None]
"""Gives the apply signature of a parser, control, or type of either, with its type arguments substituted."""


class Unifier:
    """Collects what each open type parameter stands for.

    Unification is one-sided: the patterns are parameter types with open TypeVars, the others are argument types.
    An `int` literal binds weakly: a later sized type replaces it. Differences that an implicit cast may bridge are let
    through here and decided where the argument is converted.
    """

    def __init__(self, variables: tuple[TypeVar, ...], apply_of: ApplyOf) -> None:
        self.open = set(variables)
        self.binding: dict[TypeVar, Type] = {}
        self.apply_of = apply_of

    def bind(self, variable: TypeVar, type_: Type) -> bool:
        known = self.binding.get(variable)
        if known is None or isinstance(known, DontCareType) or _weaker(known, type_):
            self.binding[variable] = type_
            return True
        return known == type_ or isinstance(type_, (DontCareType, ErrorneousType)) or _bridged(type_, known)

    def unify(self, pattern: Type, actual: Type) -> bool:
        """Makes `pattern` match `actual` by binding open variables; False if no binding can."""
        if isinstance(actual, (DontCareType, ErrorneousType)) or isinstance(pattern, ErrorneousType):
            return True
        if isinstance(pattern, TypeVar) and pattern in self.open:
            return self.bind(pattern, actual)
        if isinstance(pattern, DontCareType):
            return True
        if pattern == actual and not isinstance(pattern, (TupleType, StructType)):
            return True
        if isinstance(pattern, StructType):
            return self._struct(pattern, actual)
        if isinstance(pattern, TupleType):
            return (
                isinstance(actual, TupleType)
                and len(pattern.items) == len(actual.items)
                and all(self.unify(p, a) for p, a in zip(pattern.items, actual.items, strict=False))
            )
        if isinstance(pattern, StackType):
            if isinstance(actual, TupleType):
                return all(self.unify(pattern.element, a) for a in actual.items)
            return (
                isinstance(actual, StackType)
                and pattern.size == actual.size
                and self.unify(pattern.element, actual.element)
            )
        if isinstance(pattern, ListType):
            if isinstance(actual, TupleType):
                return all(self.unify(pattern.element, a) for a in actual.items)
            return isinstance(actual, ListType) and self.unify(pattern.element, actual.element)
        if isinstance(pattern, SetType) and isinstance(actual, SetType):
            return self.unify(pattern.element, actual.element)
        if isinstance(pattern, ObjectType):
            return isinstance(actual, ObjectType) and self._objects(pattern, actual)
        return _bridged(actual, pattern)

    def _struct(self, pattern: StructType, actual: Type) -> bool:
        if isinstance(actual, StructType):
            if actual.decl is not None:
                same = pattern.decl is actual.decl and len(pattern.args) == len(actual.args)
                return same and all(self.unify(p, a) for p, a in zip(pattern.args, actual.args, strict=False))
            by_name = {f.name: f.type for f in actual.fields}
            return all(f.name not in by_name or self.unify(f.type, by_name[f.name]) for f in pattern.fields)
        if isinstance(actual, TupleType):
            return len(pattern.fields) >= len(actual.items) and all(
                self.unify(f.type, a) for f, a in zip(pattern.fields, actual.items, strict=False)
            )
        return isinstance(actual, InvalidHeaderType)

    def _objects(self, pattern: ObjectType, actual: ObjectType) -> bool:
        if pattern.decl is actual.decl and len(pattern.args) == len(actual.args):
            return all(self.unify(p, a) for p, a in zip(pattern.args, actual.args, strict=False))
        kinds = {"parser_type": ("parser", "parser_type"), "control_type": ("control", "control_type")}
        if actual.kind not in kinds.get(pattern.kind, ()):
            return False
        wanted, given = self.apply_of(pattern), self.apply_of(actual)
        return wanted is not None and given is not None and self.signatures(wanted, given)

    def signatures(self, wanted: CallableType, given: CallableType) -> bool:
        """Whether a block with signature `given` may stand for `wanted`: directions and types in order (16)."""
        extra = given.params[len(wanted.params) :]
        if len(wanted.params) > len(given.params) and not all(p.optional for p in wanted.params[len(given.params) :]):
            return False
        if not all(p.optional for p in extra):
            return False
        own = set(given.type_params)
        for w, g in zip(wanted.params, given.params, strict=False):
            if w.direction != g.direction:
                return False
            if isinstance(g.type, TypeVar) and g.type in own:
                continue
            if not self.unify_exact(w.type, g.type):
                return False
        return self.unify_exact(wanted.returns, given.returns)

    def unify_exact(self, pattern: Type, actual: Type) -> bool:
        """As `unify`, with no implicit cast allowed after it."""
        return self.unify(pattern, actual) and (
            isinstance(actual, (DontCareType, ErrorneousType, TypeVar, ObjectType))
            or _same(substitute(pattern, self.binding), actual)
        )


def _same(left: Type, right: Type) -> bool:
    return left == right or isinstance(left, (DontCareType, ErrorneousType, TypeVar))


def _weaker(known: Type, new: Type) -> bool:
    """`int` gives way to a sized type, a list or struct expression to a named struct."""
    if isinstance(known, IntegerType):
        return isinstance(new, (*SIZED, SerEnumType, NewType))
    if isinstance(known, StructType) and known.decl is None:
        return isinstance(new, StructType)
    return isinstance(known, (TupleType, InvalidHeaderType)) and isinstance(new, (StructType, StackType))


def _bridged(actual: Type, target: Type) -> bool:
    """Whether an implicit cast may lead from `actual` to `target` (the conversion reports the details)."""
    if actual == target:
        return True
    if isinstance(target, TypeVar):
        return False
    if isinstance(actual, IntegerType):
        return isinstance(target, (*SIZED, IntegerType, SerEnumType, NewType))
    if isinstance(actual, SerEnumType):
        return actual.underlying == target
    if isinstance(actual, SIZED):
        return isinstance(target, IntegerType)
    if isinstance(actual, (TupleType, InvalidHeaderType)):
        return isinstance(target, (StructType, StackType, ListType, TupleType))
    return isinstance(actual, StructType) and actual.decl is None and isinstance(target, StructType)
