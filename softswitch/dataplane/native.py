"""The C runtime, opened: its functions with the signatures of api.h, its constants, its status codes as exceptions."""

from __future__ import annotations

import ctypes
import functools

from softswitch import errors
from softswitch.build.runtime import runtime_library, sanitize_wanted
from softswitch.dataplane.interface import interface

_CONSTANTS = interface().constants
INSERT, MODIFY, DELETE = (_CONSTANTS[name] for name in ("SS_INSERT", "SS_MODIFY", "SS_DELETE"))
PACKET_INS, DIGESTS, LOG = (_CONSTANTS[name] for name in ("SS_PACKET_INS", "SS_DIGESTS", "SS_LOG"))
BY_ACTION, BY_MEMBER, BY_GROUP = (_CONSTANTS[name] for name in ("SS_BY_ACTION", "SS_BY_MEMBER", "SS_BY_GROUP"))
METER_CONFIG_WORDS, METER_WORDS = _CONSTANTS["SS_METER_CONFIG_WORDS"], _CONSTANTS["SS_METER_WORDS"]
NO_ACTION, NO_WATCH_PORT = _CONSTANTS["SS_NO_ACTION"], _CONSTANTS["SS_NO_WATCH_PORT"]
DEFAULT_SLOT = _CONSTANTS["SS_DEFAULT_SLOT"]
REAL_TIME = _CONSTANTS["SS_REAL_TIME"]
U64_MAX = (1 << 64) - 1

Kinds = dict[type[errors.SwitchError], type[errors.SwitchError]]
ERRORS: dict[str, type[errors.SwitchError]] = {
    "SS_FULL": errors.TableFull,
    "SS_EXISTS": errors.EntryExists,
    "SS_NOT_FOUND": errors.EntryNotFound,
    "SS_INDEX": errors.BadIndex,
    "SS_INVALID": errors.BadEntry,
    "SS_NO_MEMORY": errors.SwitchError,
    "SS_NO_INTERFACE": errors.InterfaceNotFound,
    "SS_SYSTEM": errors.InterfaceError,
    "SS_IN_USE": errors.InUse,
    "SS_LOAD": errors.PipelineLoadError,
    "SS_CONSTANT": errors.ConstantTable,
}
"""The exception for each status but SS_OK."""
PORT_ERRORS: Kinds = {
    errors.EntryExists: errors.PortInUse,
    errors.EntryNotFound: errors.PortNotFound,
    errors.BadEntry: errors.InterfaceError,
}
_BY_STATUS = {_CONSTANTS[name]: kind for name, kind in ERRORS.items()}


@functools.lru_cache
def library() -> ctypes.CDLL:
    """libssrt.so, opened so that compiled pipelines find the runtime's services in it."""
    lib = ctypes.CDLL(str(runtime_library(sanitize_wanted())), mode=ctypes.RTLD_GLOBAL)
    for name, signature in interface().functions.items():
        function = getattr(lib, name)
        function.restype = signature.result
        function.argtypes = signature.arguments
    return lib


def error(status: int, kinds: Kinds | None = None) -> Exception:
    """The exception for a negative status of the call just made in this thread; `kinds` replaces classes."""
    text = library().ss_error_text().decode(errors="replace")
    kind = _BY_STATUS.get(status, errors.SwitchError)
    return (kinds or {}).get(kind, kind)(text)


def check(status: int, kinds: Kinds | None = None) -> None:
    if status < 0:
        raise error(status, kinds)


def last_error() -> Exception:
    """For a call of this thread that gave no object."""
    return error(library().ss_error_code())
