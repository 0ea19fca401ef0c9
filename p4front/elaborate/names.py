"""Control-plane names (P4_16 18.3.2, P4Runtime specification 6.1.2), by the rule of p4c's front end.

An object's name is its own, or what `@name` says, after the name of the instance around it: "MyIngress.sub.t". A name
with a leading dot starts at the root.
"""

from __future__ import annotations

from collections.abc import Sequence

from p4front.program import Program
from p4front.syntax import ast
from p4front.syntax.annotations import text_argument
from p4front.types.types import EnumType, NewType, SerEnumType, StructType


def annotated_name(annotations: Sequence[ast.Annotation]) -> str | None:
    """The text of `@name("...")`, None without one. Old programs leave the quotes out."""
    text = text_argument(annotations, "name")
    if text is not None:
        return text
    annotation = next((a for a in annotations if a.name == "name"), None)
    return annotation.tokens[0].strip('"') if annotation is not None and annotation.tokens else None


def own_name(decl: ast.Declaration) -> str:
    """The last part of a declaration's control-plane name; one with a leading dot is the whole name."""
    return annotated_name(decl.annotations) or decl.name.text


def join_name(prefix: str, own: str) -> str:
    """The control-plane name of what is called `own` inside the instance `prefix` ("" at the top level)."""
    if own.startswith("."):
        return own[1:]
    return f"{prefix}.{own}" if prefix else own


def top_names(program: Program) -> set[str]:
    """Names of the program's top-level declarations."""
    return {d.name.text for d in program.syntax.declarations if isinstance(d, ast.Declaration)}


def block_name(decl: ast.ParserDecl | ast.ControlDecl, taken: set[str]) -> str:
    """First part of the names inside a parser or control of the package: its own identifier (not its `@name`). With
    constructor parameters p4c makes a copy of it under a new name; that is added to `taken`."""
    name = decl.name.text
    if not decl.constructor_params:
        return name
    number = 0
    while f"{name}_{number}" in taken:
        number += 1
    taken.add(f"{name}_{number}")
    return f"{name}_{number}"


def type_name(type_: StructType | EnumType | SerEnumType | NewType) -> str:
    """The control plane's name of a declared type: `@name`, else its own."""
    given = annotated_name(type_.decl.annotations) if type_.decl is not None else None
    return (given or type_.name).removeprefix(".")
