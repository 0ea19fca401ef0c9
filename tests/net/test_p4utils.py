"""`p4run --config topologies/p4app.json` brings up the paper's network, where p4utils is installed.

p4run ends processes by name and keeps its switches in the root namespace. It runs therefore in namespaces of its own,
where it sees no processes and no interfaces but its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from topologies.bmv2 import bmv2_installed

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(shutil.which("p4run") is None, reason="p4utils is not installed: no p4run on PATH"),
]

_RECEIVE = (
    "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 7000)); s.settimeout(20); "
    "print('received', s.recv(2000), flush=True)"
)
_SEND = (
    "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); "
    "[(s.sendto(b'hello', ('10.0.0.2', 7000)), time.sleep(0.1)) for _ in range(20)]"
)


def p4run(folder: Path, lines: list[str], **environment: str) -> str:
    """The output of p4run with these lines as input to Mininet's command line."""
    inner = f"ip link set lo up && exec p4run --config topologies/p4app.json --log-dir {folder} --pcap-dir {folder}"
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--mount", "bash", "-c", inner]
    text = "\n".join([*lines, "exit", ""])
    (ROOT / "topology.json").unlink(missing_ok=True)
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            timeout=100,
            cwd=ROOT,
            env={**os.environ, **environment},
            check=False,
        )
    finally:
        (ROOT / "topology.json").unlink(missing_ok=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "target",
    ["softswitch", pytest.param("bmv2", marks=pytest.mark.skipif(not bmv2_installed(), reason="bmv2 not on PATH"))],
)
def test_hosts_talk_and_the_program_is_changed_with_its_state(tmp_path: Path, target: str) -> None:
    address = {"softswitch": "127.0.0.1:9559", "bmv2": "bmv2://127.0.0.1:9090"}[target]
    change = f"{PYTHON} -m state4.cli.main reconfigure --target {address} --cpu-interface s1-cpu1 --json"
    message = p4run(
        tmp_path,
        [
            f'h2 {PYTHON} -c "{_RECEIVE}" > {tmp_path}/received 2>&1 &',
            f'h1 {PYTHON} -c "{_SEND}"',
            f"s1 {change} --entries nfs/chained_v2.entries.toml nfs/chained_v2.p4 > {tmp_path}/changed 2>&1",
            f'h2 {PYTHON} -c "{_RECEIVE}" > {tmp_path}/again 2>&1 &',
            f'h1 {PYTHON} -c "{_SEND}"',
        ],
        STATE4_TARGET=target,
    )
    assert (tmp_path / "received").read_text() == "received b'hello'\n", message
    assert json.loads((tmp_path / "changed").read_text())["cells"] == 463742
    assert (tmp_path / "again").read_text() == "received b'hello'\n", message
