"""The service `simple_pre_lag`: multicast groups as trees of nodes, with link aggregation groups (`bm_mc_*`).

The switch stores a list of replicas per group; the nodes are stored here. Groups of P4Runtime clients appear as nodes,
one for each instance, and both kinds of client can change any group.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from finsy.proto import p4r

from softswitch.compat.thrift.errors import MULTICAST
from softswitch.compat.thrift.handles import Numbers
from softswitch.dataplane.entries import Replica
from softswitch.server.device.unelected import Unelected

MAX_NODES = 4096
MAX_GROUPS = 4096
MAX_LAGS = 256
_MAX_PORTS = 512
_MAX_INSTANCE = 0xFFFF
_LAG_HASH = 0xFF
"""simple_switch chooses the same member of a LAG for all packets."""


@dataclass
class _Node:
    """`group`: the one that the node is associated with."""

    instance: int
    ports: tuple[int, ...]
    lags: tuple[int, ...] = ()
    group: int | None = None


class MulticastCalls:
    """Handlers. All raise InvalidMcOperation."""

    def __init__(self, clients: Unelected) -> None:
        self._clients = clients
        self._nodes: dict[int, _Node] = {}
        self._numbers = Numbers()
        self._groups: dict[int, list[int]] = {}
        self._lags: dict[int, tuple[int, ...]] = {}
        self._seen: dict[int, tuple[Replica, ...]] = {}  # of each group, the replicas that its nodes stand for

    def bm_mc_mgrp_create(self, context: int, group: int) -> int:
        with self._writing(context):
            if not 0 <= group <= _MAX_INSTANCE:
                MULTICAST.fail("INVALID_MGID", f"{group} is not a valid group id")
            if group not in self._groups:
                if len(self._groups) >= MAX_GROUPS:
                    MULTICAST.fail("TABLE_FULL", f"all {MAX_GROUPS} groups are in use")
                self._groups[group] = []
                self._apply(group)
        return group

    def bm_mc_mgrp_destroy(self, context: int, group: int) -> None:
        with self._writing(context):
            if group in self._groups:
                self._clients.device.pre.put_group(group, None)
                self._clients.note_switch(_entity(group))
                self._forget(group)

    def bm_mc_node_create(self, context: int, instance: int, port_map: str, lag_map: str) -> int:
        with self._writing(context):
            if not 0 <= instance <= _MAX_INSTANCE:
                MULTICAST.fail("ERROR", f"rid {instance} does not fit in 16 bits")
            node = _Node(instance, _ports(port_map), _ports(lag_map))
            return self._add(node)

    def bm_mc_node_associate(self, context: int, group: int, handle: int) -> None:
        with self._writing(context):
            node = self._node(handle)
            self._check_group(group)
            if node.group is not None:
                MULTICAST.fail("ERROR", f"node {handle} belongs to group {node.group}")
            node.group = group
            self._groups[group].append(handle)
            self._apply(group)

    def bm_mc_node_dissociate(self, context: int, group: int, handle: int) -> None:
        with self._writing(context):
            node = self._node(handle)
            self._check_group(group)
            if node.group != group:
                MULTICAST.fail("ERROR", f"node {handle} does not belong to group {group}")
            self._leave(handle, node)

    def bm_mc_node_destroy(self, context: int, handle: int) -> None:
        with self._writing(context):
            node = self._node(handle)
            if node.group is not None:
                self._leave(handle, node)
            del self._nodes[handle]
            self._numbers.free(handle)

    def bm_mc_node_update(self, context: int, handle: int, port_map: str, lag_map: str) -> None:
        with self._writing(context):
            node = self._node(handle)
            node.ports, node.lags = _ports(port_map), _ports(lag_map)
            if node.group is not None:
                self._apply(node.group)

    def bm_mc_set_lag_membership(self, context: int, lag: int, port_map: str) -> None:
        with self._writing(context):
            if not 0 <= lag < MAX_LAGS:
                MULTICAST.fail("ERROR", f"lag {lag} is not within 0 and {MAX_LAGS - 1}")
            self._lags[lag] = _ports(port_map)
            for group in {node.group for node in self._nodes.values() if lag in node.lags} - {None}:
                assert group is not None
                self._apply(group)

    def bm_mc_get_entries(self, context: int) -> str:
        with self._writing(context):
            nodes = sorted(self._nodes.items())
            return json.dumps(
                {
                    "mgrps": [{"id": group, "l1_handles": found} for group, found in sorted(self._groups.items())],
                    "l1_handles": [{"handle": n, "rid": node.instance, "l2_handle": n} for n, node in nodes],
                    "l2_handles": [{"handle": n, "ports": node.ports, "lags": node.lags} for n, node in nodes],
                    "lags": [{"id": lag, "ports": ports} for lag, ports in sorted(self._lags.items())],
                }
            )

    def reset(self) -> None:
        """Removes all groups, nodes and link aggregation groups."""
        with self._writing(0):
            for group in list(self._groups):
                self._clients.device.pre.put_group(group, None)
                self._clients.note_switch(_entity(group))
            for known in (self._groups, self._nodes, self._lags, self._seen):
                known.clear()
            self._numbers = Numbers()

    # ---- inside ----

    @contextmanager
    def _writing(self, context: int) -> Iterator[None]:
        with MULTICAST.translated(), self._clients.writing_switch():
            if context != 0:
                MULTICAST.fail("ERROR", f"there is no context {context}, only 0")
            self._follow()
            yield

    def _follow(self) -> None:
        """Catches up with groups written by other clients."""
        there = {group.id: group.replicas for group in self._clients.device.switch.multicast_groups()}
        for group in [group for group in self._groups if group not in there]:
            self._forget(group)
        for group, replicas in there.items():
            if self._seen.get(group) == replicas:
                continue
            if group in self._groups:
                for handle in self._groups[group]:
                    del self._nodes[handle]
                    self._numbers.free(handle)
            ports: dict[int, list[int]] = {}
            for replica in replicas:
                ports.setdefault(replica.instance, []).append(replica.port)
            self._groups[group] = [
                self._add(_Node(instance, tuple(sorted(found)), group=group)) for instance, found in ports.items()
            ]
            self._seen[group] = replicas

    def _add(self, node: _Node) -> int:
        if len(self._nodes) >= MAX_NODES:
            MULTICAST.fail("TABLE_FULL", f"all {MAX_NODES} nodes are in use")
        handle = self._numbers.take()
        self._nodes[handle] = node
        return handle

    def _node(self, handle: int) -> _Node:
        node = self._nodes.get(handle)
        if node is None:
            MULTICAST.fail("INVALID_L1_HANDLE", f"there is no node {handle}")
        return node

    def _check_group(self, group: int) -> None:
        if group not in self._groups:
            MULTICAST.fail("INVALID_MGRP_HANDLE", f"there is no group {group}")

    def _leave(self, handle: int, node: _Node) -> None:
        group, node.group = node.group, None
        assert group is not None
        self._groups[group].remove(handle)
        self._apply(group)

    def _forget(self, group: int) -> None:
        """Forgets a deleted group; its nodes stay."""
        for handle in self._groups.pop(group):
            self._nodes[handle].group = None
        self._seen.pop(group, None)

    def _apply(self, group: int) -> None:
        """Writes the replicas that a group's nodes stand for to the switch."""
        replicas: list[Replica] = []
        for handle in self._groups[group]:
            node = self._nodes[handle]
            chosen = [self._lags[lag] for lag in node.lags if self._lags.get(lag)]
            ports = [*node.ports, *(members[_LAG_HASH % len(members)] for members in chosen)]
            replicas += [Replica(port, node.instance) for port in ports]
        self._seen[group] = tuple(replicas)
        self._clients.device.pre.put_group(group, tuple(replicas))
        self._clients.note_switch(_entity(group))


def _entity(group: int) -> p4r.Entity:
    entity = p4r.Entity()
    entity.packet_replication_engine_entry.multicast_group_entry.multicast_group_id = group
    return entity


def _ports(bits: str) -> tuple[int, ...]:
    """The ports of a port map: a string of 0 and 1 whose last character is port 0."""
    if len(bits) > _MAX_PORTS or set(bits) - {"0", "1"}:
        MULTICAST.fail("ERROR", f"a port map consists of 0 and 1, for up to {_MAX_PORTS} ports")
    return tuple(number for number, bit in enumerate(reversed(bits)) if bit == "1")
