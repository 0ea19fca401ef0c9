"""Types and values of expressions: the entry, and the leaves: literals, names, lists and struct expressions."""

from __future__ import annotations

from collections.abc import Callable

from p4front.check.context import Context
from p4front.check.scopes import is_callable
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types import constants
from p4front.types.rules import WIDTH_LIMIT, kind_of
from p4front.types.types import (
    BOOL,
    DONT_CARE,
    INTEGER,
    MATCH_KIND,
    STRING,
    WRONG,
    BitType,
    CallableType,
    FieldInfo,
    IntegerType,
    IntType,
    InvalidHeaderType,
    TupleType,
    Type,
    TypeOfType,
    VoidType,
    strip,
    unnamed_struct,
)


class ExpressionChecker:
    """Infers types bottom-up, folds constants on the way; `convert.Converter` then gives the types their final form."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx
        self._dispatch: dict[type[ast.Expr], Callable[..., Type]] = {
            ast.IntLiteral: self._int,
            ast.BoolLiteral: self._bool,
            ast.StringLiteral: self._string,
            ast.PathExpr: self._path,
            ast.TypeNameExpr: self._type_name,
            ast.ListExpr: self._list,
            ast.StructExpr: self._struct,
            ast.InvalidExpr: self._invalid,
            ast.DefaultExpr: self._dont_care,
            ast.DontCare: self._dont_care,
            ast.KeysetTuple: self._keyset_tuple,
            ast.Member: lambda e: cx.members.member(e),
            ast.Index: lambda e: cx.members.index(e),
            ast.Call: lambda e: cx.calls.call(e),
            ast.Slice: lambda e: cx.casts.slice(e),
            ast.PlusSlice: lambda e: cx.casts.plus_slice(e),
            ast.Unary: lambda e: cx.operators.unary(e),
            ast.Binary: lambda e: cx.operators.binary(e),
            ast.Ternary: lambda e: cx.operators.ternary(e),
            ast.Cast: lambda e: cx.casts.cast(e, e.type, e.operand),
        }

    # ------------------------------------------------------------ entries

    def raw(self, expr: ast.Expr) -> Type:
        """The type of anything an expression may name: a value, a type, a function, an object."""
        return self.cx.set_type(expr, self._dispatch[type(expr)](expr))

    def infer(self, expr: ast.Expr) -> Type:
        """The type of an expression that must be a value or an object, before implicit conversion."""
        type_ = self.raw(expr)
        if isinstance(type_, TypeOfType):
            self.cx.error(f"{kind_of(type_.type)} is a type: a value is expected here", expr.span)
        elif isinstance(type_, CallableType):
            self.cx.error(f'"{type_.name}" is a {_word(type_)}: call it with `(...)`', expr.span)
        elif isinstance(type_, VoidType):
            self.cx.error("this call gives no value", expr.span)
        else:
            return type_
        return self.cx.set_type(expr, WRONG)

    def constant_int(self, expr: ast.Expr, what: str) -> int | None:
        """The value of an expression that must be a compile-time number; None after reporting that it is not."""
        cx = self.cx
        type_ = self.infer(expr)
        if type_ is WRONG:
            return None
        value = cx.constant(expr)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(strip(type_), (BitType, IntType, IntegerType)):
            cx.error(f"{what} must be known at compile time", expr.span)
        else:
            cx.error(f"{what} must be a number, not {kind_of(type_)}", expr.span)
        return None

    def condition(self, expr: ast.Expr, what: str) -> None:
        """An expression that must be a bool."""
        type_ = self.infer(expr)
        if type_ is not WRONG and type_ != BOOL:
            hint = ": compare it, as in `x != 0`" if isinstance(strip(type_), (BitType, IntType)) else ""
            self.cx.error(f"the condition of {what} must be a bool, not {kind_of(type_)}{hint}", expr.span)

    # ------------------------------------------------------------ literals

    def _int(self, expr: ast.IntLiteral) -> Type:
        value, width = expr.value, expr.width
        type_: Type = INTEGER
        if width is not None:
            if not (1 if expr.signed else 0) <= width <= WIDTH_LIMIT:
                self.cx.error(f"the width {width} of this number is not between 1 and {WIDTH_LIMIT}", expr.span)
                return WRONG
            type_ = IntType(width) if expr.signed else BitType(width)
            if not constants.fits(value, type_):
                wrapped = constants.wrap(value, type_)
                self.cx.warn(f"{value} does not fit {type_}: it becomes {wrapped}", expr.span)
                value = wrapped
        self.cx.program.constants[expr] = value
        return type_

    def _bool(self, expr: ast.BoolLiteral) -> Type:
        self.cx.program.constants[expr] = expr.value
        return BOOL

    def _string(self, expr: ast.StringLiteral) -> Type:
        self.cx.program.constants[expr] = expr.value
        return STRING

    def _invalid(self, expr: ast.InvalidExpr) -> Type:
        self.cx.known.add(expr)
        return InvalidHeaderType()

    def _dont_care(self, expr: ast.Expr) -> Type:
        return DONT_CARE

    # ------------------------------------------------------------ names

    def _path(self, expr: ast.PathExpr) -> Type:
        cx, name = self.cx, expr.name.text
        if name == "this" and not expr.absolute:
            if cx.frame.this is None:
                cx.error("`this` has a meaning only in the implementation of an abstract method", expr.span)
                return WRONG
            return cx.frame.this
        decl = self.find(expr)
        return WRONG if decl is None else self._declared(expr, decl)

    def find(self, expr: ast.PathExpr) -> ast.Declaration | None:
        """The declaration a name means (the first of several overloads), recorded in `refs`; reports unknown names."""
        cx, name = self.cx, expr.name.text
        scope = cx.globals if expr.absolute else cx.scope
        found = scope.find(name)
        if not found:
            self._unknown(name, expr.span, expr.absolute)
            return None
        cx.program.refs[expr] = found[0]
        return found[0]

    def _unknown(self, name: str, span: Span, absolute: bool) -> None:
        cx = self.cx
        scope = cx.globals if absolute else cx.scope
        pending = scope.find_pending(name)
        if isinstance(pending, (ast.VariableDecl, ast.ConstantDecl)):
            message = f'unknown name "{name}": it is known from the end of its declaration on'
            cx.error(message, span, ("its declaration", pending.name.span))
            return
        if pending is not None:
            what = "calls" if is_callable(pending) else "uses"
            cx.error(f'"{name}" {what} itself: recursion is not allowed', span, ("its declaration", pending.name.span))
            return
        cx.error(f'unknown name "{name}"{scope.suggest(name)}', span)

    def _declared(self, expr: ast.PathExpr, decl: ast.Declaration) -> Type:
        cx = self.cx
        type_ = cx.program.declared.get(decl, WRONG)
        if isinstance(decl, ast.ConstantDecl):
            self.copy_facts(decl.value, expr)
        elif isinstance(decl, ast.EnumMember):  # a match kind, or a member inside its own enum
            if decl.value is not None:
                self.copy_facts(decl.value, expr)
                return type_
            cx.program.constants[expr] = f"match_kind.{decl.name.text}"
            return MATCH_KIND
        elif isinstance(decl, ast.Instantiation):
            cx.known.add(expr)
        elif isinstance(decl, ast.Parameter):
            if decl in cx.callables.compile_time_params:
                cx.known.add(expr)
        elif isinstance(decl, (ast.ParserState,)):
            cx.error(f'"{decl.name.text}" is a parser state, not a value', expr.span)
            return WRONG
        elif not isinstance(decl, _VALUES):
            return WRONG if type_ is WRONG else TypeOfType(type_)
        return type_

    def copy_facts(self, source: ast.Expr, target: ast.Expr) -> None:
        """Copies what is known at compile time of one expression to another that replaces it."""
        program, known = self.cx.program, self.cx.known
        if source in program.constants:
            program.constants[target] = program.constants[source]
        elif source in known:
            known.add(target)

    def _type_name(self, expr: ast.TypeNameExpr) -> Type:
        cx = self.cx
        ref = expr.type
        named = ref.base if isinstance(ref, ast.SpecializedType) else ref
        if isinstance(named, ast.NamedType) and cx.resolve.find(named, report=False) is None:
            scope = cx.globals if named.absolute else cx.scope
            found = scope.find(named.name.text)
            if found:  # a value after all: the parser can't always tell
                cx.program.refs[expr] = found[0]
                return cx.program.declared.get(found[0], WRONG)
        type_ = cx.resolve.resolve_open(ref)
        return WRONG if type_ is WRONG else TypeOfType(type_)

    # ------------------------------------------------------------ lists

    def _list(self, expr: ast.ListExpr) -> Type:
        cx = self.cx
        items = [self.infer(item) for item in expr.items]
        for i, item in enumerate(expr.items):
            if isinstance(item, ast.DefaultExpr) and i + 1 < len(expr.items):
                cx.error("`...` must be the last element", item.span)
                return WRONG
        if any(t is WRONG for t in items):
            return WRONG
        values = [cx.constant(item) for item in expr.items]
        known = [v for v in values if v is not None]
        if len(known) == len(values) and not expr.has_default:
            cx.program.constants[expr] = tuple(known)
        elif all(map(cx.is_known, expr.items)):
            cx.known.add(expr)
        return TupleType(tuple(items))

    def _struct(self, expr: ast.StructExpr) -> Type:
        cx = self.cx
        fields: dict[str, FieldInfo] = {}
        fine = True
        for pair in expr.fields:
            type_ = self.infer(pair.value)
            if pair.key.text in fields:
                cx.error(f'the field "{pair.key.text}" is given twice', pair.key.span)
                fine = False
            fields[pair.key.text] = FieldInfo(pair.key.text, type_)
            fine = fine and type_ is not WRONG
        if not fine:
            return WRONG
        values = {pair.key.text: cx.constant(pair.value) for pair in expr.fields}
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) == len(values) and not expr.has_default:
            cx.program.constants[expr] = known
        elif all(cx.is_known(pair.value) for pair in expr.fields):
            cx.known.add(expr)
        return unnamed_struct(tuple(fields.values()))

    def _keyset_tuple(self, expr: ast.KeysetTuple) -> Type:
        types = tuple(self.infer(item) for item in expr.items)
        return WRONG if WRONG in types else TupleType(types)


_VALUES = (
    ast.VariableDecl,
    ast.Parameter,
    ast.TableDecl,
    ast.ValueSetDecl,
    ast.ActionDecl,
    ast.FunctionDecl,
    ast.ExternFunctionDecl,
    ast.MethodDecl,
    ast.ConstantDecl,
    ast.Instantiation,
)


def _word(type_: CallableType) -> str:
    return type_.kind.replace("extern_function", "function").replace("builtin", "method")
