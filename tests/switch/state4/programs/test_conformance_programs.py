"""`python -m conformance.programs`: its report on a folder of programs, and that it notices mistakes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import program_check
from conformance.program_check import CheckOptions, check_program
from conformance.program_packets import PacketMaker
from conformance.programs import main, programs
from p4front.load import load_text
from p4front.program import Program
from p4front.syntax import ast
from state4.cam import Analysis
from state4.cim import Instrumented, InstrumentOptions, Track, instrument
from tests.state4_programs import PARAMS, program

INGRESS = f"""control MyIngress({PARAMS}) {{
    register<bit<64>>(LARGE) r;
    apply {{
        standard_metadata.egress_spec = 2;
        if (hdr.request.op == 77) {{ r.write((bit<32>)hdr.request.cell & 3, hdr.request.value); }}
    }}
}}
"""
WRITES = program(INGRESS, globals_='#include "sizes.p4"\n')


def folder(tmp_path: Path) -> Path:
    """A program that needs -I and -D, one that is refused, one for another architecture, and an include."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sizes.p4").write_text("#define LARGE CELLS\n")
    (tmp_path / "writes.p4").write_text(WRITES)
    (tmp_path / "wrong.p4").write_text(WRITES.replace("hdr.request.op == 77", "hdr.request.gone"))
    (tmp_path / "tofino.p4").write_text("#include <tna.p4>\nSwitch(pipe) main;\n")
    (tmp_path / "types.p4").write_text("typedef bit<8> small_t;\n")
    return tmp_path


def test_the_report_has_every_program_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = folder(tmp_path)
    assert [path.name for path in programs([place])] == ["writes.p4", "wrong.p4"]
    options = ["-I", str(place / "lib"), "-D", "CELLS=8", "--packets", "40", "--out", str(tmp_path / "out")]
    assert main([str(place), *options, "--strategy", "state4_exact", "--timeout", "600"]) == 0
    (path,) = (tmp_path / "out").glob("*/summary.json")
    summary = json.loads(path.read_text())
    assert summary["totals"] == {
        "programs": 2,
        "accepted": 1,
        "stateful": 1,
        "instrumented": 1,
        "mapped": 1,
        "equal": 1,
        "crashed": 0,
    }
    writes, wrong = (summary["programs"][str(place / name)] for name in ("writes.p4", "wrong.p4"))
    assert writes["writes"] > 0, "no packet had the operation that the program compares with"
    assert not wrong["accepted"] and 'no member "gone"' in wrong["reason"]
    assert "1 equal" in capsys.readouterr().out


def test_wrong_use_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "not found" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 2
    assert "no file instantiates main" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mistake", "reason"),
    [
        (("m.value_0 = value;", "m.value_0 = value + 1;"), "clones do not carry every write"),
        (("standard_metadata.egress_spec = 2;", "standard_metadata.egress_spec = 3;"), "comes out differently"),
    ],
)
def test_an_instrumented_form_that_is_not_the_original_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: tuple[str, str], reason: str
) -> None:
    path = tmp_path / "writes.p4"
    path.write_text(WRITES.replace("LARGE", "8").replace('#include "sizes.p4"\n', ""))

    def mistaken(checked: Program, analysis: Analysis, options: InstrumentOptions) -> Instrumented:
        made = instrument(checked, analysis, options)
        assert (mistake[0] in made.text) or options.track is Track.MAP
        return replace(made, text=made.text.replace(*mistake))

    monkeypatch.setattr(program_check, "instrument", mistaken)
    verdict = check_program(path, CheckOptions(packets=60))
    assert verdict.equal is False
    assert reason in verdict.reason


def test_a_program_without_an_instrumented_form_may_have_a_dirty_map(tmp_path: Path) -> None:
    path = tmp_path / "writes.p4"
    text = WRITES.replace("LARGE", "8").replace('#include "sizes.p4"\n', "")
    path.write_text(text.replace("r.write(", "digest(1, meta); r.write("))
    verdict = check_program(path, CheckOptions())
    assert (verdict.accepted, verdict.instrumented, verdict.mapped, verdict.equal) == (True, False, True, None)
    assert "what digest gets here" in verdict.reason


def test_packets_follow_the_parser_to_its_last_state() -> None:
    text = program(INGRESS.replace("LARGE", "8")).replace(
        "        packet.extract(hdr.request);\n        transition accept;",
        "        packet.extract(hdr.request);\n        transition select(hdr.request.amount, hdr.request.op) {\n"
        "            (0xBEEF, 8w4 &&& 8w255): more;\n            default: accept;\n        }\n    }\n"
        "    state more {\n        packet.extract(hdr.more);\n        transition accept;",
    )
    text = text.replace("request_t request;", "request_t more; request_t request;")
    checked = load_text(text, "deep.p4")
    parser = next(d for d in checked.syntax.declarations if isinstance(d, ast.ParserDecl) and d.name.text == "MyParser")
    frames = [frame for _, frame in PacketMaker(checked, parser, "seed", range(1, 3)).packets(50)]
    deep = [frame for frame in frames if frame[:1] == b"\x04" and frame[2:4] == b"\xbe\xef"]
    assert len(deep) > 10
    assert all(len(frame) >= 24 for frame in deep)
