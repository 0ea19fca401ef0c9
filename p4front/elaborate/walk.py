"""The walk from `main`: every instance of a parser or control, with all that it declares (P4_16 18.3).

As in p4c's front end, tables, value sets and instances that no code uses are left out; extern objects always stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from p4front.elaborate import live
from p4front.elaborate.externs import ExternBuilder
from p4front.elaborate.names import block_name, join_name, top_names
from p4front.elaborate.objects import Action, ExternObject, Instance, ValueSet
from p4front.elaborate.scope import Scope
from p4front.elaborate.sizes import array_size
from p4front.elaborate.tables import build_table
from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error, Reporter
from p4front.types.types import ObjectType, Type, TypeVar

MAX_INSTANCES = 1 << 14
"""Parsers and controls of one program. Nested instantiations multiply: this keeps a small file from filling the
memory."""

Block = ast.ParserDecl | ast.ControlDecl


class Walk:
    """Makes the instances. Errors go to `reporter`, so that one run names them all."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.reporter = Reporter()
        self.scope = Scope(program)
        self.globals: list[ExternObject] = []
        self.roots: list[Instance] = []
        self._externs = ExternBuilder()
        self._top_names = top_names(program)
        self._count = 0

    def run(self) -> None:
        """Walks the program's declarations, then from `main`. Raises P4Error if there are too many instances."""
        for decl in self.program.syntax.declarations:
            with self._reporting():
                if isinstance(decl, ast.ActionDecl):
                    self.scope.objects[decl] = Action(self.scope.name_of(decl), decl, self.scope)
                elif isinstance(decl, ast.Instantiation):
                    found = self._externs.declared(self.scope, decl)
                    if found is not None:
                        self.scope.objects[decl] = found
                        self.globals.append(found)
        main = self.program.main
        if main is not None and main in self.program.calls:
            self._package(self.program.calls[main])

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except _TooMany:
            raise
        except P4Error as error:
            for diagnostic in error.diagnostics:
                self.reporter.error(diagnostic.message, diagnostic.span, *diagnostic.notes)

    def _package(self, call: CallInfo) -> None:
        """The parsers and controls given to a package, also to packages inside it."""
        for arg in call.args:
            target = self._constructor(arg.expr if arg.expr is not None else arg.default)
            if target is None:
                continue
            with self._reporting():
                if isinstance(target.decl, (ast.ParserDecl, ast.ControlDecl)):
                    name = block_name(target.decl, self._top_names)
                    self.roots.append(self._instance(target.decl, target, name, arg.param_name, self.scope))
                elif isinstance(target.decl, ast.PackageDecl):
                    self._package(target)

    def _constructor(self, expr: ast.Expr | None) -> CallInfo | None:
        """The constructor call behind a package argument: written in place, or of a top-level instance."""
        if isinstance(expr, ast.PathExpr):
            return self.program.calls.get(self.program.refs.get(expr, expr))
        return self.program.calls.get(expr) if expr is not None else None

    # ------------------------------------------------------------ instances

    def _instance(
        self, decl: Block, call: CallInfo, name: str, role: str, caller: Scope, *, direct: bool = False
    ) -> Instance:
        """A new instance with everything inside. `direct`: `call` is its apply, not its construction."""
        self._count += 1
        if self._count > MAX_INSTANCES:
            message = f"the program makes more than {MAX_INSTANCES} instances of parsers and controls"
            raise _TooMany(Diagnostic(message, decl.name.span))
        scope = Scope(self.program, name, self.scope)
        instance = Instance(decl, name, role, scope, self._type_arguments(decl, call, caller))
        scope.types = {TypeVar(p.name.text, p): a for p, a in zip(decl.type_params, instance.type_args, strict=False)}
        if not direct:
            self._constructor_arguments(instance, call, caller)
        instance.body = list(live.body(scope, decl))
        used = self._used(instance.body)
        for local in decl.locals:
            if isinstance(local, ast.ActionDecl):
                scope.objects[local] = Action(scope.name_of(local), local, scope)
        for local in decl.locals:
            with self._reporting():
                self._local(instance, local, local in used)
        for node in instance.body:
            if isinstance(node, ast.DirectApply):
                with self._reporting():
                    self._direct(instance, node)
        return instance

    def _type_arguments(self, decl: Block, call: CallInfo, caller: Scope) -> tuple[Type, ...]:
        given = call.returns.args if isinstance(call.returns, ObjectType) else call.type_args
        return tuple(caller.type(t) for t in given or call.type_args)

    def _constructor_arguments(self, instance: Instance, call: CallInfo, caller: Scope) -> None:
        """Binds constructor parameters: to values, to objects of the caller, to objects made for them."""
        params = {p.name.text: p for p in instance.decl.constructor_params}
        for arg in call.args:
            param = params.get(arg.param_name)
            expr = arg.expr if arg.expr is not None else arg.default
            if param is None or expr is None:
                continue
            scope = instance.scope
            made = self.program.calls.get(expr) if isinstance(expr, ast.Call) else None
            if (found := caller.named(expr)) is not None:
                scope.objects[param] = found
            elif made is not None and isinstance(made.returns, ObjectType):
                self._made_for(instance, param, made, caller)
            elif (value := caller.value(expr)) is not None:
                scope.constants[param] = value
            else:
                message = f'the argument for constructor parameter "{param.name}" must be known at compile time'
                raise P4Error(Diagnostic(message, expr.span))

    def _made_for(self, instance: Instance, param: ast.Parameter, call: CallInfo, caller: Scope) -> None:
        """`Outer(Inner()) o;`: what is constructed in an argument is called after the parameter."""
        name = instance.scope.name_of(param)
        if isinstance(call.decl, (ast.ParserDecl, ast.ControlDecl)):
            inner = self._instance(call.decl, call, name, instance.role, caller)
            instance.scope.objects[param] = inner
            instance.parts.append(inner)
            return
        obj = self._externs.build(caller, call, name, param)
        instance.scope.objects[param] = obj
        instance.parts.append(obj)

    def _used(self, body: Sequence[ast.Node]) -> set[ast.Node]:
        """Declarations that a body uses: tables, instances and value sets, also by way of what it uses."""
        refs = self.program.refs
        used = {refs[n] for n in body if isinstance(n, ast.PathExpr) and n in refs}
        waiting = list(used)
        while waiting:
            passed = {refs[n] for part in _uses(waiting.pop()) for n in part.walk() if n in refs} - used
            used |= passed
            waiting += passed
        return used

    # ------------------------------------------------------------ what an instance declares

    def _local(self, instance: Instance, local: ast.Node, used: bool) -> None:
        scope = instance.scope
        if isinstance(local, ast.Instantiation):
            obj = self._externs.declared(scope, local)
            if obj is not None:
                scope.objects[local] = obj
                instance.parts.append(obj)
                return
            call = self.program.calls.get(local)
            if used and call is not None and isinstance(call.decl, (ast.ParserDecl, ast.ControlDecl)):
                inner = self._instance(call.decl, call, scope.name_of(local), instance.role, scope)
                scope.objects[local] = inner
                instance.parts.append(inner)
        elif isinstance(local, ast.ActionDecl):
            action = scope.objects[local]
            assert isinstance(action, Action)
            instance.parts.append(action)
        elif isinstance(local, ast.TableDecl) and used:
            table = build_table(scope, local, self._externs)
            scope.objects[local] = table
            instance.parts.append(table)
        elif isinstance(local, ast.ValueSetDecl) and used:
            element = scope.type(self.program.type_refs[local.element])
            size = array_size(scope, local.size, "the size of a value set")
            value_set = ValueSet(scope.name_of(local), local, scope, element, size)
            scope.objects[local] = value_set
            instance.parts.append(value_set)

    def _direct(self, instance: Instance, node: ast.DirectApply) -> None:
        """`C.apply(...)`: an instance of its own at each place, called after its type."""
        call = self.program.calls.get(node)
        if call is None or not isinstance(call.decl, (ast.ParserDecl, ast.ControlDecl)):
            return
        name = join_name(instance.name, call.decl.name.text)
        inner = self._instance(call.decl, call, name, instance.role, instance.scope, direct=True)
        instance.scope.objects[node] = inner
        instance.parts.append(inner)


class _TooMany(P4Error):
    """Ends the walk at once."""


def _uses(decl: ast.Node) -> Sequence[ast.Node]:
    """Where a declaration that is used uses others: an instance its constructor arguments, a table its keys."""
    if isinstance(decl, ast.Instantiation):
        return decl.args
    return decl.keys or () if isinstance(decl, ast.TableDecl) else ()
