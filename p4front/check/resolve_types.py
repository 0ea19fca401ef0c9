"""Types as written -> semantic types: names, widths, specialisation of generics (7.2)."""

from __future__ import annotations

from collections.abc import Callable

from p4front.check.context import Context
from p4front.check.scopes import is_type
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.rules import (
    VALUES_LIMIT,
    WIDTH_LIMIT,
    count_values,
    kind_of,
    struct_field_problem,
    tuple_item_problem,
)
from p4front.types.substitute import substitute
from p4front.types.types import (
    BOOL,
    DONT_CARE,
    ERROR,
    INTEGER,
    MATCH_KIND,
    STRING,
    VOID,
    WRONG,
    BitType,
    IntType,
    ListType,
    ObjectType,
    StackType,
    StructType,
    TupleType,
    Type,
    TypeVar,
    VarbitType,
)

_PLAIN: dict[str, Type] = {
    "bool": BOOL,
    "error": ERROR,
    "match_kind": MATCH_KIND,
    "string": STRING,
    "void": VOID,
    "integer": INTEGER,
}
MAX_STACK = 1 << 16


class TypeResolver:
    """Turns TypeRefs into Types and records them in `Program.type_refs`."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx
        self._dispatch: dict[type[ast.TypeRef], Callable[..., Type]] = {
            ast.BaseType: self._base,
            ast.NamedType: self._named,
            ast.SpecializedType: self._specialized,
            ast.StackType: self._stack,
            ast.TupleType: self._tuple,
            ast.ListType: self._list,
            ast.DontCareType: self._dont_care,
        }

    def resolve(self, ref: ast.TypeRef, dont_care: bool = False) -> Type:
        """The type a reference means; an error and WRONG if there is none. Generic types need their arguments, which
        are `_` only with `dont_care`."""
        type_ = self.resolve_open(ref)
        args = ref.args if isinstance(ref, ast.SpecializedType) else []
        if not dont_care and any(isinstance(a, ast.DontCareType) for a in args):
            self.cx.error("`_` can only stand for a type that follows from the arguments of a call", ref.span)
            return self._record(ref, WRONG)
        params = self.missing_arguments(type_, ref)
        if params:
            names = ", ".join(map(str, params))
            self.cx.error(f"{kind_of(type_)} is generic: write its type arguments `<{names}>`", ref.span)
            return self._record(ref, WRONG)
        return type_

    def resolve_open(self, ref: ast.TypeRef) -> Type:
        """As `resolve`, but a generic type may stand without its arguments: its own TypeVars are left in it."""
        type_ = self._dispatch[type(ref)](ref)
        return self._record(ref, type_)

    def missing_arguments(self, type_: Type, ref: ast.TypeRef) -> tuple[TypeVar, ...]:
        """The type parameters that a bare generic name leaves open."""
        if not isinstance(ref, ast.NamedType) or not isinstance(type_, (StructType, ObjectType)) or not type_.decl:
            return ()
        params = self.cx.type_params.get(type_.decl, ())
        # A generic name inside a typedef was checked there; a bare name has exactly the declaration's own parameters.
        return params if params and type_.args == params else ()

    def _record(self, ref: ast.TypeRef, type_: Type) -> Type:
        self.cx.program.type_refs[ref] = type_
        return type_

    # ------------------------------------------------------------ one method per form

    def _base(self, ref: ast.BaseType) -> Type:
        plain = _PLAIN.get(ref.name)
        if plain is not None:
            return plain
        if ref.width is None:
            return BitType(1) if ref.name == "bit" else IntType(1)
        width = self.cx.expressions.constant_int(ref.width, "the width of a type")
        if width is None:
            return WRONG
        if ref.name == "int" and width == 0:
            self.cx.error("int<0> has no values: the width of a signed type is at least 1", ref.width.span)
            return WRONG
        if not 0 <= width <= WIDTH_LIMIT:
            self.cx.error(f"the width {width} is not between 0 and {WIDTH_LIMIT}", ref.width.span)
            return WRONG
        return {"bit": BitType, "int": IntType, "varbit": VarbitType}[ref.name](width)

    def _named(self, ref: ast.NamedType) -> Type:
        decl = self.find(ref)
        if decl is None:
            return WRONG
        self.cx.program.refs[ref] = decl
        return self.cx.program.declared.get(decl, WRONG)

    def find(self, ref: ast.NamedType, report: bool = True) -> ast.Declaration | None:
        """The type declaration a name means; reports an unknown name, a value's name, and recursion."""
        cx, name = self.cx, ref.name.text
        scope = cx.globals if ref.absolute else cx.scope
        found = scope.find(name, is_type)
        pending = scope.find_pending(name)
        if pending is not None and is_type(pending) and not found:
            if report:
                cx.error(f'"{name}" refers to itself: a declaration can\'t contain itself', ref.span)
            return None
        if found:
            return found[0]
        if report:
            others = scope.find(name)
            if others:
                cx.error(f'"{name}" is not a type', ref.span, ("it is declared here", others[0].name.span))
            else:
                cx.error(f'unknown type "{name}"{scope.suggest(name, is_type)}', ref.span)
        return None

    def _specialized(self, ref: ast.SpecializedType) -> Type:
        base = self.resolve_open(ref.base)
        args = tuple(self.argument(a) for a in ref.args)
        if base is WRONG or WRONG in args:
            return WRONG
        return self.specialize(base, args, ref)

    def argument(self, ref: ast.TypeRef) -> Type:
        """A type argument: any type of values, or an extern object's type."""
        type_ = self.resolve(ref)
        if isinstance(type_, ObjectType) and type_.kind in ("parser", "control", "package"):
            self.cx.error(f"{kind_of(type_)} can't be a type argument", ref.span)
            return WRONG
        return type_

    def specialize(self, base: Type, args: tuple[Type, ...], ref: ast.TypeRef) -> Type:
        """`base<args>` with the number of arguments and the fields of the result checked."""
        params: tuple[TypeVar, ...] = ()
        if isinstance(base, (StructType, ObjectType)) and base.decl is not None:
            declared = self.cx.type_params.get(base.decl, ())
            params = declared if base.args == declared else ()
        if not params:
            self.cx.error(f"{kind_of(base)} is not generic: it takes no type arguments", ref.span)
            return WRONG
        if len(params) != len(args):
            expected = f"{len(params)} type argument{'s' if len(params) != 1 else ''}"
            self.cx.error(f"{kind_of(base)} takes {expected}, not {len(args)}", ref.span)
            return WRONG
        result = substitute(base, dict(zip(params, args, strict=False)))
        if isinstance(result, StructType) and not self.check_fields(result, ref):
            return WRONG
        return result

    def check_fields(self, type_: StructType, ref: ast.TypeRef) -> bool:
        """After specialisation every field must still be allowed."""
        for field in type_.fields:
            if field.type is DONT_CARE:
                continue
            problem = struct_field_problem(type_.kind, field.type)
            if problem:
                self.cx.error(
                    f'field "{field.name}" of {kind_of(type_)} can\'t be {kind_of(field.type)}: {problem}', ref.span
                )
                return False
        return True

    def _stack(self, ref: ast.StackType) -> Type:
        element = self.resolve(ref.element)
        size = self.cx.expressions.constant_int(ref.size, "the size of an array")
        if element is WRONG or size is None:
            return WRONG
        problem = struct_field_problem("struct", element)
        if problem:
            self.cx.error(f"there can't be an array of {kind_of(element)}: {problem}", ref.element.span)
            return WRONG
        if not 0 <= size <= MAX_STACK:
            self.cx.error(f"the size of an array must be between 0 and {MAX_STACK}, not {size}", ref.size.span)
            return WRONG
        type_ = StackType(element, size)
        return type_ if self.small_enough(type_, ref.span) else WRONG

    def small_enough(self, type_: Type, span: Span) -> bool:
        """Refuses types with more scalars than any switch could hold."""
        count = count_values(type_, self.cx.value_counts)
        if count > VALUES_LIMIT:
            self.cx.error(f"{kind_of(type_)} holds {count} values; {VALUES_LIMIT} are the limit", span)
        return count <= VALUES_LIMIT

    def _tuple(self, ref: ast.TupleType) -> Type:
        items = tuple(self.resolve(a) for a in ref.args)
        if WRONG in items:
            return WRONG
        for item, arg in zip(items, ref.args, strict=False):
            problem = tuple_item_problem(item)
            if problem:
                self.cx.error(f"a tuple can't hold {kind_of(item)}: {problem}", arg.span)
                return WRONG
        type_ = TupleType(items)
        return type_ if self.small_enough(type_, ref.span) else WRONG

    def _list(self, ref: ast.ListType) -> Type:
        element = self.resolve(ref.element)
        if isinstance(element, ObjectType) or element == VOID:
            self.cx.error(f"a list can't hold {kind_of(element)}", ref.element.span)
            return WRONG
        return WRONG if element is WRONG else ListType(element)

    def _dont_care(self, ref: ast.DontCareType) -> Type:
        return DONT_CARE
