"""The deprecated wrapper p4.tmp.P4DeviceConfig, as the client library of p4lang/tutorials sends it."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.build.device_config import DeviceConfig
from softswitch.proto.device_config_wrapper import P4DeviceConfig, unwrapped
from tests.switch.controller import EVERYTHING, Config, Controller, Running, body, frame
from tests.switch.hostile.test_pushed_programs import push, refusal

PUSHED = DeviceConfig("everything", "everything.p4", {"everything.p4": EVERYTHING.read_text()}).to_bytes()


def wrapped(data: bytes, *, reassign: bool = True) -> bytes:
    return P4DeviceConfig(reassign=reassign, device_data=data).SerializeToString()  # type: ignore[call-arg]


def test_its_program_is_taken_with_a_note(running: Running, c: Controller, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("softswitch").propagate = True
    with caplog.at_level(logging.WARNING):
        push(c, wrapped(PUSHED), Config.VERIFY_AND_COMMIT)
    assert "deprecated wrapper p4.tmp.P4DeviceConfig" in caplog.text
    assert running.device.active is not None and running.device.active.compiled.name == "everything"
    assert c.get_config().p4_device_config == wrapped(PUSHED)  # what was sent, as the specification says
    assert running.switch.inject(1, frame(0x800, body(1))) is not None


def test_mistakes_inside_are_reported_as_without_it(c: Controller) -> None:
    code, text = refusal(c, wrapped(b'{"softswitch_config": 7}'))
    assert (code, "format 7 is unknown" in text) == ("INVALID_ARGUMENT", True)
    assert refusal(c, wrapped(b""))[0] == "INVALID_ARGUMENT"


@given(st.binary(max_size=300), st.booleans())
def test_whatever_is_wrapped_comes_out(data: bytes, reassign: bool) -> None:
    inner = wrapped(data, reassign=reassign)
    assert unwrapped(inner) == (data if inner else None)


@given(
    st.text(min_size=1).map(str.encode) | st.dictionaries(st.text(), st.text()).map(lambda d: json.dumps(d).encode())
)
def test_no_program_and_no_json_is_taken_for_a_wrapper(data: bytes) -> None:
    if data[0] >= 32:  # a program's first character
        assert unwrapped(data) is None


def test_extras_are_skipped_and_rubbish_is_not_a_wrapper() -> None:
    extras = b"\x12\x06\x0a\x04\x0a\x00\x12\x00"
    assert unwrapped(extras + wrapped(PUSHED)) == PUSHED
    assert unwrapped(b"\x1a\xff\xff\xff") is None
