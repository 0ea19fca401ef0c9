"""What a register write does to its cell: an assignment, or x = x + d with the old value of the same cell.

The difference matters when updates of two copies of a program are merged: of assignments the last one wins, additions
add up. The rule is syntactic and errs on the side of "assign": the value written must be, along straight-line code of
one block, the value read from the same register at the same index, plus or minus something.
"""

from __future__ import annotations

from dataclasses import dataclass

from p4front.program import Program
from p4front.syntax import ast


@dataclass(frozen=True, slots=True)
class Operation:
    """`kind`: "assign" or "add"; `amount`: source text of what is added ("" for an assignment)."""

    kind: str
    amount: str


ASSIGN = Operation("assign", "")


@dataclass(frozen=True, slots=True)
class _Value:
    """What a variable holds: the cell's value (`amount` "") or the cell's value plus `amount`."""

    cell: tuple[str, str]
    amount: str


def operation(program: Program, write: ast.Call) -> Operation:
    """How `write`, a call of register.write, changes its cell."""
    call = program.calls[write]
    args = {a.param_name: a.expr for a in call.args}
    index, value = args.get("index"), args.get("value")
    if call.object is None or index is None or value is None:
        return ASSIGN
    cell = (_text(call.object), _text(index))
    known = _before(program, write)
    found = _evaluate(value, known)
    if found is None or found.cell != cell or not found.amount:
        return ASSIGN
    return Operation("add", found.amount)


def _text(node: ast.Node) -> str:
    return "".join(node.span.text.split())


def _before(program: Program, node: ast.Node) -> dict[str, _Value]:
    """What variables hold before the statement of `node`, by their text: statements of its block, then of the blocks
    around it as far as nothing in between is conditional on anything but the path to here."""
    blocks: list[list[ast.Node]] = []
    current: ast.Node = node
    while current in program.parents:
        parent = program.parents[current]
        if isinstance(parent, ast.BlockStatement):
            place = next((i for i, s in enumerate(parent.statements) if s is current), 0)
            blocks.append(parent.statements[:place])
        elif isinstance(parent, (ast.For, ast.ForIn, ast.ActionDecl, ast.FunctionDecl, ast.ControlDecl)):
            break
        current = parent
    known: dict[str, _Value] = {}
    for statements in reversed(blocks):
        for statement in statements:
            _step(program, statement, known)
    return known


def _step(program: Program, statement: ast.Node, known: dict[str, _Value]) -> None:
    call = program.calls.get(statement.call) if isinstance(statement, ast.CallStatement) else None
    if call is not None and call.kind == "method" and call.name == "read" and call.object is not None:
        args = {a.param_name: a.expr for a in call.args}
        result, index = args.get("result"), args.get("index")
        if result is not None and index is not None:
            _forget(known, _text(result))
            known[_text(result)] = _Value((_text(call.object), _text(index)), "")
            return
    if isinstance(statement, ast.Assignment):
        value = _evaluate(statement.value, known) if statement.op == "=" else None
        if statement.op in ("+=", "-="):
            old = known.get(_text(statement.target))
            if old is not None and not old.amount:
                value = _Value(old.cell, _signed(statement.op[0], statement.value))
        _assign(known, _text(statement.target), value)
    elif isinstance(statement, ast.VariableDecl):
        value = _evaluate(statement.init, known) if statement.init is not None else None
        _assign(known, statement.name.text, value)
    elif not isinstance(statement, (ast.EmptyStatement, ast.ConstantDecl)):
        for name in _changed(program, statement, known):
            _forget(known, name)


def _assign(known: dict[str, _Value], target: str, value: _Value | None) -> None:
    _forget(known, target)
    if value is not None and target not in value.amount and target not in value.cell[1]:
        known[target] = value


def _forget(known: dict[str, _Value], target: str) -> None:
    """Drops what is known of `target` and of all that was computed from it."""
    root = target.split(".")[0].split("[")[0]
    for name, value in list(known.items()):
        same = name.split(".")[0].split("[")[0] == root and (name.startswith(target) or target.startswith(name))
        if same or root in value.cell[1] or root in value.amount:
            del known[name]


def _changed(program: Program, statement: ast.Node, known: dict[str, _Value]) -> list[str]:
    """Names that a statement may change: all, if it calls code of the program."""
    changed: list[str] = []
    for node in statement.walk():
        if isinstance(node, ast.Assignment):
            changed.append(_text(node.target))
        call = program.calls.get(node)
        if call is None:
            continue
        if call.kind in ("action", "function", "table_apply", "control_apply"):
            return list(known)
        changed += [_text(a.expr) for a in call.args if a.expr is not None and a.direction in ("out", "inout")]
        if call.kind == "method" and call.name == "write" and call.object is not None:
            changed += [name for name, value in known.items() if value.cell[0] == _text(call.object)]
    return changed


def _evaluate(expr: ast.Expr | None, known: dict[str, _Value]) -> _Value | None:
    if isinstance(expr, ast.Binary) and expr.op in ("+", "-"):
        left = known.get(_text(expr.left))
        if left is not None and not left.amount and not _mentions(expr.right, known):
            return _Value(left.cell, _signed(expr.op, expr.right))
        right = known.get(_text(expr.right))
        if expr.op == "+" and right is not None and not right.amount and not _mentions(expr.left, known):
            return _Value(right.cell, _signed("+", expr.left))
        return None
    return known.get(_text(expr)) if isinstance(expr, (ast.PathExpr, ast.Member)) else None


def _mentions(expr: ast.Expr, known: dict[str, _Value]) -> bool:
    """Whether an amount itself depends on a value read before, or on a call."""
    return any(_text(node) in known or isinstance(node, ast.Call) for node in expr.walk() if isinstance(node, ast.Expr))


def _signed(op: str, amount: ast.Expr) -> str:
    text = amount.span.text
    return text if op == "+" else f"-({text})"
