"""Whether a P4Info is that of a program: field by field, against the one that the front end makes of it.

What means nothing to the switch may differ: annotations and documentation, aliases, the package's own description, the
order of objects. What older compilers leave out may be missing, and so may registers and named types, since p4c leaves
out a register whose type is behind a typedef. Such a client knows less of the program, and nothing that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from finsy.proto import p4i
from google.protobuf.message import Message

from softswitch.server.errors import invalid

Field: TypeAlias = Any
"""A field's descriptor: protobuf's stubs name several classes for it."""
_FREE = frozenset(("alias", "annotations", "annotation_locations", "structured_annotations", "doc", "pkg_info"))
_MAY_LACK = frozenset(("initial_default_action", "has_initial_entries", "type_info", "error"))
"""The first two are of tables, and younger than the rest of P4Info."""
_MAY_BE_MISSING = ("registers", "type_info")
_SETS = frozenset(("direct_resource_ids", "table_ids"))
_MAX_SHOWN = 8
MAX_GROUPS = 65_535
"""Multicast groups of the switch."""


def check_p4info(given: p4i.P4Info, own: p4i.P4Info) -> None:
    """`own`: the program's. Raises Refused (INVALID_ARGUMENT) that names each object and field that differs."""
    found = list(_differences(given, own, "P4Info"))
    wanted = given.pkg_info.platform_properties.multicast_group_table_size
    if wanted > MAX_GROUPS:
        found.append(f"pkg_info, platform_properties, multicast_group_table_size is {wanted}; {MAX_GROUPS} are there")
    if found:
        more = [f"and {len(found) - _MAX_SHOWN} more"] if len(found) > _MAX_SHOWN else []
        raise invalid("the P4Info is not the program's: " + "; ".join([*found[:_MAX_SHOWN], *more]))


def _differences(given: Message, own: Message, where: str) -> Iterator[str]:
    for field in own.DESCRIPTOR.fields:
        if field.name in _FREE:
            continue
        path = f"{where}, {field.name}" if where != "P4Info" else field.name
        before, now = getattr(own, field.name), getattr(given, field.name)
        if field.is_repeated:
            yield from _repeated(field, now, before, path)
        elif field.has_presence and given.HasField(field.name) != own.HasField(field.name):
            if not (field.name in _MAY_LACK and own.HasField(field.name)):
                yield f"{path} is {'given' if given.HasField(field.name) else 'missing'}"
        elif field.message_type is not None:
            if not field.has_presence or own.HasField(field.name):
                yield from _differences(now, before, path)
        elif now != before and not (field.name in _MAY_LACK and not now):
            yield f"{path} is {_shown(field, now)}, the program's is {_shown(field, before)}"


def _repeated(field: Field, given: Any, own: Any, path: str) -> Iterator[str]:
    if field.message_type is None:
        sort = sorted if field.name in _SETS else list
        if sort(given) != sort(own):
            yield f"{path} is {_listed(given)}, the program's is {_listed(own)}"
    elif field.message_type.GetOptions().map_entry:
        yield from _maps(field, given, own, path)
    elif key := _key_of(field):
        yield from _keyed(given, own, key, path)
    elif len(given) != len(own):
        yield f"{path} has {len(given)} members, the program's has {len(own)}"
    else:
        for number, (now, before) in enumerate(zip(given, own, strict=True)):
            yield from _differences(now, before, f"{path} {getattr(before, 'name', '') or number}")


def _maps(field: Field, given: Any, own: Any, path: str) -> Iterator[str]:
    yield from _keys(given, own, path, {})
    for name in own:
        if name in given:
            if isinstance(own[name], Message):
                yield from _differences(given[name], own[name], f"{path} {name}")
            elif given[name] != own[name]:
                yield f"{path} {name} is {given[name]}, the program's is {own[name]}"


def _keyed(given: Sequence[Message], own: Sequence[Message], key: Callable[[Any], int], path: str) -> Iterator[str]:
    """Objects that have an id: their order does not matter."""
    now, before = {key(item): item for item in given}, {key(item): item for item in own}
    if len(now) != len(given):
        numbers = [key(item) for item in given]
        yield f"{path} has id {next(n for n in numbers if numbers.count(n) > 1):#x} twice"
    yield from _keys(now, before, path, {n: _name(item) for n, item in (now | before).items()})
    for number, item in before.items():
        if number in now:
            yield from _differences(now[number], item, f"{path} {_name(item) or hex(number)}")


def _keys(given: Any, own: Any, path: str, names: dict[int, str]) -> Iterator[str]:
    for key in sorted(given.keys() - own.keys()):
        yield f"{path}: {_object(key, names)} is none of the program's"
    for key in () if path.startswith(_MAY_BE_MISSING) else sorted(own.keys() - given.keys()):
        yield f"{path}: {_object(key, names)} is missing"


def _object(key: int | str, names: dict[int, str]) -> str:
    return key if isinstance(key, str) else f"{names[key]} (id {key:#x})".lstrip()


def _key_of(field: Field) -> Callable[[Any], int] | None:
    assert field.message_type is not None
    fields = field.message_type.fields_by_name
    if "preamble" in fields:
        return lambda item: int(item.preamble.id)
    return (lambda item: int(item.id)) if "id" in fields else None


def _name(item: Any) -> str:
    return str(item.preamble.name if hasattr(item, "preamble") else getattr(item, "name", ""))


def _shown(field: Field, value: Any) -> str:
    if field.enum_type is not None and value in field.enum_type.values_by_number:
        return str(field.enum_type.values_by_number[value].name)
    return hex(value) if field.name == "id" or field.name.endswith("_id") else repr(value)


def _listed(values: Any) -> str:
    return f"[{', '.join(str(value) for value in list(values)[:10])}{', ...' if len(values) > 10 else ''}]"
