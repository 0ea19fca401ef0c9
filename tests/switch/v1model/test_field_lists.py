"""Field list 0 is a list like any other; only a call without a list preserves nothing."""

from __future__ import annotations

import pytest

from tests.switch.scene import scene

METADATA = "@field_list(0) bit<8> zero; @field_list(0, 255) bit<8> both; @field_list(300) bit<8> other;"
FILL = "meta.zero = 1; meta.both = 2; meta.other = 3;"
TELL = "hdr.h.b = meta.zero; hdr.h.c = meta.both; hdr.h.d = meta.other;"

CALLS = {
    "0": "010200",
    "255": "000200",
    "7": "000000",
}


@pytest.mark.parametrize("number", CALLS)
@pytest.mark.parametrize("kind", ["I2E", "E2E"])
def test_clones(number: str, kind: str) -> None:
    call = f"clone_preserving_field_list(CloneType.{kind}, 5, {number});"
    ingress = FILL + (call if kind == "I2E" else "")
    egress = f"if (std.instance_type == 0) {{ {call if kind == 'E2E' else ''} }} else {{ {TELL} }}"
    with scene(metadata=METADATA, ingress=ingress, egress=egress) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert dict(s.send("09000000"))[2] == "09" + CALLS[number]


@pytest.mark.parametrize("number", CALLS)
def test_resubmitted_packets(number: str) -> None:
    again = f"{FILL} resubmit_preserving_field_list({number});"
    with scene(metadata=METADATA, ingress=f"if (std.instance_type == 0) {{ {again} }} else {{ {TELL} }}") as s:
        assert s.out("09000000") == "09" + CALLS[number]


@pytest.mark.parametrize("number", CALLS)
def test_recirculated_packets(number: str) -> None:
    again = f"{FILL} hdr.h.a = 8; recirculate_preserving_field_list({number});"
    tell = f"if (std.instance_type == 4) {{ {TELL} }}"
    with scene(metadata=METADATA, ingress=tell, egress=f"if (hdr.h.a == 9) {{ {again} }}") as s:
        assert s.out("09000000") == "08" + CALLS[number]


def test_a_later_call_without_a_list_forgets_list_0() -> None:
    ingress = f"{FILL} clone_preserving_field_list(CloneType.I2E, 5, 0); clone(CloneType.I2E, 5);"
    with scene(metadata=METADATA, ingress=ingress, egress=f"if (std.instance_type == 1) {{ {TELL} }}") as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert dict(s.send("09ffffff"))[2] == "09000000"
