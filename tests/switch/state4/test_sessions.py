"""The clone session that State4 uses is one that neither the program nor any other client of the switch uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from p4front.load import load_text
from p4front.text.source import P4Error
from state4.cam import analyse
from state4.cim import DEFAULT_SESSION, InstrumentOptions, instrument
from state4.cli.main import main
from state4.errors import SessionInUse
from state4.programs import PrepareOptions, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from tests.state4_programs import program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget, send

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
MIRRORS = program(
    f"""
control MyIngress({PARAMS}) {{
    apply {{
        standard_metadata.egress_spec = 2;
        if (hdr.request.op == 1) {{ clone(CloneType.I2E, SESSION); }}
    }}
}}
""",
    egress=f"""
control MyEgress({PARAMS}) {{
    register<bit<16>>(4) r;
    apply {{ if (standard_metadata.instance_type == 0) {{ r.write(0, hdr.request.amount); }} }}
}}
""",
)


def write(tmp_path: Path, session: str = "32w250", name: str = "mirrors") -> Path:
    path = tmp_path / f"{name}.p4"
    path.write_text(MIRRORS.replace("SESSION", session))
    return path


@pytest.mark.parametrize(
    ("session", "chosen"), [("32w250", 249), ("const_session", 249), ("32w7", 250), ("(bit<32>)hdr.request.cell", 250)]
)
def test_the_program_s_own_sessions_are_left_to_it(session: str, chosen: int) -> None:
    text = MIRRORS.replace("SESSION", session).replace(
        "header request_t", "const bit<32> const_session = 250;\nheader request_t"
    )
    checked = load_text(text, "test.p4")
    assert instrument(checked, analyse(checked)).layout.session == chosen


def test_a_session_that_the_program_uses_is_refused_with_the_place(tmp_path: Path) -> None:
    checked = load_text(MIRRORS.replace("SESSION", "32w250"), "test.p4")
    with pytest.raises(P4Error, match=r"test\.p4:\d+:\d+: error: the program clones to session 250 itself"):
        instrument(checked, analyse(checked), InstrumentOptions(session=250))
    assert main(["instrument", str(write(tmp_path)), "-o", str(tmp_path / "out.p4"), "--session", "250"]) == 2
    assert main(["instrument", str(write(tmp_path)), "-o", str(tmp_path / "out.p4"), "--session", "9"]) == 0
    assert "session=9" in (tmp_path / "out.p4").read_text()


@pytest.mark.parametrize("session", ["0", "-1", "32768", "many"])
def test_numbers_that_are_no_session(tmp_path: Path, session: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["instrument", str(write(tmp_path)), "-o", str(tmp_path / "out.p4"), "--session", session])
    assert ended.value.code == 2


def test_the_user_s_mirror_keeps_its_session(running: Running, tmp_path: Path) -> None:
    """Its clones leave by port 3 before, while and after State4 clones."""
    old, new = (prepare_program(write(tmp_path, name=name)) for name in ("old", "new"))
    running.switch.set_clone_session(250, [(3, 1)])
    with ListeningTarget(running.address) as target:
        target.running_switch = running
        target.install(old)
        assert sorted(send(running, request(1, amount=5))) == [2, 3]
        outcome = reconfigure(load_strategy("state4_exact"), prepare(target, new))
        assert sorted(send(running, request(1, amount=5))) == [2, 3]
        assert outcome.cells == 4
    assert {s.id: s.replicas[0].port for s in running.switch.clone_sessions()} == {249: 510, 250: 3}


def test_the_command_takes_a_session_that_is_free_on_the_switch(
    running: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "32w7")
    running.switch.set_clone_session(DEFAULT_SESSION, [(4, 1)])
    with ListeningTarget(running.address) as target:
        target.install(prepare_program(path, PrepareOptions(session=100)))
    command = ["reconfigure", str(path), "--target", running.address, "--strategy", "controller"]
    assert main(command) == 0
    with ListeningTarget(running.address) as target:
        assert prepare(target, prepare_program(path)).layout.session == 249
    assert main([*command, "--session", "250"]) == 1
    assert "clone session 250 is in use on the switch" in capsys.readouterr().err
    assert main([*command, "--session", "60"]) == 0
    with ListeningTarget(running.address) as target:
        assert prepare(target, prepare_program(path)).layout.session == 60


def test_a_session_that_another_client_took_is_not_taken_back(running: Running, tmp_path: Path) -> None:
    program_ = prepare_program(write(tmp_path, "32w7"))
    with ListeningTarget(running.address) as target:
        target.install(program_)
        running.switch.set_clone_session(program_.layout.session, [(4, 1)])
        with pytest.raises(SessionInUse, match="clone session 250 of the switch sends elsewhere"):
            reconfigure(load_strategy("state4"), prepare(target, program_))
        assert send(running, request()) == [2]  # nothing is cloned
        assert target.running() == program_.p4info
