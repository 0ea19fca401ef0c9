"""Calls of functions, actions, methods and built-ins: which declaration, which type arguments, which arguments."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.check.arguments import Matched, Mismatch, fitting, match_arguments
from p4front.check.call_places import core_call_problem, place_problem
from p4front.check.context import Context
from p4front.check.lvalues import lvalue_problem
from p4front.check.scopes import is_callable
from p4front.program import BoundArg, CallInfo
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.rules import SIZES, kind_of, size_value
from p4front.types.substitute import free_variables
from p4front.types.types import (
    WRONG,
    CallableType,
    DontCareType,
    IntegerType,
    ObjectType,
    ParamInfo,
    Type,
    TypeOfType,
)
from p4front.types.unify import Unifier


class CallChecker:
    """Checks calls and fills `Program.calls`."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    # ------------------------------------------------------------ what is called

    def call(self, expr: ast.Call) -> Type:
        """The type a call gives; constructor calls give the type of the new object."""
        callee = expr.callee
        if isinstance(callee, ast.Member):
            return self._method(expr, callee)
        if isinstance(callee, (ast.PathExpr, ast.TypeNameExpr)):
            type_ = self.cx.expressions.raw(callee)
            if type_ is WRONG:
                self.infer_arguments(expr.args)
                return WRONG
            if isinstance(type_, TypeOfType):
                return self.cx.instances.constructor_call(expr, type_.type)
            if isinstance(type_, CallableType):
                return self._named(expr, callee)
        else:
            type_ = self.cx.expressions.infer(callee)
        self.infer_arguments(expr.args)
        if type_ is not WRONG:
            self.cx.error(f"a value of type {kind_of(type_)} can't be called", callee.span)
        return WRONG

    def _named(self, expr: ast.Call, callee: ast.PathExpr | ast.TypeNameExpr) -> Type:
        """A call of a function, extern function or action by its name: the arguments choose between overloads."""
        cx = self.cx
        type_args = list(expr.type_args)
        if isinstance(callee, ast.PathExpr):
            name, absolute = callee.name.text, callee.absolute
        else:
            ref = callee.type
            if isinstance(ref, ast.SpecializedType):
                type_args, named = ref.args, ref.base
            else:
                assert isinstance(ref, ast.NamedType)
                named = ref
            name, absolute = named.name.text, named.absolute
        decls = (cx.globals if absolute else cx.scope).find(name, is_callable)
        candidates = [t for t in (cx.program.declared.get(d) for d in decls) if isinstance(t, CallableType)]
        info = self.resolve(expr, candidates, expr.args, type_args, name)
        if info is None or info.decl is None:
            return WRONG
        cx.program.refs[callee] = info.decl
        if info.callee_type is not None:
            cx.set_type(callee, info.callee_type)
        problem = place_problem(cx, info)
        if problem:
            cx.error(problem, expr.span)
            return WRONG
        core = core_call_problem(cx, info)
        if core is not None:
            cx.error(core.message, core.span or expr.span)
        elif info.name == "static_assert":
            cx.program.constants[expr] = True
        elif isinstance(info.decl, ast.ExternFunctionDecl) and _is_factory(info.decl, info.returns):
            self._factory(expr, info)
        return info.returns

    def _factory(self, expr: ast.Call, info: CallInfo) -> None:
        """The result of a factory is known at compile time if its arguments are."""
        if all(arg.expr is None or self.cx.is_known(arg.expr) for arg in info.args):
            self.cx.known.add(expr)

    def _method(self, expr: ast.Call, callee: ast.Member) -> Type:
        cx = self.cx
        type_ = cx.set_type(callee, cx.members.member(callee, called=True))
        if not isinstance(type_, CallableType):
            self.infer_arguments(expr.args)
            if type_ is not WRONG:
                cx.error(f'"{callee.member}" is not a method', callee.member.span)
            return WRONG
        base = cx.type_of(callee.base)
        candidates = [type_]
        if isinstance(base, ObjectType):
            candidates = cx.members.methods(base, callee.member.text)
        info = self.resolve(expr, candidates, expr.args, expr.type_args, callee.member.text, callee.base)
        if info is None:
            return WRONG
        if info.kind == "method" and info.decl is not None:
            cx.program.refs[callee] = info.decl
        if info.callee_type is not None:
            cx.set_type(callee, info.callee_type)
        problem = place_problem(cx, info)
        if problem:
            cx.error(problem, expr.span)
            return WRONG
        if info.kind == "builtin":
            return self._builtin(expr, callee, info)
        core = core_call_problem(cx, info)
        if core is not None:
            cx.error(core.message, core.span or expr.span)
        return info.returns

    def _builtin(self, expr: ast.Call, callee: ast.Member, info: CallInfo) -> Type:
        cx, name = self.cx, callee.member.text
        base = cx.type_of(callee.base)
        if name in SIZES:
            sized = base.type if isinstance(base, TypeOfType) else base
            value = size_value(sized, name)
            if value is not None and not free_variables(sized):
                cx.program.constants[expr] = value
            else:
                cx.known.add(expr)
        elif name != "isValid":
            problem = lvalue_problem(cx, callee.base)
            if problem:
                cx.error(f"`{name}` changes its header: {problem}", callee.base.span)
            if name in ("push_front", "pop_front"):
                count = cx.constant(info.args[0].expr) if info.args[0].expr is not None else None
                if isinstance(count, int) and count < 0:
                    cx.error(f"`{name}` takes a count of at least 0", expr.span)
        return info.returns

    # ------------------------------------------------------------ resolution

    def resolve(
        self,
        node: ast.Node,
        candidates: Sequence[CallableType],
        args: Sequence[ast.Argument],
        type_args: Sequence[ast.TypeRef],
        name: str,
        object_: ast.Expr | None = None,
    ) -> CallInfo | None:
        """Chooses the overload, infers type arguments, checks every argument, and records the call for `node`."""
        if not self.infer_arguments(args):
            return None
        chosen = self.choose(candidates, args, name, node.span)
        if chosen is None:
            return None
        callable_, matched = chosen
        bound = self.cx.type_arguments.specialize(callable_, matched, type_args, node.span)
        if bound is None:
            return None
        callable_, types = bound
        matched = tuple((p, arg) for p, (_, arg) in zip(callable_.params, matched, strict=False))
        args_bound = self.check_arguments(callable_, matched)
        if args_bound is None:
            return None
        info = CallInfo(
            kind=_KINDS.get(callable_.kind, callable_.kind),
            name=name,
            decl=callable_.decl,
            args=args_bound,
            type_args=types,
            returns=callable_.returns,
            object=object_,
            builtin=name if callable_.kind == "builtin" else "",
            callee_type=callable_,
        )
        self.cx.program.calls[node] = info
        return info

    def infer_arguments(self, args: Sequence[ast.Argument]) -> bool:
        """Infers each argument's type; False if one is wrong (already reported)."""
        fine = True
        for arg in args:
            if self.cx.expressions.infer(arg.expr) is WRONG:
                fine = False
        return fine

    def choose(
        self, candidates: Sequence[CallableType], args: Sequence[ast.Argument], name: str, span: Span
    ) -> tuple[CallableType, Matched] | None:
        """The one candidate that takes the arguments, first by number and names, then by types."""
        if len(candidates) == 1:
            matched = match_arguments(candidates[0].params, args)
            if isinstance(matched, Mismatch):
                self.cx.error(f'"{name}": {matched.message}', matched.span or span, *_declared_here(candidates))
                return None
            return candidates[0], matched
        found = fitting(candidates, args)
        if len(found) > 1:
            typed = [pair for pair in found if self._types_possible(pair[0], pair[1])]
            found = typed or found
        if len(found) == 1:
            return found[0]
        what = "no overload" if not found else "more than one overload"
        self.cx.error(f'{what} of "{name}" takes these {len(args)} arguments', span, *_declared_here(candidates))
        return None

    def _types_possible(self, callable_: CallableType, matched: Matched) -> bool:
        unifier = Unifier(callable_.type_params, self.cx.members.apply_of)
        return all(arg is None or unifier.unify(p.type, self.cx.type_of(arg.expr)) for p, arg in matched)

    # ------------------------------------------------------------ arguments

    def check_arguments(self, callable_: CallableType, matched: Matched) -> tuple[BoundArg, ...] | None:
        """Converts and checks each argument against its parameter's final type and direction."""
        fine = True
        bound = []
        for param, arg in matched:
            default = param.decl.default if param.decl is not None else None
            if arg is None:
                bound.append(BoundArg(param.name, param.direction, param.type, None, default))
                continue
            fine = self.check_argument(callable_, param, arg) and fine
            bound.append(BoundArg(param.name, param.direction, param.type, arg.expr, default))
        return tuple(bound) if fine else None

    def _no_table(self, arg: ast.Argument) -> bool:
        """The arguments of an action can't apply a table: the action could be the table's own."""
        calls = self.cx.program.calls
        for node in arg.expr.walk():
            if isinstance(node, ast.Call) and node in calls and calls[node].kind == "table_apply":
                self.cx.error("a table can't be applied in an argument: do it in a statement before", node.span)
                return False
        return True

    def check_argument(self, callable_: CallableType, param: ParamInfo, arg: ast.Argument) -> bool:
        cx, expr = self.cx, arg.expr
        have = cx.type_of(expr)
        wording = f'cannot pass {{have}} for the parameter "{param.name}", of type {{want}}'
        if isinstance(expr, ast.DontCare):
            if param.direction == "out" or param.optional:
                return True
            cx.error(f'`_` can only stand for an `out` argument, and "{param.name}" is none', arg.span)
            return False
        if callable_.kind == "action" and not self._no_table(arg):
            return False
        if isinstance(param.type, DontCareType) and not isinstance(have, DontCareType):
            cx.error(f'can\'t tell the type of the parameter "{param.name}" here', arg.span)
            return False
        if param.direction in ("out", "inout"):
            problem = lvalue_problem(cx, expr)
            if problem:
                cx.error(f'the `{param.direction}` parameter "{param.name}" needs a variable: {problem}', arg.span)
                return False
            if have != param.type and not isinstance(param.type, DontCareType):
                return cx.convert.mismatch(expr, have, param.type, wording)
            return True
        if not cx.convert.convert(expr, param.type, wording):
            return False
        if not param.direction and not cx.is_known(expr) and _must_be_known(callable_, param, expr):
            cx.error(f'the argument for "{param.name}" must be known at compile time', arg.span)
            return False
        return True


_KINDS = {"table": "table_apply", "parser": "parser_apply", "control": "control_apply"}


def _is_factory(decl: ast.ExternFunctionDecl, returns: Type) -> bool:
    """Extern functions that may be called for a constructor's argument: they make objects, or are marked @pure."""
    return isinstance(returns, ObjectType) or decl.annotation("pure") is not None


def _must_be_known(callable_: CallableType, param: ParamInfo, expr: ast.Expr) -> bool:
    """Whether a directionless parameter takes compile-time values only; actions, and externs that take any type of
    value or an `int`, also get run-time values."""
    if callable_.kind == "action":
        return False
    if isinstance(param.type, ObjectType):
        return callable_.kind == "constructor" and isinstance(expr, ast.Call)
    declared = param.decl.type if param.decl is not None else None
    if callable_.kind in ("extern_function", "method") and isinstance(declared, (ast.BaseType, ast.NamedType)):
        generic = isinstance(declared, ast.NamedType) and declared.name.text in _type_parameter_names(callable_)
        return not generic and not isinstance(param.type, IntegerType)
    return True


def _type_parameter_names(callable_: CallableType) -> set[str]:
    decl = callable_.decl
    params = decl.type_params if isinstance(decl, (ast.ExternFunctionDecl, ast.MethodDecl)) else []
    return {p.name.text for p in params}


def _declared_here(candidates: Sequence[CallableType]) -> list[tuple[str, Span | None]]:
    decls = [c.decl for c in candidates if isinstance(c.decl, ast.Declaration)]
    return [("declared here", d.name.span) for d in decls]
