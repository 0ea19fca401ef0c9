"""Which code can run: constant conditions, code after return, parser states that no transition leads to.

The rule is p4c's (its front end removes the rest; code behind `exit` stays part of the program), and the only one: what
P4Info lists, what is generated and what CAM analyses follow from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from p4front.elaborate.evaluate import Meaning, evaluate
from p4front.syntax import ast

Code = ast.ControlDecl | ast.ParserDecl | ast.ActionDecl | ast.FunctionDecl
"""What has a body."""


def branches(meaning: Meaning, node: ast.If | ast.Ternary) -> tuple[bool, bool]:
    """Whether the first and the second branch can run."""
    condition = evaluate(meaning, node.cond)
    return condition is not False, condition is not True


def leaves(meaning: Meaning, statement: ast.Node) -> bool:
    """Whether the statement always returns from the control, action or function that it stands in."""
    if isinstance(statement, ast.Return):
        return True
    if isinstance(statement, ast.BlockStatement):
        return any(leaves(meaning, inner) for inner in statement.statements)
    if isinstance(statement, ast.If):
        then, otherwise = branches(meaning, statement)
        if then and not leaves(meaning, statement.then):
            return False
        return not otherwise or (statement.otherwise is not None and leaves(meaning, statement.otherwise))
    return False


def running(meaning: Meaning, statements: Sequence[ast.Node]) -> Sequence[ast.Node]:
    """The statements of a block up to the one that always returns."""
    for i, statement in enumerate(statements):
        if leaves(meaning, statement):
            return statements[: i + 1]
    return statements


def live_nodes(meaning: Meaning, root: ast.Node) -> Iterator[ast.Node]:
    """`root` and the nodes below it that can run, in source order."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(list(_children(meaning, node))))


def _children(meaning: Meaning, node: ast.Node) -> Iterator[ast.Node]:
    if isinstance(node, (ast.If, ast.Ternary)):
        then, otherwise = branches(meaning, node)
        yield node.cond
        if then:
            yield node.then
        if otherwise and node.otherwise is not None:
            yield node.otherwise
    elif isinstance(node, ast.BlockStatement):
        yield from running(meaning, node.statements)
    else:
        yield from node.children()


def body(meaning: Meaning, decl: Code) -> Iterator[ast.Node]:
    """The nodes of a body that can run. Initialisers of the variables of a parser or control run first; its actions,
    functions and tables have bodies of their own."""
    if isinstance(decl, (ast.ControlDecl, ast.ParserDecl)):
        for local in decl.locals:
            if isinstance(local, ast.VariableDecl):
                yield from live_nodes(meaning, local)
    if isinstance(decl, ast.ParserDecl):
        for state in reachable_states(decl):
            yield from live_nodes(meaning, state)
    else:
        yield from live_nodes(meaning, decl.apply_ if isinstance(decl, ast.ControlDecl) else decl.body)


def reachable_states(parser: ast.ParserDecl) -> list[ast.ParserState]:
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
