"""Which statements can run: constant conditions, code after return, parser states nobody goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from p4front.program import ConstValue, Program
from p4front.syntax import ast


def live_nodes(root: ast.Node, program: Program, value: Callable[[ast.Expr], ConstValue | None]) -> Iterator[ast.Node]:
    """Nodes of a statement except those in branches that a constant condition excludes. `value` gives an expression's
    compile-time value or None."""
    if isinstance(root, ast.If):
        condition = value(root.cond)
        yield root
        yield from live_nodes(root.cond, program, value)
        if condition is not False:
            yield from live_nodes(root.then, program, value)
        if condition is not True and root.otherwise is not None:
            yield from live_nodes(root.otherwise, program, value)
    elif isinstance(root, ast.BlockStatement):
        yield root
        for statement in root.statements:
            yield from live_nodes(statement, program, value)
            if isinstance(statement, ast.Return):
                break
    elif isinstance(root, ast.Switch):
        yield root
        yield from live_nodes(root.subject, program, value)
        for case in root.cases:
            if case.body is not None:
                yield from live_nodes(case.body, program, value)
    elif isinstance(root, ast.Ternary):
        condition = value(root.cond)
        yield root
        yield from live_nodes(root.cond, program, value)
        if condition is not False:
            yield from live_nodes(root.then, program, value)
        if condition is not True:
            yield from live_nodes(root.otherwise, program, value)
    else:
        yield root
        for child in root.children():
            yield from live_nodes(child, program, value)


def reachable_states(parser: ast.ParserDecl, program: Program) -> list[ast.ParserState]:
    """States that can be reached from `start`, in source order."""
    by_name = {s.name.text: s for s in parser.states}
    found: set[str] = set()
    waiting = ["start"]
    while waiting:
        name = waiting.pop()
        state = by_name.get(name)
        if name in found or state is None:
            continue
        found.add(name)
        if state.transition is None:
            continue
        if state.transition.target is not None:
            waiting.append(state.transition.target.text)
        if state.transition.select is not None:
            waiting += [case.target.text for case in state.transition.select.cases]
    return [s for s in parser.states if s.name.text in found]
