"""Every instance of a parser or control, every extern object, and every context in which a piece of code can run.

The text of a control is one thing, what it writes another: `reg.write(...)` in a control that is instantiated twice, or
that gets `reg` as a parameter, means a different register in each. A `Context` is one such meaning; a write through an
alias is found because the contexts say which object each parameter stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from p4front.p4info.scope import ExternObject, Scope, enter, extern_object
from p4front.p4info.walk import live_nodes, reachable_states
from p4front.program import CallInfo, Program
from p4front.syntax import ast

Callable_ = ast.ControlDecl | ast.ParserDecl | ast.ActionDecl | ast.FunctionDecl
BLOCKS = ("parser", "verify", "ingress", "egress", "compute", "deparser")
"""The parameters of V1Switch, in order."""


@dataclass(eq=False)
class BlockInstance:
    """One instance of a parser or control. `children` are the instances inside, by what declares them."""

    decl: ast.ParserDecl | ast.ControlDecl
    scope: Scope
    block: str
    children: dict[ast.Node, BlockInstance] = field(default_factory=dict)


Bound = ExternObject | BlockInstance


@dataclass(eq=False)
class Context:
    """A piece of code as one instance runs it. `instance` None: global code. `bound`: what its parameters stand for."""

    decl: Callable_
    instance: BlockInstance | None
    block: str
    bound: dict[ast.Node, Bound] = field(default_factory=dict)
    globals: Scope | None = None

    def resolve(self, decl: ast.Node) -> Bound | None:
        """The object or instance that a declaration (instantiation or parameter) means here."""
        if decl in self.bound:
            return self.bound[decl]
        if self.instance is not None:
            if decl in self.instance.children:
                return self.instance.children[decl]
            return self.instance.scope.object_of(decl)
        return self.globals.object_of(decl) if self.globals is not None else None

    def key(self) -> tuple[object, ...]:
        bound = sorted((id(k), id(v)) for k, v in self.bound.items())
        return (id(self.decl), id(self.instance), self.block, tuple(bound))


@dataclass(frozen=True)
class Edge:
    """`caller` runs `callee` at `node`: a Call, a DirectApply, or the ActionRef of a table that it applies."""

    node: ast.Node
    caller: Callable_
    callee: Callable_


def referent(program: Program, expr: ast.Expr | None) -> ast.Node | None:
    """The declaration that an object's expression names."""
    return program.refs.get(expr) if isinstance(expr, ast.PathExpr) else None


def scope_of(program: Program, node: ast.Node) -> Callable_ | None:
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


class Instances:
    """The program's instances and contexts. `objects`: every extern object with the block that declares it ("" for a
    global one), in order of declaration as instantiated."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.globals = Scope(program)
        self.objects: list[tuple[ExternObject, str]] = []
        self.tables: list[tuple[ast.TableDecl, BlockInstance]] = []
        self.value_sets: list[tuple[ast.ValueSetDecl, BlockInstance]] = []
        self.roots: dict[str, BlockInstance] = {}
        self.contexts: dict[ast.Node, list[Context]] = {}
        self.edges: list[Edge] = []
        self._seen: set[tuple[object, ...]] = set()
        for decl in program.syntax.declarations:
            if isinstance(decl, ast.Instantiation) and (found := extern_object(self.globals, decl)) is not None:
                self.objects.append((found, ""))
                self.globals.objects[decl] = found
        main = program.main
        if main is not None and main in program.calls:
            for block, arg in zip(BLOCKS, program.calls[main].args, strict=False):
                self._root(block, arg.expr)
        for block, root in self.roots.items():
            self._visit(Context(root.decl, root, block, globals=self.globals))

    # ------------------------------------------------------------ instances

    def _root(self, block: str, expr: ast.Expr | None) -> None:
        node: ast.Node | None = expr
        if isinstance(expr, ast.PathExpr):
            node = self.program.refs.get(expr)
        call = self.program.calls.get(node) if node is not None else None
        if call is None or not isinstance(call.decl, (ast.ParserDecl, ast.ControlDecl)):
            return
        name = call.decl.name.text
        self.roots[block] = self._instance(call.decl, call, self.globals, name, block)

    def _instance(
        self,
        decl: ast.ParserDecl | ast.ControlDecl,
        call: CallInfo | None,
        parent: Scope,
        prefix: str,
        block: str,
    ) -> BlockInstance:
        scope = enter(self.program, decl, call, parent, parent, prefix)
        instance = BlockInstance(decl, scope, block)
        if call is not None:
            self._constructor_blocks(instance, decl, call, block)
        body = list(self.body(decl, scope))
        used = {self.program.refs[n] for n in body if isinstance(n, ast.PathExpr) and n in self.program.refs}
        for local in decl.locals:
            if isinstance(local, ast.Instantiation):
                found = extern_object(scope, local)
                if found is not None:
                    scope.objects[local] = found
                    self.objects.append((found, block))
                    continue
                inner = self.program.calls.get(local)
                if inner is not None and isinstance(inner.decl, (ast.ParserDecl, ast.ControlDecl)) and local in used:
                    name = scope.name_of(local)
                    instance.children[local] = self._instance(inner.decl, inner, scope, name, block)
            elif isinstance(local, ast.TableDecl) and local in used:
                self.tables.append((local, instance))
            elif isinstance(local, ast.ValueSetDecl) and local in used:
                self.value_sets.append((local, instance))
        for node in body:
            if isinstance(node, ast.DirectApply) and node in self.program.calls:
                target = self.program.calls[node].decl
                if isinstance(target, (ast.ParserDecl, ast.ControlDecl)):
                    name = f"{scope.prefix}.{target.name.text}"
                    instance.children[node] = self._instance(target, None, scope, name, block)
        return instance

    def _constructor_blocks(
        self, instance: BlockInstance, decl: ast.ParserDecl | ast.ControlDecl, call: CallInfo, block: str
    ) -> None:
        """Controls and parsers given as constructor arguments: `Outer(Inner()) o;`."""
        params = {p.name.text: p for p in decl.constructor_params}
        for arg in call.args:
            inner = self.program.calls.get(arg.expr) if isinstance(arg.expr, ast.Call) else None
            param = params.get(arg.param_name)
            if param is None or inner is None or inner.kind != "constructor":
                continue
            if isinstance(inner.decl, (ast.ParserDecl, ast.ControlDecl)):
                name = f"{instance.scope.prefix}.{param.name.text}"
                instance.children[param] = self._instance(inner.decl, inner, instance.scope, name, block)
            elif param in instance.scope.objects:
                self.objects.append((instance.scope.objects[param], block))

    def body(self, decl: Callable_, scope: Scope | None) -> Iterator[ast.Node]:
        """Nodes of a body that can run: branches excluded by a constant condition are left out."""
        value = (scope or self.globals).value
        if isinstance(decl, ast.ParserDecl):
            for state in reachable_states(decl, self.program):
                yield from state.walk()
        else:
            root = decl.apply_ if isinstance(decl, ast.ControlDecl) else decl.body
            yield from live_nodes(root, self.program, value)

    # ------------------------------------------------------------ contexts

    def _visit(self, context: Context) -> None:
        if context.key() in self._seen:
            return
        self._seen.add(context.key())
        self.contexts.setdefault(context.decl, []).append(context)
        scope = context.instance.scope if context.instance is not None else None
        nodes = list(self.body(context.decl, scope))
        if isinstance(context.decl, (ast.ControlDecl, ast.ParserDecl)):
            for local in context.decl.locals:  # initialisers of local variables run when the block starts
                if isinstance(local, ast.VariableDecl):
                    nodes += local.walk()
        for node in nodes:
            if node in self.program.calls:
                self._call(node, self.program.calls[node], context)

    def _call(self, node: ast.Node, call: CallInfo, context: Context) -> None:
        if call.kind in ("action", "function") and isinstance(call.decl, (ast.ActionDecl, ast.FunctionDecl)):
            self._edge(node, context.decl, call.decl)
            self._visit_code(call.decl, context, self._bind(call, call.decl.params, context))
        elif call.kind == "table_apply" and isinstance(table := referent(self.program, call.object), ast.TableDecl):
            for reference, action in action_references(self.program, table):
                self._edge(reference, context.decl, action)
                self._visit_code(action, context, {})
        elif call.kind in ("control_apply", "parser_apply"):
            target = self.applied(node, call, context)
            if target is not None:
                self._edge(node, context.decl, target.decl)
                bound = self._bind(call, target.decl.params, context)
                self._visit(Context(target.decl, target, context.block, bound, self.globals))

    def _edge(self, node: ast.Node, caller: Callable_, callee: Callable_) -> None:
        edge = Edge(node, caller, callee)
        if edge not in self.edges:
            self.edges.append(edge)

    def applied(self, node: ast.Node, call: CallInfo, context: Context) -> BlockInstance | None:
        """The instance that an apply call runs."""
        decl = node if isinstance(node, ast.DirectApply) else referent(self.program, call.object)
        found = context.resolve(decl) if decl is not None else None
        return found if isinstance(found, BlockInstance) else None

    def _visit_code(
        self, decl: ast.ActionDecl | ast.FunctionDecl, context: Context, bound: dict[ast.Node, Bound]
    ) -> None:
        local = enclosing_control(self.program, decl) is not None
        if local:  # it sees the control's own parameters too
            bound = {**context.bound, **bound}
        instance = context.instance if local else None
        self._visit(Context(decl, instance, context.block, bound, self.globals))

    def _bind(self, call: CallInfo, params: list[ast.Parameter], context: Context) -> dict[ast.Node, Bound]:
        by_name = {p.name.text: p for p in params}
        bound: dict[ast.Node, Bound] = {}
        for arg in call.args:
            decl = referent(self.program, arg.expr)
            found = context.resolve(decl) if decl is not None else None
            if found is not None and arg.param_name in by_name:
                bound[by_name[arg.param_name]] = found
        return bound


def action_references(program: Program, table: ast.TableDecl) -> list[tuple[ast.ActionRef, ast.ActionDecl]]:
    """Every place of a table that names an action: its list, default_action and entries."""
    references = [*table.actions, *(entry.action for entry in table.entries)]
    if table.default_action is not None:
        references.append(table.default_action)
    found = [(reference, program.refs.get(reference)) for reference in references]
    return [(reference, decl) for reference, decl in found if isinstance(decl, ast.ActionDecl)]


def table_actions(program: Program, table: ast.TableDecl) -> list[ast.ActionDecl]:
    """The actions that a table can run, each once (an implicit NoAction left out)."""
    return list(dict.fromkeys(decl for _, decl in action_references(program, table)))
