"""Large tables: entries written, read, carried to another program, looked up; in this tree or in another revision.

All values are processor time, so that other work on the machine matters less: of the switch for writing and reading, of
switch and controller together for carrying, of the lookup alone.
"""

from __future__ import annotations

import os
import queue
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from finsy.proto import p4i, p4r, p4r_grpc

from softswitch.build.cc import find_compiler

TREE = Path(__file__).resolve().parents[2]
ENTRIES = 100_000
BATCH = 1000
_READY_S = 120.0
_STATE4 = """
import importlib, sys
module = importlib.import_module("state4.cli")  # whose place differs between revisions
if not callable(getattr(module, "main", None)):
    module = importlib.import_module("state4.cli.main")
sys.exit(module.main())
"""
_LOOKUPS = Path(__file__).with_name("lookups.c")
_PROGRAM = """
#include <core.p4>
#include <v1model.p4>
header h_t { bit<48> address; bit<32> value; }
struct headers_t { h_t h; }
struct metadata_t { bit<8> unused; }
parser P(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start { packet.extract(hdr.h); transition accept; }
}
control Verify(inout headers_t hdr, inout metadata_t meta) { apply { } }
control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    action forward(bit<9> port, bit<32> value) { std.egress_spec = port; hdr.h.value = value; }
    action drop() { mark_to_drop(std); }
    MORE
    table large { key = { hdr.h.address: exact; } actions = { forward; drop; } size = 1000000; }
    apply { large.apply(); USE }
}
control MyEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) { apply { } }
control Compute(inout headers_t hdr, inout metadata_t meta) { apply { } }
control MyDeparser(packet_out packet, in headers_t hdr) { apply { packet.emit(hdr.h); } }
V1Switch(P(), Verify(), MyIngress(), MyEgress(), Compute(), MyDeparser()) main;
"""


@contextmanager
def revision(name: str) -> Iterator[Path]:
    """A folder with another revision of this repository. Raises CalledProcessError if git does not have it."""
    with tempfile.TemporaryDirectory(prefix="bench-revision-") as folder:
        packed = subprocess.run(["git", "-C", str(TREE), "archive", name], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
        yield Path(folder)


def lookups(tree: Path) -> dict[str, float]:
    """Nanoseconds per lookup, for each kind of table."""
    runtime = tree / "softswitch" / "runtime"
    (header,) = runtime.rglob("matcher.h")
    sources = header.parent.glob("*.c") if header.parent.name == "matching" else [header.with_suffix(".c")]
    with tempfile.TemporaryDirectory(prefix="bench-lookups-") as folder:
        program = Path(folder, "lookups")
        flags = ("-O2", "-D_GNU_SOURCE", f"-I{runtime}", f"-I{header.parent}", f'-DMATCHER="{header}"')
        files = [str(_LOOKUPS), *map(str, sources)]
        subprocess.run([find_compiler(), *flags, *files, "-o", str(program)], check=True)
        lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    return {f"lookup_ns.{name}": float(value) for name, value in map(str.split, lines)}


def control(tree: Path, entries: int = ENTRIES) -> dict[str, float]:
    """Microseconds of the switch per entry of a batch and of a read; seconds for carrying all to another program."""
    with tempfile.TemporaryDirectory(prefix="bench-tables-") as name:
        folder = Path(name)
        programs = [folder / "old.p4", folder / "new.p4"]
        programs[0].write_text(_PROGRAM.replace("MORE", "").replace("USE", ""), encoding="utf-8")
        more = _PROGRAM.replace("MORE", "register<bit<32>>(16) more;").replace("USE", "more.write(0, hdr.h.value);")
        programs[1].write_text(more, encoding="utf-8")
        with _switch(tree, folder, programs[0]) as (process, address):
            _reconfigure(tree, address, programs[1])  # both programs are compiled after this
            _reconfigure(tree, address, programs[0])
            begin = _cpu_s(process.pid)
            _write(address, entries)
            written = _cpu_s(process.pid)
            _read(address, entries)
            read = _cpu_s(process.pid)
            own = resource.getrusage(resource.RUSAGE_CHILDREN)
            _reconfigure(tree, address, programs[1])
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            controller_s = after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime
            carried_s = _cpu_s(process.pid) - read
            empty = resource.getrusage(resource.RUSAGE_CHILDREN)
            _reconfigure(tree, address, programs[0], "none")  # the cost of a change that carries nothing
            end = resource.getrusage(resource.RUSAGE_CHILDREN)
            controller_s -= end.ru_utime + end.ru_stime - empty.ru_utime - empty.ru_stime
    return {
        "entry_write_us": (written - begin) / entries * 1e6,
        "entry_read_us": (read - written) / entries * 1e6,
        "entries_carried_s": max(0.0, controller_s) + carried_s,
    }


def _environment(tree: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), *filter(None, sys.path)])}


@contextmanager
def _switch(tree: Path, folder: Path, program: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A running switch without interfaces."""
    address, ready = f"unix:{folder}/switch.sock", folder / "ready"
    command = [sys.executable, "-m", "softswitch", "run", str(program), "--grpc-server-addr", address]
    process = subprocess.Popen(
        [*command, "--ready-file", str(ready)], cwd=folder, env=_environment(tree), stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + _READY_S
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the switch of {tree} did not start")
            time.sleep(0.05)
        yield process, address
    finally:
        process.terminate()
        process.wait()


def _reconfigure(tree: Path, address: str, program: Path, strategy: str = "controller") -> None:
    command = [sys.executable, "-c", _STATE4, "reconfigure", "--target", address, "--strategy", strategy]
    options = ["--allow-loss", str(program)]
    done = subprocess.run(
        [*command, *options], cwd=program.parent, env=_environment(tree), capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"state4 reconfigure of {tree}: {done.stderr}")


def _write(address: str, entries: int) -> None:
    """Writes as a controller of the default role."""
    with grpc.insecure_channel(address) as channel:
        stub = p4r_grpc.P4RuntimeStub(channel)
        first = p4r.StreamMessageRequest()
        election = time.time_ns() // 1000  # as older revisions of state4 do
        first.arbitration.device_id, first.arbitration.election_id.low = 1, election
        requests: queue.SimpleQueue[p4r.StreamMessageRequest | None] = queue.SimpleQueue()
        requests.put(first)
        answers: Any = stub.StreamChannel(iter(requests.get, None))
        next(answers)
        request = p4r.GetForwardingPipelineConfigRequest(device_id=1)
        p4info = stub.GetForwardingPipelineConfig(request).config.p4info
        for begin in range(0, entries, BATCH):
            stub.Write(_batch(p4info, election, range(begin, min(begin + BATCH, entries))))
        requests.put(None)


def _read(address: str, entries: int) -> None:
    """Reads all tables. Raises RuntimeError for another number of entries."""
    request = p4r.ReadRequest(device_id=1)
    request.entities.add().table_entry.SetInParent()
    with grpc.insecure_channel(address) as channel:
        responses = p4r_grpc.P4RuntimeStub(channel).Read(request)
        found = sum(len(response.entities) for response in responses)
    if found != entries:
        raise RuntimeError(f"the switch has {found} entries instead of {entries}")


def _batch(p4info: p4i.P4Info, election: int, numbers: range) -> p4r.WriteRequest:
    request = p4r.WriteRequest(device_id=1, election_id=p4r.Uint128(low=election))
    table = next(t for t in p4info.tables if t.preamble.alias == "large")
    action = next(a for a in p4info.actions if a.preamble.alias == "forward")
    for number in numbers:
        entry = request.updates.add(type=p4r.Update.INSERT).entity.table_entry
        entry.table_id = table.preamble.id
        entry.match.add(field_id=1).exact.value = number.to_bytes(6, "big").lstrip(b"\0") or b"\0"
        entry.action.action.action_id = action.preamble.id
        for param, value in zip(action.params, (number % 4 + 1, number), strict=True):
            size = max(1, (value.bit_length() + 7) // 8)
            entry.action.action.params.add(param_id=param.id, value=value.to_bytes(size, "big"))
    return request


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
