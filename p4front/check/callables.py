"""Signatures and bodies of what can be called: functions, actions, externs, parser and control types, packages."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.check.context import Context, Frame
from p4front.check.parts import ApplyDecl
from p4front.syntax import ast
from p4front.types.rules import kind_of
from p4front.types.types import (
    VOID,
    WRONG,
    CallableType,
    DontCareType,
    IntegerType,
    ListType,
    ObjectType,
    ParamInfo,
    StringType,
    TableResultType,
    Type,
    TypeVar,
    VoidType,
)

CONSTRUCTORS = ("constructor", "extern constructor", "package")


class CallableChecker:
    """Resolves parameter lists and checks bodies."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx
        self.compile_time_params: set[ast.Parameter] = set()
        """Parameters whose arguments are known at compile time: constructors', and directionless ones of functions."""

    # ------------------------------------------------------------ parameters

    def type_parameters(self, decl: ast.Declaration, params: Sequence[ast.TypeParameter]) -> tuple[TypeVar, ...]:
        """Declares `<T, U>` in the current scope."""
        variables = []
        for param in params:
            variable = TypeVar(param.name.text, param)
            self.cx.declare(param, variable)
            variables.append(variable)
        result = tuple(variables)
        self.cx.type_params[decl] = result
        return result

    def parameters(self, params: Sequence[ast.Parameter], kind: str, declare: bool = True) -> tuple[ParamInfo, ...]:
        """Resolves a parameter list and (with `declare`) makes the names visible in the current scope.

        `kind`: "function" "extern" "action" "apply" (parser or control) "constructor" "extern constructor" "package".
        """
        infos = []
        seen: dict[str, ast.Parameter] = {}
        for param in params:
            type_ = self.cx.resolve.resolve(param.type, dont_care=True)
            problem = None if type_ is WRONG else _param_problem(param, type_, kind)
            if problem:
                self.cx.error(f'parameter "{param.name}": {problem}', param.span)
                type_ = WRONG
            if param.default is not None:
                self._default(param, type_)
            optional = param.default is not None or param.annotation("optional") is not None
            if param.annotation("optional") is not None and kind in ("function", "action", "constructor"):
                self.cx.error(f'parameter "{param.name}": @optional is not allowed here', param.span)
            if declare:
                if self.cx.declare(param, type_) and (
                    kind in CONSTRUCTORS or (not param.direction and kind in ("function", "extern"))
                ):
                    self.compile_time_params.add(param)
            else:
                if param.name.text in seen:
                    self.cx.duplicate(param.name.text, param.name.span, seen[param.name.text])
                seen[param.name.text] = param
                self.cx.program.declared[param] = type_
            infos.append(ParamInfo(param.name.text, param.direction, type_, optional, param))
        return tuple(infos)

    def _default(self, param: ast.Parameter, type_: Type) -> None:
        cx = self.cx
        assert param.default is not None
        if param.direction in ("out", "inout"):
            cx.error(
                f'parameter "{param.name}": an `{param.direction}` parameter can\'t have a default value',
                param.default.span,
            )
            return
        wording = f'the default of "{param.name}" is {{have}}, not {{want}}'
        if not cx.convert.check(param.default, type_, wording):
            return
        if not isinstance(type_, ObjectType) and not cx.is_known(param.default):
            cx.error(f'the default of "{param.name}" must be known at compile time', param.default.span)

    # ------------------------------------------------------------ externs

    def extern(self, decl: ast.ExternDecl) -> None:
        """An extern object type: its constructors and methods."""
        cx = self.cx
        type_params: tuple[TypeVar, ...]
        constructors: list[CallableType] = []
        with cx.block("params"):
            type_params = self.type_parameters(decl, decl.type_params)
            type_ = ObjectType("extern", decl.name.text, type_params, decl)
        cx.signatures.constructors[decl] = constructors
        cx.declare(decl, type_)
        with cx.block("params"):
            for param in decl.type_params:
                cx.scope.add(param)
            for method in decl.methods:
                self._method(decl, method, type_, constructors)
        if not constructors and any(m.return_type is None for m in decl.methods):
            return
        if not constructors:
            # Without a declared constructor an object can't be instantiated; packet_in and packet_out are such.
            cx.signatures.constructors.pop(decl, None)

    def _method(
        self, decl: ast.ExternDecl, method: ast.MethodDecl, type_: ObjectType, constructors: list[CallableType]
    ) -> None:
        cx = self.cx
        name = method.name.text
        with cx.block("params"):
            own = self.type_parameters(method, method.type_params)
            returns: Type = type_ if method.return_type is None else self.returns(method.return_type, method)
            kind = "extern constructor" if method.return_type is None else "extern"
            params = self.parameters(method.params, kind, declare=True)
        if method.return_type is None:
            if name != decl.name.text:
                cx.error(
                    f'"{name}" has no return type, and a constructor must be called "{decl.name}"', method.name.span
                )
                return
            callable_ = CallableType("constructor", name, params, type_, (*cx.type_params[decl], *own), method)
            if any(_same_parameters(callable_, other) for other in constructors):
                cx.error(f'"{name}" has two constructors with the same parameters', method.name.span)
            constructors.append(callable_)
        else:
            if name == decl.name.text:
                cx.error(f'"{name}" is the name of the extern: a constructor has no return type', method.name.span)
                return
            callable_ = CallableType("method", name, params, returns, own, method)
            for other in decl.methods:
                if other is method:
                    break
                known = cx.program.declared.get(other)
                if other.name.text == name and isinstance(known, CallableType) and _same_parameters(callable_, known):
                    cx.duplicate(name, method.name.span, other)
        cx.program.declared[method] = callable_

    def returns(self, ref: ast.TypeRef, decl: ast.Node) -> Type:
        """The return type of a function or method: a value or an extern object."""
        type_ = self.cx.resolve.resolve(ref)
        bad = isinstance(type_, (DontCareType, IntegerType, StringType, ListType, TableResultType))
        if bad or (isinstance(type_, ObjectType) and type_.kind != "extern"):
            self.cx.error(f"{kind_of(type_)} can't be the type of a result", ref.span)
            return WRONG
        return type_

    def extern_function(self, decl: ast.ExternFunctionDecl) -> None:
        cx = self.cx
        with cx.block("params"):
            own = self.type_parameters(decl, decl.type_params)
            returns = self.returns(decl.return_type, decl)
            params = self.parameters(decl.params, "extern")
        cx.declare(decl, CallableType("extern_function", decl.name.text, params, returns, own, decl))

    # ------------------------------------------------------------ functions and actions

    def function(self, decl: ast.FunctionDecl, frame_kind: str = "function", this: Type | None = None) -> CallableType:
        """A function with a body; with `frame_kind` "method", the implementation of an abstract method."""
        cx = self.cx
        with cx.defining(decl), cx.block("params"):
            own = self.type_parameters(decl, decl.type_params)
            returns = self.returns(decl.return_type, decl)
            params = self.parameters(decl.params, "function")
            frame = Frame(frame_kind, None if isinstance(returns, VoidType) else returns, decl=decl, this=this)
            with cx.inside(frame):
                cx.statements.body(decl.body)
            if frame.returns is not None and not cx.statements.always_leaves(decl.body):
                cx.error(f'"{decl.name}" does not return a value on every path', decl.name.span)
        type_ = CallableType("function", decl.name.text, params, returns, own, decl)
        if frame_kind == "function":
            cx.declare(decl, type_)
        else:
            cx.program.declared[decl] = type_
        return type_

    def action(self, decl: ast.ActionDecl) -> None:
        cx = self.cx
        with cx.defining(decl), cx.block("params"):
            params = self.parameters(decl.params, "action")
            first = next((i for i, p in enumerate(decl.params) if not p.direction), len(decl.params))
            if any(p.direction for p in decl.params[first:]):
                data = decl.params[first]
                message = f'parameter "{data.name}": parameters without a direction (action data) come last'
                cx.error(message, data.span)
            with cx.inside(Frame("action", decl=decl)):
                cx.statements.body(decl.body)
        cx.declare(decl, CallableType("action", decl.name.text, params, VOID, (), decl))

    # ------------------------------------------------------------ parsers, controls, packages

    def block_type(self, decl: ast.ParserTypeDecl | ast.ControlTypeDecl) -> None:
        """`parser P(...);` and `control C(...);`"""
        cx = self.cx
        kind = "parser" if isinstance(decl, ast.ParserTypeDecl) else "control"
        with cx.defining(decl), cx.block("params"):
            variables = self.type_parameters(decl, decl.type_params)
            self.apply_signature(decl, kind)
        cx.declare(decl, ObjectType(f"{kind}_type", decl.name.text, variables, decl))

    def apply_signature(self, decl: ApplyDecl, kind: str) -> None:
        """Resolves and declares the run-time parameters."""
        params = self.parameters(decl.params, "apply")
        self.cx.signatures.apply[decl] = CallableType(kind, decl.name.text, params, VOID, (), decl)

    def constructor(self, decl: ast.ParserDecl | ast.ControlDecl, type_: ObjectType) -> None:
        params = self.parameters(decl.constructor_params, "constructor")
        variables = self.cx.type_params[decl]
        self.cx.signatures.constructors[decl] = [
            CallableType("constructor", decl.name.text, params, type_, variables, decl)
        ]

    def package(self, decl: ast.PackageDecl) -> None:
        cx = self.cx
        with cx.defining(decl), cx.block("params"):
            variables = self.type_parameters(decl, decl.type_params)
            params = self.parameters(decl.params, "package")
        type_ = ObjectType("package", decl.name.text, variables, decl)
        cx.signatures.constructors[decl] = [CallableType("constructor", decl.name.text, params, type_, variables, decl)]
        cx.declare(decl, type_)

    def control(self, decl: ast.ControlDecl) -> None:
        cx = self.cx
        with cx.defining(decl), cx.block("params"):
            variables = self.type_parameters(decl, decl.type_params)
            type_ = ObjectType("control", decl.name.text, variables, decl)
            self.apply_signature(decl, "control")
            self.constructor(decl, type_)
            with cx.block("locals"), cx.inside(Frame("control", decl=decl)):
                for local in decl.locals:
                    cx.declarations.local(local)
                with cx.inside(Frame("apply", decl=decl)):
                    cx.statements.body(decl.apply_)
        cx.declare(decl, type_)


def _same_parameters(left: CallableType, right: CallableType) -> bool:
    return [p.name for p in left.params] == [p.name for p in right.params]


def _param_problem(param: ast.Parameter, type_: Type, kind: str) -> str | None:
    """What is wrong with a parameter of this type and direction in this kind of list (6.8, 7.2.9 to 7.2.13)."""
    if isinstance(type_, (VoidType, DontCareType)):
        return f"{type_} is not the type of a value"
    if kind in CONSTRUCTORS and param.direction:
        return "a constructor's parameter has no direction"
    if isinstance(type_, ObjectType):
        if param.direction:
            return f"an object such as {kind_of(type_)} is passed without a direction"
        if type_.kind in ("parser", "control"):
            return f"{kind_of(type_)} can't be passed: declare a {type_.kind} type without a body and use that"
        if type_.kind == "package" and kind != "package":
            return "a package can't be passed"
        if type_.kind != "extern" and kind not in ("constructor", "package"):
            # The constructor of an extern object takes extern objects only.
            return f"{kind_of(type_)} can only be passed to a constructor"
        if kind == "action":
            return "an action can't take an extern object"
    if isinstance(type_, (IntegerType, StringType, ListType)):
        if param.direction:
            return f"a value of type {type_} is known at compile time: it has no direction"
        if kind == "action":
            return f"an action can't take a value of type {type_}: give it a width"
    return None
