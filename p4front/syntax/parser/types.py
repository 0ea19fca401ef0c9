"""Types as written, type arguments and type parameters (specification section 7.1 and appendix G)."""

from __future__ import annotations

from p4front.syntax import ast
from p4front.syntax.parser.base import TYPE, TYPE_KEYWORDS, Cursor
from p4front.text.lexer import IDENT, NAME_KINDS, SHIFT_START, Token


class TypeParser(Cursor):
    """Parses what may stand where a type is written."""

    def type_ref(self) -> ast.TypeRef:
        """A type, with the sizes of header stacks."""
        start = self.token
        self.enter()
        found = self.array_suffix(self._simple_type(), start)
        self.depth -= 1
        return found

    def array_suffix(self, type_ref: ast.TypeRef, start: Token | None = None) -> ast.TypeRef:
        """The sizes after a type that began at `start`, or after a name: `T name[4]` is an older `T[4] name`."""
        depth = self.depth
        while self.accept("["):
            self.enter()
            size = self.expression()
            self.expect("]", "after the size")
            type_ref = ast.StackType(type_ref.span if start is None else self.since(start), type_ref, size)
        self.depth = depth
        return type_ref

    def _simple_type(self) -> ast.TypeRef:
        start = self.token
        kind = start.kind
        if kind in ("bit", "int", "varbit"):
            self.pos += 1
            width = None
            if self.accept("<"):
                width = self.expression(inside_angles=True)
                self.close_angle("the width")
            elif kind == "varbit":
                self.fail("expected '<' and the largest width after 'varbit'")
            name = "integer" if kind == "int" and width is None else kind
            return ast.BaseType(self.since(start), name, width)
        if kind in ("tuple", "list"):
            self.pos += 1
            args = self.type_arguments(f"the types of the {kind}")
            if kind == "tuple":
                return ast.TupleType(self.since(start), args)
            if len(args) != 1:
                self.report(f"a list has one element type, not {len(args)}", self.since(start))
            return ast.ListType(self.since(start), args[0] if args else ast.DontCareType(start.span))
        if kind in TYPE_KEYWORDS:
            if kind == "void":
                self.fail("expected a type other than 'void'")
            self.pos += 1
            return ast.BaseType(start.span, kind)
        if kind in (IDENT, "."):
            return self.named_type()
        self.fail("expected a type")

    def named_type(self) -> ast.NamedType | ast.SpecializedType:
        start = self.token
        absolute = self.accept(".")
        name = self.name("a type's name")
        named = ast.NamedType(self.since(start), name, absolute)
        if self.kind != "<":
            return named
        args = self.type_arguments("the type arguments")
        return ast.SpecializedType(self.since(start), named, args)

    def type_arguments(self, what: str) -> list[ast.TypeRef]:
        """`<A, bit<8>, _>`"""
        self.expect("<", f"before {what}")
        found: list[ast.TypeRef] = []
        while self.kind not in (">", SHIFT_START):
            found.append(self._type_argument())
            if not self.accept(","):
                break
        self.close_angle(what)
        return found

    def _type_argument(self) -> ast.TypeRef:
        start = self.token
        if self.kind == "_":
            self.pos += 1
            return ast.DontCareType(start.span)
        if self.kind == "void":
            self.pos += 1
            return ast.BaseType(start.span, "void")
        if self.kind in NAME_KINDS and self.kind not in (IDENT, "list"):
            name = self.name("a type")
            return ast.NamedType(start.span, name)
        return self.type_ref()

    def type_or_void(self) -> ast.TypeRef:
        """A function's return type."""
        if self.kind == "void":
            token = self.take()
            return ast.BaseType(token.span, "void")
        return self.type_ref()

    def type_parameters(self) -> list[ast.TypeParameter]:
        """`<T, U>` if it stands here; declares the names as types."""
        if not self.accept("<"):
            return []
        found: list[ast.TypeParameter] = []
        while True:
            start = self.token
            name = self.name("a type parameter's name")
            found.append(ast.TypeParameter(start.span, name))
            if not self.accept(","):
                break
        self.close_angle("the type parameters")
        for parameter in found:
            self.declare(parameter.name, TYPE)
        return found
