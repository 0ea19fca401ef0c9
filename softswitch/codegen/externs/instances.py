"""Registers, counters, meters and profiles as the pipeline describes them, within what memory can hold."""

from __future__ import annotations

from p4front.elaborate.objects import ExternObject
from p4front.text.source import P4Error
from softswitch.codegen.errors import refuse
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.model import CounterInfo, ProfileInfo, RegisterInfo, cell_bytes

MAX_CELLS = 1 << 28
"""Most cells of one register, counter or meter array."""

MAX_BYTES = 1 << 30
"""Most bytes of one register array."""

_WITHOUT_ARRAY = ("direct_counter", "direct_meter", "Checksum16")


def describe(unit: TranslationUnit) -> None:
    """Fills the generator's lists, and numbers the objects by their place there."""
    for clash in unit.elaboration.clashes:
        unit.report(P4Error(clash))
    for obj in unit.elaboration.externs():
        try:
            _describe(unit, obj)
        except P4Error as error:
            unit.report(error)


def _describe(unit: TranslationUnit, obj: ExternObject) -> None:
    if obj.kind == "register":
        unit.numbers[obj] = len(unit.registers)
        unit.registers.append(_register(unit, obj))
    elif obj.kind in ("counter", "meter"):
        infos = unit.counters if obj.kind == "counter" else unit.meters
        unit.numbers[obj] = len(infos)
        infos.append(CounterInfo(obj.name, len(infos), _cells(obj), kind_number(obj)))
    elif obj.kind in ("action_profile", "action_selector"):
        unit.numbers[obj] = len(unit.profiles)
        unit.profiles.append(ProfileInfo(obj.name, len(unit.profiles), _cells(obj), obj.kind == "action_selector"))
        unit.profile_objects.append(obj)
    elif obj.kind not in _WITHOUT_ARRAY:
        raise refuse(obj.decl.span, f"extern {obj.kind} is not part of v1model")


def _register(unit: TranslationUnit, obj: ExternObject) -> RegisterInfo:
    width, cells = obj.width, _cells(obj)
    if width is None:
        raise refuse(obj.decl.span, f"a register cannot hold values of type {obj.cell}")
    if width == 0:
        raise refuse(obj.decl.span, "a register's cell needs at least one bit")
    if cells * cell_bytes(width) > MAX_BYTES:
        raise refuse(obj.decl.span, f"a register takes at most {MAX_BYTES} bytes")
    unit.layout.need_limbs(width)
    leaves = obj.leaves if len(obj.leaves) > 1 else ()
    return RegisterInfo(obj.name, len(unit.registers), cells, width, obj.signed, cell_bytes(width), leaves)


def _cells(obj: ExternObject) -> int:
    if obj.size is None or obj.size > MAX_CELLS:
        raise refuse(obj.decl.span, f"the size must be a compile-time integer from 0 to {MAX_CELLS}")
    return obj.size


def kind_number(obj: ExternObject | None) -> int:
    """CounterType or MeterType as a number: 0 packets, 1 bytes, 2 both."""
    value = obj.arguments.get("type") if obj is not None else None
    member = value.rsplit(".", 1)[-1] if isinstance(value, str) else "packets"
    return {"packets": 0, "bytes": 1, "packets_and_bytes": 2}.get(member, 0)
