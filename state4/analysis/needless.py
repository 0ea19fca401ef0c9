"""Registers whose contents the packets of a program cannot observe: they need not be carried (He et al., 2019).

Decided by control flow, of the new program, and only where that is certain:

- the data plane never reads it (a control plane may, so this is the operator's choice);
- every read follows a write of the same cell in the same pass: both are in one piece of code, the write in a
  block around the read (or the read's own) and before it, so the write dominates the read.

The same cell means the same constant index, or the same expression, between which nothing can have changed what it is
made of. A read whose register is unknown makes no register needless. Passes need no special treatment: each one writes
before it reads, and recirculated, resubmitted and cloned packets make separate passes. A loop around both runs them in
order.
"""

from __future__ import annotations

from p4front.elaborate import elaborate
from p4front.elaborate.contexts import Context
from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.types.types import ObjectType, StructType, strip

NEVER_READ = "--only auto: no packet of the new program reads it (a control plane may)"
WRITTEN_FIRST = "--only auto: packets of the new program write each cell before they read it"


def needless_registers(program: Program) -> dict[str, str]:
    """By control-plane name, why a register of a checked program need not be carried."""
    elaboration = elaborate(program)
    reads: dict[ExternObject, list[bool]] = {obj: [] for obj in elaboration.externs("register")}
    for context in elaboration.contexts:
        for node in context.nodes:
            call = _register_call(program, node, "read")
            if call is None:
                continue
            read = context.named(call.object)
            if not isinstance(read, ExternObject) or read not in reads:
                return {}
            assert isinstance(node, ast.Call)
            reads[read].append(_written_before(program, context, node, call, read))
    return {obj.name: WRITTEN_FIRST if found else NEVER_READ for obj, found in reads.items() if all(found)}


def _register_call(program: Program, node: ast.Node, method: str) -> CallInfo | None:
    call = program.calls.get(node) if isinstance(node, ast.Call) else None
    if call is None or call.kind != "method" or call.name != method or call.object is None:
        return None
    type_ = program.types.get(call.object)
    return call if isinstance(type_, ObjectType) and type_.name == "register" else None


def _index(call: CallInfo) -> ast.Expr | None:
    return next((a.expr for a in call.args if a.param_name == "index"), None)


def _written_before(program: Program, context: Context, read: ast.Call, call: CallInfo, register: ExternObject) -> bool:
    """Whether a write of the cell that is read stands before it in a block around it."""
    wanted = _index(call)
    child: ast.Node = read
    while child in program.parents and child is not context.decl:
        parent = program.parents[child]
        if isinstance(parent, ast.BlockStatement):
            before = parent.statements[: parent.statements.index(child)]
            for at, statement in enumerate(before):
                write = None
                if isinstance(statement, ast.CallStatement):
                    write = _register_call(program, statement.call, "write")
                if write is None or context.named(write.object) is not register:
                    continue
                between = [*before[at + 1 :], child]
                if _same_cell(program, _index(write), wanted, between, read):
                    return True
        child = parent
    return False


def _same_cell(
    program: Program, written: ast.Expr | None, read: ast.Expr | None, between: list[ast.Node], call: ast.Call
) -> bool:
    """Whether two indices are equal, with these statements after the write up to the one with `call`, which reads."""
    if written is None or read is None:
        return False
    constants = program.constants.get(written), program.constants.get(read)
    if constants[0] is not None or constants[1] is not None:
        return constants[0] == constants[1]
    if "".join(written.span.text.split()) != "".join(read.span.text.split()):
        return False
    one, other = _places(program, written), _places(program, read)
    if one is None or one != other:
        return False
    nodes = [node for statement in between for node in statement.walk()]
    again = any(isinstance(node, (ast.For, ast.ForIn)) for node in between[-1].walk())
    return not any(_changes(program, node, one) for node in nodes if again or node is not call)


Place = tuple[ast.Node, tuple[str, ...]]
"""A variable or a part of one: its declaration, and names of members."""


def _places(program: Program, expr: ast.Expr) -> frozenset[Place] | None:
    """What an expression is made of; None if evaluating it twice may give two values."""
    found: set[Place] = set()
    for node in expr.walk():
        if program.calls.get(node) is not None:
            return None
        if isinstance(node, ast.PathExpr):
            place = _place(program, _outermost(program, node))
            if place is None:
                return None
            found.add(place)
    return frozenset(found)


def _outermost(program: Program, expr: ast.Expr) -> ast.Expr:
    """The longest chain of members that begins with a name."""
    parent = program.parents.get(expr)
    while isinstance(parent, ast.Member) and parent.base is expr:
        expr, parent = parent, program.parents.get(parent)
    return expr


def _place(program: Program, expr: ast.Expr | None) -> Place | None:
    """What an expression names; of an element of a stack, some bits or a union's member, the whole."""
    names: list[str] = []
    while isinstance(expr, (ast.Member, ast.Index, ast.Slice)):
        base = strip(program.types[expr.base]) if expr.base in program.types else None
        if isinstance(expr, ast.Member) and not (isinstance(base, StructType) and base.kind == "header_union"):
            names.append(expr.member.text)
        else:
            names.clear()  # members of a union change one another
        expr = expr.base
    declared = program.referent(expr)
    return None if declared is None else (declared, tuple(reversed(names)))


def _touches(program: Program, changed: ast.Expr | None, places: frozenset[Place]) -> bool:
    """Whether changing what an expression names changes one of the places. One that names nothing known may."""
    place = _place(program, changed)
    if place is None:
        return True
    root, path = place
    return any(root is other and path[: len(names)] == names[: len(path)] for other, names in places)


def _changes(program: Program, node: ast.Node, places: frozenset[Place]) -> bool:
    """Whether a node may change one of some places. What other code does is not looked at."""
    if isinstance(node, ast.Assignment):
        return _touches(program, node.target, places)
    if isinstance(node, ast.DirectApply):
        return True
    call = program.calls.get(node)
    if call is None:
        return False
    if call.kind in ("action", "function", "table_apply", "control_apply", "parser_apply", "extern_function"):
        return True
    if call.kind == "builtin":
        return call.builtin not in ("isValid", "minSizeInBits", "minSizeInBytes", "maxSizeInBits", "maxSizeInBytes")
    return any(_touches(program, a.expr, places) for a in call.args if a.direction in ("out", "inout"))


__all__ = ["NEVER_READ", "WRITTEN_FIRST", "needless_registers"]
