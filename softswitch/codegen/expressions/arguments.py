"""Passing arguments: copy-in, copy-out, in P4's order (6.7, 6.8).

An aggregate is passed by reference instead of being copied if that makes no difference: the callee uses only its
parameters, and no two arguments overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from p4front.elaborate.objects import ExternObject
from p4front.program import BoundArg
from p4front.syntax import ast
from p4front.types.types import IntegerType, ObjectType, StackType, Type, strip
from softswitch.codegen.expressions import header_lengths, lvalues, rvalues
from softswitch.codegen.functions.environment import Environment, Variable
from softswitch.codegen.functions.function_body import FunctionBody, Param, Value
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import FRAME
from softswitch.codegen.values.layout import is_aggregate


@dataclass
class Passed:
    """`arguments` in C. `finish` copies out; call it right after the call."""

    arguments: list[CExpr] = field(default_factory=list)
    _after: list[Callable[[], None]] = field(default_factory=list)

    def finish(self) -> None:
        for action in self._after:
            action()


def make_params(body: FunctionBody, decls: Sequence[ast.Parameter], in_frame: bool = False) -> list[Param]:
    """Parameters of the function that `body` writes; binds each in its scope. With `in_frame` they live in the frame
    of their control."""
    params: list[Param] = []
    for decl in decls:
        type_ = body.env.type(body.unit.program.declared[decl])
        name = decl.name.text
        if isinstance(type_, ObjectType):
            if type_.name in ("packet_in", "packet_out"):
                body.env.bind(decl, ExternObject(type_.name, name, (), {}, decl))
                params.append(Param(name, "", type_, "none", ""))
                continue
            params.append(Param(name, "", type_, "none", ""))
            continue
        if isinstance(strip(type_), IntegerType):
            params.append(Param(name, "", type_, "none", ""))
            continue
        body.unit.layout.c_type(type_, decl.span)  # refuses what cannot be a parameter
        c_name = body.names.local(name)
        if decl.direction in ("out", "inout"):
            mode = "ref"
        else:
            mode = "const_ref" if is_aggregate(type_) else "value"
        stored = cexpr.arrow(FRAME, c_name) if in_frame else cexpr.name(c_name)
        body.env.bind(decl, Variable(stored if mode == "value" else cexpr.dereference(stored), type_))
        params.append(Param(name, c_name, type_, mode, decl.direction))
    return params


def signature(body: FunctionBody, params: Sequence[Param]) -> list[str]:
    """C declarations of parameters."""
    layout = body.unit.layout
    stars = {"value": " ", "const_ref": " *", "ref": " *"}
    return [
        f"{'const ' if p.mode == 'const_ref' else ''}{layout.c_type(p.type)}{stars[p.mode]}{p.c_name}"
        for p in params
        if p.mode != "none"
    ]


def start_outs(body: FunctionBody, params: Sequence[Param], decls: Sequence[ast.Parameter]) -> None:
    """Headers inside `out` parameters begin invalid (6.7)."""
    for param, decl in zip(params, decls, strict=True):
        variable = body.env.lookup(decl)
        if param.direction == "out" and isinstance(variable, Variable):
            for line in body.unit.layout.invalidate(variable.c, param.type):
                body.emit(line)


def pass_arguments(
    body: FunctionBody,
    args: Sequence[BoundArg],
    params: Sequence[Param],
    callee_env: Environment,
    *,
    by_reference: bool,
) -> Passed:
    """Evaluates arguments from left to right."""
    passed = Passed()
    for i, (arg, param) in enumerate(zip(args, params, strict=True)):
        if param.mode == "none":
            continue
        later = [a.expr for a in args[i + 1 :] if a.expr is not None and not isinstance(a.expr, ast.DontCare)]
        disturbed = any(rvalues.has_effects(body, e) for e in later)
        expr = arg.expr
        if expr is None or isinstance(expr, ast.DontCare):
            passed.arguments.append(_omitted(body, arg, param, callee_env))
        elif param.mode == "value":
            value = rvalues.rvalue(body, expr, param.type)
            value = rvalues.convert(body, value, param.type) if value.type != param.type else value
            passed.arguments.append((body.keep(value) if disturbed else value).c)
        elif param.mode == "const_ref":
            whole = by_reference and not disturbed and _is_apart(body, expr, args, i, written_only=True)
            passed.arguments.append(_constant_reference(body, expr, param.type, whole))
        else:
            whole = by_reference and not disturbed and _is_apart(body, expr, args, i, written_only=False)
            passed.arguments.append(_reference(body, expr, param, whole, passed))
    return passed


def _omitted(body: FunctionBody, arg: BoundArg, param: Param, callee_env: Environment) -> CExpr:
    """An argument left out (its default value, 6.8.1) or given as `_`."""
    default = arg.default
    if default is not None and not isinstance(arg.expr, ast.DontCare) and param.mode != "ref":
        outer, body.env = body.env, callee_env
        try:
            value = rvalues.rvalue(body, default, param.type)
        finally:
            body.env = outer
    else:
        value = Value(body.unit.layout.zero(param.type), param.type)
    if param.mode == "value":
        return value.c
    return cexpr.address(body.temp(body.unit.layout.c_type(param.type), value.c))


def _constant_reference(body: FunctionBody, expr: ast.Expr, type_: Type, whole: bool) -> CExpr:
    if whole and lvalues.is_lvalue(body, expr):
        return cexpr.address(lvalues.lvalue(body, expr).c)
    value = rvalues.rvalue(body, expr, type_)
    header_lengths.made(body, expr, type_)
    return cexpr.address(body.temp(body.unit.layout.c_type(type_), value.c))


def _reference(body: FunctionBody, expr: ast.Expr, param: Param, whole: bool, passed: Passed) -> CExpr:
    where = lvalues.lvalue(body, expr)
    if whole and is_aggregate(param.type) and where.slice is None and where.window is None and where.union is None:
        return cexpr.address(where.c)
    first = body.unit.layout.zero(param.type) if param.direction == "out" else lvalues.load(body, where).c
    copy = body.temp(body.unit.layout.c_type(param.type), first)
    passed._after.append(lambda: lvalues.store(body, where, Value(copy, param.type, True)))
    return cexpr.address(copy)


def _is_apart(body: FunctionBody, expr: ast.Expr, args: Sequence[BoundArg], index: int, *, written_only: bool) -> bool:
    """Whether no other argument (that is written, or any) overlaps with the storage of `expr`."""
    own = storage(body, expr)
    if own is None:
        return False
    for i, other in enumerate(args):
        if i == index or other.expr is None or isinstance(other.expr, ast.DontCare):
            continue
        if written_only and other.direction not in ("out", "inout"):
            continue
        path = storage(body, other.expr)
        if path is None:
            if other.direction in ("out", "inout"):
                return False
            continue
        if path[: len(own)] == own[: len(path)]:
            return False
    return True


def storage(body: FunctionBody, expr: ast.Expr) -> tuple[object, ...] | None:
    """Where an l-value lives: its variable and the fields on the way, up to the first index."""
    if isinstance(expr, ast.PathExpr):
        return (body.unit.program.refs.get(expr),) if lvalues.is_lvalue(body, expr) else None
    if isinstance(expr, (ast.Index, ast.Slice, ast.PlusSlice)):
        return storage(body, expr.base)
    if isinstance(expr, ast.Member):
        base = storage(body, expr.base)
        if base is None or isinstance(strip(rvalues.type_of(body, expr.base)), StackType):
            return base
        return (*base, expr.member.text)
    return None
