"""`python -m conformance.fuzz_requests`: sends mutated P4Runtime and bulk messages to a switch's server.

Requests are those of a normal controller, with fields changed at random. It is a failure if a request is answered with
an internal error, or not within ten seconds; or if afterwards something cannot be read or written back, or packets do
not pass. Every batch depends only on its number and starts with a new switch, so a failure can be reproduced with
`--first N --count 1`.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import logging
import queue
import random
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
from finsy.proto import p4i, p4r, p4r_grpc
from rich.progress import track

from conformance.fuzz_sources import find_sources
from conformance.isolate import Result, run_isolated
from conformance.message_mutation import mutate
from conformance.valid_entities import ValidEntities
from p4front.text.source import P4Error
from softswitch.build import device_config
from softswitch.build.program import CompiledPipeline, compile_program
from softswitch.dataplane.switch import Switch
from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from softswitch.server.device.device import Device
from softswitch.server.rpc.listen import Server

PER_BATCH = 500
LIMIT_S = 10
DEVICE = 1
PORTS = (1, 2, 3, 510)
KINDS = (
    *("table_entry", "counter_entry", "direct_counter_entry", "meter_entry", "direct_meter_entry", "register_entry"),
    *("action_profile_member", "action_profile_group", "value_set_entry", "digest_entry"),
)
INDEXED = {
    "counter_entry": ("counters", "counter_id"),
    "meter_entry": ("meters", "meter_id"),
    "register_entry": ("registers", "register_id"),
}
CELLS = 4
MESSAGES = 3
"""Of a Read's answer."""
ARRAYS = ("register_entry", "counter_entry", "meter_entry", "direct_counter_entry", "direct_meter_entry")
Config = p4r.SetForwardingPipelineConfigRequest


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: no request failed; 1: some did (printed); 2: no programs."""
    parser = argparse.ArgumentParser(prog="python -m conformance.fuzz_requests", description=__doc__)
    parser.add_argument("programs", nargs="*", type=Path, help="P4 files or folders (default: nfs and tests)")
    parser.add_argument("--count", type=int, default=200, help=f"batches of {PER_BATCH} requests (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first batch (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(argv)
    files = _programs(options.programs or [Path("nfs"), Path("tests/switch/programs")])
    if not files:
        print("fuzz_requests: no programs found", file=sys.stderr)
        return 2
    batches = range(options.first, options.first + options.count)
    failures, codes = 0, dict[str, int]()
    runs = run_isolated(batches, lambda number: run_batch(number, files), jobs=options.jobs, timeout_s=PER_BATCH * 2)
    for number, result in track(runs, total=len(batches), description="batches", transient=True):
        if result.status != "passed":
            failures += 1
            print(f"batch {number}: {result.detail}")
        for part in result.detail.split() if result.status == "passed" else ():
            code, _, count = part.partition("=")
            codes[code] = codes.get(code, 0) + int(count)
    answers = ", ".join(f"{count} {code}" for code, count in sorted(codes.items(), key=lambda item: -item[1]))
    print(
        f"{options.count * PER_BATCH} requests at {len(files)} programs: {failures} batches with failures ({answers})"
    )
    return 1 if failures else 0


def _programs(paths: list[Path]) -> list[Path]:
    found = []
    for path in find_sources(paths):
        try:
            compile_program(path)
        except (P4Error, OSError):
            continue  # an include file, or a program that demonstrates an error
        found.append(path)
    return found


def run_batch(number: int, files: list[Path]) -> Result:
    """How often each status was returned, or the first request that failed."""
    rng = random.Random(number)
    program = rng.choice(files)
    try:
        with tempfile.TemporaryDirectory() as folder, Fuzzed(program, f"unix:{folder}/socket", rng) as fuzzed:
            for _ in range(PER_BATCH):
                fuzzed.one()
            fuzzed.still_works()
    except AssertionError as error:
        return Result("failed", f"{program}: {error}")
    except Exception:
        return Result("failed", f"{program}: {traceback.format_exc(limit=-6)}")
    return Result("passed", " ".join(f"{code}={count}" for code, count in fuzzed.codes.items()))


class Fuzzed(logging.Handler):
    """A switch with memory ports and its server, and a primary client that sends invalid requests."""

    def __init__(self, program: Path, address: str, rng: random.Random) -> None:
        super().__init__(logging.ERROR)
        self.codes: dict[str, int] = {}
        self._rng = rng
        self._logged: list[str] = []
        self._compiled: CompiledPipeline = compile_program(program)
        self._config_bytes = device_config.collect(program).to_bytes()
        self._switch = Switch()
        for port in PORTS:
            self._switch.add_memory_port(port)
        device = Device(self._switch, DEVICE)
        device.install(self._compiled, self._config_bytes)
        self._server = Server(device, [address])
        self._server.start()
        self._channel = grpc.insecure_channel(address)
        self._stub, self._bulk = p4r_grpc.P4RuntimeStub(self._channel), BulkStub(self._channel)
        self._info: p4i.P4Info = self._compiled.p4info
        self._valid = ValidEntities(self._info, rng, PORTS)
        self._ids = [*self._valid.ids, *PORTS]
        self._names = [preamble.name for preamble in self._preambles()]
        self._registers = [register.preamble.name for register in self._info.registers]
        self._read: list[p4r.Entity] = []
        self._election = p4r.Uint128(low=1 << 40)
        self._kinds: list[Callable[[], None]] = [
            *[self._write] * 12,
            *[self._read_something] * 3,
            *[self._bulk_unary] * 4,
            *[self._bulk_stream] * 2,
            self._stream,
            self._config,
        ]

    def __enter__(self) -> Fuzzed:
        logging.getLogger("softswitch").addHandler(self)
        self._arbitrate()
        self._read = [e for kind in ARRAYS for e in self._everything(kind)[:20]]
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("softswitch").removeHandler(self)
        self._channel.close()
        self._server.stop(0)
        self._switch.close()

    def emit(self, record: logging.LogRecord) -> None:
        self._logged.append(self.format(record))

    def _preambles(self) -> Iterator[p4i.Preamble]:
        for field, items in self._info.ListFields():
            if field.is_repeated:
                yield from (item.preamble for item in items if hasattr(item, "preamble"))

    # ---- requests ----

    def one(self) -> None:
        self._rng.choice(self._kinds)()

    def still_works(self) -> None:
        """Checks that everything can be read and written back, and that packets pass without a crash."""
        self._primary.cancel()
        self._election.high = self._election.low = (1 << 64) - 1  # another client may have used a larger one
        self._arbitrate()
        for kind in KINDS:
            entities = self._everything(kind)
            request = p4r.WriteRequest(device_id=DEVICE, election_id=self._election)
            for entity in entities[:200]:
                if kind in ARRAYS or kind == "table_entry":
                    request.updates.add(type=p4r.Update.MODIFY, entity=entity)
            code = self._call("write back", request, functools.partial(self._stub.Write, request, timeout=LIMIT_S))
            assert code in ("OK", "UNKNOWN"), f"{kind}: what was read cannot be written: {code}"
        for port in PORTS[:3]:
            self._switch.inject(port, self._rng.randbytes(200))

    def _arbitrate(self) -> None:
        """Becomes primary, with a stream that stays open."""
        request = p4r.StreamMessageRequest()
        request.arbitration.device_id = DEVICE
        request.arbitration.election_id.CopyFrom(self._election)
        self._primary = self._open_stream([request])
        next(self._primary)

    def _open_stream(self, requests: Iterable[p4r.StreamMessageRequest]) -> Any:
        sent: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for request in requests:
            sent.put(request)
        return self._stub.StreamChannel(iter(sent.get, None))

    def _changed(self, message: Any, chance: float = 0.7) -> Any:
        if self._rng.random() < chance:
            mutate(message, self._rng, self._ids, self._names)
        return message

    def _entity(self) -> p4r.Entity:
        if self._read and self._rng.random() < 0.3:
            entity = p4r.Entity()
            entity.CopyFrom(self._rng.choice(self._read))
            return entity
        return self._valid()

    def _write(self) -> None:
        request = p4r.WriteRequest(device_id=DEVICE, election_id=self._election)
        for _ in range(self._rng.choice((1, 1, 2, 5))):
            kind = self._rng.choice((p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.MODIFY, p4r.Update.DELETE))
            request.updates.add(type=kind, entity=self._changed(self._entity()))
        request = self._changed(request, 0.1)
        self._call("Write", request, lambda: self._stub.Write(request, timeout=LIMIT_S))

    def _read_something(self) -> None:
        request = p4r.ReadRequest(device_id=DEVICE)
        for _ in range(self._rng.choice((1, 1, 3))):
            request.entities.append(self._changed(self._entity(), 0.9))
        request = self._changed(request, 0.1)

        def read() -> None:
            """Only the beginning: all cells of a large register would take most of the time of a batch."""
            answer: Any = self._stub.Read(request, timeout=LIMIT_S)
            for _ in itertools.islice(answer, MESSAGES):
                pass
            answer.cancel()

        self._call("Read", request, read)

    def _fence(self) -> bulk_pb2.Fence:
        return bulk_pb2.Fence(election_id_low=1 << 40, program=self._rng.choice((0, 0, 1, 2)))

    def _register(self) -> str:
        return self._rng.choice(self._registers or ["none"])

    def _bulk_unary(self) -> None:
        which = self._rng.choice((bulk_pb2.ACTIVE, bulk_pb2.SAVED))
        common: dict[str, Any] = {"device_id": DEVICE, "pipeline": which}
        writes = [bulk_pb2.CellWrites(name=self._register(), indices=b"\0" * 8, cells=self._rng.randbytes(8))]
        name = self._register()
        calls: list[tuple[str, Any]] = [
            ("ListArrays", bulk_pb2.ListArraysRequest(**common)),
            ("ReadArray", bulk_pb2.ReadArrayRequest(name=name, kind=bulk_pb2.REGISTER, count=4, **common)),
            ("ReadArray", bulk_pb2.ReadArrayRequest(name=name, clear=True, fence=self._fence(), **common)),
            (
                "ReadAll",
                bulk_pb2.ReadAllRequest(ranges=[bulk_pb2.CellRange(name=name, count=3)] * 2, joined=True, **common),
            ),
            ("WriteCells", bulk_pb2.WriteCellsRequest(writes=writes, fence=self._fence(), **common)),
            (
                "ShareUpdates",
                bulk_pb2.ShareUpdatesRequest(device_id=DEVICE, fence=self._fence(), records=1, prefix=name),
            ),
            ("DiscardSaved", bulk_pb2.DiscardSavedRequest(device_id=DEVICE, fence=self._fence())),
            ("GetStats", bulk_pb2.StatsRequest(device_id=DEVICE, reset=True, fence=self._fence())),
        ]
        method, request = self._rng.choice(calls)
        self._changed(request, 0.8)

        def call() -> None:
            answer = getattr(self._bulk, method)(request, timeout=LIMIT_S)
            if method.startswith(("Read", "Share")):
                list(answer)

        self._call(method, request, call)

    def _bulk_stream(self) -> None:
        method = self._rng.choice(("Hold", "Follow", "WriteArray"))
        name, which = self._register(), self._rng.choice((bulk_pb2.ACTIVE, bulk_pb2.SAVED))
        requests: list[Any] = []
        for _ in range(self._rng.randint(1, 4)):
            if method == "Hold":
                request: Any = bulk_pb2.HoldRequest(device_id=DEVICE, fence=self._fence(), max_hold_us=1000)
                request.reads.add(name=name, count=2)
            elif method == "Follow":
                request = bulk_pb2.FollowRequest(device_id=DEVICE, fence=self._fence())
            else:
                request = bulk_pb2.WriteArrayRequest(
                    device_id=DEVICE, pipeline=which, name=name, cells=self._rng.randbytes(16), fence=self._fence()
                )
            requests.append(self._changed(request, 0.8))

        def call() -> None:
            answer = getattr(self._bulk, method)(iter(requests), timeout=LIMIT_S)
            if method != "WriteArray":
                list(answer)

        self._call(method, requests, call)

    def _stream(self) -> None:
        requests = []
        for _ in range(self._rng.randint(1, 5)):
            request = p4r.StreamMessageRequest()
            way = self._rng.randrange(3)
            if way == 0:
                request.packet.payload = self._rng.randbytes(60)
                for header in self._info.controller_packet_metadata:
                    for field in header.metadata:
                        request.packet.metadata.add(metadata_id=field.id, value=b"\1")
            elif way == 1:
                request.digest_ack.digest_id, request.digest_ack.list_id = self._rng.choice(self._ids), 1
            else:
                request.arbitration.device_id = DEVICE
                request.arbitration.role.name = self._rng.choice(("other", "more"))
                request.arbitration.election_id.low = self._rng.randrange(3)
            requests.append(self._changed(request, 0.8))
        self._call("StreamChannel", requests, lambda: list(self._stub.StreamChannel(iter(requests), timeout=LIMIT_S)))

    def _config(self) -> None:
        actions = (Config.VERIFY, Config.VERIFY, Config.VERIFY_AND_SAVE, Config.COMMIT, Config.VERIFY_AND_COMMIT)
        action = self._rng.choice((*actions, Config.RECONCILE_AND_COMMIT))
        request = Config(device_id=DEVICE, action=action, election_id=self._election)
        if action != Config.COMMIT:
            request.config.p4info.CopyFrom(self._info)
            self._changed(request.config.p4info, 0.6)
            request.config.p4_device_config = self._config_bytes
        request = self._changed(request, 0.2)
        limit = 3 * LIMIT_S  # a changed program is compiled
        self._call(
            "SetForwardingPipelineConfig", request, lambda: self._stub.SetForwardingPipelineConfig(request, limit)
        )

    def _everything(self, kind: str) -> list[p4r.Entity]:
        """All entities of a kind; for arrays, which are large, the first cells."""
        request = p4r.ReadRequest(device_id=DEVICE)
        if kind in INDEXED:
            objects, field = INDEXED[kind]
            for array in getattr(self._info, objects):
                for index in range(CELLS):
                    entry = getattr(request.entities.add(), kind)
                    setattr(entry, field, array.preamble.id)
                    entry.index.index = index
        else:
            getattr(request.entities.add(), kind).SetInParent()
        found: list[p4r.Entity] = []
        code = self._call(
            f"Read of every {kind}",
            request,
            lambda: found.extend(e for r in self._stub.Read(request, timeout=3 * LIMIT_S) for e in r.entities),
        )
        assert code == "OK", f"reading every {kind}: {code}"
        return found

    # ---- responses ----

    def _call(self, what: str, request: Any, call: Callable[[], object]) -> str:
        code, details = "OK", ""
        try:
            call()
        except grpc.RpcError as error:
            code, details = error.code().name, error.details() or ""
        self.codes[code] = self.codes.get(code, 0) + 1
        bad = code in ("INTERNAL", "DEADLINE_EXCEEDED", "UNAVAILABLE") or "Exception" in details or self._logged
        assert not bad, f"{what}: {code} {details}\n{request}\n{' '.join(self._logged)}"[:4000]
        return code


if __name__ == "__main__":
    sys.exit(main())
