"""What each part of the checker asks of the others: `context` has one of each, `program` fills them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from p4front.check.arguments import Matched
from p4front.program import BoundArg, CallInfo
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.constants import FoldError
from p4front.types.types import CallableType, ObjectType, Type, TypeVar
from p4front.types.unify import Unifier

ApplyDecl = ast.ParserDecl | ast.ControlDecl | ast.ParserTypeDecl | ast.ControlTypeDecl
"""What has run-time parameters for its apply."""


class Types(Protocol):
    """Written types to types (`resolve_types`)."""

    def resolve(self, ref: ast.TypeRef, dont_care: bool = False) -> Type: ...

    def resolve_open(self, ref: ast.TypeRef) -> Type: ...

    def find(self, ref: ast.NamedType, report: bool = True) -> ast.Declaration | None: ...

    def argument(self, ref: ast.TypeRef) -> Type: ...

    def specialize(self, base: Type, args: tuple[Type, ...], ref: ast.TypeRef) -> Type: ...

    def small_enough(self, type_: Type, span: Span) -> bool: ...


class TypeArguments(Protocol):
    """Type arguments of calls, written or inferred (`infer_types`)."""

    def specialize(
        self, callable_: CallableType, matched: Matched, type_args: Sequence[ast.TypeRef], span: Span
    ) -> tuple[CallableType, tuple[Type, ...]] | None: ...

    def unify(self, unifier: Unifier, matched: Matched, span: Span) -> bool: ...

    def complete(
        self,
        unifier: Unifier,
        params: tuple[TypeVar, ...],
        matched: Matched,
        name: str,
        span: Span,
        may_stay_open: tuple[TypeVar, ...] = (),
    ) -> bool: ...


class Conversions(Protocol):
    """Implicit conversion to the type that a place needs (`convert`)."""

    def check(self, expr: ast.Expr, target: Type, wording: str = ...) -> bool: ...

    def convert(self, expr: ast.Expr, target: Type, wording: str = ...) -> bool: ...

    def mismatch(self, expr: ast.Expr, have: Type, target: Type, wording: str) -> bool: ...

    def possible(self, expr: ast.Expr, target: Type) -> bool: ...

    def underlying(self, expr: ast.Expr) -> Type: ...

    def is_number(self, type_: Type) -> bool: ...


class Expressions(Protocol):
    """Types and compile-time values of expressions (`expressions`)."""

    def raw(self, expr: ast.Expr) -> Type: ...

    def infer(self, expr: ast.Expr) -> Type: ...

    def constant_int(self, expr: ast.Expr, what: str) -> int | None: ...

    def condition(self, expr: ast.Expr, what: str) -> None: ...

    def copy_facts(self, source: ast.Expr, target: ast.Expr) -> None: ...


class Operators(Protocol):
    """Unary, binary and ternary operators (`operators`)."""

    def unary(self, expr: ast.Unary) -> Type: ...

    def binary(self, expr: ast.Binary) -> Type: ...

    def ternary(self, expr: ast.Ternary) -> Type: ...

    def arithmetic(self, expr: ast.Expr, op: str, left: ast.Expr, right: ast.Expr) -> Type: ...

    def shift(self, expr: ast.Expr, op: str, left: ast.Expr, right: ast.Expr) -> Type: ...

    def result(self, expr: ast.Expr, type_: Type, *operands: ast.Expr) -> Type: ...

    def fold_error(self, expr: ast.Expr, error: FoldError) -> Type: ...

    def fold_set(self, expr: ast.Binary) -> None: ...


class Casts(Protocol):
    """Explicit casts, and slices (`casts`)."""

    def cast(self, expr: ast.Expr, ref: ast.TypeRef, operand: ast.Expr) -> Type: ...

    def slice(self, expr: ast.Slice) -> Type: ...

    def plus_slice(self, expr: ast.PlusSlice) -> Type: ...


class Members(Protocol):
    """`a.b` and `a[i]` (`members`)."""

    def member(self, expr: ast.Member, called: bool = False) -> Type: ...

    def index(self, expr: ast.Index) -> Type: ...

    def methods(self, base: ObjectType, name: str) -> list[CallableType]: ...

    def apply_of(self, base: ObjectType) -> CallableType | None: ...

    def block_notes(self, want: Type, have: Type) -> list[tuple[str, Span | None]]: ...


class Calls(Protocol):
    """Calls: the overload, its type arguments, its arguments (`calls`)."""

    def call(self, expr: ast.Call) -> Type: ...

    def resolve(
        self,
        node: ast.Node,
        candidates: Sequence[CallableType],
        args: Sequence[ast.Argument],
        type_args: Sequence[ast.TypeRef],
        name: str,
        object_: ast.Expr | None = None,
    ) -> CallInfo | None: ...

    def choose(
        self, candidates: Sequence[CallableType], args: Sequence[ast.Argument], name: str, span: Span
    ) -> tuple[CallableType, Matched] | None: ...

    def infer_arguments(self, args: Sequence[ast.Argument]) -> bool: ...

    def check_arguments(self, callable_: CallableType, matched: Matched) -> tuple[BoundArg, ...] | None: ...


class Instances(Protocol):
    """Instances of externs, parsers, controls and packages (`instances`)."""

    def instantiation(self, decl: ast.Instantiation) -> None: ...

    def constructor_call(self, expr: ast.Call, type_: Type) -> Type: ...

    def direct_apply(self, statement: ast.DirectApply) -> None: ...

    def close(self, expr: ast.Expr, have: ObjectType, target: ObjectType) -> None: ...


class Statements(Protocol):
    """Statements (`statements`)."""

    def statement(self, node: ast.Node) -> None: ...

    def body(self, block: ast.BlockStatement) -> None: ...

    def always_leaves(self, node: ast.Node | None) -> bool: ...


class Declarations(Protocol):
    """Declarations, of the program and inside of others (`declarations`)."""

    @property
    def error_members(self) -> Mapping[str, ast.EnumMember]: ...

    @property
    def match_kind_members(self) -> Mapping[str, ast.EnumMember]: ...

    def top_level(self, node: ast.Node) -> None: ...

    def local(self, node: ast.Node) -> None: ...


class Callables(Protocol):
    """Signatures and bodies of what can be called (`callables`)."""

    @property
    def compile_time_params(self) -> Set[ast.Node]: ...

    def type_parameters(self, decl: ast.Declaration, params: Sequence[ast.TypeParameter]) -> tuple[TypeVar, ...]: ...

    def apply_signature(self, decl: ApplyDecl, kind: str) -> None: ...

    def constructor(self, decl: ast.ParserDecl | ast.ControlDecl, type_: ObjectType) -> None: ...

    def extern(self, decl: ast.ExternDecl) -> None: ...

    def extern_function(self, decl: ast.ExternFunctionDecl) -> None: ...

    def function(
        self, decl: ast.FunctionDecl, frame_kind: str = "function", this: Type | None = None
    ) -> CallableType: ...

    def action(self, decl: ast.ActionDecl) -> None: ...

    def block_type(self, decl: ast.ParserTypeDecl | ast.ControlTypeDecl) -> None: ...

    def package(self, decl: ast.PackageDecl) -> None: ...

    def control(self, decl: ast.ControlDecl) -> None: ...


class Tables(Protocol):
    """Tables (`tables`)."""

    def table(self, decl: ast.TableDecl) -> None: ...


class Keysets(Protocol):
    """Keysets of select cases and of entries (`keysets`)."""

    def fit_all(self, keyset: ast.Expr, types: Sequence[Type], what: str, constant: bool = True) -> bool: ...


class Parsers(Protocol):
    """Parsers and their states (`parsers`)."""

    def parser(self, decl: ast.ParserDecl) -> None: ...
