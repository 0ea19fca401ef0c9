"""Third-party P4Runtime clients as published on PyPI: finsy, and p4runtime-shell in its own virtual environment."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import finsy as fy
import pytest

from softswitch.__main__ import main
from softswitch.build.device_config import collect
from tests.switch.controller import EVERYTHING, Running, body, frame

ROOT = Path(__file__).parents[3]


def shell_python() -> Path | None:
    """A Python that has p4runtime-shell: $P4RUNTIME_SHELL_PYTHON, or that of .venv-p4runtime-shell."""
    given = os.environ.get("P4RUNTIME_SHELL_PYTHON")
    path = Path(given) if given else ROOT / ".venv-p4runtime-shell" / "bin" / "python"
    return path if path.exists() else None


def test_finsy_drives_the_switch(tmp_path: Path) -> None:
    """Pushes the program, writes and reads entries, sends and receives packets, receives a digest."""
    p4info = tmp_path / "everything.p4info.txtpb"
    assert main(["compile", str(EVERYTHING), "--p4info", str(p4info)]) == 0
    config = collect(EVERYTHING).to_bytes()

    class Blob:
        def __bytes__(self) -> bytes:
            return config

    async def session(running: Running) -> None:
        options = fy.SwitchOptions(p4info=p4info, p4blob=Blob(), p4force=True)
        async with fy.Switch("sw", running.address, options) as switch:
            await switch.delete_all()

            def route() -> fy.P4TableEntry:
                match = fy.Match(address="10.0.0.0/8")
                return fy.P4TableEntry("routes", match=match, action=fy.Action("forward", port=2))

            updates = [
                +route(),
                +fy.P4MulticastGroupEntry(5, replicas=[2, 3]),
                +fy.P4CloneSessionEntry(6, replicas=[510]),
                +fy.P4DigestEntry("learned_t", max_list_size=1, ack_timeout_ns=10**9),
                ~fy.P4RegisterEntry("small", index=3, data=77),
                ~fy.P4CounterEntry("per_port", index=2, data=fy.P4CounterData(packet_count=5)),
            ]
            await switch.write(updates)
            entries = [entry async for entry in switch.read(fy.P4TableEntry("routes"))]
            assert [e.action for e in entries] == [fy.Action("forward", port=2)]
            registers = [entry async for entry in switch.read(fy.P4RegisterEntry("small", index=3))]
            assert [r.data for r in registers] == [77]
            assert running.switch.inject(1, frame(body=body(0x0A000001)))[0][0] == 2
            with pytest.raises(fy.P4ClientError) as caught:
                await switch.write([+route()])
            assert [e.canonical_code for e in caught.value.details.values()] == [fy.GRPCStatusCode.ALREADY_EXISTS]

            async def next_digest() -> fy.P4DigestList:
                async for digest in switch.read_digests("learned_t"):
                    return digest
                raise AssertionError("the stream ended")

            waiting = asyncio.create_task(next_digest())
            await asyncio.sleep(0)
            running.switch.submit(2, frame(0xD1D1, src=9))
            digest = await asyncio.wait_for(waiting, 10)
            assert list(digest) == [{"source": 9, "port": 2}]

            arrival = asyncio.ensure_future(anext(switch.read_packets()))
            await asyncio.sleep(0)
            running.switch.submit(3, frame(0xC0DE, b"in"))
            packet = await asyncio.wait_for(arrival, 10)
            assert (packet.payload, packet["ingress_port"], packet["reason"]) == (frame(0xC0DE, b"in"), 3, 5)
            await switch.write([fy.P4PacketOut(frame(0x9999, b"out"), egress_port=4, padding=0)])
            for _ in range(200):
                sent = running.switch.take(4)
                if sent is not None:
                    break
                await asyncio.sleep(0.02)
            assert sent == frame(0x9999, b"out")

    with Running(None) as running:
        asyncio.run(session(running))


@pytest.mark.skipif(shell_python() is None, reason="p4runtime-shell is not installed (`make test` does)")
def test_p4runtime_shell_drives_the_switch(tmp_path: Path) -> None:
    p4info, config = tmp_path / "everything.p4info.txtpb", tmp_path / "everything.cfg"
    assert main(["compile", str(EVERYTHING), "--p4info", str(p4info), "-o", str(config)]) == 0
    script = Path(__file__).with_name("p4runtime_shell_session.py")
    with Running(None) as running:
        command = [str(shell_python()), str(script), running.address, str(p4info), str(config)]
        session = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert session.stdout is not None
        lines = []
        for line in session.stdout:
            lines.append(line)
            if line == "learn\n":
                running.switch.submit(2, frame(0xD1D1, src=9))
            if line == "packet-in\n":
                running.switch.submit(3, frame(0xC0DE, b"in"))
        assert session.wait(20) == 0, "".join(lines)
        assert lines[-1] == "done\n"
        assert running.switch.take(4) == bytes(12) + b"\x99\x99" + b"from the shell"
