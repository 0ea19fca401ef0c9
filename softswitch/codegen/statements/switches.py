"""`switch` on the action that a table ran, and on a value (11.7)."""

from __future__ import annotations

from collections.abc import Callable

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.types.types import ActionEnumType
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import calls, rvalues
from softswitch.codegen.functions.function_body import FunctionBody
from softswitch.codegen.statements import blocks
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import scalar_width


@blocks.register(ast.Switch)
def switch(body: FunctionBody, statement: ast.Switch) -> None:
    subject = statement.subject
    if (
        isinstance(subject, ast.Member)
        and calls.is_table_result(body, subject.base)
        and subject.member.text == "action_run"
    ):
        table, result = calls.table_apply(body, body.unit.program.calls[subject.base], statement)
        _emit(body, statement, cexpr.binary(">>", result, 1), lambda label: table.action_number(body, label))
        return
    type_ = rvalues.final_type(body, subject)
    if isinstance(type_, ActionEnumType):
        raise refuse(subject.span, "action_run can only be used directly, as table.apply().action_run")
    value = body.keep(rvalues.rvalue(body, subject))
    width = scalar_width(value.type)
    if width is None:
        raise refuse(subject.span, f"a switch on a value of type {type_} is not supported")
    if width <= 64 and all(_is_number(body, case.label) for case in statement.cases):
        _emit(body, statement, value.c, lambda label: rvalues.rvalue(body, label, value.type).c)
        return
    _chain(body, statement, value.c)


def _is_number(body: FunctionBody, label: ast.Expr) -> bool:
    return isinstance(label, ast.DefaultExpr) or evaluate(body.env, label) is not None


def _emit(body: FunctionBody, statement: ast.Switch, subject: CExpr, number: Callable[[ast.Expr], CExpr]) -> None:
    """A C switch; labels without a body fall through, others never do."""
    seen: set[str] = set()
    with body.braces(f"switch ({subject})"):
        pending = False
        for case in statement.cases:
            if isinstance(case.label, ast.DefaultExpr):
                if "default" not in seen:
                    seen.add("default")
                    body.emit("default:")
                    pending = True
            else:
                label = number(case.label)
                if label.text not in seen:
                    seen.add(label.text)
                    body.emit(f"case {label}:")
                    pending = True
            if case.body is None:
                continue
            if pending:
                with body.braces():
                    blocks.block(body, case.body)
                    body.emit("break;")
            pending = False
        if pending:
            body.emit("break;")


def _chain(body: FunctionBody, statement: ast.Switch, subject: CExpr) -> None:
    """Labels that C cannot switch on: a chain of tests, the default last."""
    groups: list[tuple[list[ast.Expr], ast.BlockStatement]] = []
    labels: list[ast.Expr] = []
    for case in statement.cases:
        labels.append(case.label)
        if case.body is not None:
            groups.append((labels, case.body))
            labels = []
    default: ast.BlockStatement | None = None
    depth = 0
    for group, then in groups:
        if any(isinstance(label, ast.DefaultExpr) for label in group):
            default = then
            continue
        type_ = rvalues.final_type(body, statement.subject)
        tests = [body.unit.layout.equal(subject, rvalues.rvalue(body, label, type_).c, type_) for label in group]
        with body.braces(f"{'else ' if depth else ''}if ({cexpr.any_of(tests)})"):
            blocks.block(body, then)
        depth += 1
    if default is not None:
        with body.braces("else" if depth else ""):
            blocks.block(body, default)
