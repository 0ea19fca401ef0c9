"""Declarations: types, externs, parsers, controls, actions, functions, instances (sections 7, 12 to 16, appendix G)."""

from __future__ import annotations

from p4front.syntax import ast
from p4front.syntax.parser.base import GENERIC, TYPE
from p4front.syntax.parser.statements import StatementParser
from p4front.text.lexer import IDENT, NAME_KINDS, Token

_MISPLACED = {
    "table": "a table can only be declared inside a control",
    "state": "a state can only be declared inside a parser",
    "apply": "an apply block can only stand inside a control",
    "value_set": "a value set can only be declared inside a parser",
}
_STATEMENT_WORDS = frozenset(["if", "for", "switch", "return", "exit", "break", "continue", "transition", "else"])


class DeclarationParser(StatementParser):
    """Parses what may stand at the top level of a program, except parsers', controls' and tables' bodies."""

    def type_flags(self, type_params: list[ast.TypeParameter]) -> int:
        return TYPE | (GENERIC if type_params else 0)

    # ------------------------------------------------------------ parameters

    def parameters(self) -> list[ast.Parameter]:
        """`(in T x, out U y = e)`; declares the names."""
        self.expect("(", "before the parameters")
        found: list[ast.Parameter] = []
        while self.kind != ")":
            found.append(self._parameter())
            if not self.accept(","):
                break
            if self.kind == ")":
                self.fail("expected a parameter after ','")
        self.expect(")", "after the parameters")
        for parameter in found:
            self.declare(parameter.name)
        return found

    def _parameter(self) -> ast.Parameter:
        start = self.token
        notes = self.annotations()
        direction = self.take().kind if self.kind in ("in", "out", "inout") else ""
        type_ref = self.type_ref()
        name = self.name("a parameter's name after its type")
        type_ref = self.array_suffix(type_ref)
        default = self.expression() if self.accept("=") else None
        return ast.Parameter(self.since(start), name, direction, type_ref, default, annotations=notes)

    # ------------------------------------------------------------ types

    def struct(self, start: Token, notes: list[ast.Annotation]) -> ast.StructDecl:
        """A struct, header or header_union."""
        kind = self.take().kind
        what = kind.replace("_", " ")
        name = self.name(f"a {what}'s name")
        self.declare(name, TYPE | GENERIC)
        with self.scope():
            type_params = self.type_parameters()
            opened = self.expect("{", f"to begin the fields of the {what}")
            fields = list(self.items(self._struct_field, "}"))
        self.close(opened, f"at the end of the {what}")
        return ast.StructDecl(self.since(start), name, kind, type_params, fields, annotations=notes)

    def _struct_field(self) -> ast.StructField:
        start = self.token
        notes = self.annotations()
        type_ref = self.type_ref()
        name = self.name("a field's name after its type")
        type_ref = self.array_suffix(type_ref)
        self.expect(";", "after the field")
        return ast.StructField(self.since(start), name, type_ref, annotations=notes)

    def enum(self, start: Token, notes: list[ast.Annotation]) -> ast.EnumDecl:
        """`enum E { A, B }` or `enum bit<8> E { A = 1, B = 2 }`"""
        self.pos += 1
        underlying = None if self.kind in NAME_KINDS and self.ahead(1) == "{" else self.type_ref()
        name = self.name("an enum's name")
        self.declare(name, TYPE)
        members = self._members(name.text, with_values=underlying is not None)
        return ast.EnumDecl(self.since(start), name, underlying, members, annotations=notes)

    def _members(self, owner: str, with_values: bool = False) -> list[ast.EnumMember]:
        opened = self.expect("{", f"to begin the members of '{owner}'")
        found: list[ast.EnumMember] = []
        while self.kind in NAME_KINDS:
            start = self.token
            name = self.name("a member")
            value = None
            if with_values:
                self.expect("=", f"and a value after '{name.text}', since the enum has an underlying type")
                value = self.expression()
            elif self.kind == "=":
                self.fail(f"'{owner}' has no underlying type, so its members have no values; expected ',' or '}}'")
            found.append(ast.EnumMember(self.since(start), name, value))
            if not self.accept(","):
                break
        if not found or (owner == "error" and self.tokens[self.pos - 1].kind == ","):
            self.fail(f"expected a member of '{owner}'")
        self.close(opened, f"after the members of '{owner}'")
        return found

    def error_or_match_kind(self, start: Token) -> ast.Node:
        token = self.take()
        members = self._members(token.kind)
        node = ast.ErrorDecl if token.kind == "error" else ast.MatchKindDecl
        return node(self.since(start), ast.Name(token.span, token.kind), members)

    def typedef(self, start: Token, notes: list[ast.Annotation]) -> ast.TypedefDecl:
        """`typedef T name;` or `type T name;`"""
        word = self.take().kind
        inner_start = self.token
        target: ast.TypeRef | ast.StructDecl | ast.EnumDecl
        inner_notes = self.annotations() if word == "typedef" else []
        if word == "typedef" and self.kind in ("struct", "header", "header_union"):
            target = self.struct(inner_start, inner_notes)
        elif word == "typedef" and self.kind == "enum":
            target = self.enum(inner_start, inner_notes)
        else:
            target = self.type_ref()
        name = self.name("the new type's name")
        if isinstance(target, ast.TypeRef):
            target = self.array_suffix(target)
        self.expect(";", f"after the {word}")
        self.declare(name, TYPE | GENERIC)
        return ast.TypedefDecl(self.since(start), name, target, word == "type", annotations=notes)

    # ------------------------------------------------------------ externs

    def extern(self, start: Token, notes: list[ast.Annotation]) -> ast.Node | None:
        """An extern object or function; None for a forward declaration."""
        self.pos += 1
        if self.kind in NAME_KINDS:
            after = self._after_angles(1) if self.ahead(1) == "<" else self.ahead(1)
            if after == "{":
                return self._extern_object(start, notes)
            if after == ";" and self.ahead(1) == ";":
                self.declare(self.name("an extern's name"), TYPE | GENERIC)
                self.pos += 1
                return None
        method = self._prototype(start, notes)
        if method.return_type is None:
            self.fail("expected an extern function's return type")
        self.expect(";", "after the extern function")
        return ast.ExternFunctionDecl(
            self.since(start), method.name, method.return_type, method.type_params, method.params, annotations=notes
        )

    def _extern_object(self, start: Token, notes: list[ast.Annotation]) -> ast.ExternDecl:
        name = self.name("an extern object's name")
        self.declare(name, TYPE | GENERIC)
        with self.scope():
            type_params = self.type_parameters()
            opened = self.expect("{", "to begin the extern's methods")
            methods = list(self.items(lambda: self._method(name.text), "}"))
        self.close(opened, "at the end of the extern")
        return ast.ExternDecl(self.since(start), name, type_params, methods, annotations=notes)

    def _method(self, owner: str) -> ast.MethodDecl:
        start = self.token
        notes = self.annotations()
        if self.kind in NAME_KINDS and self.ahead(1) == "(":
            name = self.name("a constructor")
            if name.text != owner:
                self.report(f"expected a return type before '{name.text}', or a constructor '{owner}'", name.span)
            with self.scope():
                params = self.parameters()
            self.expect(";", "after the constructor")
            return ast.MethodDecl(self.since(start), name, None, [], params, annotations=notes)
        abstract = self.accept("abstract")
        method = self._prototype(start, notes)
        self.expect(";", "after the method")
        method.abstract = abstract
        method.span = self.since(start)
        if method.type_params:
            self.generic_methods.add(method.name.text)
        return method

    def _prototype(self, start: Token, notes: list[ast.Annotation]) -> ast.MethodDecl:
        """`R name<T>(parameters)`; the parameters' names are forgotten again."""
        returns = self.type_or_void()
        name = self.name("a function's name after its return type")
        with self.scope():
            type_params = self.type_parameters()
            params = self.parameters()
        self.declare(name, GENERIC if type_params else 0)
        return ast.MethodDecl(self.since(start), name, returns, type_params, params, annotations=notes)

    # ------------------------------------------------------------ functions, actions, packages, instances

    def action(self, start: Token, notes: list[ast.Annotation]) -> ast.ActionDecl:
        self.pos += 1
        name = self.name("an action's name")
        self.declare(name)
        with self.scope():
            params = self.parameters()
            body = self.block()
        return ast.ActionDecl(self.since(start), name, params, body, annotations=notes)

    def package(self, start: Token, notes: list[ast.Annotation]) -> ast.PackageDecl:
        self.pos += 1
        name = self.name("a package's name")
        with self.scope():
            type_params = self.type_parameters()
            params = self.parameters()
        self.declare(name, self.type_flags(type_params))
        self.expect(";", "after the package")
        return ast.PackageDecl(self.since(start), name, type_params, params, annotations=notes)

    def function(self, start: Token, notes: list[ast.Annotation], returns: ast.TypeRef) -> ast.FunctionDecl:
        """The rest of a function after its return type."""
        name = self.name("a function's name after its return type")
        if self.kind in ("=", ";", "["):
            message = f"the variable '{name.text}' cannot be declared here: make it 'const', or move it into a block"
            self.fail(message, token=self.tokens[self.pos - 1])
        self.declare(name)
        with self.scope():
            type_params = self.type_parameters()
            if type_params:
                self._scopes[-2][name.text] = GENERIC
            params = self.parameters()
            body = self.block()
        return ast.FunctionDecl(self.since(start), name, returns, type_params, params, body, annotations=notes)

    def instantiation(self, start: Token, notes: list[ast.Annotation], type_ref: ast.TypeRef) -> ast.Instantiation:
        """The rest of `T(args) name = { ... };` after the type."""
        args = self.arguments()
        name = self.name("an instance's name after its arguments")
        type_ref = self.array_suffix(type_ref)
        initializer = None
        if self.accept("="):
            block_start = self.token
            opened = self.expect("{", "to begin the instance's functions")
            with self.scope():
                members: list[ast.Node] = list(self.items(self._initializer_member, "}"))
            self.close(opened, "after the instance's functions")
            initializer = ast.BlockStatement(self.since(block_start), members)
        self.expect(";", f"after the instance '{name.text}'")
        self.declare(name)
        return ast.Instantiation(self.since(start), name, type_ref, args, initializer, annotations=notes)

    def _initializer_member(self) -> ast.Node:
        start = self.token
        return self.function_or_instance(start, self.annotations())

    def function_or_instance(self, start: Token, notes: list[ast.Annotation]) -> ast.Node:
        kind = self.kind
        if kind in _MISPLACED:
            self.fail(_MISPLACED[kind], token=self.token)
        if kind in _STATEMENT_WORDS:
            self.fail(f"'{kind}' can only stand in the body of an action, a function or a control", token=self.token)
        if kind != IDENT and not self.at_type():
            self.fail("expected a declaration")
        type_ref = self.type_or_void()
        if self.kind == "(":
            return self.instantiation(start, notes, type_ref)
        return self.function(start, notes, type_ref)
