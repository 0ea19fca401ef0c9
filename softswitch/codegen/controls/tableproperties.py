"""Table properties: size, counters, meters, implementation, idle time-out (v1model)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4front.syntax import ast
from softswitch.codegen import elaborate
from softswitch.codegen.env import Env, ExternObject
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import consteval
from softswitch.codegen.names import annotated_name

if TYPE_CHECKING:
    from softswitch.codegen.controls.tables import TableInstance
    from softswitch.codegen.generator import Generator

DEFAULT_SIZE = 1024
MAX_SIZE = (1 << 31) - 1


@dataclass(frozen=True)
class Properties:
    size: int = DEFAULT_SIZE
    counter: ExternObject | None = None
    meter: ExternObject | None = None
    profile: ExternObject | None = None
    idle_timeout: bool = False


def read(gen: Generator, env: Env, table: TableInstance, prefix: str) -> Properties:
    """The properties that v1model gives a meaning."""
    decl = table.decl
    size = DEFAULT_SIZE
    given = decl.property("size")
    if given is not None:
        size = consteval.require_int(gen, env, given.value, "the size of a table")
        if not 0 <= size <= MAX_SIZE:
            raise refuse(given.value.span, f"the size of a table must be from 0 to {MAX_SIZE}")
    timeout = decl.property("support_timeout")
    return Properties(
        size=size,
        counter=_object(gen, env, table, "counters", ("direct_counter",)),
        meter=_object(gen, env, table, "meters", ("direct_meter",)),
        profile=_object(gen, env, table, "implementation", ("action_profile", "action_selector")),
        idle_timeout=timeout is not None and consteval.evaluate(gen, env, timeout.value) is True,
    )


def _object(gen: Generator, env: Env, table: TableInstance, name: str, kinds: tuple[str, ...]) -> ExternObject | None:
    found = table.decl.property(name)
    if found is None:
        return None
    value = found.value
    if isinstance(value, ast.Call):
        own = annotated_name(found.annotations) or table.name
        obj = elaborate.construct(gen, env, value, own.lstrip("."))
    elif isinstance(value, ast.PathExpr):
        decl = gen.program.refs.get(value)
        obj = env.lookup(decl) if decl is not None else None
    else:
        obj = None
    if not isinstance(obj, ExternObject) or obj.kind not in kinds:
        raise refuse(value.span, f"{name} must be an instance of {' or '.join(kinds)}")
    if obj.users and obj.kind.startswith("direct_"):
        raise refuse(value.span, f"{obj.name} already belongs to table {obj.users[0]}")
    obj.users.append(table.name)
    return obj
