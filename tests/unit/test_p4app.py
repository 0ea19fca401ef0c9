"""The p4utils network is the paper's, and its modules start the right programs; p4utils itself is not needed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from topologies import p4app_tool
from topologies.paper import PORTS, ip_of, mac_of

ROOT = Path(__file__).resolve().parents[2]
CONFIG = json.loads((ROOT / "topologies" / "p4app.json").read_text())


class _Node:
    """What the modules use of p4utils' P4Switch and P4RuntimeSwitch."""

    def __init__(self, name: str, device_id: int, sw_bin: str = "simple_switch", **options: Any) -> None:
        self.name, self.device_id, self.sw_bin = name, device_id, sw_bin
        self.json_path = options.get("json_path")
        self.thrift_port, self.grpc_port = options.get("thrift_port"), options.get("grpc_port")
        self.intfs: dict[int, Any] = {0: SimpleNamespace(name="lo")}
        self.commands: list[str] = []

    def add_arguments(self) -> list[str]:
        return [self.sw_bin, "--thrift-port", str(self.thrift_port), str(self.json_path)]

    def add_target_arguments(self) -> list[str]:
        return []

    def cmd(self, command: str) -> None:
        self.commands.append(command)

    def start(self, controllers: Any = None) -> None:
        self.commands.append("start")


class _Compiler:
    def __init__(self, p4_src: str, outdir: str) -> None:
        self.p4_src, self.outdir, self.compiled = p4_src, outdir, False
        self.json_out = ""

    def get_json_out(self) -> str:
        assert self.compiled
        return self.json_out


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """state4_p4utils.py with a stand-in for p4utils."""
    for name, content in {
        "p4utils": {},
        "p4utils.mininetlib": {},
        "p4utils.mininetlib.node": {"P4Switch": _Node, "P4RuntimeSwitch": _Node},
        "p4utils.utils": {},
        "p4utils.utils.compiler": {"P4C": _Compiler},
        "p4utils.utils.helper": {"cksum": lambda path: "sum", "check_listening_on_port": lambda port: True},
    }.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delenv("STATE4_TARGET", raising=False)
    path = ROOT / CONFIG["switch_node"]["file_path"] / f"{CONFIG['switch_node']['module_name']}.py"
    spec = importlib.util.spec_from_file_location("state4_p4utils", path)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_network_is_that_of_the_paper() -> None:
    topology = CONFIG["topology"]
    assert list(topology["hosts"]) == list(PORTS)
    assert {link[0]: link[2]["port2"] for link in topology["links"]} == PORTS
    for host, switch, options in topology["links"]:
        assert switch == "s1"
        assert options["addr1"] == mac_of(host)
        assert options["params1"]["ip"] == f"{ip_of(host)}/24"


def test_files_that_it_names_exist(modules: ModuleType) -> None:
    assert (ROOT / CONFIG["p4_src"]).exists()
    assert (ROOT / CONFIG["topology"]["switches"]["s1"]["entries"]).exists()
    for part in ("compiler_module", "switch_node"):
        assert hasattr(modules, CONFIG[part]["object_name"])


def test_the_compiler_instruments(modules: ModuleType, tmp_path: Path) -> None:
    compiler = modules.Compiler(str(ROOT / CONFIG["p4_src"]), outdir=str(tmp_path / "new"))
    compiler.compile()
    text = Path(compiler.get_json_out()).read_text()
    assert "register<bit<2>>(1) state4_flag;" in text
    compiler.clean()
    assert not list((tmp_path / "new").iterdir())


def test_a_wrong_program_is_an_error_with_its_place(modules: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "wrong.p4"
    source.write_text("control {")
    with pytest.raises(RuntimeError, match=r"wrong\.p4:1:9"):
        modules.Compiler(str(source), outdir=str(tmp_path)).compile()


def test_softswitch_is_the_default_switch(modules: ModuleType) -> None:
    assert modules.Switch is modules.SoftSwitch
    switch = modules.SoftSwitch("s1", device_id=3, grpc_port=9560, json_path="/x/chained.p4")
    switch.intfs |= {2: SimpleNamespace(name="s1-eth2"), 1: SimpleNamespace(name="s1-eth1")}
    line = " ".join(switch.add_arguments())
    assert "softswitch run -i 1@s1-eth1 -i 2@s1-eth2 --cpu-port 510 --cpu-interface s1-cpu0" in line
    assert line.endswith("--device-id 3 --grpc-server-addr 127.0.0.1:9560 /x/chained.p4")
    assert switch.switch_status.__self__ is switch


def test_bmv2_gets_a_cpu_port_and_may_swap(modules: ModuleType) -> None:
    switch = modules.Bmv2Switch("s1", device_id=1, thrift_port=9091, json_path="/x/chained.json")
    assert switch.add_arguments()[:3] == ["simple_switch", "-i", "510@s1-cpu0"]
    assert switch.add_target_arguments() == ["--enable-swap", "--drop-port", "511"]
    assert switch.address == "bmv2://127.0.0.1:9091"


def test_interfaces_come_before_the_switch_and_entries_after_it(
    modules: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = modules.SoftSwitch("s1", device_id=1, grpc_port=9559, entries="a.toml")
    monkeypatch.setattr(modules, "_tool", lambda *argv: switch.commands.append(" ".join(argv)))
    switch.start()
    assert switch.commands[0] == "ip link add s1-cpu0 type veth peer name s1-cpu1"
    assert switch.commands[-2] == "start"
    assert switch.commands[-1] == f"entries --target 127.0.0.1:9559 --device-id 1 {Path('a.toml').resolve()}"


def test_the_tool_complains_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = tmp_path / "x.toml"
    entries.write_text("")
    assert p4app_tool.main(["entries", "--target", f"unix:{tmp_path}/none.sock", str(entries)]) == 1
    assert "Traceback" not in (message := capsys.readouterr().err)
    assert message.strip()
