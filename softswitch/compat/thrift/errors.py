"""Why a call was refused, as bmv2 reports it: the typed exceptions of its services, with its codes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from bm_runtime.simple_pre_lag.ttypes import InvalidMcOperation, McOperationErrorCode
from bm_runtime.standard.ttypes import (
    CounterOperationErrorCode,
    InvalidCounterOperation,
    InvalidMeterOperation,
    InvalidParseVSetOperation,
    InvalidRegisterOperation,
    InvalidTableOperation,
    MeterOperationErrorCode,
    ParseVSetOperationErrorCode,
    RegisterOperationErrorCode,
    TableOperationErrorCode,
)

from softswitch.errors import SwitchError
from softswitch.server.errors import Code, Refused, of_switch

log = logging.getLogger(__name__)


class ThriftError(SwitchError):
    """An address that can't be listened on, or is none."""


@dataclass(frozen=True)
class Errors:
    """The exceptions for one kind of call. `codes`: bmv2's code for each canonical code of a refused P4Runtime
    write."""

    exception: Callable[..., Exception]
    names: Any
    codes: Mapping[Code, str]

    def fail(self, name: str, why: str = "") -> NoReturn:
        """Raises the exception with the code of that name; `why` is logged, because the protocol cannot carry it."""
        log.info("request refused: %s%s", name, f" ({why})" if why else "")
        raise self.exception(code=getattr(self.names, name, self.names.ERROR))

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns refusals by the server and errors of the switch into the exception."""
        try:
            yield
        except Refused as refused:
            self.fail(self.codes.get(refused.code, "ERROR"), refused.message)
        except SwitchError as error:
            same = of_switch(error)
            self.fail(self.codes.get(same.code, "ERROR"), same.message)


TABLES = Errors(
    InvalidTableOperation,
    TableOperationErrorCode,
    {
        Code.RESOURCE_EXHAUSTED: "TABLE_FULL",
        Code.ALREADY_EXISTS: "DUPLICATE_ENTRY",
        Code.NOT_FOUND: "INVALID_HANDLE",
        Code.INVALID_ARGUMENT: "BAD_MATCH_KEY",
        Code.OUT_OF_RANGE: "BAD_ACTION_DATA",
    },
)
COUNTERS = Errors(InvalidCounterOperation, CounterOperationErrorCode, {Code.OUT_OF_RANGE: "INVALID_INDEX"})
METERS = Errors(
    InvalidMeterOperation,
    MeterOperationErrorCode,
    {Code.OUT_OF_RANGE: "INVALID_INDEX", Code.INVALID_ARGUMENT: "INVALID_INFO_RATE_VALUE"},
)
REGISTERS = Errors(InvalidRegisterOperation, RegisterOperationErrorCode, {Code.OUT_OF_RANGE: "INVALID_INDEX"})
VALUE_SETS = Errors(InvalidParseVSetOperation, ParseVSetOperationErrorCode, {})
MULTICAST = Errors(InvalidMcOperation, McOperationErrorCode, {})
