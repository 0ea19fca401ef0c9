"""A change of program by P4Runtime calls alone: save, write, commit. State4 does this, and carries the state."""

from __future__ import annotations

import queue
from pathlib import Path

import grpc
from finsy.proto import p4r, p4r_grpc
from running_switch import HERE, running_switch

from softswitch.build.program import compile_program

ALICE, BOB = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
FRAME = BOB + ALICE + b"\x08\x00" + bytes(86)
Config = p4r.SetForwardingPipelineConfigRequest


class Controller:
    """The primary of device 1."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub = p4r_grpc.P4RuntimeStub(channel)
        self._requests: queue.Queue[p4r.StreamMessageRequest | None] = queue.Queue()
        self._stream = self.stub.StreamChannel(iter(self._requests.get, None))
        hello = p4r.StreamMessageRequest()
        hello.arbitration.device_id = hello.arbitration.election_id.low = 1
        self._requests.put(hello)
        next(self._stream)  # the answer: we are the primary

    def set_config(
        self, action: p4r.SetForwardingPipelineConfigRequest.Action.ValueType, program: Path | None = None
    ) -> None:
        request = p4r.SetForwardingPipelineConfigRequest(device_id=1, action=action)
        request.election_id.low = 1
        if program is not None:
            request.config.p4info.CopyFrom(compile_program(program).p4info)
            request.config.p4_device_config = program.read_bytes()
        self.stub.SetForwardingPipelineConfig(request)

    def insert_route(self, program: Path, mac: bytes, port: int) -> None:
        p4info = compile_program(program).p4info
        request = p4r.WriteRequest(device_id=1)
        request.election_id.low = 1
        entry = request.updates.add(type=p4r.Update.INSERT).entity.table_entry
        entry.table_id = next(t.preamble.id for t in p4info.tables if t.preamble.alias == "route")
        entry.match.add(field_id=1).exact.value = mac
        action = entry.action.action
        action.action_id = next(a.preamble.id for a in p4info.actions if a.preamble.alias == "forward")
        action.params.add(param_id=1, value=bytes([port]))
        self.stub.Write(request)

    def close(self) -> None:
        self._requests.put(None)


def main() -> None:
    program = HERE / "byte_quota.p4"
    with running_switch() as (switch, address), grpc.insecure_channel(address) as channel:
        controller = Controller(channel)
        controller.set_config(Config.VERIFY_AND_COMMIT, program)
        controller.insert_route(program, BOB, 2)
        print("before:", [port for port, _ in switch.inject(1, FRAME)])

        controller.set_config(Config.VERIFY_AND_SAVE, program)  # from here on, writes are for the saved program
        print("saved, and the old one forwards:", [port for port, _ in switch.inject(1, FRAME)])
        controller.insert_route(program, BOB, 1)
        controller.set_config(Config.COMMIT)
        print("after:", [port for port, _ in switch.inject(1, FRAME)])
        controller.close()


if __name__ == "__main__":
    main()
