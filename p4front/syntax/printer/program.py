"""The syntax tree as readable P4_16 text. Parsing the text gives an equal tree (`same_tree`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from p4front.syntax import ast
from p4front.syntax.parser.program import deep_recursion
from p4front.syntax.printer.expressions import (
    annotations_text,
    arguments_text,
    expression_text,
    keyset_text,
    type_text,
)
from p4front.text.includes import LIBRARY, LIBRARY_VERSION

_INDENT = "    "
_PLACES = frozenset(["span", "raw"])


def print_program(program: ast.P4Program, *, includes: bool = True) -> str:
    """The whole program. With `includes`, what comes from our own core.p4 and v1model.p4 is printed as `#include`s."""
    parts: list[str] = []
    seen: set[str] = set()
    with deep_recursion():
        for node in program.declarations:
            path = Path(node.span.file.path)
            if includes and path.parent == LIBRARY:
                if _version(node) not in (None, LIBRARY_VERSION):
                    parts.insert(0, f"#define V1MODEL_VERSION {_version(node)}")
                if path.name not in seen:
                    parts.append(f"#include <{path.name}>")
                seen.add(path.name)
            else:
                parts.append("\n".join(_Printer().node(node)))
    return "\n\n".join(parts) + "\n"


def node_text(node: ast.Node) -> str:
    """One declaration or statement, without a line break at its end."""
    with deep_recursion():
        return "\n".join(_Printer().node(node))


def same_tree(left: ast.Node, right: ast.Node) -> bool:
    """Whether two trees are equal but for places and the raw text of annotations."""
    pending: list[tuple[Any, Any]] = [(left, right)]
    while pending:
        a, b = pending.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, ast.Node):
            pending += [(getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.name not in _PLACES]
        elif isinstance(a, list):
            if len(a) != len(b):
                return False
            pending += zip(a, b, strict=True)
        elif a != b:
            return False
    return True


def _version(node: ast.Node) -> str | None:
    """The architecture's version, if `node` is the constant that says it."""
    if isinstance(node, ast.ConstantDecl) and node.name.text == "__v1model_version":
        return expression_text(node.value)
    return None


def _indented(lines: Iterable[str]) -> list[str]:
    return [_INDENT + line if line else line for line in lines]


def _braced(head: str, body: Iterable[str], tail: str = "}") -> list[str]:
    """`head {`, the indented body, `}`; on one line if there is no body."""
    lines = _indented(body)
    return [f"{head} {{", *lines, tail] if lines else [f"{head} {{{tail}"]


class _Printer:
    """Gives each node's lines, without indentation."""

    def node(self, node: ast.Node) -> list[str]:
        method: Callable[[Any], list[str]] = getattr(self, f"_{type(node).__name__}")
        notes = annotations_text(node.annotations) if isinstance(node, (ast.Declaration, ast.BlockStatement)) else ""
        lines = method(node)
        lines[0] = notes + lines[0]
        return lines

    def nodes(self, nodes: Iterable[ast.Node]) -> list[str]:
        return [line for node in nodes for line in self.node(node)]

    # ------------------------------------------------------------ parts

    def _params(self, params: Sequence[ast.Parameter]) -> str:
        texts = []
        for p in params:
            default = "" if p.default is None else f" = {expression_text(p.default)}"
            direction = f"{p.direction} " if p.direction else ""
            texts.append(f"{annotations_text(p.annotations)}{direction}{type_text(p.type)} {p.name.text}{default}")
        return f"({', '.join(texts)})"

    def _type_params(self, params: Sequence[ast.TypeParameter]) -> str:
        return f"<{', '.join(p.name.text for p in params)}>" if params else ""

    def _members(self, members: Sequence[ast.EnumMember]) -> list[str]:
        texts = [m.name.text + ("" if m.value is None else f" = {expression_text(m.value)}") for m in members]
        return [text + "," for text in texts[:-1]] + texts[-1:]

    # ------------------------------------------------------------ declarations

    def _ConstantDecl(self, node: ast.ConstantDecl) -> list[str]:
        return [f"const {type_text(node.type)} {node.name.text} = {expression_text(node.value)};"]

    def _VariableDecl(self, node: ast.VariableDecl) -> list[str]:
        return [f"{self._variable(node)};"]

    def _variable(self, node: ast.VariableDecl) -> str:
        init = "" if node.init is None else f" = {expression_text(node.init)}"
        return f"{type_text(node.type)} {node.name.text}{init}"

    def _Instantiation(self, node: ast.Instantiation) -> list[str]:
        head = f"{type_text(node.type)}{arguments_text(node.args)} {node.name.text}"
        if node.initializer is None:
            return [f"{head};"]
        return _braced(f"{head} =", self.nodes(node.initializer.statements), "};")

    def _StructDecl(self, node: ast.StructDecl) -> list[str]:
        body = [f"{annotations_text(f.annotations)}{type_text(f.type)} {f.name.text};" for f in node.fields]
        return _braced(f"{node.kind} {node.name.text}{self._type_params(node.type_params)}", body)

    def _EnumDecl(self, node: ast.EnumDecl) -> list[str]:
        underlying = "" if node.underlying is None else f"{type_text(node.underlying)} "
        return _braced(f"enum {underlying}{node.name.text}", self._members(node.members))

    def _ErrorDecl(self, node: ast.ErrorDecl) -> list[str]:
        return _braced("error", self._members(node.members))

    def _MatchKindDecl(self, node: ast.MatchKindDecl) -> list[str]:
        return _braced("match_kind", self._members(node.members))

    def _TypedefDecl(self, node: ast.TypedefDecl) -> list[str]:
        word = "type" if node.new_type else "typedef"
        lines = [type_text(node.target)] if isinstance(node.target, ast.TypeRef) else self.node(node.target)
        lines[0] = f"{word} {lines[0]}"
        lines[-1] += f" {node.name.text};"
        return lines

    def _method(self, node: ast.MethodDecl | ast.ExternFunctionDecl | ast.FunctionDecl) -> str:
        returns = "" if node.return_type is None else f"{type_text(node.return_type)} "
        return f"{returns}{node.name.text}{self._type_params(node.type_params)}{self._params(node.params)}"

    def _MethodDecl(self, node: ast.MethodDecl) -> list[str]:
        return [f"{'abstract ' if node.abstract else ''}{self._method(node)};"]

    def _ExternDecl(self, node: ast.ExternDecl) -> list[str]:
        return _braced(f"extern {node.name.text}{self._type_params(node.type_params)}", self.nodes(node.methods))

    def _ExternFunctionDecl(self, node: ast.ExternFunctionDecl) -> list[str]:
        return [f"extern {self._method(node)};"]

    def _FunctionDecl(self, node: ast.FunctionDecl) -> list[str]:
        return self._with_block(self._method(node), node.body)

    def _ActionDecl(self, node: ast.ActionDecl) -> list[str]:
        return self._with_block(f"action {node.name.text}{self._params(node.params)}", node.body)

    def _PackageDecl(self, node: ast.PackageDecl) -> list[str]:
        return [f"package {self._typed(node)};"]

    def _typed(
        self, node: ast.PackageDecl | ast.ParserTypeDecl | ast.ControlTypeDecl | ast.ParserDecl | ast.ControlDecl
    ) -> str:
        return f"{node.name.text}{self._type_params(node.type_params)}{self._params(node.params)}"

    def _ParserTypeDecl(self, node: ast.ParserTypeDecl) -> list[str]:
        return [f"parser {self._typed(node)};"]

    def _ControlTypeDecl(self, node: ast.ControlTypeDecl) -> list[str]:
        return [f"control {self._typed(node)};"]

    def _ParserDecl(self, node: ast.ParserDecl) -> list[str]:
        constructor = self._params(node.constructor_params) if node.constructor_params else ""
        return _braced(f"parser {self._typed(node)}{constructor}", self.nodes([*node.locals, *node.states]))

    def _ControlDecl(self, node: ast.ControlDecl) -> list[str]:
        constructor = self._params(node.constructor_params) if node.constructor_params else ""
        body = self.nodes(node.locals) + self._with_block("apply", node.apply_)
        return _braced(f"control {self._typed(node)}{constructor}", body)

    def _ValueSetDecl(self, node: ast.ValueSetDecl) -> list[str]:
        return [f"value_set<{type_text(node.element)}>({expression_text(node.size)}) {node.name.text};"]

    # ------------------------------------------------------------ parser states

    def _ParserState(self, node: ast.ParserState) -> list[str]:
        body = self.nodes(node.statements)
        transition = node.transition
        if transition is not None and transition.target is not None:
            body.append(f"transition {transition.target.text};")
        elif transition is not None and transition.select is not None:
            keys = ", ".join(expression_text(key) for key in transition.select.keys)
            cases = [f"{keyset_text(case.keyset)}: {case.target.text};" for case in transition.select.cases]
            body += _braced(f"transition select({keys})", cases)
        return _braced(f"state {node.name.text}", body)

    # ------------------------------------------------------------ tables

    def _TableDecl(self, node: ast.TableDecl) -> list[str]:
        body: list[str] = []
        if node.keys is not None:
            keys = [
                f"{expression_text(k.expr)}: {k.match_kind.text} {annotations_text(k.annotations)}".rstrip() + ";"
                for k in node.keys
            ]
            body += _braced("key =", keys)
        body += _braced("actions =", [f"{annotations_text(a.annotations)}{self._action(a)};" for a in node.actions])
        if node.default_action is not None:
            const = "const " if node.default_const else ""
            notes = annotations_text(node.default_action.annotations)
            body.append(f"{notes}{const}default_action = {self._action(node.default_action)};")
        if node.entries or node.entries_const:
            const = "const " if node.entries_const else ""
            body += _braced(f"{const}entries =", [self._entry(entry) for entry in node.entries])
        body += self.nodes(node.properties)
        return _braced(f"table {node.name.text}", body)

    def _action(self, node: ast.ActionRef) -> str:
        args = "" if node.args is None else arguments_text(node.args)
        return f"{'.' if node.absolute else ''}{node.name.text}{args}"

    def _entry(self, node: ast.TableEntry) -> str:
        const = "const " if node.const else ""
        priority = ""
        if isinstance(node.priority, ast.IntLiteral):
            priority = f"priority = {expression_text(node.priority)}: "
        elif node.priority is not None:
            priority = f"priority = ({expression_text(node.priority)}): "
        notes = f" {annotations_text(node.annotations)}".rstrip()
        return f"{const}{priority}{keyset_text(node.keyset)}: {self._action(node.action)}{notes};"

    def _TableProperty(self, node: ast.TableProperty) -> list[str]:
        return [f"{'const ' if node.const else ''}{node.name.text} = {expression_text(node.value)};"]

    # ------------------------------------------------------------ statements

    def _with_block(self, head: str, block: ast.Node) -> list[str]:
        """`head {`, the statements, `}`; `head` and an indented line for what is no block."""
        if not isinstance(block, ast.BlockStatement):
            return [head, *_indented(self.node(block))]
        notes = annotations_text(block.annotations).rstrip()
        return _braced(f"{head} {notes}".rstrip(), self.nodes(block.statements))

    def _BlockStatement(self, node: ast.BlockStatement) -> list[str]:
        body = self.nodes(node.statements)
        return ["{", *_indented(body), "}"] if body else ["{}"]

    def _EmptyStatement(self, node: ast.EmptyStatement) -> list[str]:
        return [";"]

    def _Assignment(self, node: ast.Assignment) -> list[str]:
        return [f"{self._simple(node)};"]

    def _CallStatement(self, node: ast.CallStatement) -> list[str]:
        return [f"{self._simple(node)};"]

    def _DirectApply(self, node: ast.DirectApply) -> list[str]:
        return [f"{self._simple(node)};"]

    def _simple(self, node: ast.Node) -> str:
        """A statement without its `;`, as the head of a loop takes it."""
        if isinstance(node, ast.Assignment):
            return f"{expression_text(node.target)} {node.op} {expression_text(node.value)}"
        if isinstance(node, ast.CallStatement):
            return expression_text(node.call)
        if isinstance(node, ast.DirectApply):
            return f"{type_text(node.type)}.apply{arguments_text(node.args)}"
        if isinstance(node, ast.VariableDecl):
            return annotations_text(node.annotations) + self._variable(node)
        raise TypeError(f"a {type(node).__name__} cannot stand in the head of a loop")

    def _If(self, node: ast.If) -> list[str]:
        then: ast.Node = node.then
        if node.otherwise is not None and _ends_in_if(then):
            then = ast.BlockStatement(then.span, [then])
        lines = self._with_block(f"if ({expression_text(node.cond)})", then)
        if node.otherwise is None:
            return lines
        if isinstance(node.otherwise, ast.If):
            otherwise = self._If(node.otherwise)
            otherwise[0] = f"else {otherwise[0]}"
        else:
            otherwise = self._with_block("else", node.otherwise)
        if lines[-1] == "}":
            return [*lines[:-1], f"}} {otherwise[0]}", *otherwise[1:]]
        return lines + otherwise

    def _Switch(self, node: ast.Switch) -> list[str]:
        body: list[str] = []
        for case in node.cases:
            label = f"{keyset_text(case.label)}:"
            body += [label] if case.body is None else self._with_block(label, case.body)
        return _braced(f"switch ({expression_text(node.subject)})", body)

    def _Return(self, node: ast.Return) -> list[str]:
        return ["return;" if node.value is None else f"return {expression_text(node.value)};"]

    def _Exit(self, node: ast.Exit) -> list[str]:
        return ["exit;"]

    def _Break(self, node: ast.Break) -> list[str]:
        return ["break;"]

    def _Continue(self, node: ast.Continue) -> list[str]:
        return ["continue;"]

    def _For(self, node: ast.For) -> list[str]:
        init = ", ".join(self._simple(item) for item in node.init)
        update = ", ".join(self._simple(item) for item in node.update)
        head = f"{annotations_text(node.annotations)}for ({init}; {expression_text(node.cond)}; {update})"
        return self._with_block(head, node.body)

    def _ForIn(self, node: ast.ForIn) -> list[str]:
        variable = "" if node.variable is None else self._simple(node.variable)
        if node.target is not None:
            variable = expression_text(node.target)
        head = f"{annotations_text(node.annotations)}for ({variable} in {expression_text(node.collection)})"
        return self._with_block(head, node.body)


def _ends_in_if(node: ast.Node) -> bool:
    """Whether an `else` after this statement would belong to an `if` inside of it."""
    while isinstance(node, (ast.If, ast.For, ast.ForIn)):
        if not isinstance(node, ast.If):
            node = node.body
        elif node.otherwise is None:
            return True
        else:
            node = node.otherwise
    return False
