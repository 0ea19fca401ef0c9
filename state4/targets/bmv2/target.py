"""bmv2's simple_switch, controlled through Thrift. It must run with --enable-swap.

What differs from a switch behind P4Runtime: once a program is saved, the control plane addresses that one, for reads
as for writes, and it cannot be discarded; packets cannot be held; values have 64 bits with a sign; there are
bulk reads of registers, but writes of single cells only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from finsy.proto import p4i, p4r
from sswitch_runtime.ttypes import MirroringSessionConfig

from state4.clones.header import WAKE, CloneLayout
from state4.clones.listener import Listener, send_frame
from state4.errors import ListenerError, TargetError, Unsupported
from state4.instrumentation.running import all_registers
from state4.programs import InstalledProgram
from state4.targets.abilities import Abilities
from state4.targets.bmv2.arrays import Bmv2Arrays
from state4.targets.bmv2.client import CONTEXT, Bmv2Client, Bmv2Refusal
from state4.targets.bmv2.program import bmv2_config, p4info_of
from state4.targets.bmv2.read import Profiles, Reader
from state4.targets.bmv2.replication import Replication
from state4.targets.bmv2.write import Writer
from state4.targets.cpu_port import find_cpu_port
from state4.values import CellRange, Cells, CellWrites, RegisterSpec

CLONE_QUEUE = 1 << 16
"""Frames that may wait at the CPU port; bmv2's own limit of 64 would drop clones."""
QUEUE = 1 << 10
"""The same at all other ports: as many as wait in bmv2's input, for they come out in one burst after a bulk read has
stopped bmv2, and after they have waited in a new program. Not more, as a swap waits until all queues are empty."""
_MAX_WAIT_PASSES = 1 << 15  # measured with chained.p4: 41,000 a second on two quiet cores, 10,000 on busy ones
_PASS_S = 0.02
"""Longer than a packet's pass: by then every packet that saw the clone flag off has completed its writes."""
_NO_FORGETTING = (
    "the switch holds a program that was saved and never committed; bmv2 can neither discard it nor show the state of "
    "the one that forwards: restart the switch, or let `swap_configs` of simple_switch_CLI make it the forwarding one"
)


class Bmv2Target:
    """`address`: "host:port" of the Thrift server. `running`: P4Info of what runs now, for a program that State4 did
    not install. Use it as a context manager. Raises BadAddress, TargetError if the switch cannot be reached."""

    max_wait_passes = _MAX_WAIT_PASSES

    def __init__(
        self,
        address: str,
        *,
        cpu_interface: str = "",
        cpu_port: int | None = None,
        running: p4i.P4Info | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self.cpu_interface = cpu_interface
        self._client = Bmv2Client(address, timeout_s=timeout_s)
        self._arrays = Bmv2Arrays(self._client)
        self.cpu_port = find_cpu_port(cpu_interface, self._ports) if cpu_port is None else cpu_port
        self._p4info = running
        self._next_p4info: p4i.P4Info | None = None
        self._profiles = Profiles()

    def __enter__(self) -> Bmv2Target:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    @property
    def abilities(self) -> Abilities:
        return Abilities(verifies=self, lets_packets_wait=self)

    def _ports(self) -> dict[int, str]:
        """Interfaces of the switch's ports, as far as it reports them."""
        try:
            ports = self._client.call("reading the ports", "bm_dev_mgr_show_ports")
        except TargetError:  # not every build has a device manager
            return {}
        return {port.port_num: port.iface_name for port in ports}

    # ------------------------------------------------------------ programs

    def configuration(self, program: InstalledProgram) -> bytes:
        return bmv2_config(program).encode()

    def running(self) -> p4i.P4Info:
        if self._p4info is None:
            self._refuse_while_saved("the running program")
            config = self._client.call("reading the running program", "bm_get_config")
            if config.strip() in ("", "{}"):
                raise TargetError("no program is running on the switch")
            self._p4info = p4info_of(config)
        if self._p4info is None:
            raise TargetError(
                "the running program was not installed by State4, and bmv2 does not say what it is: "
                "give its source with --running"
            )
        return self._p4info

    def running_configuration(self) -> bytes:
        self._refuse_while_saved("the running program")
        config: str = self._client.call("reading the running program", "bm_get_config")
        return config.encode()

    def verify(self, program: InstalledProgram) -> None:
        """Compiles a program, so that a save only has to load it. The switch goes on as before."""
        bmv2_config(program)

    def install(self, program: InstalledProgram) -> None:
        config = bmv2_config(program)
        self._client.call("making room in the queues", "set_all_egress_queue_depths", QUEUE)
        try:
            self._load(program, config)
        except Bmv2Refusal as error:
            if error.reason != "ONGOING_SWAP":
                raise
            self._client.call("discarding a saved program", "bm_swap_configs")
            self._load(program, config)
        self._begin_saved(program)
        self.commit()

    def save(self, program: InstalledProgram) -> None:
        if self._next_p4info is not None:
            raise TargetError(f"saving {program.name}: {_NO_FORGETTING}")
        self.running()
        config = bmv2_config(program)
        try:
            self._load(program, config)
        except Bmv2Refusal as error:
            if error.reason == "ONGOING_SWAP":
                raise TargetError(f"saving {program.name}: {_NO_FORGETTING}") from None
            raise
        self._begin_saved(program)

    def _load(self, program: InstalledProgram, config: str) -> None:
        try:
            self._client.call(f"saving {program.name}", "bm_load_new_config", config)
        except Bmv2Refusal as error:
            if error.reason == "CONFIG_SWAP_DISABLED":
                raise TargetError(f"saving {program.name}: simple_switch must be started with --enable-swap") from None
            raise

    def _begin_saved(self, program: InstalledProgram) -> None:
        self._next_p4info = program.p4info
        self._profiles = Profiles()
        self._arrays.begin_fresh()

    def commit(self) -> None:
        self._client.call("committing the saved program", "bm_swap_configs")
        self._arrays.end_fresh()
        self._p4info, self._next_p4info = self._next_p4info, None

    def discard_saved(self) -> None:
        """bmv2 cannot discard a saved program: the old one goes on forwarding, but nothing can be changed any more.
        Raises TargetError if there is one."""
        if self._next_p4info is not None:
            raise TargetError(_NO_FORGETTING)

    def _refuse_while_saved(self, what: str) -> None:
        if self._next_p4info is not None:
            raise Unsupported(f"reading {what}: while a program is saved, bmv2 shows that one only")

    # ------------------------------------------------------------ registers and counters

    def register_problem(self, register: RegisterSpec) -> str:
        """Why a register of this form cannot be carried over here, "" if it can."""
        if register.width > 64:
            return f"has {register.width} bits, and the control interface of bmv2 carries 64"
        return ""

    def read_register(self, register: RegisterSpec, start: int = 0, count: int | None = None) -> Cells:
        self._refuse_while_saved(register.name)
        return self._arrays.read(register, start, register.cells - start if count is None else count)

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        """Each register is a consistent snapshot, taken at a different time."""
        return {register.name: self.read_register(register) for register in registers}

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        for part in ranges:
            self._refuse_while_saved(part.register.name)
        return self._arrays.read_ranges(ranges)

    def write_register(self, register: RegisterSpec, values: Cells, start: int = 0) -> None:
        self._arrays.write(register, values, start)

    def write_cells(self, writes: Sequence[CellWrites]) -> None:
        self._arrays.write_cells(writes)

    def read_counter(self, name: str) -> Cells:
        self._refuse_while_saved(name)
        return self._arrays.read_counter(name, _counter(self.running(), name).size)

    def write_counter(self, name: str, values: Cells) -> None:
        p4info = self._next_p4info or self.running()
        self._arrays.write_counter(name, values[: _counter(p4info, name).size])

    # ------------------------------------------------------------ entries

    def read_entities(self) -> list[p4r.Entity]:
        self._refuse_while_saved("entries")
        return Reader(self._client, self.running(), self._profiles).everything()

    def read_saved_entries(self, tables: Sequence[int]) -> list[p4r.TableEntry]:
        p4info = self._next_p4info or self.running()
        reader = Reader(self._client, p4info, self._profiles)
        return [entry for table in p4info.tables if table.preamble.id in tables for entry in reader.entries(table)]

    def write_entities(self, updates: Sequence[p4r.Update]) -> None:
        Writer(self._client, self._next_p4info or self.running(), self._profiles).write(updates)

    # ------------------------------------------------------------ the switch's own

    def clone_session(self, number: int) -> p4r.CloneSessionEntry | None:
        return Replication(self._client).session(number)

    def clone_sessions(self) -> Sequence[p4r.CloneSessionEntry]:
        raise Unsupported("bmv2 cannot list its mirror sessions")

    def multicast_group(self, number: int) -> p4r.MulticastGroupEntry | None:
        return Replication(self._client).group(number)

    # ------------------------------------------------------------ clones

    def configure_clone_session(self, session: int, port: int) -> None:
        what = f"configuring mirror session {session}"
        self._client.call(what, "set_all_egress_queue_depths", QUEUE)
        self._client.call(what, "set_egress_queue_depth", port, CLONE_QUEUE)
        self._client.call(what, "mirroring_session_add", session, MirroringSessionConfig(port=port))

    def set_clone_flag(self, layout: CloneLayout, on: bool) -> None:
        """While a program is saved the flag is out of reach; cloning then ends with the mirror session."""
        if self._next_p4info is None:
            number = int(on)
            self._client.call("setting the clone flag", "bm_register_write", CONTEXT, layout.flag_register, 0, number)
            time.sleep(_PASS_S if on else 0)
        elif on:
            self._refuse_while_saved(layout.flag_register)
        else:
            self._client.call("ending the mirror session", "mirroring_session_delete", layout.session)

    def read_sequences(self, layout: CloneLayout) -> tuple[int, int]:
        self._refuse_while_saved(layout.sequence_register)
        register = next(spec for spec in all_registers(self.running()) if spec.name == layout.sequence_register)
        numbers = self._arrays.read(register, 0, 2)
        return int(numbers[0]), int(numbers[1])

    def open_listener(self, layout: CloneLayout) -> Listener:
        if not self.cpu_interface:
            raise ListenerError("no interface to listen for clones on; give --cpu-interface")
        return Listener(self.cpu_interface, layout)

    def wake(self) -> None:
        if self.cpu_interface:
            send_frame(self.cpu_interface, WAKE)


def _counter(p4info: p4i.P4Info, name: str) -> p4i.Counter:
    return next(counter for counter in p4info.counters if counter.preamble.name == name)
