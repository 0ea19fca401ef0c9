"""Shared by the other examples: a switch in this process, with P4Runtime on a Unix socket and ports in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from softswitch.dataplane.switch import Switch
from softswitch.server.device.device import Device
from softswitch.server.rpc.listen import Server

HERE = Path(__file__).parent


@contextmanager
def running_switch(device_id: int = 1) -> Iterator[tuple[Switch, str]]:
    """An empty switch with ports 1 and 2, and its address; like `softswitch run --no-p4` with real interfaces."""
    with tempfile.TemporaryDirectory() as folder, Switch() as switch:
        switch.add_memory_port(1)
        switch.add_memory_port(2)
        address = f"unix:{folder}/switch.sock"
        server = Server(Device(switch, device_id), [address])
        server.start()
        try:
            yield switch, address
        finally:
            server.stop(0)
