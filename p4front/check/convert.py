"""Implicit conversion of an expression to the type its place wants (8.11.2, 8.12, 8.14).

Only what the specification allows: `int` to a sized type, a serialisable enum to its underlying type, list and struct
expressions, `{#}` and `...` to what is expected. The final types go to `Program.types`, recursively.
"""

from __future__ import annotations

from p4front.check.context import Context
from p4front.syntax import ast
from p4front.types import constants
from p4front.types.constants import ConstValue
from p4front.types.rules import SIZED, cast_hint, is_header, is_union, is_wrong, kind_of
from p4front.types.substitute import free_variables
from p4front.types.types import (
    DontCareType,
    IntegerType,
    IntType,
    InvalidHeaderType,
    ListType,
    NewType,
    ObjectType,
    SerEnumType,
    StackType,
    StructType,
    TupleType,
    Type,
)
from p4front.types.unify import Unifier

ASSIGN = "cannot assign {have} to {want}"
"""The default wording of a mismatch; callers give their own with the same two fields."""


def representation(type_: Type) -> Type:
    """What a `type T name;` stands for. A number without a width takes such a type like any other, as in p4c."""
    while isinstance(type_, NewType):
        type_ = type_.underlying
    return type_


class Converter:
    """Gives an expression its final type, or reports why it can't have it."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    def check(self, expr: ast.Expr, target: Type, wording: str = ASSIGN) -> bool:
        """Infers the expression's type, then converts it to `target`; False if that was reported as an error."""
        self.cx.expressions.infer(expr)
        return self.convert(expr, target, wording)

    def convert(self, expr: ast.Expr, target: Type, wording: str = ASSIGN) -> bool:
        """Converts an expression whose type is inferred; False if that was reported as an error."""
        cx = self.cx
        have = cx.type_of(expr)
        if is_wrong(have) or is_wrong(target):
            return False
        if isinstance(target, DontCareType):
            return True
        if isinstance(expr, ast.DefaultExpr):
            return self._default(expr, target)
        if isinstance(expr, ast.ListExpr):
            return self._list(expr, have, target, wording)
        if isinstance(expr, ast.StructExpr):
            return self._struct(expr, have, target, wording)
        if have == target:
            return True
        if isinstance(expr, ast.Ternary) and expr not in cx.program.constants:
            return self._ternary(expr, have, target, wording)
        if isinstance(have, IntegerType) and isinstance(representation(target), SIZED):
            return self._sized(expr, target)
        if isinstance(have, SerEnumType) and have.underlying == target:
            cx.program.implicit_casts[expr] = target
            return True
        if isinstance(have, InvalidHeaderType) and (is_header(target) or is_union(target)):
            cx.set_type(expr, target)
            return True
        if isinstance(target, ObjectType):
            # A block's type need not be the same: its signature must fit. Open type parameters are the declaration's
            # own, in the default value of one of its parameters.
            variables = tuple(free_variables(target))
            if isinstance(have, ObjectType) and Unifier(variables, cx.members.apply_of).unify(target, have):
                cx.instances.close(expr, have, target)
                return True
        return self.mismatch(expr, have, target, wording)

    def mismatch(self, expr: ast.Expr, have: Type, target: Type, wording: str) -> bool:
        """Reports a type that does not fit, with a cast as the remedy where one exists."""
        message = wording.replace("{have}", kind_of(have)).replace("{want}", kind_of(target))
        self.cx.error(message + cast_hint(have, target), expr.span, *self.cx.members.block_notes(target, have))
        return False

    # ------------------------------------------------------------ scalars

    def _sized(self, expr: ast.Expr, target: Type) -> bool:
        cx = self.cx
        value = cx.constant(expr)
        plain = representation(target)
        if isinstance(value, int):
            if not constants.fits(value, plain):
                self._warn_wrapped(expr, value, plain)
            cx.program.constants[expr] = constants.wrap(value, plain)
            cx.set_type(expr, target)
            self._operands(expr, target)
        else:
            # An `int` that depends on a constructor parameter: it has its value when the object is made.
            cx.program.implicit_casts[expr] = target
        return True

    def _operands(self, expr: ast.Expr, target: Type) -> None:
        """Brackets and signs around a literal take the type of the whole, so that `-1` reads as one literal."""
        while isinstance(expr, ast.Unary):
            expr = expr.operand
            value = self.cx.constant(expr)
            if isinstance(self.cx.type_of(expr), IntegerType) and isinstance(value, int):
                self.cx.set_type(expr, target)
                self.cx.program.constants[expr] = constants.wrap(value, representation(target))

    def _warn_wrapped(self, expr: ast.Expr, value: int, target: Type) -> None:
        wrapped = constants.wrap(value, target)
        bits = isinstance(target, IntType) and expr.__class__ is ast.IntLiteral and value == -wrapped
        if not bits:
            self.cx.warn(f"{value} does not fit {target}: it becomes {wrapped}", expr.span)

    def _ternary(self, expr: ast.Ternary, have: Type, target: Type, wording: str) -> bool:
        if have == target:
            return True
        fine = self.convert(expr.then, target, wording) and self.convert(expr.otherwise, target, wording)
        if fine:
            self.cx.set_type(expr, target)
        return fine

    def _default(self, expr: ast.DefaultExpr, target: Type) -> bool:
        cx = self.cx
        if isinstance(target, ListType) or not self.has_default(target):
            cx.error(f"`...` has no value of type {kind_of(target)}", expr.span)
            return False
        cx.set_type(expr, target)
        value = constants.default_value(target)
        if value is not None:
            cx.program.constants[expr] = value
        return True

    def has_default(self, type_: Type) -> bool:
        """Whether `...` may stand for a value of the type (7.3)."""
        if isinstance(type_, StructType):
            return type_.kind != "struct" or all(self.has_default(f.type) for f in type_.fields)
        if isinstance(type_, StackType):
            return True
        if isinstance(type_, TupleType):
            return all(map(self.has_default, type_.items))
        return constants.default_value(type_) is not None

    # ------------------------------------------------------------ list expressions

    def _list(self, expr: ast.ListExpr, have: Type, target: Type, wording: str) -> bool:
        cx = self.cx
        wanted: list[tuple[str, Type]]
        if isinstance(target, StructType) and target.kind != "header_union":
            wanted = [(f'field "{f.name}" of {kind_of(target)}', f.type) for f in target.fields]
        elif isinstance(target, TupleType):
            wanted = [(f"item {i} of {target}", t) for i, t in enumerate(target.items)]
        elif isinstance(target, StackType):
            wanted = [(f"item {i} of {target}", target.element) for i in range(target.size)]
        elif isinstance(target, ListType):
            if expr.has_default:
                cx.error("`...` has no meaning in a list: its length is not fixed", expr.span)
                return False
            wanted = [(f"item {i} of {target}", target.element) for i in range(len(expr.items))]
        else:
            return self.mismatch(expr, have, target, wording)
        given = len(expr.items)
        if given > len(wanted) or (given < len(wanted) and not expr.has_default):
            cx.error(
                f"{given} value{'s' if given != 1 else ''} for {kind_of(target)}, which has {len(wanted)}", expr.span
            )
            return False
        if not self._rest_has_default(expr, expr.has_default, wanted[given:]):
            return False
        converted = [
            self.convert(item, t, f"{wording} ({what})") for item, (what, t) in zip(expr.items, wanted, strict=False)
        ]
        if not all(converted):
            return False
        cx.set_type(expr, target)
        self._fold_list(expr, target, [t for _, t in wanted[given:]])
        return True

    def _rest_has_default(self, expr: ast.Expr, has_default: bool, rest: list[tuple[str, Type]]) -> bool:
        for what, type_ in rest if has_default else ():
            if not self.has_default(type_):
                self.cx.error(f"`...` has no value for {what}, of type {kind_of(type_)}", expr.span)
                return False
        return True

    def _fold_list(self, expr: ast.ListExpr, target: Type, rest: list[Type]) -> None:
        cx = self.cx
        if any(item in cx.known for item in expr.items) and all(map(cx.is_known, expr.items)):
            cx.known.add(expr)
        values = [cx.constant(item) for item in expr.items] + [constants.default_value(t) for t in rest]
        known: list[ConstValue] = [v for v in values if v is not None]
        cx.program.constants.pop(expr, None)
        if len(known) != len(values):
            return
        if isinstance(target, StructType):
            cx.program.constants[expr] = {f.name: v for f, v in zip(target.fields, known, strict=False)}
        else:
            cx.program.constants[expr] = tuple(known)

    # ------------------------------------------------------------ struct expressions

    def _struct(self, expr: ast.StructExpr, have: Type, target: Type, wording: str) -> bool:
        cx = self.cx
        if not isinstance(target, StructType) or target.kind == "header_union":
            return self.mismatch(expr, have, target, wording)
        fields = {f.name: f for f in target.fields}
        fine = True
        for pair in expr.fields:
            field = fields.pop(pair.key.text, None)
            if field is None:
                if target.field(pair.key.text) is None:  # a repeated field was reported when the type was inferred
                    cx.error(f'{kind_of(target)} has no field "{pair.key.text}"', pair.key.span)
                fine = False
                continue
            what = f'field "{field.name}" of {kind_of(target)}'
            fine = self.convert(pair.value, field.type, f"{wording} ({what})") and fine
            if field.decl is not None:
                cx.program.refs[pair.key] = field.decl
        rest = [(f'field "{f.name}" of {kind_of(target)}', f.type) for f in fields.values()]
        if fields and not expr.has_default and fine:
            names = ", ".join(f'"{name}"' for name in fields)
            cx.error(f"no value for {names} of {kind_of(target)}: add it, or `...` for the defaults", expr.span)
            return False
        if not fine or not self._rest_has_default(expr, expr.has_default, rest):
            return False
        cx.set_type(expr, target)
        self._fold_struct(expr, target)
        return True

    def _fold_struct(self, expr: ast.StructExpr, target: StructType) -> None:
        cx = self.cx
        given = {pair.key.text: pair.value for pair in expr.fields}
        if any(v in cx.known for v in given.values()) and all(map(cx.is_known, given.values())):
            cx.known.add(expr)
        values: dict[str, ConstValue] = {}
        cx.program.constants.pop(expr, None)
        for field in target.fields:
            value = cx.constant(given[field.name]) if field.name in given else constants.default_value(field.type)
            if value is None:
                return
            values[field.name] = value
        cx.program.constants[expr] = values

    # ------------------------------------------------------------ dry run

    def possible(self, expr: ast.Expr, target: Type) -> bool:
        """Whether `convert` would succeed at the top level; chooses between overloads without reporting anything."""
        have = self.cx.type_of(expr)
        if have == target or is_wrong(have) or isinstance(target, DontCareType):
            return True
        if isinstance(expr, (ast.ListExpr, ast.StructExpr)):
            return isinstance(target, (StructType, TupleType, StackType, ListType))
        if isinstance(have, IntegerType):
            return isinstance(representation(target), SIZED)
        if isinstance(have, SerEnumType):
            return have.underlying == target
        return isinstance(have, InvalidHeaderType) and (is_header(target) or is_union(target))

    def underlying(self, expr: ast.Expr) -> Type:
        """Casts a serialisable enum implicitly to its underlying type where an operator needs a number."""
        have = self.cx.type_of(expr)
        if isinstance(have, SerEnumType):
            self.cx.program.implicit_casts[expr] = have.underlying
            return have.underlying
        return have

    @staticmethod
    def is_number(type_: Type) -> bool:
        return isinstance(type_, (*SIZED, IntegerType)) and not isinstance(type_, NewType)
