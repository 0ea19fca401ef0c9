"""Expressions and keysets (specification section 8 and appendix G)."""

from __future__ import annotations

from p4front.syntax import ast
from p4front.syntax.parser.base import GENERIC, MAX_NESTING, TYPE_KEYWORDS
from p4front.syntax.parser.types import TypeParser
from p4front.text.lexer import IDENT, INT, NAME_KINDS, SHIFT_START, STRING, Token, integer
from p4front.text.source import Reporter

_LEVELS = ("||", "&&", "== !=", "< > <= >=", "|", "^", "&", "<< >>", "++ + - |+| |-|", "* / %")
PRECEDENCE = {op: level for level, ops in enumerate(_LEVELS, 1) for op in ops.split()}
_ABOVE_SHIFT_RIGHT = frozenset([">", ">=", SHIFT_START])
_VALUE_STARTS = frozenset([IDENT, INT, STRING, "{", "true", "false", "this"])


class ExpressionParser(TypeParser):
    """Parses expressions by precedence climbing. What a `<` or a `(` means depends on which names are types."""

    def __init__(self, tokens: list[Token], reporter: Reporter) -> None:
        super().__init__(tokens, reporter)
        self._no_type_args: set[int] = set()
        self._no_cast: set[int] = set()
        self._closing: dict[int, int] | None = None

    # ------------------------------------------------------------ expressions

    def expression(self, inside_angles: bool = False) -> ast.Expr:
        """Any expression; `..` and `&&&` only stand in keysets. `inside_angles`: a `>` ends it, as in `bit<W>`."""
        start = self.token
        self.enter()
        left = self._binary(1, inside_angles)
        if self.accept("?"):
            then = self.expression()
            self.expect(":", "in the conditional expression")
            otherwise = self.expression(inside_angles)
            left = ast.Ternary(self.since(start), left, then, otherwise)
        self.depth -= 1
        return left

    def _binary(self, lowest: int, inside_angles: bool = False) -> ast.Expr:
        start = self.token
        left = self._unary()
        operators = 0
        while True:
            kind = self.kinds[self.pos]
            level = PRECEDENCE.get(kind, 0)
            if level < lowest or (inside_angles and kind in _ABOVE_SHIFT_RIGHT):
                return left
            operators += 1
            if operators > 2 * MAX_NESTING:
                self.stop(f"more than {2 * MAX_NESTING} operators in one expression")
            self.pos += 1
            if kind == SHIFT_START:
                self.pos += 1
            right = self._binary(level + 1, inside_angles)
            left = ast.Binary(self.since(start), kind, left, right)

    def _unary(self) -> ast.Expr:
        start = self.token
        kind = start.kind
        if kind in ("!", "~", "-", "+"):
            self.enter()
            self.pos += 1
            operand = self._unary()
            self.depth -= 1
            return ast.Unary(self.since(start), kind, operand)
        if kind == "(":
            cast_type = self._cast_type()
            if cast_type is not None:
                self.enter()
                operand = self._unary()
                self.depth -= 1
                return ast.Cast(self.since(start), cast_type, operand)
        return self._postfix()

    def _cast_type(self) -> ast.TypeRef | None:
        """Takes `(type)` if that is what stands here."""
        kind = self.ahead(1)
        if kind in TYPE_KEYWORDS:
            if kind == "error" and self.ahead(2) == ".":
                return None
        elif kind == IDENT and not self.is_type_name(1):
            unknown = self.lookup(self.tokens[self.pos + 1].text) is None
            if not (unknown and self.ahead(2) == ")" and self.ahead(3) in _VALUE_STARTS):
                return None
        elif kind not in (IDENT, "."):
            return None
        at = self.pos
        if at in self._no_cast:
            return None

        def parse() -> ast.TypeRef:
            self.pos += 1
            found = self.type_ref()
            self.expect(")", "after the cast's type")
            return found

        if kind in TYPE_KEYWORDS:
            return parse()
        found = self.attempt(parse)
        if found is None:
            self._no_cast.add(at)
        return found

    def _postfix(self) -> ast.Expr:
        start = self.token
        return self.postfix_of(self.primary(), start)

    def postfix_of(self, left: ast.Expr, start: Token, statement: bool = False) -> ast.Expr:
        """Member accesses, indices, slices and calls after `left`, which began at `start`. In a statement `<` always
        begins type arguments."""
        if isinstance(left, ast.TypeNameExpr) and self.kind not in (".", "("):
            self.fail("expected '.' or '(' after a type's name")
        links = 0
        while True:
            kind = self.kinds[self.pos]
            if kind == ".":
                self.pos += 1
                member = self.name("a member's name after '.'")
                left = ast.Member(self.since(start), left, member)
            elif kind == "[":
                left = self._index(left, start)
            elif kind == "(":
                args = self.arguments()
                left = ast.Call(self.since(start), left, [], args)
            elif kind == "<" and isinstance(left, (ast.PathExpr, ast.Member)):
                type_args = self.type_arguments("a call's type arguments") if statement else self._call_type_args(left)
                if type_args is None:
                    return left
                args = self.arguments()
                left = ast.Call(self.since(start), left, type_args, args)
            else:
                return left
            links += 1
            if links > 2 * MAX_NESTING:
                self.stop(f"more than {2 * MAX_NESTING} links in one expression")

    def _index(self, left: ast.Expr, start: Token) -> ast.Expr:
        self.expect("[", "here")
        index = self.expression()
        if self.accept(":"):
            low = self.expression()
            self.expect("]", "after the slice")
            return ast.Slice(self.since(start), left, index, low)
        if self.accept("+:"):
            width = self.expression()
            self.expect("]", "after the slice")
            return ast.PlusSlice(self.since(start), left, index, width)
        self.expect("]", "after the index")
        return ast.Index(self.since(start), left, index)

    def _call_type_args(self, callee: ast.Expr) -> list[ast.TypeRef] | None:
        """Takes `<types>` if a call's `(` follows; else `<` is a comparison. As in p4c, the first type argument must be
        known as a type, unless the callee is known to be generic."""
        at = self.pos
        if at in self._no_type_args:
            return None
        if isinstance(callee, ast.PathExpr):
            generic = bool((self.lookup(callee.name.text) or 0) & GENERIC)
        else:
            generic = isinstance(callee, ast.Member) and callee.member.text in self.generic_methods
        if not generic and not self._type_starts_at(1):
            return None

        def parse() -> list[ast.TypeRef]:
            found = self.type_arguments("type arguments")
            if self.kind != "(":
                self.fail("expected '('")
            return found

        found = self.attempt(parse)
        if found is None:
            self._no_type_args.add(at)
        return found

    def _type_starts_at(self, distance: int) -> bool:
        kind = self.ahead(distance)
        return (
            kind in TYPE_KEYWORDS
            or kind == "_"
            or self.is_type_name(distance)
            or (kind == "." and self.is_global_type_name(distance + 1))
        )

    def primary(self) -> ast.Expr:
        """A literal, a name, a list in braces or an expression in brackets."""
        token = self.token
        kind = token.kind
        if kind == INT:
            return self.int_literal()
        if kind == IDENT or kind == "." or (kind in NAME_KINDS and kind != "list"):
            return self._path()
        if kind == "{":
            return self._braces()
        if kind == "(":
            self.pos += 1
            inner = self.expression()
            self.expect(")", "after the expression in brackets")
            return inner
        self.pos += 1
        if kind in ("true", "false"):
            return ast.BoolLiteral(token.span, kind == "true")
        if kind == STRING:
            return ast.StringLiteral(token.span, token.text[1:-1])
        if kind == "this":
            return ast.PathExpr(token.span, ast.Name(token.span, "this"))
        if kind == "{#}":
            return ast.InvalidExpr(token.span)
        if kind == "...":
            return ast.DefaultExpr(token.span)
        if kind == "error" and self.kind == ".":
            return ast.TypeNameExpr(token.span, ast.BaseType(token.span, "error"))
        self.pos -= 1
        self.fail("expected an expression")

    def _path(self) -> ast.Expr:
        """A name, perhaps with a leading dot: a value, or a type (as in `Enum.member` or a constructor call)."""
        if self.at_type():
            named = self.named_type()
            return ast.TypeNameExpr(named.span, named)
        start = self.token
        absolute = self.accept(".")
        name = self.name("a name")
        return ast.PathExpr(self.since(start), name, absolute)

    def int_literal(self) -> ast.IntLiteral:
        token = self.expect(INT, "here")
        try:
            value, width, signed, base = integer(token.text)
        except ValueError:
            self.report(f"{token.describe()} is not a number", token.span)
            value, width, signed, base = 0, None, False, 10
        return ast.IntLiteral(token.span, value, width, signed, base)

    def _braces(self) -> ast.Expr:
        """`{ a, b }`, `{ f = a, g = b }`, either with a trailing `...` or comma."""
        start = self.take()
        items: list[ast.Expr] = []
        fields: list[ast.KeyValue] = []
        has_default = False
        while self.kind != "}":
            if has_default:
                self.fail("expected '}' after '...'")
            if self.kind == "..." and self.ahead(1) in (",", "}"):
                self.pos += 1
                has_default = True
            elif not items and self.kind in NAME_KINDS and self.ahead(1) == "=":
                fields.append(self.key_value())
            elif fields:
                self.fail("expected 'name = value' like the fields before it")
            else:
                items.append(self.expression())
            if not self.accept(","):
                break
        self.close(start, "after the list of values")
        if fields:
            return ast.StructExpr(self.since(start), fields, has_default)
        return ast.ListExpr(self.since(start), items, has_default)

    def key_value(self) -> ast.KeyValue:
        start = self.token
        key = self.name("a field's name")
        self.expect("=", "after the field's name")
        value = self.expression()
        return ast.KeyValue(self.since(start), key, value)

    def arguments(self) -> list[ast.Argument]:
        """`(a, name = b, _)`"""
        self.expect("(", "before the arguments")
        found: list[ast.Argument] = []
        while self.kind != ")":
            found.append(self._argument())
            if not self.accept(","):
                break
            if self.kind == ")":
                self.fail("expected an argument after ','")
        self.expect(")", "after the arguments")
        return found

    def _argument(self) -> ast.Argument:
        start = self.token
        name = None
        if self.kind in NAME_KINDS and self.ahead(1) == "=":
            name = self.name("a parameter's name")
            self.pos += 1
        if self.kind == "_":
            token = self.take()
            return ast.Argument(self.since(start), ast.DontCare(token.span), name)
        value = self.expression()
        return ast.Argument(self.since(start), value, name)

    # ------------------------------------------------------------ keysets

    def keyset(self) -> ast.Expr:
        """What a select case or a table entry matches: one simple keyset, or several in brackets."""
        if self.kind != "(" or self.after_brackets(0) != ":":
            return self._simple_keyset()
        start = self.take()
        items = [self._simple_keyset()]
        while self.accept(","):
            items.append(self._simple_keyset())
        self.expect(")", "after the keysets")
        plain = not isinstance(items[0], (ast.DontCare, ast.DefaultExpr)) and not (
            isinstance(items[0], ast.Binary) and items[0].op in ("&&&", "..")
        )
        if len(items) == 1 and plain:
            return items[0]
        return ast.KeysetTuple(self.since(start), items)

    def _simple_keyset(self) -> ast.Expr:
        start = self.token
        if self.kind == "default":
            self.pos += 1
            return ast.DefaultExpr(start.span)
        if self.kind == "_":
            self.pos += 1
            return ast.DontCare(start.span)
        left = self.expression()
        if self.kind in ("&&&", ".."):
            op = self.take().kind
            right = self.expression()
            return ast.Binary(self.since(start), op, left, right)
        return left

    def after_brackets(self, distance: int) -> str:
        """Kind of the token after the `)` that closes the `(` which is `distance` tokens ahead; "" without one."""
        closing = self.closing_bracket(self.pos + distance)
        return "" if closing is None else self.kinds[closing + 1]

    def closing_bracket(self, at: int) -> int | None:
        """Index of the `)` that closes the `(` at an index."""
        if self._closing is None:
            self._closing = {}
            opened: list[int] = []
            for i, kind in enumerate(self.kinds):
                if kind == "(":
                    opened.append(i)
                elif kind == ")" and opened:
                    self._closing[opened.pop()] = i
        return self._closing.get(at)
