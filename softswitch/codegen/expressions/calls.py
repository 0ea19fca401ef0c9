"""Calls of everything that can be called."""

from __future__ import annotations

from p4front.elaborate.evaluate import require_int
from p4front.elaborate.objects import ExternObject
from p4front.program import BoundArg, CallInfo
from p4front.syntax import ast
from p4front.types.types import BOOL, BitType, IntegerType, ObjectType, Type, VoidType, strip
from softswitch.codegen import externs
from softswitch.codegen.controls import actions, controls, tables
from softswitch.codegen.env import Constant, Env
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments, expressions, functions
from softswitch.codegen.parsers import parsers
from softswitch.codegen.statements.body import Body, Function, Val
from softswitch.codegen.values import cexpr, headers
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import X


def call(body: Body, expr: ast.Call) -> Val | None:
    """Emits the call; its value, if it has one."""
    info = body.gen.program.calls.get(expr)
    if info is None:
        raise refuse(expr.span, "this call is not supported")
    if info.kind == "builtin":
        return headers.builtin(body, expr, info)
    if info.kind == "extern_function":
        return externs.function(body, expr, info)
    if info.kind == "method":
        obj = resolve_object(body, info.object, expr)
        if not isinstance(obj, ExternObject):
            raise refuse(expr.span, "the object of this method is not known at compile time")
        return externs.method(body, expr, info, obj)
    if info.kind == "function":
        return functions.call_function(body, expr, info)
    if info.kind == "action":
        actions.call_action(body, expr, info)
        return None
    if info.kind == "table_apply":
        table_apply(body, info, expr)
        return None
    if info.kind in ("control_apply", "parser_apply"):
        instance = resolve_object(body, info.object, expr)
        apply_instance(body, instance, info.args, expr)
        return None
    if info.kind == "constructor" and len(info.args) == 1 and info.args[0].expr is not None:
        return expressions.rvalue(body, info.args[0].expr, expressions.type_of(body, expr))
    raise refuse(expr.span, f"a call of {info.name} is not supported here")


def resolve_object(body: Body, expr: ast.Expr | None, where: ast.Node) -> object:
    """The instance that an expression names."""
    if isinstance(expr, ast.PathExpr):
        decl = body.gen.program.refs.get(expr)
        found = body.env.lookup(decl) if decl is not None else None
        if found is not None:
            return found
    raise refuse(where.span, "the object of this call is not known at compile time")


def apply_instance(body: Body, instance: object, args: tuple[BoundArg, ...], where: ast.Node) -> None:
    """`instance.apply(args)` of a control or parser."""
    if isinstance(instance, (controls.ControlInstance, parsers.ParserInstance)):
        bind_fixed(body, instance, args, where)
    if isinstance(instance, controls.ControlInstance):
        if body.kind == "parser":
            raise refuse(where.span, "a control cannot be applied in a parser")
        function = instance.function()
        passed = arguments.pass_arguments(body, args, function.params, instance.env, by_reference=True)
        body.emit(f"{cexpr.call(function.c_name, X, *passed.arguments)};")
        passed.finish()
        after_call(body, function)
    elif isinstance(instance, parsers.ParserInstance):
        if body.kind != "parser":
            raise refuse(where.span, "a parser cannot be applied in a control")
        function = instance.function()
        passed = arguments.pass_arguments(body, args, function.params, instance.env, by_reference=True)
        accepted = body.temp("bool", cexpr.call(function.c_name, X, *passed.arguments))
        passed.finish()
        with body.braces(f"if ({cexpr.negation(accepted)})"):
            body.emit("goto reject_;")
    else:
        raise refuse(where.span, "only parsers, controls and tables have apply()")


def bind_fixed(
    body: Body, instance: controls.ControlInstance | parsers.ParserInstance, args: tuple[BoundArg, ...], where: ast.Node
) -> None:
    """Arguments that exist at compile time only: extern objects and values of type int. They must be the same wherever
    one instance is applied."""
    for arg, decl in zip(args, instance.decl.params, strict=True):
        type_ = instance.env.type(body.gen.program.declared[decl])
        if isinstance(type_, ObjectType):
            if type_.name in ("packet_in", "packet_out"):
                continue
            binding = resolve_object(body, arg.expr, where)
        elif isinstance(strip(type_), IntegerType) and arg.expr is not None:
            binding = Constant(require_int(body.env, arg.expr, "an argument of type int"), type_)
        else:
            continue
        known = instance.env.lookup(decl)
        if known is not None and known != binding:
            raise refuse(where.span, f"this instance is applied elsewhere with another argument for {decl.name}")
        instance.env.bind(decl, binding)


def invoke(
    body: Body, function: Function, args: tuple[BoundArg, ...], callee_env: Env, returns: Type | None
) -> Val | None:
    """Calls a C function that was made from a P4 function or action, and copies out."""
    by_reference = not function.frame
    passed = arguments.pass_arguments(body, args, function.params, callee_env, by_reference=by_reference)
    called = cexpr.call(function.c_name, *function.context(), *passed.arguments)
    result: Val | None = None
    if returns is None or isinstance(returns, VoidType):
        body.emit(f"{called};")
    else:
        result = Val(body.temp(body.gen.layout.c_type(returns), called), returns, True)
    passed.finish()
    after_call(body, function)
    return result


def after_call(body: Body, function: Function) -> None:
    """Takes over what a called function may do: leave by `exit`, emit bytes, ask something of the switch."""
    body.function.requests.update(function.requests)
    if function.emit_bytes:
        body.function.emit_bytes += function.emit_bytes + (externs.packet.LOOP_BYTES if body.loops else 0)
    if function.may_exit:
        body.function.may_exit = True
        if body.kind == "parser":
            return
        body.emit("if (x->exited)")
        body.emit(f"    {body.leave}")


# ---------------------------------------------------------------- tables


def table_apply(body: Body, info: CallInfo, where: ast.Node) -> tuple[tables.TableInstance, CExpr]:
    """Applies a table; gives it and its result (see tables.py)."""
    table = resolve_object(body, info.object, where)
    if not isinstance(table, tables.TableInstance):
        raise refuse(where.span, "this table is not known at compile time")
    function = table.function()
    result = body.temp("uint32_t", cexpr.call(function.c_name, *function.context()), "applied")
    after_call(body, function)
    return table, result


def is_table_result(body: Body, expr: ast.Expr) -> bool:
    info = body.gen.program.calls.get(expr) if isinstance(expr, ast.Call) else None
    return info is not None and info.kind == "table_apply"


def table_result(body: Body, expr: ast.Member) -> Val:
    """`t.apply().hit` and `.miss`; `.action_run` as the number of the action in the table."""
    info = body.gen.program.calls[expr.base]
    _, result = table_apply(body, info, expr)
    if expr.member.text in ("hit", "miss"):
        differs = "!=" if expr.member.text == "hit" else "=="
        return Val(cexpr.binary(differs, cexpr.binary("&", result, 1), 0), BOOL, True)
    return Val(cexpr.binary(">>", result, 1), BitType(32), True)
