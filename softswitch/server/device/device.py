"""The device: a switch, its forwarding configs, and the five ways to change them (P4Runtime specification 14)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from finsy.proto import p4i, p4r

from softswitch.build.isolated import Compilers
from softswitch.build.program import CompiledPipeline
from softswitch.dataplane.entries import DigestMessage
from softswitch.dataplane.handover import HandedOver, Handover
from softswitch.dataplane.switch import Switch
from softswitch.errors import SwitchError
from softswitch.model import state_bytes
from softswitch.proto.device_config_wrapper import unwrapped
from softswitch.server.device.arbitration import Arbitration, election_id
from softswitch.server.device.batches import Batches
from softswitch.server.device.changes import Changes
from softswitch.server.device.copies import CellCopy, copy_cells
from softswitch.server.device.fence import Fence, check_number
from softswitch.server.device.reconcile import Reconciliation
from softswitch.server.device.sharing import Sharing
from softswitch.server.entities.pre import ReplicationEngine
from softswitch.server.errors import Code, Refused, denied, invalid, not_found, of_switch
from softswitch.server.program.config import Config, make_config
from softswitch.server.program.controller_header import ControllerHeader
from softswitch.server.program.digests import Digests
from softswitch.server.program.p4info_check import check_p4info
from softswitch.server.values.translation import Translations

log = logging.getLogger(__name__)
Request = p4r.SetForwardingPipelineConfigRequest
MAX_STATE_BYTES = 1 << 30
"""Limit on the state of a program sent by a client; up to three are loaded at a time (active, saved, previous)."""


@dataclass(frozen=True)
class Changed:
    """The result of a change of programs. `program`: number of the program saved or committed, 0 for VERIFY; `held_ns`:
    how long packets waited in a change that keeps their state, 0 for others; `kept_entries`: number of table entries
    kept by such a change, None for others."""

    program: int = 0
    held_ns: int = 0
    kept_entries: int | None = None


@dataclass(frozen=True)
class Replaced:
    """What is needed to understand a program's messages. `serial`: the pipeline's serial number."""

    serial: int
    digests: Digests
    packet_in: ControllerHeader


class Device:
    """One device of the server. `active` forwards packets; `saved`, if any, waits for COMMIT and is the one written
    to."""

    def __init__(self, switch: Switch, device_id: int) -> None:
        self.switch = switch
        self.device_id = device_id
        self.arbitration = Arbitration(device_id)
        self.pre = ReplicationEngine(switch)
        self.digest_listeners: list[Callable[[DigestMessage, Config], None]] = []
        """Called for each digest of the active program, besides P4Runtime's clients."""
        self.translations = Translations(reserved=(switch.cpu_port, switch.drop_port))
        self.batches = Batches(switch, self.pre)
        self.compilers = Compilers()
        self.changes = Changes(self.arbitration.write_lock)
        self.sharing = Sharing(self.arbitration)
        self.active: Config | None = None
        self.saved: Config | None = None
        self._before: Replaced | None = None
        self.digest_lock = threading.RLock()
        self.clones_for: object = None
        """The request for which the switch keeps clones (hold.py)."""

    def check_id(self, device_id: int) -> None:
        """Raises Refused (NOT_FOUND) for another device."""
        if device_id != self.device_id:
            raise not_found(f"no device {device_id}; this is device {self.device_id}")

    def target(self) -> Config:
        """The config that reads and writes address. Raises Refused (FAILED_PRECONDITION) without one."""
        config = self.changes.sees(self.saved) or self.active
        if config is None:
            raise Refused(Code.FAILED_PRECONDITION, "no forwarding pipeline config has been set")
        return config

    def write(self, request: p4r.WriteRequest, ended: Callable[[], bool] = lambda: False) -> None:
        """P4Runtime's Write. Raises Refused."""
        election = election_id(request.election_id) if request.HasField("election_id") else None
        with self.arbitration.write_lock:
            self.changes.enter(request.role, election, ended)
            self.arbitration.check_write(request.role, election)
            with self.digest_lock:
                config, scope = self.target(), self.arbitration.scope(request.role)

                def note(entity: p4r.Entity) -> None:
                    self.changes.note(config, entity, request.role, election)

                self.batches.write(config, request, scope, ended, note)

    # ---- changing the program ----

    def save(self, blob: bytes, ended: Callable[[], bool] = lambda: False) -> Config:
        """VERIFY_AND_SAVE for a client without an election id (bmv2's Thrift services). Raises Refused: ABORTED while
        another program is saved, which may belong to another client."""
        compiled, p4info = self._verify(p4r.ForwardingPipelineConfig(p4_device_config=blob), ended)
        with self.arbitration.write_lock:
            if self.saved is not None:
                raise Refused(Code.ABORTED, "another program is already saved")
            self.saved = self._load(p4info, blob, None, compiled)
            return self.saved

    def install(self, compiled: CompiledPipeline, blob: bytes) -> None:
        """Sets the program that the daemon was started with; no primary is required."""
        with self.arbitration.write_lock:
            config = self._load(compiled.p4info, blob, None, compiled)
            self._commit(config)

    def set_config(
        self,
        request: p4r.SetForwardingPipelineConfigRequest,
        ended: Callable[[], bool] = lambda: False,
        program: int = 0,
        given_up: frozenset[str] = frozenset(),
    ) -> Changed:
        """`ended`: whether the client has stopped waiting. `program`: the program that the request builds on; for
        COMMIT the number of the saved one, else of the active one; 0: any. `given_up`: registers whose contents
        RECONCILE_AND_COMMIT need not keep.

        Raises Refused; a config that can't be realized leaves the running program untouched."""
        self.check_id(request.device_id)
        self._check_primary(request)
        action, given = request.action, request.HasField("config")
        if action == Request.COMMIT:
            if given:
                raise invalid("COMMIT takes no config")
            with self.arbitration.write_lock:
                self._check_primary(request)
                if self.saved is None or not self.changes.is_for(self.saved, request.role, _election(request)):
                    raise not_found("no config was saved: use VERIFY_AND_SAVE first")
                if program:
                    check_number(self.saved, program, "saved")
                return Changed(self.commit_saved())
        if action not in (
            Request.VERIFY,
            Request.VERIFY_AND_SAVE,
            Request.VERIFY_AND_COMMIT,
            Request.RECONCILE_AND_COMMIT,
        ):
            raise invalid("the action is missing")
        if not given:
            raise invalid("the config is missing")
        compiled, p4info = self._verify(request.config, ended)
        if action == Request.VERIFY:
            return Changed()
        cookie = request.config.cookie.cookie if request.config.HasField("cookie") else None
        with self.arbitration.write_lock:
            self._check_primary(request)
            if program and self.active is not None:
                check_number(self.active, program, "active")
            config = self._load(p4info, request.config.p4_device_config, cookie, compiled)
            if action == Request.VERIFY_AND_SAVE:
                self.saved = config
                self.changes.saved_by(request.role, _election(request), config)
                return Changed(config.number)
            if action == Request.VERIFY_AND_COMMIT or self.active is None:
                return Changed(self._commit(config))
            held_ns, entries = self._reconcile(self.active, config, given_up)
            return Changed(config.number, held_ns, entries)

    def _check_primary(self, request: p4r.SetForwardingPipelineConfigRequest) -> None:
        self.arbitration.check_write(request.role, _election(request))
        scope = self.arbitration.scope(request.role)
        if scope is not None and not scope.pipeline:
            raise denied(f"role {request.role!r} may not set the program (can_push_pipeline)")

    def _verify(
        self, config: p4r.ForwardingPipelineConfig, ended: Callable[[], bool]
    ) -> tuple[CompiledPipeline, p4i.P4Info]:
        """Compiles (or finds in the cache) and matches with the P4Info. Without a P4Info the program's own is used."""
        try:
            compiled = self.compilers.compile(_program_of(config.p4_device_config), ended=ended)
        except SwitchError as error:
            raise of_switch(error) from None
        self._check_state(compiled)
        p4info = config.p4info if config.HasField("p4info") else compiled.p4info
        check_p4info(p4info, compiled.p4info)
        return compiled, p4info

    def _check_state(self, compiled: CompiledPipeline) -> None:
        """Raises Refused (RESOURCE_EXHAUSTED) for more state than the switch allows."""
        wanted = state_bytes(compiled.info)
        if wanted > MAX_STATE_BYTES:
            raise Refused(
                Code.RESOURCE_EXHAUSTED,
                f"the program's registers, counters and meters take {wanted:,} bytes; {MAX_STATE_BYTES:,} are allowed",
            )

    def _load(self, p4info: p4i.P4Info, blob: bytes, cookie: int | None, compiled: CompiledPipeline) -> Config:
        try:
            pipeline = self.switch.load(compiled)
        except SwitchError as error:
            raise of_switch(error) from None
        return make_config(p4info, blob, cookie, compiled, pipeline, translations=self.translations, ports=self._ports)

    def _ports(self) -> set[int]:
        return {*self.switch.ports(), self.switch.cpu_port}

    def saved_for(self, fence: Fence) -> Config:
        """The saved program, which may belong to this client alone. The caller holds the write lock. Raises Refused."""
        config = fence.check_program(self.saved, "saved")
        self.check_own(config, fence)
        return config

    def check_own(self, saved: Config, fence: Fence) -> None:
        """Raises Refused (ABORTED) if the saved program belongs to the change of another client."""
        if not self.changes.is_for(saved, fence.role, fence.election):
            raise Refused(Code.ABORTED, "the saved program belongs to another client's change")

    def commit_saved(self) -> int:
        """COMMIT; returns the program's number. The caller has checked the client. Raises Refused: FAILED_PRECONDITION
        if nothing was saved, ABORTED if the program lacks what others have written."""
        with self.arbitration.write_lock:
            if self.saved is None:
                raise Refused(Code.FAILED_PRECONDITION, "no config was saved: use VERIFY_AND_SAVE first")
            self.changes.check_settled(self.saved)
            return self._commit(self.saved)

    def hand_over(self, config: Config, handover: Handover, copies: Sequence[CellCopy] = ()) -> HandedOver:
        """Moves what packets have changed, then `copies`, and commits, in one safe point; does nothing if clones are
        missing. The caller holds the write lock. Raises Refused (ABORTED) like `commit_saved`."""
        self.changes.check_settled(config)
        with self.digest_lock, self.switch.safe_point() if copies else nullcontext():
            done = self.switch.hand_over(config.pipeline, handover)
            if done.complete:
                copy_cells(copies)
                self._activated(config)
        return done

    def forget_clones(self, owner: object) -> None:
        """Stops keeping clones, unless they are now kept for another client."""
        with self.arbitration.write_lock:
            if self.clones_for is owner:
                self.clones_for = None
                self.switch.forget_clones()

    def discard_saved(self) -> bool:
        """Discards the saved config; False if there was none."""
        with self.arbitration.write_lock:
            discarded, self.saved = self.saved is not None, None
            return discarded

    def _commit(self, config: Config) -> int:
        """Returns the program's number."""
        with self.digest_lock:
            self.switch.commit(config.pipeline)
            self._activated(config)
        return config.number

    def _activated(self, config: Config) -> None:
        old, self.active, self.saved = self.active, config, None
        if old is not None and old is not config:
            self._before = Replaced(old.pipeline.handle.serial, old.digests, old.packet_in)
            config.digests.succeed(old.digests, self.arbitration.send_to_primaries)
        log.info("program %s is active", config.compiled.name)

    def sender(self, serial: int) -> Replaced | None:
        """The key to a program's messages: of the active one, or of the previous one, whose last messages are still in
        transit after a swap. None without a program."""
        before, active = self._before, self.active
        if before is not None and before.serial == serial:
            return before
        return Replaced(active.pipeline.handle.serial, active.digests, active.packet_in) if active is not None else None

    def _reconcile(self, old: Config, new: Config, given_up: frozenset[str] = frozenset()) -> tuple[int, int]:
        """How long packets waited in ns, and how many table entries were kept."""
        change = Reconciliation(old, new)
        try:
            problems = change.problems(given_up)
            if problems:
                raise invalid("the forwarding state can't be kept: " + "; ".join(problems))
            entries = change.copy_control()
            done = self.hand_over(new, change.handover())
            return done.held_ns, entries
        except SwitchError as error:
            raise invalid(f"the forwarding state can't be kept: {error}") from None

    def get_config(
        self, request: p4r.GetForwardingPipelineConfigRequest
    ) -> tuple[p4r.GetForwardingPipelineConfigResponse, int]:
        """The active config (before any COMMIT the saved one), with the parts that the request asks for, and its
        number; 0 if there is none."""
        self.check_id(request.device_id)
        response = p4r.GetForwardingPipelineConfigResponse()
        config = self.active or self.saved
        if config is None:
            return response, 0
        response.config.SetInParent()
        kinds = p4r.GetForwardingPipelineConfigRequest
        if config.cookie is not None:
            response.config.cookie.cookie = config.cookie
        if request.response_type in (kinds.ALL, kinds.P4INFO_AND_COOKIE):
            response.config.p4info.CopyFrom(config.p4info)
        if request.response_type in (kinds.ALL, kinds.DEVICE_CONFIG_AND_COOKIE):
            response.config.p4_device_config = config.device_config
        return response, config.number


def _program_of(device_config: bytes) -> bytes:
    """A device config without the wrapper that clients of the first servers added."""
    inner = unwrapped(device_config)
    if inner is None:
        return device_config
    log.warning("the device config came in the deprecated wrapper p4.tmp.P4DeviceConfig; using its device_data")
    return inner


def _election(request: p4r.SetForwardingPipelineConfigRequest) -> int | None:
    return election_id(request.election_id) if request.HasField("election_id") else None
