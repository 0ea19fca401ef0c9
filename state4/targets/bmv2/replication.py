"""bmv2's mirror sessions and multicast groups. They belong to the switch, not to a program."""

from __future__ import annotations

import json
from contextlib import suppress

from finsy.proto import p4r
from sswitch_runtime.ttypes import MirroringSessionConfig

from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from state4.errors import TargetError, Unsupported
from state4.targets.bmv2.client import CONTEXT, Bmv2Client, Bmv2Refusal

_SESSION_GROUPS = 0x8000
"""Multicast groups from here on belong to clone sessions, whose numbers are below that."""


class Replication:
    """All methods raise TargetError."""

    def __init__(self, client: Bmv2Client) -> None:
        self._client = client

    def write(self, kind: int, entry: p4r.PacketReplicationEngineEntry) -> None:
        """`kind`: of p4r.Update."""
        if entry.HasField("clone_session_entry"):
            self._write_session(kind, entry.clone_session_entry)
        else:
            self._write_group(kind, entry.multicast_group_entry)

    # ------------------------------------------------------------ mirror sessions

    def session(self, number: int) -> p4r.CloneSessionEntry | None:
        try:
            config = self._client.call(f"reading mirror session {number}", "mirroring_session_get", number)
        except Bmv2Refusal:
            return None
        entry = p4r.CloneSessionEntry(session_id=number)
        if config.port is not None:
            entry.replicas.add(port=_bytes(config.port), instance=1)
        if config.mgid is not None:
            group = self.group(config.mgid)
            for replica in group.replicas if group is not None else ():
                instance = replica.instance or (1 if config.mgid == _group_of(number) else 0)
                entry.replicas.add(port=replica.port, instance=instance)
        return entry

    def _write_session(self, kind: int, entry: p4r.CloneSessionEntry) -> None:
        """Several replicas need a multicast group behind the session. A copy to the session's own port has egress_rid
        0, so the replica that stands for it keeps that in a group."""
        number = entry.session_id
        what = f"writing clone session {number}"
        if entry.packet_length_bytes:
            raise Unsupported(f"{what}: a mirror session of bmv2 copies whole packets")
        group = p4r.MulticastGroupEntry(multicast_group_id=_group_of(number))
        there = self.group(_group_of(number)) is not None
        self._refuse_groups_of_others(number, what)
        if kind == DELETE:
            self._client.call(what, "mirroring_session_delete", number)
        elif len(entry.replicas) == 1 and entry.replicas[0].instance in (0, 1):
            config = MirroringSessionConfig(port=int.from_bytes(entry.replicas[0].port, "big"))
            self._client.call(what, "mirroring_session_add", number, config)
        else:
            for replica in entry.replicas:
                group.replicas.add(port=replica.port, instance=0 if replica.instance == 1 else replica.instance)
            self._write_group(MODIFY if there else INSERT, group)
            config = MirroringSessionConfig(mgid=group.multicast_group_id)
            self._client.call(what, "mirroring_session_add", number, config)
            return
        if there:
            self._write_group(DELETE, group)

    def _refuse_groups_of_others(self, number: int, what: str) -> None:
        with suppress(Bmv2Refusal):
            config = self._client.call(what, "mirroring_session_get", number)
            if config.mgid is not None and config.mgid != _group_of(number):
                raise Unsupported(f"{what}: it sends to multicast group {config.mgid}, which State4 did not create")

    # ------------------------------------------------------------ multicast groups

    def group(self, number: int) -> p4r.MulticastGroupEntry | None:
        engine = json.loads(self._client.call(f"reading multicast group {number}", "bm_mc_get_entries", CONTEXT))
        found = next((group for group in engine["mgrps"] if group["id"] == number), None)
        if found is None:
            return None
        nodes = {node["handle"]: node for node in engine.get("l1_handles", ())}
        ports = {leaf["handle"]: leaf["ports"] for leaf in engine.get("l2_handles", ())}
        entry = p4r.MulticastGroupEntry(multicast_group_id=number)
        for handle in found["l1_handles"]:
            node = nodes[handle]
            for port in ports.get(node["l2_handle"], ()):
                entry.replicas.add(port=_bytes(port), instance=node["rid"])
        return entry

    def _write_group(self, kind: int, entry: p4r.MulticastGroupEntry) -> None:
        number = entry.multicast_group_id
        what = f"writing multicast group {number}"
        engine = json.loads(self._client.call(what, "bm_mc_get_entries", CONTEXT))
        there = next((group for group in engine["mgrps"] if group["id"] == number), None)
        if kind == INSERT and there is not None:
            raise TargetError(f"{what}: it exists already")
        if kind != INSERT and there is None:
            raise TargetError(f"{what}: there is none")
        for node in there["l1_handles"] if there is not None else ():
            self._client.call(what, "bm_mc_node_dissociate", CONTEXT, number, node)
            self._client.call(what, "bm_mc_node_destroy", CONTEXT, node)
        if kind == DELETE:
            self._client.call(what, "bm_mc_mgrp_destroy", CONTEXT, number)
            return
        if kind == INSERT:
            self._client.call(what, "bm_mc_mgrp_create", CONTEXT, number)
        ports: dict[int, set[int]] = {}
        for replica in entry.replicas:
            ports.setdefault(replica.instance, set()).add(int.from_bytes(replica.port, "big"))
        for instance, members in ports.items():
            bits = "".join("1" if port in members else "0" for port in range(max(members), -1, -1))
            node = self._client.call(what, "bm_mc_node_create", CONTEXT, instance, bits, "")
            self._client.call(what, "bm_mc_node_associate", CONTEXT, number, node)


def _bytes(port: int) -> bytes:
    return port.to_bytes(max(1, (port.bit_length() + 7) // 8), "big")


def _group_of(session: int) -> int:
    return _SESSION_GROUPS | session
