"""Why a request is refused: a canonical code (google.rpc.Code) and a message that names the object."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import IntEnum

import grpc
from finsy.proto import p4r, rpc_status

from softswitch import errors as switch_errors

log = logging.getLogger(__name__)
SPACE = "softswitch-v1model"
"""Error space of P4Runtime's p4.v1.Error and StreamError."""


class Code(IntEnum):
    """Canonical codes, as in google.rpc.Code."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


_GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Refused(Exception):
    """A request, or one entity of it, is refused."""

    def __init__(self, code: Code, message: str, details: Sequence[p4r.Error] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)

    def to_proto(self) -> p4r.Error:
        return p4r.Error(canonical_code=self.code, message=self.message, space=SPACE)


def invalid(message: str) -> Refused:
    return Refused(Code.INVALID_ARGUMENT, message)


def not_found(message: str) -> Refused:
    return Refused(Code.NOT_FOUND, message)


def denied(message: str) -> Refused:
    return Refused(Code.PERMISSION_DENIED, message)


def out_of_range(message: str) -> Refused:
    return Refused(Code.OUT_OF_RANGE, message)


def unimplemented(message: str) -> Refused:
    return Refused(Code.UNIMPLEMENTED, message)


_SWITCH_CODES: tuple[tuple[type[switch_errors.SwitchError], Code], ...] = (
    (switch_errors.TableFull, Code.RESOURCE_EXHAUSTED),
    (switch_errors.EntryExists, Code.ALREADY_EXISTS),
    (switch_errors.EntryNotFound, Code.NOT_FOUND),
    (switch_errors.ObjectNotFound, Code.NOT_FOUND),
    (switch_errors.PortNotFound, Code.INVALID_ARGUMENT),
    (switch_errors.BadEntry, Code.INVALID_ARGUMENT),
    (switch_errors.ConstantTable, Code.PERMISSION_DENIED),
    (switch_errors.BadIndex, Code.OUT_OF_RANGE),
    (switch_errors.InUse, Code.FAILED_PRECONDITION),
    (switch_errors.PipelineLoadError, Code.INVALID_ARGUMENT),
    (switch_errors.ProgramRefused, Code.INVALID_ARGUMENT),
    (switch_errors.TooExpensive, Code.RESOURCE_EXHAUSTED),
    (switch_errors.CompilationEnded, Code.ABORTED),
    (switch_errors.Closed, Code.UNAVAILABLE),
)


def of_switch(error: switch_errors.SwitchError) -> Refused:
    """The status for a client: the switch's message, without details of this machine such as cache paths."""
    code = next((c for kind, c in _SWITCH_CODES if isinstance(error, kind)), Code.INTERNAL)
    if code is Code.INTERNAL and not isinstance(error, switch_errors.CompilationFailed):
        log.error("request failed: %s", error)
        return Refused(code, "the switch cannot do that; see its log")
    return Refused(code, str(error))


def abort(context: grpc.ServicerContext, refused: Refused) -> None:
    """Ends an RPC with the refusal; per-entity errors travel as google.rpc.Status in the trailing metadata."""
    if refused.details:
        status = rpc_status.Status(code=refused.code, message=refused.message)
        for detail in refused.details:
            status.details.add().Pack(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(_GRPC_CODES[refused.code.value], refused.message)
