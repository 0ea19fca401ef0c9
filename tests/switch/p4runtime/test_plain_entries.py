"""Writing plain entries in a batch is like writing them one by one: the same entries, the same errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from finsy.proto import p4r
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.build.program import compile_text
from softswitch.dataplane.switch import Switch
from softswitch.server.device import batches
from softswitch.server.device.device import Device
from softswitch.server.errors import Refused
from tests.switch.scene import program

LOCALS = """
    action set(bit<9> port, bit<70> wide) { std.egress_spec = port; }
    action drop() { mark_to_drop(std); }
    table exacts { key = { hdr.h.a: exact; hdr.h.wide: exact; } actions = { set; drop; @defaultonly NoAction; }
                   size = 4; support_timeout = true; }
    table prefixes { key = { hdr.h.wide: lpm; } actions = { set; drop; } }
    table masks { key = { hdr.h.a: ternary; hdr.h.b: optional; hdr.h.c: range; } actions = { set; drop; } }
"""
TEXT = program(
    fields="bit<8> a; bit<8> b; bit<8> c; bit<8> d; bit<72> wide;",
    locals=LOCALS,
    ingress="exacts.apply(); prefixes.apply(); masks.apply();",
)
FIELDS = {"exacts": ("exact", "exact"), "prefixes": ("lpm",), "masks": ("ternary", "optional", "range")}


@pytest.fixture(scope="module")
def devices() -> Iterator[tuple[Device, Device]]:
    """Two switches with the same program."""
    compiled = compile_text(TEXT, "plain.p4")
    with Switch() as one, Switch() as other:
        made = Device(one, 1), Device(other, 1)
        for device in made:
            device.install(compiled, TEXT.encode())
        yield made


numbers = st.one_of(
    st.integers(0, 5).map(lambda n: bytes([n])), st.sampled_from((b"", b"\0\1", b"\xff\xff", b"\x40" + bytes(8)))
)


@st.composite
def updates(draw: st.DrawFn, device: Device) -> p4r.Update:
    """Mostly valid updates, with each kind of mistake now and then."""
    assert device.active is not None
    p4info = device.active.p4info
    name = draw(st.sampled_from(sorted(FIELDS)))
    update = p4r.Update(type=draw(st.sampled_from((1, 1, 1, 1, 2, 3, 0))))  # type: ignore[arg-type]
    entry = update.entity.table_entry
    entry.table_id = next(t.preamble.id for t in p4info.tables if t.preamble.alias == name)
    for number, kind in enumerate(FIELDS[name], 1):
        if draw(st.integers(0, 9)) == 0:
            continue
        match = entry.match.add(field_id=number if draw(st.integers(0, 19)) else draw(st.integers(0, 4)))
        value = draw(numbers)
        if kind == "exact":
            match.exact.value = value
        elif kind == "lpm":
            match.lpm.value, match.lpm.prefix_len = value, draw(st.sampled_from((72, 70, 8, 0, 99)))
        elif kind == "ternary":
            match.ternary.value, match.ternary.mask = value, draw(st.sampled_from((b"\x07", b"\xff", b"\0", b"")))
        elif kind == "optional":
            match.optional.value = value
        else:
            match.range.low, match.range.high = value, draw(st.sampled_from((b"\x05", b"\xff", b"\0")))
    entry.priority = draw(st.sampled_from((3, 3, 3, 0, -1))) if name == "masks" else draw(st.sampled_from((0, 0, 0, 7)))
    extra = draw(st.integers(0, 19))
    if extra == 1:
        entry.idle_timeout_ns = draw(st.sampled_from((5, -5)))
    elif extra == 2:
        entry.metadata = b"note"
    elif extra == 3:
        entry.is_const = True
    elif extra == 4:
        entry.counter_data.packet_count = 1
    elif extra == 5:
        entry.is_default_action = True
    if extra != 6:
        alias = draw(st.sampled_from(("set", "set", "drop", "NoAction")))
        action = next(a for a in p4info.actions if a.preamble.alias == alias)
        entry.action.action.action_id = action.preamble.id if extra != 7 else 99
        for param in action.params:
            if draw(st.integers(0, 14)):
                entry.action.action.params.add(
                    param_id=param.id if draw(st.integers(0, 14)) else 1, value=draw(numbers)
                )
    return update


def errors(device: Device, request: p4r.WriteRequest) -> list[tuple[int, str]]:
    assert device.active is not None
    noted: list[bytes] = []
    try:
        device.batches.write(
            device.active, request, note=lambda entity: noted.append(entity.SerializeToString(deterministic=True))
        )
    except Refused as refused:
        found = [(int(e.canonical_code), e.message) for e in refused.details] or [(int(refused.code), refused.message)]
        return [*found, *((0, entity.hex()) for entity in noted)]
    return [(0, entity.hex()) for entity in noted]


def entries(device: Device) -> list[str]:
    assert device.active is not None
    request = p4r.ReadRequest(device_id=1)
    request.entities.add().table_entry.SetInParent()
    return [str(e) for answer in device.batches.read(device.active, request) for e in answer.entities]


def empty(device: Device) -> None:
    assert device.active is not None
    for table in device.active.pipeline.tables.values():
        table.clear()
        table.reset_default()


@pytest.mark.parametrize("atomicity", p4r.WriteRequest.Atomicity.values())
def test_a_batch_is_its_updates_one_by_one(
    devices: tuple[Device, Device], atomicity: p4r.WriteRequest.Atomicity.ValueType, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, slow = devices
    assert slow.active is not None
    slow.batches._plain[slow.active] = dict.fromkeys((t.preamble.id for t in slow.active.p4info.tables), None)

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.lists(updates(quick), min_size=1, max_size=12), min_size=1, max_size=3))
    def same(requests: Sequence[Sequence[p4r.Update]]) -> None:
        for device in devices:
            empty(device)
        for wanted in requests:
            request = p4r.WriteRequest(device_id=1, atomicity=atomicity, updates=wanted)
            assert errors(quick, request) == errors(slow, request)
            assert entries(quick) == entries(slow)

    same()


def test_a_run_that_is_refused_is_not_read_again_and_again(
    devices: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 entries that already exist: each is converted to a row once or twice, not a thousand times."""
    device, _ = devices
    empty(device)
    assert device.active is not None
    p4info = device.active.p4info
    request = p4r.WriteRequest(device_id=1)
    for number in range(1000):
        entry = request.updates.add(type=p4r.Update.INSERT).entity.table_entry
        entry.table_id = next(t.preamble.id for t in p4info.tables if t.preamble.alias == "prefixes")
        entry.match.add(field_id=1).lpm.value = number.to_bytes(9, "big")
        entry.match[0].lpm.prefix_len = 72
        entry.action.action.action_id = next(a.preamble.id for a in p4info.actions if a.preamble.alias == "drop")
    assert {code for code, _ in errors(device, request)} == {0}
    made = 0
    original = batches.PlainTable.row

    def counting(self: batches.PlainTable, kind: int, entry: p4r.TableEntry) -> list[int] | None:
        nonlocal made
        made += 1
        return original(self, kind, entry)

    monkeypatch.setattr(batches.PlainTable, "row", counting)
    assert {code for code, _ in errors(device, request)} == {6}
    assert made <= 3000
