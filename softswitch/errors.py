"""Errors of the switch: every one says what was asked and what to do."""

from __future__ import annotations


class SwitchError(Exception):
    """Something that was asked of the switch and not done; nothing was changed unless the message says so."""


class CacheError(SwitchError):
    """The folder of built things cannot be written."""


class ProgramRefused(SwitchError):
    """A program, or the config that it came in, is wrong; the message says where."""


class TooExpensive(SwitchError):
    """A program that takes more time, memory or state than is allowed."""


class CompilationEnded(SwitchError):
    """Nobody waits for the program any more, or the switch ends."""


class CompilationFailed(SwitchError):
    """A defect of ours or of this machine; the log has more than the message."""


class PipelineLoadError(SwitchError):
    """A compiled pipeline could not be opened, or was made for another version of the runtime."""


class InterfaceNotFound(SwitchError):
    """No network interface of that name in this namespace."""


class InterfaceError(SwitchError):
    """A network interface could not be opened as a port (permission, not an Ethernet interface, ...)."""


class PortInUse(SwitchError):
    """The port number already has a port."""


class PortNotFound(SwitchError):
    """The port number has no port."""


class ObjectNotFound(SwitchError):
    """No table, register, counter, ... of that name in the pipeline."""


class TableFull(SwitchError):
    """The table, profile or value set holds as many entries as it was declared for."""


class EntryExists(SwitchError):
    """An entry with the same key (and priority), member, group, session or multicast group is there already."""


class EntryNotFound(SwitchError):
    """No such entry, member, group, session or multicast group."""


class BadEntry(SwitchError):
    """An entry that does not fit its table: number of keys, kind of match, width of a value, action, parameters."""


class ConstantTable(SwitchError):
    """Entries (or the default action) of the table are `const` in the program."""


class BadIndex(SwitchError):
    """An index or a range of indices outside the array."""


class InUse(SwitchError):
    """A member or group that entries still refer to."""


class Closed(SwitchError):
    """The switch or the pipeline is closed."""
