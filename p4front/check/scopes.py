"""Names: nested scopes, shadowing, and the sets of declarations that share one name (6.7, 6.8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from p4front.syntax import ast

TYPE_DECLARATIONS = (
    ast.StructDecl,
    ast.EnumDecl,
    ast.TypedefDecl,
    ast.TypeParameter,
    ast.ExternDecl,
    ast.ParserTypeDecl,
    ast.ControlTypeDecl,
    ast.PackageDecl,
    ast.ParserDecl,
    ast.ControlDecl,
)
"""Declarations whose name may stand where a type is written."""

CALLABLE = (ast.FunctionDecl, ast.ExternFunctionDecl, ast.MethodDecl, ast.ActionDecl)
"""Declarations whose name is called directly; all but actions may share a name with others of their kind."""


class Scope:
    """The names of one block, and a link to the block around it.

    A name maps to the list of its declarations, more than one only for overloads. `pending` holds names whose
    declaration is being checked right now: they can't be used yet, and using one is a recursion.
    """

    __slots__ = ("kind", "names", "parent", "pending")

    def __init__(self, parent: Scope | None, kind: str = "block") -> None:
        self.parent = parent
        self.kind = kind
        self.names: dict[str, list[ast.Declaration]] = {}
        self.pending: dict[str, ast.Declaration] = {}

    def add(self, decl: ast.Declaration) -> None:
        """Makes `decl` visible; the caller has checked that its name is free or that it may be overloaded."""
        self.names.setdefault(decl.name.text, []).append(decl)

    def chain(self) -> Iterator[Scope]:
        """This scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def find(self, name: str, wanted: Callable[[ast.Declaration], bool] | None = None) -> list[ast.Declaration]:
        """Declarations of `name` in the innermost scope that has one (that is `wanted`); empty if there is none."""
        for scope in self.chain():
            found = scope.names.get(name)
            if found:
                if wanted is None:
                    return found
                fitting = [decl for decl in found if wanted(decl)]
                if fitting:
                    return fitting
        return []

    def find_pending(self, name: str) -> ast.Declaration | None:
        """The declaration of `name` that is being checked, if any: a use of it is recursive."""
        return next((scope.pending[name] for scope in self.chain() if name in scope.pending), None)

    def suggest(self, name: str, wanted: Callable[[ast.Declaration], bool] | None = None) -> str:
        """`, did you mean "x"?` for a visible name close to `name`, else the empty string."""
        visible = {
            known
            for scope in self.chain()
            for known, decls in scope.names.items()
            if wanted is None or any(map(wanted, decls))
        }
        close = get_close_matches(name, sorted(visible), n=1, cutoff=0.75)
        return f', did you mean "{close[0]}"?' if close else ""


def is_type(decl: ast.Declaration) -> bool:
    return isinstance(decl, TYPE_DECLARATIONS)


def is_callable(decl: ast.Declaration) -> bool:
    return isinstance(decl, CALLABLE)


def signature_key(decl: ast.Declaration) -> tuple[str, ...] | None:
    """What tells overloads apart: the names of the parameters (of the constructor, for parsers and controls; 6.7.2);
    None if the declaration can't be overloaded."""
    if isinstance(decl, (ast.FunctionDecl, ast.ExternFunctionDecl, ast.MethodDecl, ast.PackageDecl)):
        return tuple(p.name.text for p in decl.params)
    if isinstance(decl, (ast.ParserDecl, ast.ControlDecl)):
        return tuple(p.name.text for p in decl.constructor_params)
    return None
