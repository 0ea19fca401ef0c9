"""For p4utils: `compiler_module` and `switch_node` of p4app.json.

    p4_src -> Compiler: instrumented, then compiled -> Switch: softswitch, or bmv2 with STATE4_TARGET=bmv2

p4utils requires other versions of protobuf and grpcio than we do. So this module imports only p4utils and the standard
library, and runs all our code as a program (topologies/p4app_tool.py) in the `.venv` of this repository, or with the
python3 on PATH if there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from p4utils.mininetlib.node import P4RuntimeSwitch, P4Switch
from p4utils.utils.compiler import P4C
from p4utils.utils.helper import check_listening_on_port, cksum

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = os.environ.get("STATE4_TARGET", "softswitch")
CPU_PORT = 510
DROP_PORT = 511
MTU = 9500  # what p4utils sets on hosts' links once the switches run


def _python() -> str:
    own = REPOSITORY / ".venv" / "bin" / "python"
    return str(own) if own.exists() else shutil.which("python3") or "python3"


def _tool(*argv: str) -> str:
    """The output of a command of ours. Raises RuntimeError with its error message."""
    command = [_python(), "-m", "topologies.p4app_tool", *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.strip()


class Compiler(P4C):  # type: ignore[misc]
    """Instruments a program and compiles it for the target.

    outdir: where the results go (default: build/p4app of this repository). target: "softswitch" or "bmv2" (default:
    STATE4_TARGET). `get_json_out` is the file that the switch starts with: bmv2's JSON, or the instrumented P4.
    """

    def __init__(self, p4_src: str, outdir: str | None = None, target: str = TARGET, **options: Any) -> None:
        folder = Path(outdir) if outdir else REPOSITORY / "build" / "p4app"
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(p4_src, outdir=str(folder.resolve()), **options)
        self.target = target

    def compile(self) -> None:
        """Raises RuntimeError with all errors of the program."""
        self.cksum = cksum(self.p4_src)
        self.json_out = _tool("compile", "--target", self.target, "-o", self.outdir, self.p4_src)
        self.compiled = True

    def clean(self) -> None:
        Path(self.json_out).unlink(missing_ok=True)
        self.compiled = False


class _WithCpuPort:
    """A CPU port (<name>-cpu0 belongs to the switch, clones arrive at <name>-cpu1) and initial entries."""

    def start(self: Any, controllers: Any = None) -> None:
        self.cmd(f"ip link add {self.name}-cpu0 type veth peer name {self.name}-cpu1")
        names = [interface.name for interface in self.intfs.values() if interface.name != "lo"]
        for interface in (f"{self.name}-cpu0", f"{self.name}-cpu1", *names):
            self.cmd(f"sysctl -qw net.ipv6.conf.{interface}.disable_ipv6=1; ip link set {interface} mtu {MTU} up")
        super().start(controllers)  # type: ignore[misc]
        if self.entries:
            _tool("entries", "--target", self.address, "--device-id", str(self.device_id), self.entries)

    def stop(self: Any, deleteIntfs: bool = True) -> None:
        self.cmd(f"ip link del {self.name}-cpu1")
        super().stop(deleteIntfs)  # type: ignore[misc]


def _ports(node: Any) -> list[str]:
    found = [(port, interface.name) for port, interface in node.intfs.items() if interface.name != "lo"]
    return [word for port, name in sorted(found) for word in ("-i", f"{port}@{name}")]


class SoftSwitch(_WithCpuPort, P4RuntimeSwitch):  # type: ignore[misc]
    """softswitch; `address` is its P4Runtime server. entries: a file of initial entries."""

    def __init__(self, *args: Any, entries: str | None = None, **options: Any) -> None:
        options["sw_bin"] = _python()
        super().__init__(*args, **options)
        self.entries = os.path.abspath(entries) if entries else None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.grpc_port}"

    def add_arguments(self) -> list[str]:
        argv = ["env", f"PYTHONPATH={REPOSITORY}", self.sw_bin, "-m", "softswitch", "run", *_ports(self)]
        argv += ["--cpu-port", str(CPU_PORT), "--cpu-interface", f"{self.name}-cpu0", "--drop-port", str(DROP_PORT)]
        argv += ["--device-id", str(self.device_id), "--grpc-server-addr", self.address]
        return [*argv, self.json_path or "--no-p4"]

    def add_target_arguments(self) -> list[str]:
        return []

    def switch_status(self) -> bool:
        return bool(self.switch_running() and check_listening_on_port(self.grpc_port))

    def describe(self) -> None:
        print(f"{self.name} -> P4Runtime: {self.address}, clones arrive at {self.name}-cpu1")


class Bmv2Switch(_WithCpuPort, P4Switch):  # type: ignore[misc]
    """simple_switch as State4 needs it; `address` is its Thrift server. entries: a file of initial entries."""

    def __init__(self, *args: Any, entries: str | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.nanomsg = None
        self.entries = os.path.abspath(entries) if entries else None

    @property
    def address(self) -> str:
        return f"bmv2://127.0.0.1:{self.thrift_port}"

    def add_arguments(self) -> list[str]:
        argv: list[str] = super().add_arguments()
        return [argv[0], "-i", f"{CPU_PORT}@{self.name}-cpu0", *argv[1:]]

    def add_target_arguments(self) -> list[str]:
        return [*super().add_target_arguments(), "--enable-swap", "--drop-port", str(DROP_PORT)]

    def describe(self) -> None:
        print(f"{self.name} -> State4 target: {self.address}, clones arrive at {self.name}-cpu1")


Switch = Bmv2Switch if TARGET == "bmv2" else SoftSwitch
