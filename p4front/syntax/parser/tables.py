"""Tables and their properties (specification section 14.2)."""

from __future__ import annotations

from collections.abc import Callable

from p4front.syntax import ast
from p4front.syntax.parser.base import Result
from p4front.syntax.parser.declarations import DeclarationParser
from p4front.text.lexer import NAME_KINDS, Token
from p4front.text.source import Span


class TableParser(DeclarationParser):
    """Parses tables."""

    def table(self, start: Token, notes: list[ast.Annotation]) -> ast.TableDecl:
        self.pos += 1
        name = self.name("a table's name")
        self.declare(name)
        opened = self.expect("{", "to begin the table's properties")
        table = ast.TableDecl(start.span, name, None, [], None, False, [], False, [], annotations=notes)
        seen: dict[str, Span] = {}
        for _ in self.items(lambda: self._property(table, seen), "}"):
            pass
        if "actions" not in seen and self.kind == "}" and not self.reporter.errors:
            self.report(f"the table '{name.text}' has no 'actions' property", name.span)
        self.close(opened, "at the end of the table")
        table.span = self.since(start)
        return table

    def _property(self, table: ast.TableDecl, seen: dict[str, Span]) -> None:
        start = self.token
        notes = self.annotations()
        const = self.accept("const")
        if self.kind not in NAME_KINDS or self.kind == "list":
            self.fail("expected a table's property (key, actions, default_action, entries, size, ...)")
        name = self.name("a property's name")
        if name.text in seen:
            self.reporter.error(
                f"the table '{table.name.text}' has two '{name.text}' properties",
                name.span,
                ("the first is here", seen[name.text]),
            )
        seen[name.text] = name.span
        self.expect("=", f"after '{name.text}'")
        if name.text in ("key", "actions") and (notes or const):
            self.report(f"'{name.text}' takes no annotations and no 'const'", start.span)
        # The order is that of the preprocessed text: places in two files cannot be compared (14.2.1.3, 14.2.1.4).
        if name.text == "key" and table.entries:
            self.report("the entries of a table stand after its key", table.entries[0].span)
        if name.text == "actions" and table.default_action is not None:
            message = "the default action of a table stands after its list of actions"
            self.report(message, table.default_action.span)
        if name.text == "key":
            table.keys = self._braced(self._key_element, "the key")
        elif name.text == "actions":
            table.actions = self._braced(self._listed_action, "the actions")
        elif name.text == "entries":
            table.entries = self._braced(self._entry, "the entries")
            table.entries_const = const
        elif name.text == "default_action":
            table.default_action = self.action_ref(notes)
            table.default_const = const
            self.expect(";", "after the default action")
        else:
            value = self.expression()
            self.expect(";", f"after the value of '{name.text}'")
            table.properties.append(ast.TableProperty(self.since(start), name, value, const, annotations=notes))

    def _key_element(self) -> ast.KeyElement:
        start = self.token
        expr = self.expression()
        self.expect(":", "and a match kind after the key's expression")
        match_kind = self.name("a match kind after ':'")
        notes = self.annotations()
        self.expect(";", "after the key's match kind")
        return ast.KeyElement(self.since(start), expr, match_kind, notes)

    def _listed_action(self) -> ast.ActionRef:
        found = self.action_ref(self.annotations())
        self.expect(";", f"after the action '{found.name.text}'")
        return found

    def action_ref(self, notes: list[ast.Annotation]) -> ast.ActionRef:
        """`a`, `.a` or `a(x, y)`"""
        start = self.token
        absolute = self.accept(".")
        name = self.name("an action's name")
        args = self.arguments() if self.kind == "(" else None
        return ast.ActionRef(self.since(start), name, absolute, args, notes)

    def _entry(self) -> ast.TableEntry:
        start = self.token
        const = self.accept("const")
        priority = None
        if self.kind == "priority" and self.ahead(1) == "=":
            self.pos += 2
            if self.accept("("):
                priority = self.expression()
                self.expect(")", "after the priority")
            else:
                priority = self.int_literal()
            self.expect(":", "after the priority")
        keyset = self.keyset()
        self.expect(":", "and an action after the entry's keys")
        action = self.action_ref([])
        notes = self.annotations()
        self.expect(";", "after the entry")
        return ast.TableEntry(self.since(start), keyset, action, notes, const, priority)

    def _braced(self, parse: Callable[[], Result], what: str) -> list[Result]:
        opened = self.expect("{", f"to begin {what}")
        found = list(self.items(parse, "}"))
        self.close(opened, f"at the end of {what}")
        return found
