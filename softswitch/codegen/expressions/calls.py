"""Calls of everything that can be called. What the externs do is registered by `externs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from p4front.elaborate.evaluate import require_int
from p4front.program import BoundArg, CallInfo
from p4front.syntax import ast
from p4front.types.types import BOOL, BitType, IntegerType, ObjectType, Type, VoidType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments, header_methods, parser_errors, rvalues
from softswitch.codegen.functions import bounds
from softswitch.codegen.functions.callables import BlockCode, FunctionCode, TableCode, find_action
from softswitch.codegen.functions.environment import Constant, Environment
from softswitch.codegen.functions.function_body import LOOP_BYTES, Function, FunctionBody, Value
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import X

Handler: TypeAlias = Callable[[FunctionBody, ast.Call, CallInfo], "Value | None"]
"""Emits a call and gives its value, if it has one."""

_HANDLERS: dict[str, Handler] = {}


def register(*kinds: str) -> Callable[[Handler], Handler]:
    """The decorated function emits calls of these kinds (`CallInfo.kind`)."""

    def registered(handler: Handler) -> Handler:
        for kind in kinds:
            _HANDLERS[kind] = handler
        return handler

    return registered


def call(body: FunctionBody, expr: ast.Call) -> Value | None:
    """Emits the call; its value, if it has one."""
    info = body.unit.program.calls.get(expr)
    if info is None:
        raise refuse(expr.span, "this call is not supported")
    handler = _HANDLERS.get(info.kind)
    if handler is None:
        raise refuse(expr.span, f"a call of {info.name} is not supported here")
    return handler(body, expr, info)


@rvalues.register(ast.Call)
def _value(body: FunctionBody, expr: ast.Call) -> Value:
    value = call(body, expr)
    if value is None:
        raise refuse(expr.span, "this call gives no value")
    return value


register("builtin")(header_methods.builtin)


@register("constructor")
def _constructor(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """A cast that is written as a call."""
    if len(info.args) != 1 or info.args[0].expr is None:
        raise refuse(expr.span, f"a call of {info.name} is not supported here")
    return rvalues.rvalue(body, info.args[0].expr, rvalues.type_of(body, expr))


@register("function")
def _function(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    if not isinstance(info.decl, ast.FunctionDecl):
        raise refuse(expr.span, f"function {info.name} has no body")
    code = body.env.lookup(info.decl)
    if not isinstance(code, FunctionCode):
        raise refuse(expr.span, f"function {info.name} cannot be called here")
    function, env = code.specialise(tuple(body.env.type(t) for t in info.type_args))
    return _invoke(body, function, info.args, env, function.returns)


@register("action")
def _action(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """An action called like a function."""
    code = find_action(body.env, info.decl, expr)
    return _invoke(body, code.function(), info.args, code.env, None)


def _invoke(
    body: FunctionBody, function: Function, args: tuple[BoundArg, ...], callee_env: Environment, returns: Type | None
) -> Value | None:
    """Calls a C function that was made from a P4 function or action, and copies out."""
    by_reference = not function.frame
    passed = arguments.pass_arguments(body, args, function.params, callee_env, by_reference=by_reference)
    called = cexpr.call(function.c_name, *function.context(), *passed.arguments)
    result: Value | None = None
    if returns is None or isinstance(returns, VoidType):
        body.emit(f"{called};")
    else:
        result = Value(body.temp(body.unit.layout.c_type(returns), called), returns, True)
    passed.finish()
    after_call(body, function)
    return result


def after_call(body: FunctionBody, function: Function) -> None:
    """Takes over what a called function may do: leave by `exit`, emit bytes, ask something of the switch, take time."""
    bounds.count_call(body, function)
    body.function.requests.update(function.requests)
    if function.emit_bytes:
        body.function.emit_bytes += function.emit_bytes + (LOOP_BYTES if body.loops else 0)
    if function.may_exit:
        body.function.may_exit = True
        if body.kind == "parser":
            if function.loops:
                parser_errors.reject_if(body, bounds.EXHAUSTED, "ParserTimeout")
            return
        body.emit("if (x->exited)")
        body.emit(f"    {body.leave}")


# ---------------------------------------------------------------- controls and parsers


@register("control_apply", "parser_apply")
def _apply(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    apply_block(body, resolve_object(body, info.object, expr), info.args, expr)
    return None


def resolve_object(body: FunctionBody, expr: ast.Expr | None, where: ast.Node) -> object:
    """The instance that an expression names."""
    if isinstance(expr, ast.PathExpr):
        decl = body.unit.program.refs.get(expr)
        found = body.env.lookup(decl) if decl is not None else None
        if found is not None:
            return found
    raise refuse(where.span, "the object of this call is not known at compile time")


def apply_block(body: FunctionBody, block: object, args: tuple[BoundArg, ...], where: ast.Node) -> None:
    """`block.apply(args)` of a control or parser."""
    if not isinstance(block, BlockCode):
        raise refuse(where.span, "only parsers, controls and tables have apply()")
    _bind_fixed(body, block, args, where)
    is_parser = isinstance(block.decl, ast.ParserDecl)
    if is_parser != (body.kind == "parser"):
        what = "a parser cannot be applied in a control" if is_parser else "a control cannot be applied in a parser"
        raise refuse(where.span, what)
    function = block.function()
    passed = arguments.pass_arguments(body, args, function.params, block.env, by_reference=True)
    called = cexpr.call(function.c_name, X, *passed.arguments)
    if is_parser:
        accepted = body.temp("bool", called)
        bounds.count_call(body, function)
        passed.finish()
        with body.braces(f"if ({cexpr.negation(accepted)})"):
            body.emit("goto reject_;")
    else:
        body.emit(f"{called};")
        passed.finish()
        after_call(body, function)


def _bind_fixed(body: FunctionBody, block: BlockCode, args: tuple[BoundArg, ...], where: ast.Node) -> None:
    """Arguments that exist at compile time only: extern objects and values of type int. They must be the same wherever
    one instance is applied."""
    for arg, decl in zip(args, block.decl.params, strict=True):
        type_ = block.env.type(body.unit.program.declared[decl])
        if isinstance(type_, ObjectType):
            if type_.name in ("packet_in", "packet_out"):
                continue
            binding = resolve_object(body, arg.expr, where)
        elif isinstance(strip(type_), IntegerType) and arg.expr is not None:
            binding = Constant(require_int(body.env, arg.expr, "an argument of type int"), type_)
        else:
            continue
        known = block.env.lookup(decl)
        if known is not None and known != binding:
            raise refuse(where.span, f"this instance is applied elsewhere with another argument for {decl.name}")
        block.env.bind(decl, binding)


# ---------------------------------------------------------------- tables


@register("table_apply")
def _table(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    table_apply(body, info, expr)
    return None


def table_apply(body: FunctionBody, info: CallInfo, where: ast.Node) -> tuple[TableCode, CExpr]:
    """Applies a table; gives it and the result of its C function."""
    table = resolve_object(body, info.object, where)
    if not isinstance(table, TableCode):
        raise refuse(where.span, "this table is not known at compile time")
    function = table.function()
    result = body.temp("uint32_t", cexpr.call(function.c_name, *function.context()), "applied")
    after_call(body, function)
    return table, result


def is_table_result(body: FunctionBody, expr: ast.Expr) -> bool:
    info = body.unit.program.calls.get(expr) if isinstance(expr, ast.Call) else None
    return info is not None and info.kind == "table_apply"


def table_result(body: FunctionBody, expr: ast.Member) -> Value:
    """`t.apply().hit` and `.miss`; `.action_run` as the number of the action in the table."""
    info = body.unit.program.calls[expr.base]
    _, result = table_apply(body, info, expr)
    if expr.member.text in ("hit", "miss"):
        differs = "!=" if expr.member.text == "hit" else "=="
        return Value(cexpr.binary(differs, cexpr.binary("&", result, 1), 0), BOOL, True)
    return Value(cexpr.binary(">>", result, 1), BitType(32), True)
