"""Controls: an instance becomes a frame (its parameters and variables) and a C function for its apply (13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4front.elaborate.objects import Instance, Table
from p4front.syntax import ast
from p4front.text.source import P4Error
from softswitch.codegen import constants
from softswitch.codegen.controls import actions, tables
from softswitch.codegen.env import Env, Variable
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments, functions
from softswitch.codegen.names import identifier, source_comment
from softswitch.codegen.statements import statements
from softswitch.codegen.statements.body import Body, Function, Param
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.context import FRAME

if TYPE_CHECKING:
    from softswitch.codegen.generator import Generator


class ControlInstance:
    """One instance of a control. `name`: its control-plane name, which prefixes those of its tables and externs."""

    def __init__(self, gen: Generator, instance: Instance, decl: ast.ControlDecl) -> None:
        self.gen, self.decl, self.name, self.env = gen, decl, instance.name, Env(instance.scope, gen.env)
        tag = identifier(self.name)
        self.frame = f"struct {gen.names.fresh(f'frame_{tag}')}"
        self._function: Function | None = None
        self._building = False
        function = Function(gen.names.fresh(f"control_{tag}"))
        self._body = Body(gen, self.env, function, kind="control")
        self._params: list[Param] = arguments.make_params(self._body, decl.params, in_frame=True)
        self._variables: list[tuple[ast.VariableDecl, str]] = []
        function.params = self._params
        declared = [*decl.constructor_params, *decl.locals]
        applied = [node for node in instance.scope.objects if isinstance(node, ast.DirectApply)]
        for local in [*declared, *applied]:
            try:
                self._declare(local)
            except P4Error as error:
                gen.report(error)
        self._define_frame()

    def _declare(self, local: ast.Node) -> None:
        gen, env = self.gen, self.env
        made = env.scope.objects.get(local)
        if isinstance(made, Instance):
            env.bind(local, gen.block(made))
        elif isinstance(made, Table):
            table = tables.TableInstance(gen, made, env, self.frame)
            env.bind(local, table)
            gen.tables.append(table)
        elif isinstance(local, ast.VariableDecl):
            type_ = env.type(gen.program.declared[local])
            c_name = self._body.names.local(local.name.text)
            gen.layout.c_type(type_, local.span)
            self._variables.append((local, c_name))
            env.bind(local, Variable(cexpr.arrow(FRAME, c_name), type_))
        elif isinstance(local, ast.ConstantDecl):
            constants.require(env, local)
        elif isinstance(local, ast.ActionDecl):
            env.bind(local, actions.ActionInstance(gen, local, env, self.frame))
        elif isinstance(local, ast.FunctionDecl):
            env.bind(local, functions.FunctionInstance(gen, local, env, f"{self.name}_", self.frame))
        elif not isinstance(local, (ast.Parameter, ast.Instantiation, ast.TableDecl, ast.DirectApply)):
            raise refuse(local.span, "this declaration is not supported in a control")

    def _define_frame(self) -> None:
        layout = self.gen.layout
        fields = [f"{declaration};" for declaration in arguments.signature(self._body, self._params)]
        for decl, c_name in self._variables:
            variable = self.env.lookup(decl)
            if isinstance(variable, Variable):
                fields.append(f"{layout.c_type(variable.type)} {c_name};")
        body = "".join(f"    {line}\n" for line in fields or ["char none_;"])
        layout.definitions.append(f"{self.frame} {{\n{body}}};")

    def function(self) -> Function:
        """The C function of apply; written at the first call."""
        if self._function is None:
            if self._building:
                raise refuse(self.decl.span, f"control {self.decl.name} applies itself")
            self._building = True
            self._function = self._make()
        return self._function

    def _make(self) -> Function:
        body, decl, gen = self._body, self.decl, self.gen
        function = body.function
        body.emit(f"{self.frame} {body.names.local('frame')}, *f = &frame_;")
        for param in self._params:
            if param.mode != "none":
                body.emit(f"{cexpr.arrow(FRAME, param.c_name)} = {param.c_name};")
        arguments.start_outs(body, self._params, decl.params)
        for local, _ in self._variables:
            variable = self.env.lookup(local)
            if isinstance(variable, Variable):
                body.emit(f"{variable.c} = {statements.initial(body, local, variable.type)};")
        if decl.apply_.statements:
            body.trace(f"control {self.name}")
        statements.block(body, decl.apply_)
        head = f"void {function.c_name}({', '.join(['struct ss_x *x', *arguments.signature(body, self._params)])})"
        gen.add_function(head, body, source_comment(decl.span))
        return function
