"""Type arguments of a call, as written or inferred from its arguments (8.20)."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.check.arguments import Matched
from p4front.check.context import Context
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.rules import contains_int, kind_of
from p4front.types.substitute import free_variables, substitute, substitute_callable
from p4front.types.types import (
    DONT_CARE,
    WRONG,
    CallableType,
    DontCareType,
    ObjectType,
    ParamInfo,
    StringType,
    StructType,
    TableResultType,
    Type,
    TypeVar,
    VoidType,
)
from p4front.types.unify import Unifier


class TypeArguments:
    """Binds type parameters of what is called or constructed."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    def specialize(
        self, callable_: CallableType, matched: Matched, type_args: Sequence[ast.TypeRef], span: Span
    ) -> tuple[CallableType, tuple[Type, ...]] | None:
        """Binds the callable's type parameters, as written or inferred from the arguments."""
        cx = self.cx
        params = callable_.type_params
        explicit = [cx.resolve.argument(ref) for ref in type_args]
        if type_args and len(type_args) != len(params):
            count = f"{len(params)} type argument{'s' if len(params) != 1 else ''}" if params else "no type arguments"
            cx.error(f'"{callable_.name}" takes {count}, not {len(type_args)}', span)
            return None
        if WRONG in explicit:
            return None
        if not params:
            return callable_, ()
        unifier = Unifier(params, cx.members.apply_of)
        for variable, type_, ref in zip(params, explicit, type_args, strict=False):
            if isinstance(type_, VoidType):
                cx.error("`void` can't be a type argument", ref.span)
                return None
            if type_ is not DONT_CARE:
                unifier.binding[variable] = type_
                unifier.open.discard(variable)
        if not self.unify(unifier, matched, span):
            return None
        if not self.complete(unifier, params, matched, callable_.name, span):
            return None
        types = tuple(unifier.binding[v] for v in params)
        return substitute_callable(callable_, unifier.binding), types

    def unify(self, unifier: Unifier, matched: Matched, span: Span) -> bool:
        """Binds open type parameters from the arguments; a conflict is an error at the argument."""
        cx = self.cx
        fine = True
        for param, arg in matched:
            default = param.decl.default if param.decl is not None else None
            given = arg.expr if arg is not None else default
            if given is None or isinstance(given, ast.DontCare):
                continue
            have = cx.type_of(given)
            if arg is None and free_variables(have):
                continue  # a default that is itself written in the open type parameters
            if not free_variables(param.type) & unifier.open:
                continue
            if not unifier.unify(param.type, have):
                want = substitute(param.type, unifier.binding)
                cx.error(
                    f'cannot pass {kind_of(have)} for the parameter "{param.name}", of type {kind_of(want)}',
                    arg.span if arg is not None else span,
                    *cx.members.block_notes(want, have),
                )
                fine = False
        return fine

    def complete(
        self,
        unifier: Unifier,
        params: tuple[TypeVar, ...],
        matched: Matched,
        name: str,
        span: Span,
        may_stay_open: tuple[TypeVar, ...] = (),
    ) -> bool:
        """Requires every type parameter to be bound by now, to the type of a value with a width."""
        cx = self.cx
        for variable in params:
            type_ = unifier.binding.get(variable)
            source = next((arg for p, arg in matched if arg is not None and variable in free_variables(p.type)), None)
            at = source.span if source is not None else span
            if type_ is None or isinstance(type_, DontCareType) or type_ == variable:
                if variable in may_stay_open or any(
                    arg is None and not _has_default(p) and variable in free_variables(p.type) for p, arg in matched
                ):
                    unifier.binding[variable] = DONT_CARE
                    continue
                cx.error(f'can\'t tell what the type parameter {variable} of "{name}" is: write `{name}<...>`', at)
                return False
            if contains_int(type_):
                cx.error(f"this value needs a width, as in `32w1`: the type {variable} is taken from it", at)
                return False
            if isinstance(type_, (TableResultType, StringType)) or (
                isinstance(type_, ObjectType) and type_.kind != "extern"
            ):
                cx.error(f"{kind_of(type_)} can't be a type argument", at)
                return False
            if isinstance(type_, StructType) and type_.decl is None:
                cx.error("nothing says which struct this is: put a cast before it, as in `(S) { ... }`", at)
                return False
        return True


def _has_default(param: ParamInfo) -> bool:
    return param.decl is not None and param.decl.default is not None
