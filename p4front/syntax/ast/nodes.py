"""What every node of the tree has; names, annotations, and the base of expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from p4front.text.source import Span


@dataclass(eq=False, slots=True)
class Node:
    span: Span

    def children(self) -> Iterator[Node]:
        """Direct child nodes in source order."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, list):
                yield from (item for item in value if isinstance(item, Node))

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in source order."""
        pending: list[Node] = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(list(node.children())))


@dataclass(eq=False, slots=True)
class Name(Node):
    """A declared or used identifier with its place."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False, slots=True)
class Expr(Node):
    """Base of all expressions."""


@dataclass(eq=False, slots=True)
class KeyValue(Node):
    key: Name
    value: Expr


@dataclass(eq=False, slots=True)
class Annotation(Node):
    """`@name`, `@name(body)` or `@name[...]`. Exactly one form of the body is filled: `tokens` holds the raw text of an
    unstructured body; `exprs`/`pairs` hold it parsed where it parses as an expression or key-value list."""

    name: str
    tokens: list[str] = field(default_factory=list)
    exprs: list[Expr] = field(default_factory=list)
    pairs: list[KeyValue] = field(default_factory=list)
    structured: bool = False
    raw: str = ""  # source text between the brackets
