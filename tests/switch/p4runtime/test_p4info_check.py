"""A P4Info that differs from the program's is refused, whatever the difference; an equivalent one is accepted.

Each field of P4Info is changed wherever it is set, and set where it is not: hundreds of mutants of each program, found
by walking the descriptors. A mutant is refused with the location, or proven harmless: then the switch keeps its own
ids, and every Read works.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from finsy.proto import p4i, p4r

from softswitch.build.program import CompiledPipeline, compile_program
from softswitch.server.errors import Code, Refused
from softswitch.server.program.p4info_check import check_p4info
from tests.switch.controller import EVERYTHING, PROGRAMS, Config, Controller, Running, status

HARMLESS = {"alias", "annotations", "annotation_locations", "structured_annotations", "doc", "pkg_info"}
KINDS = (
    *("table_entry", "register_entry", "counter_entry", "meter_entry", "direct_counter_entry", "direct_meter_entry"),
    *("action_profile_member", "action_profile_group", "value_set_entry", "digest_entry"),
)
NAMES = ("everything", "digests", "named")


@pytest.fixture(scope="module", params=NAMES)
def compiled(request: pytest.FixtureRequest) -> CompiledPipeline:
    return compile_program(PROGRAMS / f"{request.param}.p4")


Mutation = tuple[str, Callable[[], None]]
"""Path of a field, and what changes it in the message that was walked."""


def mutations(message: Any, path: str = "") -> Iterator[Mutation]:
    """All ways in which one field can differ."""
    for field in message.DESCRIPTOR.fields:
        where = f"{path}.{field.name}".lstrip(".")
        value = getattr(message, field.name)
        if field.is_repeated:
            yield from _of_repeated(field, value, where)
        elif field.message_type is not None:
            if message.HasField(field.name):
                yield where, lambda m=message, f=field: m.ClearField(f.name)
                yield from mutations(value, where)
            else:
                yield where, lambda v=value: v.SetInParent()
        else:
            yield from ((where, lambda m=message, f=field, o=o: setattr(m, f.name, o)) for o in _others(field, value))


def _of_repeated(field: Any, value: Any, where: str) -> Iterator[Mutation]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for key in sorted(value):
            yield f"{where}[{key}]", lambda k=key: value.pop(k)
            item = value[key]
            if hasattr(item, "DESCRIPTOR"):
                yield from mutations(item, f"{where}[{key}]")
        if field.message_type.fields_by_name["value"].message_type is not None:
            yield f"{where}[new]", lambda: value["new"].SetInParent()
        return
    for number in range(len(value)):
        yield f"{where}[{number}]", lambda n=number: value.pop(n)
        if field.message_type is not None:
            yield from mutations(value[number], f"{where}[{number}]")
            yield f"{where}[{number}]", lambda n=number: value.append(value[n])
        else:
            for other in _others(field, value[number]):
                yield f"{where}[{number}]", lambda n=number, o=other: value.__setitem__(n, o)
    if field.message_type is not None:
        yield f"{where}[new]", lambda: value.add()
    else:
        yield f"{where}[new]", lambda: value.append(_others(field, None)[0])


def _others(field: Any, value: Any) -> list[Any]:
    if field.enum_type is not None:
        return [number for number in field.enum_type.values_by_number if number != value]
    if field.cpp_type == field.CPPTYPE_STRING:
        return [b"\x01" if field.type == field.TYPE_BYTES else "other"]
    if field.cpp_type == field.CPPTYPE_BOOL:
        return [not value]
    return [other for other in ((value or 0) + 1, (value or 0) // 2, 0, 2**31 - 1) if other != value]


def mutants(info: p4i.P4Info) -> Iterator[tuple[str, p4i.P4Info]]:
    """One message for each mutation: a copy of the message, with the mutation of that number applied."""
    for number, (path, _) in enumerate(mutations(info)):
        copy = p4i.P4Info()
        copy.CopyFrom(info)
        change = next(change for at, (_, change) in enumerate(mutations(copy)) if at == number)
        change()
        yield path, copy


def test_each_mutant_is_refused_or_harmless(compiled: CompiledPipeline) -> None:
    counts = {"refused": 0, "harmless": 0}
    for path, mutant in mutants(compiled.p4info):
        names = {part.partition("[")[0] for part in path.split(".")}
        try:
            check_p4info(mutant, compiled.p4info)
        except Refused as refused:
            assert refused.code == Code.INVALID_ARGUMENT
            assert _last(path) in refused.message, (path, refused.message)
            counts["refused"] += 1
        else:
            assert names & HARMLESS or knows_less(mutant, compiled.p4info), path
            counts["harmless"] += 1
    assert counts["refused"] > 100 and counts["harmless"] > 20, counts


def knows_less(mutant: p4i.P4Info, own: p4i.P4Info) -> bool:
    """Whether the mutant has nothing that `own` lacks, and what both have is the same."""
    part = p4i.P4Info()
    part.CopyFrom(own)
    for table, other in zip(part.tables, mutant.tables, strict=True):
        if not other.HasField("initial_default_action"):
            table.ClearField("initial_default_action")
        table.has_initial_entries = table.has_initial_entries and other.has_initial_entries
    part.ClearField("registers")
    part.registers.extend(r for r in own.registers if r in mutant.registers)
    for field in part.type_info.DESCRIPTOR.fields:
        if not field.is_repeated:
            if not mutant.type_info.HasField(field.name):
                part.type_info.ClearField(field.name)
            continue
        for key in list(getattr(part.type_info, field.name)):
            if key not in getattr(mutant.type_info, field.name):
                getattr(part.type_info, field.name).pop(key)
    if not mutant.HasField("type_info"):
        part.ClearField("type_info")
    return part == mutant


def _last(path: str) -> str:
    """What the message has to name: the last field of the path, or the list of the object that lost its id."""
    return path.removesuffix(".preamble").rpartition(".")[2].partition("[")[0]


def test_with_what_is_taken_every_read_works() -> None:
    """Accepted mutants, all of them at once and some one by one, on a running switch."""
    program, source = compile_program(EVERYTHING), EVERYTHING.read_bytes()
    taken = [m for path, m in mutants(program.p4info) if _is_taken(m, program.p4info)]
    with Running(None) as running, running.controller(1) as c:
        for mutant in random.Random(1).sample(taken, 12):
            push(c, mutant, source)
            c.p4info = program.p4info
            assert read_everything(c) == "OK"


def _is_taken(mutant: p4i.P4Info, own: p4i.P4Info) -> bool:
    try:
        check_p4info(mutant, own)
    except Refused:
        return False
    return True


def push(c: Controller, info: p4i.P4Info, source: bytes) -> None:
    request = Config(device_id=1, action=Config.VERIFY_AND_COMMIT, election_id={"low": 1})
    request.config.p4info.CopyFrom(info)
    request.config.p4_device_config = source
    c.stub.SetForwardingPipelineConfig(request)


def read_everything(c: Controller) -> str:
    request = p4r.ReadRequest(device_id=1)
    for kind in KINDS:
        getattr(request.entities.add(), kind).SetInParent()
    request.entities.add().table_entry.is_default_action = True
    return status(lambda: list(c.stub.Read(request)))


def test_order_and_words_do_not_matter() -> None:
    own = compile_program(EVERYTHING).p4info
    other = p4i.P4Info()
    other.CopyFrom(own)
    other.ClearField("pkg_info")
    for kind in ("tables", "actions", "registers", "counters", "meters", "digests", "action_profiles", "direct_meters"):
        objects = list(getattr(other, kind))
        other.ClearField(kind)
        for item in reversed(objects):
            item.preamble.alias = ""
            item.preamble.annotations.append('@note("x")')
            item.preamble.doc.brief = "something"
            getattr(other, kind).append(item)
    for table in other.tables:
        refs, fields = list(table.action_refs), list(table.match_fields)
        table.ClearField("action_refs")
        table.ClearField("match_fields")
        table.action_refs.extend(reversed(refs))
        table.match_fields.extend(reversed(fields))
        table.ClearField("initial_default_action")
    other.ClearField("registers")
    source = EVERYTHING.read_bytes()
    with Running(None) as running, running.controller(1) as c:
        push(c, other, source)
        assert c.get_config().p4info == other  # what the client sent
        assert read_everything(c) == "OK"


@pytest.mark.parametrize("name", ["everything", "named"])
def test_a_refusal_names_object_and_field(name: str) -> None:
    own = compile_program(PROGRAMS / f"{name}.p4").p4info
    other = p4i.P4Info()
    other.CopyFrom(own)
    other.tables[0].size += 1
    other.actions[0].preamble.name = "nothing"
    with pytest.raises(Refused) as caught:
        check_p4info(other, own)
    table, size = own.tables[0].preamble.name, own.tables[0].size
    assert f"tables {table}, size is {size + 1}, the program's is {size}" in caught.value.message
    assert f"actions {own.actions[0].preamble.name}, preamble, name is 'nothing'" in caught.value.message


def test_the_p4info_of_another_program_is_refused(tmp_path: Path) -> None:
    other = compile_program(PROGRAMS / "digests.p4").p4info
    with Running(None) as running, running.controller(1) as c:
        assert status(lambda: push(c, other, EVERYTHING.read_bytes())) == "INVALID_ARGUMENT"
