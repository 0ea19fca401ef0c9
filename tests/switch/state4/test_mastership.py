"""State4 together with another controller: who is primary before, during and after a change, and who is notified."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import finsy as fy
import pytest
from finsy.proto import p4r

from softswitch.__main__ import main as softswitch_main
from softswitch.server.errors import invalid
from state4.cli.main import main
from state4.errors import NotPrimary
from state4.targets.p4runtime.mastership import DEFAULT_ROLE, OWN_ROLE
from state4.targets.p4runtime.target import P4RuntimeTarget
from tests.switch.controller import EVERYTHING, Config, Controller, Running, exact, status

OK, NOT_FOUND, ALREADY_EXISTS = 0, 5, 6
PROGRAM = EVERYTHING
SOURCE = EVERYTHING.read_bytes()


def writes(c: Controller, number: int) -> str:
    """Inserts an entry."""
    entry = c.entry("hosts", exact(1, number), action=c.action("NoAction"))
    return status(lambda: c.insert(table_entry=entry))


def test_a_controller_stays_primary_alongside_ours(running: Running, c: Controller) -> None:
    with P4RuntimeTarget(running.address) as target:
        assert (target.mastership.role, target.mastership.before) == (OWN_ROLE, None)
        assert "other controllers keep their roles" in str(target.mastership)
        assert writes(c, 1) == "OK"
        target.write_entities([])
        target.discard_saved()
    assert c.none("arbitration")
    assert writes(c, 2) == "OK"
    with running.controller(1, role="another") as later:  # with the smallest id there is
        assert later.answer.status.code == OK


def test_ours_is_primary_alongside_one_that_connects_later(running: Running) -> None:
    with P4RuntimeTarget(running.address) as target, running.controller(1) as c:
        assert c.answer.status.code == OK
        assert writes(c, 1) == "OK"
        target.discard_saved()


def test_the_newest_of_ours_takes_over(running: Running) -> None:
    with P4RuntimeTarget(running.address) as first, P4RuntimeTarget(running.address) as second:
        assert second.mastership.election_id == first.mastership.election_id + 1
        assert second.mastership.before == first.mastership.election_id
        with pytest.raises(NotPrimary):
            first.discard_saved()
        second.discard_saved()
    with P4RuntimeTarget(running.address) as third:  # whose predecessor has left: nobody is demoted
        assert third.mastership.before is None
        third.discard_saved()


def test_the_default_role_is_handed_back(running: Running, c: Controller) -> None:
    with P4RuntimeTarget(running.address, role=DEFAULT_ROLE) as target:
        assert (target.mastership.election_id, target.mastership.before) == (2, 1)
        assert "in place of 1, who gets it back by sending 2 or more" in str(target.mastership)
        reported = c.next("arbitration")
        assert (reported.status.code, reported.election_id.low) == (ALREADY_EXISTS, 2)
        assert writes(c, 1) == "PERMISSION_DENIED"  # refused, not lost
    reported = c.next("arbitration")
    assert (reported.status.code, reported.election_id.low) == (NOT_FOUND, 2)
    c.arbitrate(2)
    assert c.next("arbitration").status.code == OK
    assert writes(c, 1) == "OK"


def test_a_default_role_that_nobody_has(running: Running) -> None:
    with P4RuntimeTarget(running.address, role=DEFAULT_ROLE) as target:
        assert (target.mastership.election_id, target.mastership.before) == (1, None)
        target.discard_saved()


def test_an_id_that_is_too_small_names_the_one_to_beat(running: Running) -> None:
    with running.controller(7):
        for too_small in (3, 7):
            with pytest.raises(NotPrimary, match=r"7 is the highest election id .* give --election-id 8"):
                P4RuntimeTarget(running.address, role=DEFAULT_ROLE, election_id=too_small)
        with P4RuntimeTarget(running.address, role=DEFAULT_ROLE, election_id=8) as target:
            assert target.mastership.before == 7
            target.discard_saved()


def test_a_large_id_is_no_obstacle(running: Running) -> None:
    with running.controller((1 << 63) + 5) as c:
        with P4RuntimeTarget(running.address, role=DEFAULT_ROLE) as target:
            assert target.mastership.election_id == (1 << 63) + 6
            target.discard_saved()
        assert c.next("arbitration").status.code == ALREADY_EXISTS


def test_a_device_with_number_0() -> None:
    """As clients of bmv2 number theirs."""
    with Running(device_id=0) as running, P4RuntimeTarget(running.address) as target:  # it asks
        target.discard_saved()
        assert target.statistics(reset=True).packets == 0
        assert softswitch_main(["stats", running.address, "--reset", "--json"]) == 0
    with Running() as running, pytest.raises(NotPrimary, match="no device 0; this is device 1"):
        P4RuntimeTarget(running.address, device_id=0, role="any")


def test_a_switch_without_roles(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then State4 is primary of the default role."""
    arbitration = running.device.arbitration
    update = arbitration.update

    def refuse_roles(client: object, message: p4r.MasterArbitrationUpdate) -> None:
        if message.role.name:
            raise invalid("this switch has no roles")
        update(client, message)  # type: ignore[arg-type]

    monkeypatch.setattr(arbitration, "update", refuse_roles)
    with P4RuntimeTarget(running.address) as target:
        assert target.mastership.role == DEFAULT_ROLE
        target.discard_saved()
    with pytest.raises(NotPrimary, match="this switch has no roles"):
        P4RuntimeTarget(running.address, role="wanted")


@pytest.mark.parametrize("role", [OWN_ROLE, DEFAULT_ROLE])
def test_ours_crashes_in_the_middle(running: Running, c: Controller, role: str) -> None:
    """Its connection breaks with a program saved. The other controller continues, and so does State4's next run."""
    target = P4RuntimeTarget(running.address, role=role)
    request = Config(device_id=1, role=role, election_id=target._connection.election, action=Config.VERIFY_AND_SAVE)
    request.config.p4_device_config = SOURCE
    target._connection.p4runtime.SetForwardingPipelineConfig(request)
    target._connection._channel.close()
    if role == DEFAULT_ROLE:
        assert c.next("arbitration").status.code == ALREADY_EXISTS
        assert c.next("arbitration").status.code == NOT_FOUND
        c.arbitrate(2)
        assert c.next("arbitration").status.code == OK
    assert writes(c, 1) == "OK"
    with P4RuntimeTarget(running.address) as next_one:
        next_one.discard_saved()
        assert running.device.saved is None


@pytest.mark.parametrize("role", [OWN_ROLE, DEFAULT_ROLE])
@pytest.mark.parametrize("first", ["finsy", "ours"])
def test_together_with_finsy(running: Running, role: str, first: str) -> None:
    """finsy follows the specification: notified that its role has no primary, it sends the id that it needs."""

    async def until(switch: fy.Switch, primary: bool) -> None:
        while switch.is_primary is not primary:
            await asyncio.sleep(0.01)

    async def play() -> None:
        ours = P4RuntimeTarget(running.address, role=role) if first == "ours" else None
        options = fy.SwitchOptions()
        async with fy.Switch("sw", running.address, options) as switch:
            if ours is None:
                assert switch.is_primary
                ours = await asyncio.to_thread(P4RuntimeTarget, running.address, role=role)
                await until(switch, role == OWN_ROLE)
                await asyncio.to_thread(ours.discard_saved)
            ours.close()
            await until(switch, True)

    asyncio.run(asyncio.wait_for(play(), 100))


def test_the_command_says_as_whom(
    running: Running, c: Controller, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "everything.p4"
    path.write_text(EVERYTHING.read_text())
    command = ["reconfigure", str(path), "--target", running.address, "--strategy", "controller", "--allow-loss"]
    assert main(command) == 0
    assert f"as primary of the role {OWN_ROLE} with election id 1" in capsys.readouterr().out
    assert c.none("arbitration")
    assert main([*command, "--role", "", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["role"], found["election_id"]) == ("", 2)
    assert main([*command, "--role", "", "--election-id", "1"]) == 1
    assert "--election-id 3" in capsys.readouterr().err
