"""Keysets: what a select case or a table entry matches (8.16)."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.check.context import Context
from p4front.syntax import ast
from p4front.types.rules import kind_of
from p4front.types.types import (
    WRONG,
    BoolType,
    EnumType,
    ErrorType,
    SetType,
    StructType,
    TupleType,
    Type,
    strip,
)


class KeysetChecker:
    """Fits keysets to the types of the keys they are matched against."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    def fit_all(self, keyset: ast.Expr, types: Sequence[Type], what: str, constant: bool = True) -> bool:
        """Fits the whole keyset to the keys' types; `what` names the case or entry in messages. Those of entries are
        `constant`, those of a select may be computed."""
        cx = self.cx
        if isinstance(keyset, (ast.DefaultExpr, ast.DontCare)):
            cx.set_type(keyset, SetType(types[0] if len(types) == 1 else TupleType(tuple(types))))
            return True
        items = keyset.items if isinstance(keyset, (ast.KeysetTuple, ast.ListExpr)) else [keyset]
        if len(items) == 1 and len(types) != 1:
            single = cx.expressions.infer(items[0])
            if isinstance(single, SetType):
                return self._value_set(items[0], single, types)
        if len(items) != len(types):
            cx.error(f"{what} has {len(items)} keyset{'s' * (len(items) != 1)} for {len(types)} key(s)", keyset.span)
            for item in items:
                cx.expressions.infer(item)
            return False
        fitted = [self.fit(item, type_, constant) for item, type_ in zip(items, types, strict=False)]
        if isinstance(keyset, (ast.KeysetTuple, ast.ListExpr)):
            cx.set_type(keyset, TupleType(tuple(cx.type_of(i) for i in items)))
        return all(fitted)

    def fit(self, expr: ast.Expr, type_: Type, constant: bool = True) -> bool:
        """Fits one keyset to one key; the expression's final type is the key's, or a set of it."""
        cx = self.cx
        if type_ is WRONG:
            cx.expressions.infer(expr)
            return False
        if isinstance(expr, (ast.DefaultExpr, ast.DontCare)):
            cx.set_type(expr, SetType(type_))
            return True
        if isinstance(expr, ast.Binary) and expr.op in ("&&&", ".."):
            return self._pair(expr, type_)
        if isinstance(type_, TupleType) and isinstance(expr, (ast.ListExpr, ast.KeysetTuple)):
            return self.fit_all(expr, type_.items, "this keyset", constant)
        have = cx.expressions.infer(expr)
        if isinstance(have, SetType):
            return self._value_set(expr, have, [type_])
        if isinstance(expr, ast.ListExpr) and len(expr.items) == 1:
            fine = self.fit(expr.items[0], type_, constant)
            cx.set_type(expr, TupleType((type_,)))
            return fine
        if not cx.convert.convert(expr, type_, "a key of type {want} can't be matched with {have}"):
            return False
        if not cx.is_known(expr) and any(isinstance(node, ast.Call) for node in expr.walk()):
            cx.error("a keyset can't call a function: assign its result to a variable first", expr.span)
            return False
        if constant and not cx.is_known(expr):
            cx.error("the keyset of an entry must be known at compile time", expr.span)
            return False
        return True

    def _pair(self, expr: ast.Binary, type_: Type) -> bool:
        """A mask or a range: both ends have the key's type."""
        cx = self.cx
        if isinstance(strip(type_), (BoolType, ErrorType, EnumType)):
            cx.error(f"`{expr.op}` is not defined for a key of type {kind_of(type_)}", expr.span)
            return False
        if cx.expressions.infer(expr) is WRONG:
            return False
        fine = True
        for end in (expr.left, expr.right):
            fine = cx.convert.convert(end, strip(type_), "a key of type {want} can't be matched with {have}") and fine
            if fine and not cx.is_known(end):
                cx.error(f"the ends of `{expr.op}` must be known at compile time", end.span)
                fine = False
        if fine:
            cx.operators.fold_set(expr)
            cx.set_type(expr, SetType(type_))
        return fine

    def _value_set(self, expr: ast.Expr, have: SetType, types: Sequence[Type]) -> bool:
        """A value set matches one key of its type, or as many keys as its struct or tuple has fields."""
        element = have.element
        if [element] == list(types) or _flat([element]) == _flat(types):
            return True
        shown = ", ".join(map(kind_of, types))
        self.cx.error(f"this matches values of type {kind_of(element)}, and the keys have {shown}", expr.span)
        return False


def _flat(types: Sequence[Type]) -> list[Type]:
    """The scalars of structs and tuples, in order."""
    flat: list[Type] = []
    for type_ in types:
        if isinstance(type_, TupleType):
            flat += _flat(type_.items)
        elif isinstance(type_, StructType):
            flat += _flat([f.type for f in type_.fields])
        else:
            flat.append(type_)
    return flat
