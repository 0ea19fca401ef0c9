"""Every context in which a piece of code can run.

The text of a control is one thing, what it means another: `reg.write(...)` in a control that is instantiated twice, or
that gets `reg` as a parameter, means a different register in each. A `Context` is one such meaning; an alias is seen
through because the contexts say which object each parameter stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from p4front.elaborate import live
from p4front.elaborate.blocks import Block
from p4front.elaborate.evaluate import evaluate
from p4front.elaborate.live import Code
from p4front.elaborate.objects import Instance, Table
from p4front.elaborate.scope import Object, Scope
from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.types import IntegerType, Type


@dataclass(eq=False)
class Context:
    """A piece of code as one instance runs it. `instance` None: global code. `role`: the parameter of the package whose
    block runs it. `bound`: the objects that its parameters stand for, `values` those of parameters of type `int`.
    `nodes`: what of it can run. `callees`: what its calls run, by Call, DirectApply, or the ActionRef of a table that
    it applies."""

    decl: Code
    instance: Instance | None
    role: str
    scope: Scope
    bound: dict[ast.Node, Object] = field(default_factory=dict)
    values: dict[ast.Node, ConstValue] = field(default_factory=dict)
    nodes: list[ast.Node] = field(default_factory=list)
    callees: dict[ast.Node, Context] = field(default_factory=dict)

    @property
    def program(self) -> Program:
        return self.scope.program

    def resolve(self, decl: ast.Node | None) -> Object | None:
        """The object or instance that a declaration (instantiation or parameter) means here."""
        if decl in self.bound:
            return self.bound[decl]
        return self.scope.object_of(decl)

    def named(self, expr: ast.Expr | None) -> Object | None:
        """The object or instance that an expression names here."""
        return self.resolve(self.program.referent(expr))

    def constant(self, decl: ast.Node) -> ConstValue | None:
        """Value of a parameter that is known at compile time."""
        return self.values[decl] if decl in self.values else self.scope.constant(decl)

    def type(self, type_: Type) -> Type:
        """`type_` with the type arguments of the instance."""
        return self.scope.type(type_)

    def key(self) -> tuple[object, ...]:
        """The identity of a context."""
        bound = sorted((id(decl), id(found)) for decl, found in self.bound.items())
        values = sorted((id(decl), repr(value)) for decl, value in self.values.items())
        return (id(self.decl), id(self.scope), self.role, tuple(bound), tuple(values))


@dataclass(frozen=True)
class Edge:
    """`caller` runs `callee` at `node`."""

    node: ast.Node
    caller: Code
    callee: Code


class Contexts:
    """The contexts of a program's blocks. `roots`: by role, that of the parser or control given to the package."""

    def __init__(self, program_scope: Scope, blocks: list[Block]) -> None:
        self.roots: dict[str, Context] = {}
        self._program_scope = program_scope
        self._by_decl: dict[Code, list[Context]] = {}
        self._edges: dict[Edge, None] = {}
        self._known: dict[tuple[object, ...], Context] = {}
        for block in blocks:
            root = block.instance
            self.roots[block.role] = self._visit(Context(root.decl, root, block.role, root.scope))

    def __iter__(self) -> Iterator[Context]:
        """All contexts, those of one piece of code together, in the order in which code is first reached."""
        for contexts in self._by_decl.values():
            yield from contexts

    @property
    def edges(self) -> list[Edge]:
        """Which code runs which, and where."""
        return list(self._edges)

    def of(self, decl: Code) -> list[Context]:
        """The contexts of one piece of code, none if it cannot run."""
        return self._by_decl.get(decl, [])

    def _visit(self, context: Context) -> Context:
        known = self._known.setdefault(context.key(), context)
        if known is not context:
            return known
        self._by_decl.setdefault(context.decl, []).append(context)
        context.nodes = list(live.body(context, context.decl))
        for node in context.nodes:
            call = context.program.calls.get(node)
            if call is not None:
                self._call(node, call, context)
        return context

    def _call(self, node: ast.Node, call: CallInfo, context: Context) -> None:
        if call.kind in ("action", "function") and isinstance(call.decl, (ast.ActionDecl, ast.FunctionDecl)):
            self._run_code(node, call.decl, call, context)
        elif call.kind == "table_apply":
            table = context.named(call.object)
            if isinstance(table, Table):
                for reference, action in action_references(context.program, table.decl):
                    self._run_code(reference, action, None, context)
        elif call.kind in ("control_apply", "parser_apply"):
            target = context.resolve(node) if isinstance(node, ast.DirectApply) else context.named(call.object)
            if isinstance(target, Instance):
                self._run(node, Context(target.decl, target, context.role, target.scope), call, context)

    def _run_code(
        self, node: ast.Node, decl: ast.ActionDecl | ast.FunctionDecl, call: CallInfo | None, caller: Context
    ) -> None:
        callee = Context(decl, None, caller.role, self._program_scope)
        if enclosing_control(caller.program, decl) is not None:  # it sees the control's own parameters, too
            callee.instance, callee.scope = caller.instance, caller.scope
            callee.bound, callee.values = dict(caller.bound), dict(caller.values)
        self._run(node, callee, call, caller)

    def _run(self, node: ast.Node, callee: Context, call: CallInfo | None, caller: Context) -> None:
        if call is not None:
            self._bind(callee, call, caller)
        self._edges[Edge(node, caller.decl, callee.decl)] = None
        caller.callees[node] = self._visit(callee)

    def _bind(self, callee: Context, call: CallInfo, caller: Context) -> None:
        """What the parameters of a call stand for: objects, and values that exist at compile time only."""
        params = {p.name.text: p for p in callee.decl.params}
        for arg in call.args:
            param = params.get(arg.param_name)
            if param is None or arg.expr is None:
                continue
            found = caller.named(arg.expr)
            value = evaluate(caller, arg.expr) if isinstance(arg.type, IntegerType) else None
            if found is not None:
                callee.bound[param] = found
            elif value is not None:
                callee.values[param] = value


def action_references(program: Program, table: ast.TableDecl) -> list[tuple[ast.ActionRef, ast.ActionDecl]]:
    """Every place of a table that names an action: its list, default_action and entries."""
    references = [*table.actions, *(entry.action for entry in table.entries)]
    if table.default_action is not None:
        references.append(table.default_action)
    found = [(reference, program.refs.get(reference)) for reference in references]
    return [(reference, decl) for reference, decl in found if isinstance(decl, ast.ActionDecl)]


def enclosing_code(program: Program, node: ast.Node) -> Code | None:
    """The innermost action, function, control or parser around a node."""
    while node in program.parents:
        node = program.parents[node]
        if isinstance(node, (ast.ActionDecl, ast.FunctionDecl, ast.ControlDecl, ast.ParserDecl)):
            return node
    return None


def enclosing_control(program: Program, node: ast.Node) -> ast.ControlDecl | None:
    """The control that a node is in (or is)."""
    while not isinstance(node, ast.ControlDecl):
        if node not in program.parents:
            return None
        node = program.parents[node]
    return node
