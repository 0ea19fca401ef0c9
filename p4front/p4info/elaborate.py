"""What a program consists of at run time: tables, actions, externs and value sets with their control-plane names.

The package's parsers and controls are entered with everything they instantiate; an instance inside adds its name to the
prefix ("MyIngress.sub.t"), a name with a leading dot starts afresh. As in p4c's front end, tables that no live
statement applies and actions that nothing uses are left out, while extern objects always stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from p4front.p4info.scope import Action, ExternObject, Item, Scope, Table, ValueSet, enter, extern_object
from p4front.p4info.walk import live_nodes, reachable_states
from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.types.types import TypeVar


@dataclass(eq=False)
class Block:
    """One parser or control of the package with all that is inside. `items` in p4c's order of declaration; `digests`:
    the digest calls of each action, then of the body, in order."""

    decl: ast.ParserDecl | ast.ControlDecl
    items: list[Item] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    digests: list[tuple[CallInfo, Scope]] = field(default_factory=list)
    calls_extern_functions: bool = False


def top_names(program: Program) -> set[str]:
    """Names of the program's top-level declarations."""
    return {d.name.text for d in program.syntax.declarations if isinstance(d, ast.Declaration)}


def block_name(decl: ast.ParserDecl | ast.ControlDecl, taken: set[str]) -> str:
    """First part of the names inside a parser or control of the package: its own identifier (not its `@name`). With
    constructor parameters p4c makes a copy of it under a new name; that is added to `taken`."""
    name = decl.name.text
    if not decl.constructor_params:
        return name
    number = 0
    while f"{name}_{number}" in taken:
        number += 1
    taken.add(f"{name}_{number}")
    return f"{name}_{number}"


class Elaboration:
    """The program's global extern objects and its blocks, in the order of the package's parameters."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.globals: list[ExternObject] = []
        self.blocks: list[Block] = []
        self._scope = Scope(program)
        self._top_names = top_names(program)
        for decl in program.syntax.declarations:
            if isinstance(decl, ast.Instantiation) and (found := extern_object(self._scope, decl)) is not None:
                self.globals.append(found)
                self._scope.objects[decl] = found
        if program.main is not None and program.main in program.calls:
            self._package(program.calls[program.main])

    def _package(self, call: CallInfo) -> None:
        for arg in call.args:
            target = self._constructor(arg.expr)
            if target is None:
                continue
            if isinstance(target.decl, (ast.ParserDecl, ast.ControlDecl)):
                self.blocks.append(self._block(target.decl, target))
            elif isinstance(target.decl, ast.PackageDecl):
                self._package(target)

    def _constructor(self, expr: ast.Expr | None) -> CallInfo | None:
        """The constructor call behind a package argument: written in place, or of a top-level instance."""
        if isinstance(expr, ast.PathExpr):
            return self.program.calls.get(self.program.refs.get(expr, expr))
        return self.program.calls.get(expr) if expr is not None else None

    def _block(self, decl: ast.ParserDecl | ast.ControlDecl, call: CallInfo) -> Block:
        name = block_name(decl, self._top_names)
        block = Block(decl)
        scope = self._enter(decl, call, self._scope, name)
        builder = _BlockBuilder(self.program, block)
        builder.instance(decl, scope)
        builder.finish(scope)
        return block

    def _enter(
        self, decl: ast.ParserDecl | ast.ControlDecl, call: CallInfo | None, parent: Scope, prefix: str
    ) -> Scope:
        return enter(self.program, decl, call, parent, parent, prefix)


class _BlockBuilder:
    """Walks one block and, in place of each instance in it, that instance's contents."""

    def __init__(self, program: Program, block: Block) -> None:
        self.program = program
        self.block = block
        self.local_actions: list[Action] = []
        self.body_calls: list[tuple[CallInfo, Scope]] = []
        self.body_digests: list[tuple[CallInfo, Scope]] = []

    def instance(self, decl: ast.ParserDecl | ast.ControlDecl, scope: Scope) -> None:
        """Adds the contents of one instance; `scope` is the instance's."""
        if isinstance(decl, ast.ControlDecl):
            body = list(live_nodes(decl.apply_, self.program, scope.value))
        else:
            body = [n for s in reachable_states(decl, self.program) for n in s.walk()]
        applied = self._applied(body)
        for local in decl.locals:
            if isinstance(local, ast.ActionDecl):
                scope.name_of(local)
        for local in decl.locals:
            if isinstance(local, ast.Instantiation):
                self._instantiation(local, scope, local in applied)
            elif isinstance(local, ast.ActionDecl):
                self.local_actions.append(Action(scope.name_of(local).removeprefix("."), local, scope))
            elif isinstance(local, ast.TableDecl) and local in applied:
                self.block.items.append(Table(scope.name_of(local).removeprefix("."), local, scope))
            elif isinstance(local, ast.ValueSetDecl) and local in applied:
                self.block.items.append(ValueSet(scope.name_of(local).removeprefix("."), local, scope))
        for node in body:
            if isinstance(node, ast.DirectApply) and node in self.program.calls:
                self._direct(node, self.program.calls[node], scope)
        self.body_calls += [(self.program.calls[n], scope) for n in body if n in self.program.calls]

    def _applied(self, body: list[ast.Node]) -> set[ast.Node]:
        """Declarations that the body uses: tables, instances and value sets."""
        refs = self.program.refs
        applied = {refs[n] for n in body if isinstance(n, ast.PathExpr) and n in refs}
        waiting = list(applied)
        while waiting:
            passed = {refs[n] for part in _uses(waiting.pop()) for n in part.walk() if n in refs} - applied
            applied |= passed
            waiting += passed
        return applied

    def _instantiation(self, decl: ast.Instantiation, scope: Scope, applied: bool) -> None:
        found = extern_object(scope, decl)
        if found is not None:
            scope.objects[decl] = found
            self.block.items.append(found)
            return
        call = self.program.calls.get(decl)
        if applied and call is not None and isinstance(call.decl, (ast.ParserDecl, ast.ControlDecl)):
            prefix = scope.name_of(decl)
            self.instance(call.decl, enter(self.program, call.decl, call, scope, scope, prefix))

    def _direct(self, node: ast.DirectApply, call: CallInfo, scope: Scope) -> None:
        if not isinstance(call.decl, (ast.ParserDecl, ast.ControlDecl)):
            return
        local = call.decl.name.text
        prefix = f"{scope.prefix}.{local}" if scope.prefix else local
        inner = Scope(self.program, prefix, scope)
        type_params = [self.program.declared.get(p) for p in getattr(call.decl, "type_params", [])]
        inner.types = {t: a for t, a in zip(type_params, call.type_args, strict=False) if isinstance(t, TypeVar)}
        self.instance(call.decl, inner)

    def finish(self, scope: Scope) -> None:
        """Keeps the actions that tables offer or the body calls: global ones first, in order of use."""
        by_table: dict[tuple[str, ast.ActionDecl], Scope] = {}
        for item in self.block.items:
            if isinstance(item, Table):
                for decl in table_actions(item, self.program):
                    by_table.setdefault((item.scope.action_name(decl), decl), item.scope)
        by_call: dict[tuple[str, ast.ActionDecl], Scope] = {}
        for call, caller in self.body_calls:
            if call.kind == "action" and isinstance(call.decl, ast.ActionDecl):
                by_call.setdefault((caller.action_name(call.decl), call.decl), caller)
        local = {(a.name, a.decl): a for a in self.local_actions}
        for key in list(by_table) + list(by_call):
            if key not in local and all((a.name, a.decl) != key for a in self.block.actions):
                self.block.actions.append(Action(key[0], key[1], scope, by_call=key not in by_table))
        for key, action in local.items():
            if key in by_table or key in by_call:
                action.by_call = key not in by_table
                self.block.actions.append(action)
        called = [call for call, _ in self.body_calls]
        for action in self.block.actions:
            called += [self.program.calls[n] for n in action.decl.body.walk() if n in self.program.calls]
            self.block.digests += [
                (c, action.scope) for c in digest_calls(action.decl.body, self.program, frozenset({action.decl}))
            ]
        for call, caller in self.body_calls:
            self.block.digests += [(c, caller) for c in _expand(call, self.program)]
        self.block.calls_extern_functions = any(call.kind == "extern_function" for call in called)


def _uses(decl: ast.Node) -> Sequence[ast.Node]:
    """Where a declaration that is used uses others: an instance its constructor arguments, a table its keys."""
    if isinstance(decl, ast.Instantiation):
        return decl.args
    return decl.keys or () if isinstance(decl, ast.TableDecl) else ()


def table_actions(table: Table, program: Program) -> list[ast.ActionDecl]:
    """Declarations of a table's actions in its order, `NoAction` last if only the missing default_action means it."""
    result: list[ast.ActionDecl] = []
    references = list(table.decl.actions)
    if table.decl.default_action is not None:
        references.append(table.decl.default_action)
    for reference in references:
        decl = program.refs.get(reference)
        if isinstance(decl, ast.ActionDecl) and decl not in result:
            result.append(decl)
    if table.decl.default_action is None:
        no_action = global_no_action(program)
        if no_action is not None and no_action not in result:
            result.append(no_action)
    return result


def global_no_action(program: Program) -> ast.ActionDecl | None:
    return next(
        (d for d in program.syntax.declarations if isinstance(d, ast.ActionDecl) and d.name.text == "NoAction"), None
    )


def digest_calls(root: ast.Node, program: Program, seen: frozenset[ast.Node] = frozenset()) -> Iterator[CallInfo]:
    """Calls of `digest` below `root`, in the functions and actions it calls too."""
    for node in root.walk():
        if node in program.calls:
            yield from _expand(program.calls[node], program, seen)


def _expand(call: CallInfo, program: Program, seen: frozenset[ast.Node] = frozenset()) -> Iterator[CallInfo]:
    if call.kind == "extern_function" and call.name == "digest":
        yield call
        return
    into_function = call.kind == "function" and isinstance(call.decl, ast.FunctionDecl)
    into_action = bool(seen) and call.kind == "action" and isinstance(call.decl, ast.ActionDecl)
    if (into_function or into_action) and call.decl not in seen:
        assert isinstance(call.decl, (ast.FunctionDecl, ast.ActionDecl))
        yield from digest_calls(call.decl.body, program, seen | {call.decl})
