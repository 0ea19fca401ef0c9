"""Statements of control flow; a declaration may stand among them."""

from __future__ import annotations

from dataclasses import dataclass, field

from p4front.syntax.ast.expressions import Argument, Call
from p4front.syntax.ast.nodes import Annotation, Expr, Node
from p4front.syntax.ast.types import TypeRef
from p4front.syntax.ast.variables import VariableDecl


@dataclass(eq=False, slots=True)
class Statement(Node):
    """Base of all statements; a VariableDecl, ConstantDecl or Instantiation may also stand in a block."""


@dataclass(eq=False, slots=True)
class BlockStatement(Statement):
    statements: list[Node]
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class EmptyStatement(Statement):
    pass


@dataclass(eq=False, slots=True)
class Assignment(Statement):
    """`target op value;` op is "=" or a compound such as "+=", "|+|=", "<<="."""

    target: Expr
    op: str
    value: Expr


@dataclass(eq=False, slots=True)
class CallStatement(Statement):
    call: Call


@dataclass(eq=False, slots=True)
class DirectApply(Statement):
    """`C.apply(args);` on a type: instantiates and applies in one statement."""

    type: TypeRef
    args: list[Argument]


@dataclass(eq=False, slots=True)
class If(Statement):
    cond: Expr
    then: Statement
    otherwise: Statement | None


@dataclass(eq=False, slots=True)
class SwitchCase(Node):
    """`label:` with a block, or falling through to the next label (`body` None). Label DefaultExpr for `default`."""

    label: Expr
    body: BlockStatement | None


@dataclass(eq=False, slots=True)
class Switch(Statement):
    subject: Expr
    cases: list[SwitchCase]


@dataclass(eq=False, slots=True)
class Return(Statement):
    value: Expr | None = None


@dataclass(eq=False, slots=True)
class Exit(Statement):
    pass


@dataclass(eq=False, slots=True)
class Break(Statement):
    pass


@dataclass(eq=False, slots=True)
class Continue(Statement):
    pass


@dataclass(eq=False, slots=True)
class For(Statement):
    """`for (init; cond; update) body`; `init` items are VariableDecl or statements, `update` statements."""

    init: list[Node]
    cond: Expr
    update: list[Statement]
    body: Statement
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class ForIn(Statement):
    """`for (T x in collection) body`; collection is a Binary ".." range, a list expression or a stack."""

    variable: VariableDecl | None  # None: `target` names an existing l-value
    target: Expr | None
    collection: Expr
    body: Statement
    annotations: list[Annotation] = field(default_factory=list)
