"""simple_switch_CLI, unmodified, and the command that starts the server."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from softswitch.__main__ import main
from tests.switch.compat.thrift.bench import ThriftBench

_COMMANDS = """
show_tables
table_add exacts paced 7 => 3
table_add ternaries to 0x12&&&0xff 0x1200/8 1->5 0&&&0 => 300 10
table_add ternaries to 0x12&&&0xff 0x1200/8 1->5 0&&&0 => 300 10
table_dump ternaries
table_delete ternaries 0
table_set_default ternaries to 2
register_write small 3 77
register_read small 3
counter_read seen 1
meter_set_rates rate 1 0.001:10 0.002:20
meter_get_rates rate 1
act_prof_create_member ways to 3
table_indirect_add chosen 4 => 0
mc_mgrp_create 1
mc_node_create 5 1 2
mc_node_associate 1 0
mc_dump
mirroring_add 100 3
mirroring_get 100
show_ports
switch_info
"""
_EXPECTED = (
    "MyIngress.ternaries            [implementation=None, mk=request.value(ternary, 64),\trequest.amount(lpm, 16),"
    "\trequest.cell(range, 8),\trequest.op(ternary, 8)]",
    "Entry has been added with handle 0",
    "Invalid table operation (DUPLICATE_ENTRY)",
    "* request.amount      : LPM       1200/8",
    "Priority: 10",
    "Action entry: MyIngress.to - 012c",
    "small[3]= 77",
    "seen[1]= (0 bytes, 0 packets)",
    "1: info rate = 0.002, burst size = 20",
    "Member has been created with handle 0",
    "  -> (L1h=0, rid=5) -> (ports=[1, 2], lags=[])",
    "MirroringSessionConfig(port=3, mgid=None)",
)


def test_the_original_command_drives_the_switch(bench: ThriftBench) -> None:
    found = importlib.util.find_spec("bm_cli")
    assert found is not None and found.origin is not None
    script = Path(found.origin).parent / "sswitch_CLI.py"
    command = [sys.executable, str(script), "--thrift-port", str(bench.server.port)]
    path = ":".join(entry for entry in sys.path if entry)
    done = subprocess.run(
        command, input=_COMMANDS, capture_output=True, text=True, timeout=60, check=False, env={"PYTHONPATH": path}
    )
    lines = done.stdout.replace("RuntimeCmd: ", "").splitlines()
    for line in _EXPECTED:
        assert line in lines, done.stdout + done.stderr
    assert not done.stderr


def test_without_the_bindings_the_extra_is_named() -> None:
    arguments = ["run", "--no-p4", "--thrift-port", "9090", "--grpc-server-addr", "127.0.0.1:0"]
    hidden = "import sys; sys.modules['bm_runtime'] = None; from softswitch.__main__ import main; "
    code = f"{hidden}sys.exit(main({arguments}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "pip install 'state4[bmv2]'" in done.stderr and not done.stdout


def test_options_that_need_the_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--no-p4", "--enable-swap"]) != 0
    assert "--thrift-port" in capsys.readouterr().err
