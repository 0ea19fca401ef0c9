"""Fencing: a request that changes something names its client and the program that it is meant for.

A client that was demoted, or whose program was replaced, gets an error, and nothing is changed. The caller holds the
write lock of the arbitration from the check to the end of the operation, as for P4Runtime's Write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from softswitch.proto import bulk_pb2
from softswitch.server.device.arbitration import Arbitration, ElectionId
from softswitch.server.device.roles import Scope
from softswitch.server.errors import Code, Refused, denied, invalid
from softswitch.server.program.config import Config

Fenced: TypeAlias = (
    bulk_pb2.ReadArrayRequest
    | bulk_pb2.WriteArrayRequest
    | bulk_pb2.WriteCellsRequest
    | bulk_pb2.HoldRequest
    | bulk_pb2.FollowRequest
    | bulk_pb2.CarryEntriesRequest
    | bulk_pb2.ShareUpdatesRequest
    | bulk_pb2.DiscardSavedRequest
    | bulk_pb2.StatsRequest
)


@dataclass(frozen=True)
class Fence:
    """`program`: the number of a Config; 0: the request names none."""

    role: str
    election: ElectionId
    program: int = 0

    @classmethod
    def of(cls, request: Fenced) -> Fence:
        """Raises Refused (INVALID_ARGUMENT) if the request has none."""
        if not request.HasField("fence"):
            raise invalid("the fence is missing: the caller's role, election id and program")
        message = request.fence
        return cls(message.role, message.election_id_high << 64 | message.election_id_low, message.program)

    def check_client(self, arbitration: Arbitration, *, sets_programs: bool = False) -> Scope | None:
        """What the client's role may write. Raises Refused (PERMISSION_DENIED) unless the client is the role's primary
        and, with `sets_programs`, the role may set programs."""
        arbitration.check_write(self.role, self.election)
        scope = arbitration.scope(self.role)
        if sets_programs and scope is not None and not scope.pipeline:
            raise denied(f"role {self.role!r} may not set the program (can_push_pipeline)")
        return scope

    def check_program(self, config: Config | None, what: str) -> Config:
        """The program that is meant. `what`: "active" or "saved", describing `config`. Raises Refused: ABORTED if it
        has been replaced, FAILED_PRECONDITION if there is none."""
        if config is None:
            raise Refused(Code.FAILED_PRECONDITION, f"no program is {what}")
        if not self.program:
            raise invalid("the fence does not name the program that the request is for")
        check_number(config, self.program, what)
        return config


def check_number(config: Config, number: int, what: str) -> None:
    """Raises Refused (ABORTED) unless the program has this number."""
    if config.number != number:
        now = f"{config.compiled.name}, number {config.number}, now"
        raise Refused(Code.ABORTED, f"the {what} program was replaced: it is {now}")
