"""Controls: an instance becomes a frame (its parameters and variables) and a C function for its apply (13)."""

from __future__ import annotations

from p4front.elaborate.objects import Instance, Table
from p4front.syntax import ast
from p4front.text.source import P4Error
from softswitch.codegen.controls import actions, tables
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments
from softswitch.codegen.functions import bounds
from softswitch.codegen.functions.callables import BlockCode, block_of, register_block
from softswitch.codegen.functions.environment import Variable
from softswitch.codegen.functions.function_body import Function, FunctionBody, Param
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.names import identifier, source_comment
from softswitch.codegen.statements import blocks, declarations, functions
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.context import FRAME


@register_block(ast.ControlDecl)
class ControlInstance(BlockCode):
    """One instance of a control."""

    decl: ast.ControlDecl

    def __init__(self, unit: TranslationUnit, instance: Instance, decl: ast.ControlDecl) -> None:
        super().__init__(unit, instance, decl)
        self.tables: list[tables.TableInstance] = []
        tag = identifier(self.name)
        self.frame = f"struct {unit.names.fresh(f'frame_{tag}')}"
        function = Function(unit.names.fresh(f"control_{tag}"))
        self._body = FunctionBody(unit, self.env, function, kind="control")
        self._params: list[Param] = arguments.make_params(self._body, decl.params, in_frame=True)
        self._variables: list[tuple[ast.VariableDecl, str]] = []
        function.params = self._params
        declared = [*decl.constructor_params, *decl.locals]
        applied = [node for node in instance.scope.objects if isinstance(node, ast.DirectApply)]
        for local in [*declared, *applied]:
            try:
                self._declare(local)
            except P4Error as error:
                unit.report(error)
        self._define_frame()

    def _declare(self, local: ast.Node) -> None:
        unit, env = self.unit, self.env
        made = env.scope.objects.get(local)
        if isinstance(made, Instance):
            env.bind(local, block_of(unit, made))
        elif isinstance(made, Table):
            table = tables.TableInstance(unit, made, env, self.frame)
            env.bind(local, table)
            self.tables.append(table)
            unit.table_count += 1
        elif isinstance(local, ast.VariableDecl):
            type_ = env.type(unit.program.declared[local])
            c_name = self._body.names.local(local.name.text)
            unit.layout.c_type(type_, local.span)
            self._variables.append((local, c_name))
            env.bind(local, Variable(cexpr.arrow(FRAME, c_name), type_))
        elif isinstance(local, ast.ConstantDecl):
            declarations.require_constant(env, local)
        elif isinstance(local, ast.ActionDecl):
            env.bind(local, actions.ActionInstance(unit, local, env, self.frame))
        elif isinstance(local, ast.FunctionDecl):
            env.bind(local, functions.FunctionInstance(unit, local, env, f"{self.name}_", self.frame))
        elif not isinstance(local, (ast.Parameter, ast.Instantiation, ast.TableDecl, ast.DirectApply)):
            raise refuse(local.span, "this declaration is not supported in a control")

    def _define_frame(self) -> None:
        layout = self.unit.layout
        fields = [f"{declaration};" for declaration in arguments.signature(self._body, self._params)]
        for decl, c_name in self._variables:
            variable = self.env.lookup(decl)
            if isinstance(variable, Variable):
                fields.append(f"{layout.c_type(variable.type)} {c_name};")
        body = "".join(f"    {line}\n" for line in fields or ["char none_;"])
        layout.definitions.append(f"{self.frame} {{\n{body}}};")

    def _make(self) -> Function:
        body, decl, unit = self._body, self.decl, self.unit
        function = body.function
        body.emit(f"{self.frame} {body.names.local('frame')}, *f = &frame_;")
        for param in self._params:
            if param.mode != "none":
                body.emit(f"{cexpr.arrow(FRAME, param.c_name)} = {param.c_name};")
        arguments.start_outs(body, self._params, decl.params)
        for local, _ in self._variables:
            variable = self.env.lookup(local)
            if isinstance(variable, Variable):
                body.emit(f"{variable.c} = {declarations.initial(body, local, variable.type)};")
        if decl.apply_.statements:
            body.trace(f"control {self.name}")
        with bounds.making(unit, function, f"control {self.name}", decl.span):
            blocks.block(body, decl.apply_)
        head = f"void {function.c_name}({', '.join(['struct ss_x *x', *arguments.signature(body, self._params)])})"
        unit.add_function(head, body.lines, source_comment(decl.span))
        return function
