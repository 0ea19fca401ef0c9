"""Ids and aliases of P4Info objects (P4Runtime specification 6.3, and the rule by which p4c chooses the rest).

An object's id is its kind's prefix in the top byte and 24 bits below it: of `@id`, else of the Jenkins one-at-a-time
hash of its name. Equal hashes go to the next free number, in the order of names, so ids do not depend on the order of
declarations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from enum import IntEnum

from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error

MASK_32 = 0xFFFFFFFF


class Kind(IntEnum):
    """Top byte of an id (P4Ids.Prefix of p4info.proto)."""

    ACTION = 0x01
    TABLE = 0x02
    VALUE_SET = 0x03
    CONTROLLER_HEADER = 0x04
    ACTION_PROFILE = 0x11
    COUNTER = 0x12
    DIRECT_COUNTER = 0x13
    METER = 0x14
    DIRECT_METER = 0x15
    REGISTER = 0x16
    DIGEST = 0x17


def one_at_a_time(text: str) -> int:
    """Jenkins's one-at-a-time hash of the UTF-8 bytes of `text`, 32 bits."""
    value = 0
    for byte in text.encode():
        value = (value + byte) & MASK_32
        value = (value + (value << 10)) & MASK_32
        value ^= value >> 6
    value = (value + (value << 3)) & MASK_32
    value ^= value >> 11
    return (value + (value << 15)) & MASK_32


def stable_id(kind: Kind, name: str) -> int:
    """The id of an object without `@id` whose hash is unique."""
    return kind << 24 | one_at_a_time(name) & 0xFFFFFF


class SymbolTable:
    """All objects of a program: first `add` each, then ask for `id` and `alias`."""

    def __init__(self) -> None:
        self._explicit: dict[tuple[Kind, str], int | None] = {}
        self._ids: dict[tuple[Kind, str], int] = {}
        self._suffix_uses: dict[tuple[str, ...], int] = defaultdict(int)
        self._names: set[str] = set()

    def add(self, kind: Kind, name: str, decl: ast.Declaration | None = None) -> None:
        """Adds an object; the same name of the same kind again changes nothing. `decl` may carry `@id`."""
        if (kind, name) in self._explicit:
            return
        self._explicit[kind, name] = self._explicit_id(kind, decl)
        if name not in self._names:
            self._names.add(name)
            parts = name.split(".")
            for start in range(len(parts)):
                self._suffix_uses[tuple(parts[start:])] += 1

    def _explicit_id(self, kind: Kind, decl: ast.Declaration | None) -> int | None:
        number = explicit_id(decl.annotations) if decl is not None else None
        if number is None or decl is None:
            return None
        if number >> 24 not in (0, kind):
            raise P4Error(Diagnostic(f"@id({number}) has the wrong prefix for this kind of object", decl.span))
        number |= kind << 24
        if number in self._explicit.values():
            raise P4Error(Diagnostic(f"@id({number}) is given to two objects", decl.span))
        return number

    def _assign(self) -> None:
        self._ids = {key: number for key, number in self._explicit.items() if number is not None}
        taken = set(self._ids.values())
        for kind, name in sorted(key for key, number in self._explicit.items() if number is None):
            value = one_at_a_time(name)
            while (number := kind << 24 | value & 0xFFFFFF) in taken:
                value += 1
            taken.add(number)
            self._ids[kind, name] = number

    def id(self, kind: Kind, name: str) -> int:
        if len(self._ids) != len(self._explicit):
            self._assign()
        return self._ids[kind, name]

    def alias(self, name: str) -> str:
        """The shortest suffix, in whole components, that no other object's name ends with."""
        parts = name.split(".")
        for start in range(len(parts) - 1, -1, -1):
            if self._suffix_uses[tuple(parts[start:])] < 2:
                return ".".join(parts[start:])
        return name


def explicit_id(annotations: Sequence[ast.Annotation]) -> int | None:
    """The number of `@id(n)`, None without one."""
    for annotation in annotations:
        if annotation.name == "id" and annotation.exprs and isinstance(annotation.exprs[0], ast.IntLiteral):
            return annotation.exprs[0].value
    return None


def field_ids(annotated: Sequence[Sequence[ast.Annotation]]) -> list[int]:
    """Ids of match fields, parameters or metadata by their annotations: `@id`, else the position from 1, moved on past
    those already taken."""
    explicit = [explicit_id(annotations) for annotations in annotated]
    taken = {number for number in explicit if number is not None}
    result = []
    index = 1
    for number in explicit:
        if number is not None:
            index += 1
            result.append(number)
            continue
        while index in taken:
            index += 1
        taken.add(index)
        result.append(index)
    return result
