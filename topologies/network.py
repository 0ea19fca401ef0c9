"""`running_network`: a Mininet network that is gone when its block is left, however that happens."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
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

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ONCE_MORE_MS = 200
_ASK_TIMES = 10


@dataclass
class RunningNetwork:
    """A network that is up: its nodes, its run folder, and the helpers that run in it."""

    net: Mininet
    directory: RunDirectory
    helpers: Helpers

    def node(self, name: str) -> Node:
        return self.net[name]

    def pid(self, name: str) -> int:
        """The process that holds the namespace of a node."""
        return int(self.net[name].pid)

    def run(self, name: str, *argv: str, timeout_s: float = 20.0) -> str:
        """Runs a program to its end in a node; NetworkError when it fails."""
        return run_in(self.pid(name), argv, timeout_s=timeout_s)


def require_root() -> None:
    """Raises NotRootError: for a command that wants to say so before it begins."""
    if os.geteuid() != 0:
        raise NotRootError()


@contextmanager
def running_network(topology: Topo, *, switch: Callable[..., Node], link: Any = QuietLink) -> Iterator[RunningNetwork]:
    """Builds and starts `topology` with `switch` as its switch class; takes all of it down again.

    Every node lives in a namespace of its own and no interface is ever in the root namespace. Leaving the block by an
    error, Ctrl-C or SIGTERM cleans up as well; further signals wait until that is done. A switch class that takes a
    `directory` argument gets the run folder by it, for sockets and logs. `link`: what the ends of links do by
    themselves; offloads are off unless it is an `OffloadLink`.

    Raises NotRootError, ToolMissingError, NetworkError.
    """
    require_root()
    require_tools()
    require_namespaces()
    for _ in prune():
        pass
    setLogLevel("error")
    Mininet.inited = True  # else Mininet changes sysctls of the whole machine
    with ExitStack() as stack:
        stack.enter_context(_orderly_signals())
        directory = RunDirectory.create()
        stack.callback(directory.remove)
        helpers = Helpers(directory)
        net = Mininet(
            switch=_with_directory(switch, directory), host=QuietHost, link=link, controller=None, build=False
        )
        stack.callback(_held_signals, lambda: _stop(net))
        stack.callback(_held_signals, helpers.stop_all)
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
    """Brings a node's shell back to its prompt, also when Ctrl-C came in the middle of a command: Mininet gives a node
    no other before that one has ended, and sees the end by a mark in the prompt.

    An interrupt character makes the terminal discard what it has not delivered yet. So the mark can get lost, and what
    was readable a moment ago need not be any more: nothing here may block, and a shell that has nothing to run is asked
    for its prompt again.
    """
    if not (node.shell and node.waiting):
        return
    descriptor = node.stdout.fileno()
    os.set_blocking(descriptor, False)
    asked = 0
    while node.waiting and node.shell.poll() is None:
        running = psutil.Process(node.shell.pid).children(recursive=True)
        if asked < _ASK_TIMES:
            node.sendInt()  # again, since one that comes before the shell has begun the command is lost
        else:
            for process in running:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        if asked and not running:
            node.write("\n")
        with suppress(BlockingIOError):
            node.monitor(timeoutms=_ONCE_MORE_MS)
        asked += 1
    with suppress(BlockingIOError, OSError):  # prompts that came twice would end the next command early
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


@contextmanager
def _orderly_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP leave the block as an exception, as Ctrl-C does. Only the main thread may set handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _held_signals(action: Callable[[], Any]) -> None:
    """Runs `action` with our signals held back; they are delivered after it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        action()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
