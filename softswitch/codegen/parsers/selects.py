"""`transition select`, and parser value sets (12.6, 12.11)."""

from __future__ import annotations

from collections.abc import Callable

from p4front.elaborate.names import annotated_name
from p4front.elaborate.objects import ValueSet as ElaboratedValueSet
from p4front.match_kinds import EXACT, MATCHED
from p4front.syntax import ast
from p4front.types.types import BoolType, StructType, TupleType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import keysets, parser_errors, rvalues
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import pipeline_object
from softswitch.codegen.values.layout import members, scalar_width
from softswitch.model import KeyField, ValueSetInfo


class ValueSet:
    """A value set; the control plane fills it. A member has one field, or those of a struct with their match kinds."""

    def __init__(self, unit: TranslationUnit, elaborated: ElaboratedValueSet) -> None:
        self.decl = decl = elaborated.decl
        self.name = elaborated.name
        self.index = len(unit.value_sets)
        element = elaborated.element
        plain = strip(element)
        fields: list[KeyField] = []
        if isinstance(plain, StructType):
            fields = self._fields(plain, "")
        elif isinstance(plain, TupleType):
            fields = [KeyField(f"f{i}", self._width(t), "exact") for i, (_, t) in enumerate(members(plain))]
        else:
            fields = [KeyField(decl.name.text, self._width(element), "exact")]
        size = elaborated.size
        if size >= 1 << 31:
            raise refuse(decl.size.span, "the size of a value set must be from 0 to 2147483647")
        unit.value_sets.append(ValueSetInfo(self.name, self.index, tuple(fields), size))

    def _fields(self, type_: StructType, prefix: str) -> list[KeyField]:
        """The fields of a struct, inner structs taken apart."""
        fields: list[KeyField] = []
        for field in type_.fields:
            annotations = field.decl.annotations if field.decl else []
            name = prefix + (annotated_name(annotations) or field.name)
            inner = strip(field.type)
            if isinstance(inner, StructType):
                fields += self._fields(inner, f"{name}.")
                continue
            kinds = [a.raw.strip() or "".join(a.tokens) for a in annotations if a.name == "match"]
            match = kinds[0] if kinds else EXACT.name
            if match not in MATCHED:
                raise refuse(self.decl.span, f"match kind {match} is not supported in a value set")
            fields.append(KeyField(name, self._width(field.type), match))
        return fields

    def _width(self, type_: Type) -> int:
        width = scalar_width(type_)
        if width is None:
            raise refuse(self.decl.span, f"a value set of type {type_} is not supported")
        return width


def select(body: FunctionBody, expr: ast.SelectExpr, goto: Callable[[str], None]) -> None:
    """Emits the choice of the next state; without a match the parser rejects with NoMatch."""
    keys = _keys(body, expr)
    if len(keys) == 1 and _as_switch(body, expr, keys[0], goto):
        return
    for case in expr.cases:
        condition = _condition(body, keys, case)
        if condition is None:
            goto(case.target.text)
            return
        with body.braces(f"if ({condition})"):
            goto(case.target.text)
    _no_match(body)


def _keys(body: FunctionBody, expr: ast.SelectExpr) -> list[Value]:
    """The key values, structs and tuples taken apart."""
    values: list[Value] = []
    for value in rvalues.rvalues(body, expr.keys):
        kept = body.keep(value)
        for leaf in body.unit.layout.leaves(kept.c, kept.type):
            values.append(Value(leaf.c, leaf.type, True))
    return values


def _no_match(body: FunctionBody) -> None:
    parser_errors.reject(body, parser_errors.error_number(body, "NoMatch"), "NoMatch")


def _as_switch(body: FunctionBody, expr: ast.SelectExpr, key: Value, goto: Callable[[str], None]) -> bool:
    """Emits a C switch if every case is a plain value (or the default at the end)."""
    width = scalar_width(key.type)
    if width is None or width > 64 or isinstance(strip(key.type), BoolType):
        return False
    numbers: list[tuple[int | None, str]] = []
    for case in expr.cases:
        parts = keysets.items(case.keyset, 1)
        if _value_set(body, parts[0]) is not None:
            return False
        known = keysets.known(body.unit, body.env, parts[0], key.type)
        if known is None or known.kind not in ("exact", "any"):
            return False
        numbers.append((known.value if known.kind == "exact" else None, case.target.text))
        if known.kind == "any":
            break
    seen: set[int] = set()
    ends = False
    with body.braces(f"switch ({key.c})"):
        for number, target in numbers:
            if number is None:
                body.emit("default:")
                ends = True
            elif number in seen:
                continue
            else:
                seen.add(number)
                body.emit(f"case {scalars.literal(number, width)}:")
            with body.braces():
                goto(target)
    if not ends:
        _no_match(body)
    return True


def _condition(body: FunctionBody, keys: list[Value], case: ast.SelectCase) -> CExpr | None:
    """Whether the keys are in the case's keyset; None if they always are."""
    value_set = _value_set(body, case.keyset)
    if value_set is not None:
        return _contains(body, value_set, keys)
    keyset = case.keyset
    if isinstance(keyset, ast.KeysetTuple) and len(keyset.items) == 1:
        value_set = _value_set(body, keyset.items[0])
        if value_set is not None:
            return _contains(body, value_set, keys)
    flat = _flatten(keyset, len(keys))
    tests: list[CExpr | None] = []
    for key, part in zip(keys, flat, strict=True):
        inner = _value_set(body, part)
        tests.append(_contains(body, inner, [key]) if inner else keysets.test(body, key.c, key.type, part))
    return cexpr.all_of(test for test in tests if test is not None)


def _flatten(keyset: ast.Expr, count: int) -> list[ast.Expr]:
    if isinstance(keyset, (ast.KeysetTuple, ast.ListExpr)) and len(keyset.items) != count:
        flat: list[ast.Expr] = []
        for item in keyset.items:
            flat += item.items if isinstance(item, (ast.KeysetTuple, ast.ListExpr)) else [item]
        if len(flat) == count:
            return flat
    return keysets.items(keyset, count)


def _value_set(body: FunctionBody, expr: ast.Expr) -> ValueSet | None:
    if isinstance(expr, ast.PathExpr):
        decl = body.unit.program.refs.get(expr)
        found = body.env.lookup(decl) if decl is not None else None
        return found if isinstance(found, ValueSet) else None
    return None


def _contains(body: FunctionBody, value_set: ValueSet, keys: list[Value]) -> CExpr:
    words = [str(w) for key in keys for w in scalars.words_of(key.c, scalar_width(key.type) or 1)]
    name = body.names.local("key")
    body.emit(f"const uint64_t {name}[] = {{{', '.join(words)}}};")
    return cexpr.call("ss_value_set_contains", pipeline_object("value_sets", value_set.index), cexpr.name(name))
