"""Objects: constructor calls, instantiations (also `main`), abstract methods, `Type.apply(...)` (11.3, 13.4, 16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from p4front.check.context import Context
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.rules import kind_of
from p4front.types.substitute import substitute_callable
from p4front.types.types import (
    DONT_CARE,
    VOID,
    WRONG,
    CallableType,
    DontCareType,
    ObjectType,
    StackType,
    Type,
    TypeVar,
)
from p4front.types.unify import Unifier


class InstanceChecker:
    """Checks what makes objects; records a "constructor" CallInfo for each."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    # ------------------------------------------------------------ constructor calls

    def constructor_call(self, expr: ast.Call, type_: Type) -> Type:
        """`T(args)` or `T<A>(args)` as an expression."""
        cx = self.cx
        if expr.type_args:
            args = tuple(cx.resolve.argument(ref) for ref in expr.type_args)
            ref = expr.callee.type if isinstance(expr.callee, ast.TypeNameExpr) else None
            if WRONG in args:
                return WRONG
            type_ = cx.resolve.specialize(type_, args, ref or expr.type_args[0])
            if type_ is WRONG:
                return WRONG
        object_type = self._object_type(type_, expr.span)
        open_ = self.cx.type_params.get(object_type.decl, ()) if object_type and object_type.decl else ()
        if object_type is None or not self._place(object_type, expr.span, named=False):
            cx.calls.infer_arguments(expr.args)
            return WRONG
        abstract = self.abstract_methods(object_type)
        if abstract:
            cx.error(
                f'{kind_of(object_type)} has the abstract method "{abstract[0].name}": '
                "write a declaration with `= { ... }`",
                expr.span,
            )
            return WRONG
        may_stay_open = open_ if object_type.kind in ("parser", "control") else ()
        result = self.construct(expr, object_type, expr.args, expr.span, may_stay_open=may_stay_open)
        if result is None:
            return WRONG
        cx.known.add(expr)
        return result

    def _object_type(self, type_: Type, span: Span) -> ObjectType | None:
        if isinstance(type_, ObjectType):
            if type_.kind in ("parser_type", "control_type"):
                self.cx.error(f"{kind_of(type_)} has no body: there can be no instance of it", span)
                return None
            return type_
        if type_ is not WRONG:
            self.cx.error(f"{kind_of(type_)} has no constructor: there can be no instance of it", span)
        return None

    def _place(self, type_: ObjectType, span: Span, named: bool) -> bool:
        """Whether an object of this type may be made in the current frame."""
        cx, frame = self.cx, self.cx.frame.kind
        problem = None
        if type_.kind == "package":
            if frame != "global":
                problem = "a package can only be instantiated at the top level"
        elif frame in ("action", "function", "method", "extern"):
            place = {"action": "an action", "method": "a method"}.get(frame, "a function")
            problem = f"{place} can't make an object: declare it outside"
        elif frame in ("apply", "state") and named:
            place = "the apply block of a control" if frame == "apply" else "a state of a parser"
            problem = f"{place} can't make an object: declare it before"
        elif frame == "global" and named and type_.kind in ("parser", "control"):
            problem = f"a {type_.kind} can't be instantiated at the top level"
        elif frame in ("control", "key") and type_.kind == "parser":
            problem = "a control can't instantiate a parser"
        elif frame == "parser" and type_.kind == "control":
            problem = "a parser can't instantiate a control"
        if problem:
            cx.error(problem, span)
        return problem is None

    def construct(
        self,
        node: ast.Node,
        type_: ObjectType,
        args: Sequence[ast.Argument],
        span: Span,
        initializer: ast.BlockStatement | None = None,
        may_stay_open: tuple[TypeVar, ...] = (),
    ) -> ObjectType | None:
        """Chooses the constructor, infers type arguments left open, checks the arguments; the object's full type."""
        cx = self.cx
        if not cx.calls.infer_arguments(args) or type_.decl is None:
            return None
        constructors, owners = self._constructors(type_)
        if not constructors:
            if isinstance(type_.decl, ast.ExternDecl) and not type_.decl.methods and not args:
                constructors = [CallableType("constructor", type_.name, (), type_, cx.type_params[type_.decl])]
                owners = [type_]
            else:
                cx.error(f"{kind_of(type_)} has no constructor: there can be no instance of it", span)
                return None
        declared = cx.type_params.get(type_.decl, ())
        given = {} if type_.args == declared else dict(zip(declared, type_.args, strict=False))
        candidates = [substitute_callable(c, given) for c in constructors]
        chosen = cx.calls.choose(candidates, args, type_.name, span)
        if chosen is None:
            return None
        callable_, matched = chosen
        index = next(i for i, c in enumerate(candidates) if c is callable_)
        if owners[index].decl is not type_.decl:
            return self.construct(node, owners[index], args, span, initializer, may_stay_open)
        # `_` as a type argument leaves its parameter open, as if it were not written.
        open_ = tuple(v for v in declared if isinstance(given.get(v, DONT_CARE), DontCareType))
        unifier = Unifier(open_, cx.members.apply_of)
        unifier.binding.update({v: t for v, t in given.items() if v not in open_})
        if open_:
            callable_ = substitute_callable(constructors[index], unifier.binding)
            matched = tuple((p, arg) for p, (_, arg) in zip(callable_.params, matched, strict=False))
            if not cx.type_arguments.unify(unifier, matched, span):
                return None
            self._infer_from_methods(unifier, type_, initializer)
            if not cx.type_arguments.complete(unifier, open_, matched, type_.name, span, (*may_stay_open, *given)):
                return None
            callable_ = substitute_callable(callable_, unifier.binding)
        matched = tuple((p, arg) for p, (_, arg) in zip(callable_.params, matched, strict=False))
        bound = cx.calls.check_arguments(callable_, matched)
        if bound is None:
            return None
        types = tuple(unifier.binding.get(v, given.get(v, DONT_CARE)) for v in declared)
        result = ObjectType(type_.kind, type_.name, types, type_.decl)
        cx.program.calls[node] = CallInfo(
            kind="constructor",
            name=type_.name,
            decl=type_.decl,
            args=bound,
            type_args=types,
            returns=result,
            callee_type=callable_,
        )
        return result

    def close(self, expr: ast.Expr, have: ObjectType, target: ObjectType) -> None:
        """Type arguments of a block that its constructor call left open follow from the place it is passed to."""
        cx = self.cx
        info = cx.program.calls.get(expr)
        if info is None or have.decl is None or not any(isinstance(a, DontCareType) for a in have.args):
            return
        variables = cx.type_params.get(have.decl, ())
        pattern = ObjectType(have.kind, have.name, variables, have.decl)
        mine, wanted = cx.members.apply_of(pattern), cx.members.apply_of(target)
        if mine is None or wanted is None:
            return
        unifier = Unifier(variables, cx.members.apply_of)
        unifier.signatures(mine, wanted)
        args = tuple(unifier.binding.get(v, a) for v, a in zip(variables, have.args, strict=False))
        result = ObjectType(have.kind, have.name, args, have.decl)
        cx.set_type(expr, result)
        cx.program.calls[expr] = replace(info, type_args=args, returns=result)

    def _constructors(self, type_: ObjectType) -> tuple[list[CallableType], list[ObjectType]]:
        """The constructors of a type, those of its overloads after them, and the type that each one makes."""
        cx = self.cx
        found: list[CallableType] = []
        owners: list[ObjectType] = []
        decl = type_.decl
        others = cx.overloads.get(decl, []) if isinstance(decl, ast.Declaration) else []
        if decl is None:
            return found, owners
        for other in (decl, *(o for o in others if o is not decl and type_.args == cx.type_params.get(decl, ()))):
            owner = type_ if not isinstance(other, ast.Declaration) or other is decl else cx.program.declared.get(other)
            if isinstance(owner, ObjectType):
                made = cx.signatures.constructors.get(other, [])
                found += made
                owners += [owner] * len(made)
        return found, owners

    # ------------------------------------------------------------ instantiations

    def instantiation(self, decl: ast.Instantiation) -> None:
        """`T(args) name;` with or without `= { methods }`."""
        cx = self.cx
        result = self._instantiate(decl)
        cx.declare(decl, WRONG if result is None else result)

    def _instantiate(self, decl: ast.Instantiation) -> Type | None:
        cx = self.cx
        ref, sizes = decl.type, []
        while isinstance(ref, ast.StackType):  # an array of objects
            sizes.append(cx.expressions.constant_int(ref.size, "the size of an array"))
            ref = ref.element
        type_ = self._object_type(cx.resolve.resolve_open(ref), decl.type.span)
        if type_ is None:
            cx.calls.infer_arguments(decl.args)
            return None
        if not self._place(type_, decl.name.span, named=True):
            return None
        result = self.construct(decl, type_, decl.args, decl.type.span, decl.initializer)
        if result is None:
            return None
        cx.program.type_refs[ref] = result
        if decl.initializer is not None:
            self._initializer(decl, decl.initializer, result)
        else:
            for method in self.abstract_methods(result):
                if method.annotation("optional") is not None:
                    continue
                cx.error(f'the abstract method "{method.name}" of {kind_of(result)} needs an implementation', decl.span)
        array: Type = result
        for size in sizes:
            array = StackType(array, size or 0)
        cx.program.type_refs[decl.type] = array
        return array

    def abstract_methods(self, type_: ObjectType) -> list[ast.MethodDecl]:
        if not isinstance(type_.decl, ast.ExternDecl):
            return []
        return [m for m in type_.decl.methods if m.abstract]

    def _infer_from_methods(self, unifier: Unifier, type_: ObjectType, initializer: ast.BlockStatement | None) -> None:
        """Infers type parameters that no argument determines from the types of the implemented methods."""
        if initializer is None:
            return
        by_name = {s.name.text: s for s in initializer.statements if isinstance(s, ast.FunctionDecl)}
        for method in self.abstract_methods(type_):
            body, wanted = by_name.get(method.name.text), self.cx.program.declared.get(method)
            if body is None or not isinstance(wanted, CallableType) or len(body.params) != len(wanted.params):
                continue
            for param, info in zip(body.params, wanted.params, strict=False):
                if isinstance(info.type, TypeVar) or info.type not in unifier.binding.values():
                    unifier.unify(info.type, self.cx.resolve.resolve(param.type))
            unifier.unify(wanted.returns, self.cx.resolve.resolve(body.return_type))

    def _initializer(self, decl: ast.Instantiation, block: ast.BlockStatement, type_: ObjectType) -> None:
        cx = self.cx
        abstract = {m.name.text: m for m in self.abstract_methods(type_)}
        if type_.kind != "extern":
            cx.error("only an extern object can have a block of methods", block.span)
            return
        binding = dict(zip(cx.type_params.get(type_.decl, ()) if type_.decl else (), type_.args, strict=False))
        done: set[str] = set()
        with cx.block("initializer"):
            cx.scope.add(decl)
            cx.program.declared[decl] = type_
            for item in block.statements:
                if isinstance(item, ast.Instantiation):
                    self.instantiation(item)
                elif isinstance(item, ast.FunctionDecl):
                    self._implementation(item, abstract, binding, type_)
                    done.add(item.name.text)
                else:
                    cx.error("only methods and instances can stand here", item.span)
        for name, method in abstract.items():
            if name not in done and method.annotation("optional") is None:
                cx.error(f'the abstract method "{name}" of {kind_of(type_)} needs an implementation', decl.name.span)

    def _implementation(
        self,
        item: ast.FunctionDecl,
        abstract: dict[str, ast.MethodDecl],
        binding: dict[TypeVar, Type],
        type_: ObjectType,
    ) -> None:
        cx = self.cx
        have = cx.callables.function(item, "method", type_)
        method = abstract.get(item.name.text)
        if method is None:
            cx.error(f'{kind_of(type_)} has no abstract method "{item.name}"', item.name.span)
            return
        wanted = cx.program.declared.get(method)
        if not isinstance(wanted, CallableType) or WRONG in (have.returns, *(p.type for p in have.params)):
            return
        wanted = substitute_callable(wanted, binding)
        # Type parameters of the method itself may be named differently in the implementation.
        wanted = substitute_callable(wanted, dict(zip(wanted.type_params, have.type_params, strict=False)))
        if len(have.params) < len(wanted.params) and all(p.optional for p in wanted.params[len(have.params) :]):
            wanted = replace(wanted, params=wanted.params[: len(have.params)])
        same = wanted.returns == have.returns and [(p.direction, p.type) for p in wanted.params] == [
            (p.direction, p.type) for p in have.params
        ]
        if not same:
            cx.error(
                f'"{item.name}" does not match the abstract method: it must be '
                f"`{wanted.returns} {item.name}({_listed(wanted)})`",
                item.name.span,
                ("the abstract method", method.name.span),
            )

    # ------------------------------------------------------------ Type.apply(...)

    def direct_apply(self, statement: ast.DirectApply) -> None:
        """`C.apply(args);`: an instance without constructor arguments, applied on the spot (14.1)."""
        cx = self.cx
        type_ = cx.resolve.resolve_open(statement.type)
        if type_ is WRONG:
            cx.calls.infer_arguments(statement.args)
            return
        if not isinstance(type_, ObjectType) or type_.kind not in ("parser", "control") or type_.decl is None:
            cx.calls.infer_arguments(statement.args)
            cx.error(f"{kind_of(type_)} can't be applied: only parsers and controls can", statement.type.span)
            return
        constructors = cx.signatures.constructors.get(type_.decl, [])
        if any(not p.optional for c in constructors for p in c.params):
            cx.error(f"{kind_of(type_)} takes constructor arguments: declare an instance of it", statement.type.span)
            return
        wanted = "state" if type_.kind == "parser" else "apply"
        if cx.frame.kind != wanted:
            where = "a state of a parser" if type_.kind == "parser" else "the apply block of a control"
            cx.error(f"a {type_.kind} can only be applied in {where}", statement.span)
            return
        signature = cx.members.apply_of(type_)
        if signature is None:
            return
        declared = cx.type_params.get(type_.decl, ())
        open_ = declared if type_.args == declared else ()
        candidate = CallableType(signature.kind, signature.name, signature.params, VOID, open_, signature.decl)
        info = cx.calls.resolve(statement, [candidate], statement.args, [], type_.name)
        if info is not None:
            types = info.type_args or type_.args
            cx.program.type_refs[statement.type] = ObjectType(type_.kind, type_.name, types, type_.decl)


def _listed(callable_: CallableType) -> str:
    return ", ".join(f"{p.direction} {p.type} {p.name}".strip() for p in callable_.params)
