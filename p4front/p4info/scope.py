"""Objects of a running program and the scopes that name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from p4front.p4info.annotations import text_argument
from p4front.program import CallInfo, ConstValue, Program
from p4front.syntax import ast
from p4front.types.substitute import substitute
from p4front.types.types import ObjectType, Type, TypeVar


@dataclass(eq=False)
class ExternObject:
    """An extern instance. `decl` is an Instantiation, or the TableProperty that constructs it in place."""

    name: str
    type_name: str
    type_args: tuple[Type, ...]
    arguments: dict[str, ConstValue]
    decl: ast.Declaration


@dataclass(eq=False)
class Action:
    """`by_call`: only statements call it, so it has no control-plane parameters."""

    name: str
    decl: ast.ActionDecl
    scope: Scope
    by_call: bool = False

    @property
    def params(self) -> list[ast.Parameter]:
        return [] if self.by_call else [p for p in self.decl.params if not p.direction]


@dataclass(eq=False)
class Table:
    name: str
    decl: ast.TableDecl
    scope: Scope


@dataclass(eq=False)
class ValueSet:
    name: str
    decl: ast.ValueSetDecl
    scope: Scope


Item = ExternObject | Table | ValueSet


@dataclass(eq=False)
class Scope:
    """Names, objects and constants as one instance of a parser or control sees them."""

    program: Program
    prefix: str = ""
    parent: Scope | None = None
    objects: dict[ast.Node, ExternObject] = field(default_factory=dict)
    constants: dict[ast.Node, ConstValue] = field(default_factory=dict)
    types: Mapping[TypeVar, Type] = field(default_factory=dict)
    names: dict[ast.Node, str] = field(default_factory=dict)

    def name_of(self, decl: ast.Declaration, default: str = "") -> str:
        """Control-plane name, kept from the first time that it was asked for."""
        if decl not in self.names:
            local = text_argument(decl.annotations, "name") or default or decl.name.text
            self.names[decl] = local if local.startswith(".") or not self.prefix else f"{self.prefix}.{local}"
        return self.names[decl]

    def action_name(self, decl: ast.ActionDecl) -> str:
        """Name of an action that this scope refers to: its own, an enclosing one's or a global one."""
        scope: Scope | None = self
        while scope is not None:
            if decl in scope.names:
                return scope.names[decl].removeprefix(".")
            scope = scope.parent
        return (text_argument(decl.annotations, "name") or decl.name.text).removeprefix(".")

    def object_of(self, decl: ast.Node) -> ExternObject | None:
        scope: Scope | None = self
        while scope is not None:
            if decl in scope.objects:
                return scope.objects[decl]
            scope = scope.parent
        return None

    def value(self, expr: ast.Expr) -> ConstValue | None:
        """Compile-time value of `expr`, constructor parameters included; None if there is none."""
        if expr in self.program.constants:
            return self.program.constants[expr]
        if isinstance(expr, ast.PathExpr):
            return self.constants.get(self.program.refs.get(expr, expr))
        if isinstance(expr, (ast.IntLiteral, ast.BoolLiteral, ast.StringLiteral)):
            return expr.value
        if isinstance(expr, ast.Cast):
            return self.value(expr.operand)
        if isinstance(expr, ast.Unary) and expr.op == "!":
            inner = self.value(expr.operand)
            return None if inner is None else not inner
        if isinstance(expr, ast.Binary):
            left, right = self.value(expr.left), self.value(expr.right)
            return _binary(expr.op, left, right)
        return None

    def type(self, type_: Type) -> Type:
        return substitute(type_, self.types)


def _binary(op: str, left: ConstValue | None, right: ConstValue | None) -> ConstValue | None:
    if op == "&&" and (left is False or right is False):
        return False
    if op == "||" and (left is True or right is True):
        return True
    if left is None or right is None:
        return None
    if op in ("&&", "||"):
        return bool(left and right) if op == "&&" else bool(left or right)
    if op in ("==", "!="):
        return (left == right) is (op == "==")
    if isinstance(left, int) and isinstance(right, int):
        if op in ("<", ">", "<=", ">="):
            return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[op]
        if op in ("+", "-", "*"):
            return {"+": left + right, "-": left - right, "*": left * right}[op]
    return None


def enter(
    program: Program,
    decl: ast.ParserDecl | ast.ControlDecl,
    call: CallInfo | None,
    caller: Scope,
    parent: Scope,
    prefix: str,
) -> Scope:
    """The scope of a new instance: constructor arguments are worth what they are in the caller's scope."""
    scope = Scope(program, prefix, parent)
    if call is None:
        return scope
    by_name = {p.name.text: p for p in decl.constructor_params}
    for arg in call.args:
        param = by_name.get(arg.param_name)
        expr = arg.expr if arg.expr is not None else arg.default
        if param is None or expr is None:
            continue
        if isinstance(expr, ast.PathExpr) and (found := caller.object_of(program.refs.get(expr, expr))) is not None:
            scope.objects[param] = found
        elif isinstance(expr, ast.Call) and expr in program.calls:
            made = _constructed(scope, expr, param)
            if made is not None:
                scope.objects[param] = made
        elif (value := caller.value(expr)) is not None:
            scope.constants[param] = value
    type_params = [program.declared.get(p) for p in getattr(decl, "type_params", [])]
    args = [caller.type(t) for t in call.type_args]
    scope.types = {t: a for t, a in zip(type_params, args, strict=False) if isinstance(t, TypeVar)}
    return scope


def _constructed(scope: Scope, expr: ast.Call, decl: ast.Declaration) -> ExternObject | None:
    call = scope.program.calls[expr]
    if not isinstance(call.decl, (ast.ExternDecl, ast.MethodDecl)) or call.kind != "constructor":
        return None
    returns = call.returns
    if not isinstance(returns, ObjectType):
        return None
    return ExternObject(
        scope.name_of(decl).removeprefix("."), returns.name, returns.args, _arguments(scope, call), decl
    )


def _arguments(scope: Scope, call: CallInfo) -> dict[str, ConstValue]:
    result: dict[str, ConstValue] = {}
    for arg in call.args:
        expr = arg.expr if arg.expr is not None else arg.default
        value = scope.value(expr) if expr is not None else None
        if value is not None:
            result[arg.param_name] = value
    return result


def extern_object(scope: Scope, decl: ast.Instantiation) -> ExternObject | None:
    """The extern object that `decl` declares in `scope`; None if it instantiates something else."""
    type_ = scope.program.declared.get(decl)
    call = scope.program.calls.get(decl)
    if not isinstance(type_, ObjectType) or type_.kind != "extern" or call is None:
        return None
    args = tuple(scope.type(a) for a in type_.args)
    name = scope.name_of(decl).removeprefix(".")
    return ExternObject(name, type_.name, args, _arguments(scope, call), decl)
