"""The C runtime as Python functions: signatures of runtime/api.h, and its status codes as exceptions."""

from __future__ import annotations

import ctypes
import functools
from ctypes import POINTER, c_bool, c_char_p, c_int, c_int64, c_uint32, c_uint64, c_void_p

from softswitch import errors
from softswitch.build.runtime import runtime_library, sanitize_wanted

U32_MAX = 0xFFFFFFFF
U64_MAX = 0xFFFFFFFFFFFFFFFF
INSERT, MODIFY, DELETE = 0, 1, 2
PACKET_INS, DIGESTS, LOG = 0, 1, 2
ROW_HEAD = 4
READ_HEAD = 10
METER_WORDS = 11

_FULL, _EXISTS, _NOT_FOUND, _INDEX, _INVALID, _NO_MEMORY, _NO_INTERFACE, _SYSTEM, _IN_USE, _LOAD, _CONSTANT = range(
    -1, -12, -1
)

_ERRORS: dict[int, type[errors.SwitchError]] = {
    _FULL: errors.TableFull,
    _EXISTS: errors.EntryExists,
    _NOT_FOUND: errors.EntryNotFound,
    _INDEX: errors.BadIndex,
    _INVALID: errors.BadEntry,
    _NO_MEMORY: errors.SwitchError,
    _NO_INTERFACE: errors.InterfaceNotFound,
    _SYSTEM: errors.InterfaceError,
    _IN_USE: errors.InUse,
    _LOAD: errors.PipelineLoadError,
    _CONSTANT: errors.ConstantTable,
}
PORT_ERRORS: dict[type[errors.SwitchError], type[errors.SwitchError]] = {
    errors.EntryExists: errors.PortInUse,
    errors.EntryNotFound: errors.PortNotFound,
    errors.BadEntry: errors.InterfaceError,
}

_HANDLE = c_void_p
_U32P, _U64P, _BYTES = c_void_p, c_void_p, c_char_p

# name: (result, arguments). Arrays are passed as addresses (c_void_p), so that numpy, array and ctypes memory all do.
_SIGNATURES: dict[str, tuple[type[object] | None, tuple[object, ...]]] = {
    "ss_error_text": (c_char_p, ()),
    "ss_switch_create": (_HANDLE, (c_uint32, c_uint32, c_uint64)),
    "ss_switch_destroy": (None, (_HANDLE,)),
    "ss_switch_start": (c_int, (_HANDLE,)),
    "ss_switch_stop": (c_int, (_HANDLE,)),
    "ss_switch_hold": (None, (_HANDLE,)),
    "ss_switch_release": (None, (_HANDLE,)),
    "ss_switch_set_time": (None, (_HANDLE, c_uint64)),
    "ss_switch_time": (c_uint64, (_HANDLE,)),
    "ss_switch_set_packet_in": (None, (_HANDLE, c_uint32)),
    "ss_switch_set_trace": (None, (_HANDLE, c_bool)),
    "ss_switch_stats_read": (None, (_HANDLE, _U64P)),
    "ss_switch_stats_reset": (None, (_HANDLE,)),
    "ss_queue_take": (c_int64, (_HANDLE, c_uint32, c_uint32, c_void_p, c_uint64, c_int64)),
    "ss_queues_close": (None, (_HANDLE,)),
    "ss_port_add_interface": (c_int, (_HANDLE, c_uint32, _BYTES)),
    "ss_port_add_memory": (c_int, (_HANDLE, c_uint32)),
    "ss_port_remove": (c_int, (_HANDLE, c_uint32)),
    "ss_port_stats_read": (c_int, (_HANDLE, c_uint32, _U64P)),
    "ss_port_take": (c_int64, (_HANDLE, c_uint32, c_void_p, c_uint64)),
    "ss_port_send": (c_int, (_HANDLE, c_uint32, _BYTES, c_uint32)),
    "ss_inject": (c_int, (_HANDLE, c_uint32, _BYTES, c_uint32, POINTER(c_void_p), POINTER(c_uint64))),
    "ss_submit": (c_int, (_HANDLE, c_uint32, _BYTES, c_uint32)),
    "ss_bench": (c_int, (_HANDLE, c_uint32, _BYTES, c_uint64, c_uint64, POINTER(c_uint64), POINTER(c_uint64))),
    "ss_pipeline_load": (_HANDLE, (_HANDLE, _BYTES)),
    "ss_pipeline_commit": (c_int, (_HANDLE,)),
    "ss_pipeline_unload": (c_int, (_HANDLE,)),
    "ss_pipeline_deactivate": (None, (_HANDLE,)),
    "ss_pipeline_reset": (None, (_HANDLE, c_bool)),
    "ss_pipeline_table": (_HANDLE, (_HANDLE, c_uint32)),
    "ss_pipeline_array": (_HANDLE, (_HANDLE, c_uint32)),
    "ss_pipeline_counter": (_HANDLE, (_HANDLE, c_uint32)),
    "ss_pipeline_meter": (_HANDLE, (_HANDLE, c_uint32)),
    "ss_pipeline_profile": (_HANDLE, (_HANDLE, c_uint32)),
    "ss_pipeline_value_set": (_HANDLE, (_HANDLE, c_uint32)),
    "ss_pipeline_shape": (None, (_HANDLE, _U32P)),
    "ss_pipeline_serial": (c_uint64, (_HANDLE,)),
    "ss_table_row_words": (c_uint32, (_HANDLE,)),
    "ss_table_data_words": (c_uint32, (_HANDLE,)),
    "ss_table_write": (c_int, (_HANDLE, c_uint32, c_uint32, _U64P, POINTER(c_uint32), _U64P)),
    "ss_table_entry_count": (c_uint32, (_HANDLE,)),
    "ss_table_read": (c_uint32, (_HANDLE, _U64P, c_uint32, c_bool)),
    "ss_table_find": (c_int, (_HANDLE, _U64P, _U64P)),
    "ss_table_set_default": (c_int, (_HANDLE, c_uint32, _U64P)),
    "ss_table_reset_default": (None, (_HANDLE,)),
    "ss_table_get_default": (None, (_HANDLE, POINTER(c_uint32), _U64P, _U64P)),
    "ss_table_clear": (None, (_HANDLE,)),
    "ss_table_stats": (None, (_HANDLE, _U64P)),
    "ss_table_set_counter": (c_int, (_HANDLE, c_uint64, _U64P)),
    "ss_table_set_meter": (c_int, (_HANDLE, c_uint64, _U64P)),
    "ss_table_get_meter": (c_int, (_HANDLE, c_uint64, _U64P)),
    "ss_table_set_meter_counts": (c_int, (_HANDLE, c_uint64, _U64P)),
    "ss_array_cell_bytes": (c_uint32, (_HANDLE,)),
    "ss_array_read": (c_int, (_HANDLE, c_uint64, c_uint64, c_void_p)),
    "ss_array_write": (c_int, (_HANDLE, c_uint64, c_uint64, c_void_p)),
    "ss_array_write_cells": (c_int, (_HANDLE, c_uint64, _U64P, c_void_p)),
    "ss_counter_read": (c_int, (_HANDLE, c_uint64, c_uint64, _U64P)),
    "ss_counter_write": (c_int, (_HANDLE, c_uint64, c_uint64, _U64P)),
    "ss_meter_read": (c_int, (_HANDLE, c_uint64, c_uint64, _U64P)),
    "ss_meter_write": (c_int, (_HANDLE, c_uint64, c_uint64, _U64P)),
    "ss_meter_set_counts": (c_int, (_HANDLE, c_uint64, c_uint64, _U64P)),
    "ss_array_take_over": (c_int, (_HANDLE, _HANDLE)),
    "ss_counter_take_over": (c_int, (_HANDLE, _HANDLE)),
    "ss_meter_take_over": (c_int, (_HANDLE, _HANDLE)),
    "ss_snapshot_bytes": (c_uint64, (_HANDLE,)),
    "ss_snapshot_all": (c_int, (_HANDLE, c_void_p, c_uint64)),
    "ss_journal_open": (c_int, (_HANDLE, c_void_p, _HANDLE, _U32P)),
    "ss_journal_close": (None, (_HANDLE,)),
    "ss_table_pair": (c_uint32, (_HANDLE, _HANDLE, _U32P, c_uint32)),
    "ss_handover_run": (c_int, (_HANDLE, c_void_p)),
    "ss_profile_write_member": (c_int, (_HANDLE, c_uint32, c_uint64, _U32P, _U64P, c_uint32)),
    "ss_profile_write_group": (c_int, (_HANDLE, c_uint32, c_uint64, c_uint32, _U64P)),
    "ss_profile_counts": (None, (_HANDLE, _U32P)),
    "ss_value_set_write": (c_int, (_HANDLE, c_uint32, c_uint32, _U64P, POINTER(c_uint32))),
    "ss_value_set_read": (c_uint32, (_HANDLE, _U64P, c_uint32)),
    "ss_pre_set_session": (c_int, (_HANDLE, c_uint32, c_uint32, c_uint32, _U64P, c_uint32)),
    "ss_pre_set_group": (c_int, (_HANDLE, c_uint32, c_uint32, c_uint32, _U64P)),
}


@functools.lru_cache
def library() -> ctypes.CDLL:
    """libssrt.so, opened so that compiled pipelines find the runtime's services in it."""
    lib = ctypes.CDLL(str(runtime_library(sanitize_wanted())), mode=ctypes.RTLD_GLOBAL)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(lib, name)
        function.restype = result
        function.argtypes = arguments
    return lib


def error(status: int, kinds: dict[type[errors.SwitchError], type[errors.SwitchError]] | None = None) -> Exception:
    """The exception for a negative status of the call just made in this thread; `kinds` replaces classes."""
    text = library().ss_error_text().decode(errors="replace")
    kind = _ERRORS.get(status, errors.SwitchError)
    return (kinds or {}).get(kind, kind)(text)


def check(status: int, kinds: dict[type[errors.SwitchError], type[errors.SwitchError]] | None = None) -> None:
    if status < 0:
        raise error(status, kinds)
