"""`running_network`: a Mininet network that is removed when its block is left, for whatever reason."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psutil
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Node
from mininet.topo import Topo

from topologies.errors import NotRootError
from topologies.nodes import QuietHost, QuietLink
from topologies.processes import Helpers, require_namespaces, require_tools, run_in
from topologies.rundir import RunDirectory, prune
from topologies.signals import hold_signals, orderly_signals

_ONCE_MORE_MS = 200
_ASK_TIMES = 10


@dataclass
class RunningNetwork:
    """A running network: its nodes, its run folder, and its helper processes."""

    net: Mininet
    directory: RunDirectory
    helpers: Helpers

    def node(self, name: str) -> Node:
        return self.net[name]

    def pid(self, name: str) -> int:
        """The process that holds the namespace of a node."""
        return int(self.net[name].pid)

    def run(self, name: str, *argv: str, timeout_s: float = 20.0) -> str:
        """Runs a program to completion in a node. Raises NetworkError if it fails."""
        return run_in(self.pid(name), argv, timeout_s=timeout_s)


def require_root() -> None:
    """Raises NotRootError, for commands that want to report it before they begin."""
    if os.geteuid() != 0:
        raise NotRootError()


@contextmanager
def running_network(topology: Topo, *, switch: Callable[..., Node], link: Any = QuietLink) -> Iterator[RunningNetwork]:
    """Builds and starts `topology` with `switch` as its switch class, and removes everything afterwards.

    Every node lives in a namespace of its own; no interface is ever in the root namespace. Errors, Ctrl-C and SIGTERM
    clean up as well; further signals are held back until that is done. A switch class with a `directory` argument is
    given the run folder, for sockets and logs. `link`: the class of links; hosts' offloads are off unless it is an
    `OffloadLink`.

    Raises NotRootError, ToolMissingError, NetworkError.
    """
    require_root()
    require_tools()
    require_namespaces()
    for _ in prune():
        pass
    setLogLevel("error")
    Mininet.inited = True  # keeps Mininet from changing the machine's sysctls
    with ExitStack() as stack:
        stack.enter_context(orderly_signals())
        directory = RunDirectory.create()
        stack.callback(directory.remove)
        helpers = Helpers(directory)
        net = Mininet(
            switch=_with_directory(switch, directory), host=QuietHost, link=link, controller=None, build=False
        )
        stack.callback(hold_signals, lambda: _stop(net))
        stack.callback(hold_signals, helpers.stop_all)
        net.topo = topology
        net.autoStaticArp = True
        net.build()
        for node in [*net.hosts, *net.switches]:
            directory.record(node.name, node.pid)
        net.start()
        yield RunningNetwork(net, directory, helpers)


def _stop(net: Mininet) -> None:
    for node in net.values():
        _finish_command(node)
    net.stop()


def _finish_command(node: Node) -> None:
    """Returns a node's shell to its prompt, even if Ctrl-C interrupted a command: Mininet gives a node no other command
    before that one has ended, which it sees by a marker in the prompt.

    An interrupt character makes the terminal discard undelivered output, so the marker can get lost, and what was
    readable a moment ago may no longer be. Nothing here may block, and an idle shell is asked for its prompt again.
    """
    if not (node.shell and node.waiting):
        return
    descriptor = node.stdout.fileno()
    os.set_blocking(descriptor, False)
    asked = 0
    while node.waiting and node.shell.poll() is None:
        running = psutil.Process(node.shell.pid).children(recursive=True)
        if asked < _ASK_TIMES:
            node.sendInt()  # repeatedly: an interrupt before the command has started is lost
        else:
            for process in running:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        if asked and not running:
            node.write("\n")
        with suppress(BlockingIOError):
            node.monitor(timeoutms=_ONCE_MORE_MS)
        asked += 1
    with suppress(BlockingIOError, OSError):  # a second prompt would end the next command early
        while node.waitReadable(timeoutms=_ONCE_MORE_MS if asked > 1 else 0):
            node.read()
    node.readbuf = ""
    os.set_blocking(descriptor, True)


def _with_directory(switch: Callable[..., Node], directory: RunDirectory) -> Callable[..., Node]:
    def make(name: str, **params: Any) -> Node:
        wants = getattr(switch, "wants_directory", False) or getattr(
            getattr(switch, "func", None), "wants_directory", False
        )
        return switch(name, **({"directory": directory} if wants else {}), **params)

    return make
