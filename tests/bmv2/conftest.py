"""Tests against real bmv2 are skipped, with the reason, if it is not installed."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from state4.targets.bmv2.program import SWITCH
from tests.bmv2.bench import missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    reason = missing()
    for item in items:
        if reason and here in item.path.parents and item.get_closest_marker("bmv2"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A simple_switch without ports and without a program."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [SWITCH, "--thrift-port", str(port), "--device-id", str(port), "--no-p4", "--", "--enable-swap"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
