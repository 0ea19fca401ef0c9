from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Pipeline(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTIVE: _ClassVar[Pipeline]
    SAVED: _ClassVar[Pipeline]

class ArrayKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REGISTER: _ClassVar[ArrayKind]
    COUNTER: _ClassVar[ArrayKind]
    METER: _ClassVar[ArrayKind]
ACTIVE: Pipeline
SAVED: Pipeline
REGISTER: ArrayKind
COUNTER: ArrayKind
METER: ArrayKind

class Fence(_message.Message):
    __slots__ = ("role", "election_id_high", "election_id_low", "program")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ELECTION_ID_HIGH_FIELD_NUMBER: _ClassVar[int]
    ELECTION_ID_LOW_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    role: str
    election_id_high: int
    election_id_low: int
    program: int
    def __init__(self, role: _Optional[str] = ..., election_id_high: _Optional[int] = ..., election_id_low: _Optional[int] = ..., program: _Optional[int] = ...) -> None: ...

class Array(_message.Message):
    __slots__ = ("kind", "name", "id", "cells", "width_bits", "cell_bytes", "is_signed")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_BITS_FIELD_NUMBER: _ClassVar[int]
    CELL_BYTES_FIELD_NUMBER: _ClassVar[int]
    IS_SIGNED_FIELD_NUMBER: _ClassVar[int]
    kind: ArrayKind
    name: str
    id: int
    cells: int
    width_bits: int
    cell_bytes: int
    is_signed: bool
    def __init__(self, kind: _Optional[_Union[ArrayKind, str]] = ..., name: _Optional[str] = ..., id: _Optional[int] = ..., cells: _Optional[int] = ..., width_bits: _Optional[int] = ..., cell_bytes: _Optional[int] = ..., is_signed: bool = ...) -> None: ...

class ListArraysRequest(_message.Message):
    __slots__ = ("device_id", "pipeline")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    pipeline: Pipeline
    def __init__(self, device_id: _Optional[int] = ..., pipeline: _Optional[_Union[Pipeline, str]] = ...) -> None: ...

class ListArraysResponse(_message.Message):
    __slots__ = ("arrays", "program", "carries_entries")
    ARRAYS_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    CARRIES_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    arrays: _containers.RepeatedCompositeFieldContainer[Array]
    program: int
    carries_entries: bool
    def __init__(self, arrays: _Optional[_Iterable[_Union[Array, _Mapping]]] = ..., program: _Optional[int] = ..., carries_entries: bool = ...) -> None: ...

class ReadArrayRequest(_message.Message):
    __slots__ = ("device_id", "pipeline", "kind", "name", "start", "count", "clear", "fence")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CLEAR_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    pipeline: Pipeline
    kind: ArrayKind
    name: str
    start: int
    count: int
    clear: bool
    fence: Fence
    def __init__(self, device_id: _Optional[int] = ..., pipeline: _Optional[_Union[Pipeline, str]] = ..., kind: _Optional[_Union[ArrayKind, str]] = ..., name: _Optional[str] = ..., start: _Optional[int] = ..., count: _Optional[int] = ..., clear: bool = ..., fence: _Optional[_Union[Fence, _Mapping]] = ...) -> None: ...

class ReadAllRequest(_message.Message):
    __slots__ = ("device_id", "pipeline", "names", "ranges", "joined")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    JOINED_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    pipeline: Pipeline
    names: _containers.RepeatedScalarFieldContainer[str]
    ranges: _containers.RepeatedCompositeFieldContainer[CellRange]
    joined: bool
    def __init__(self, device_id: _Optional[int] = ..., pipeline: _Optional[_Union[Pipeline, str]] = ..., names: _Optional[_Iterable[str]] = ..., ranges: _Optional[_Iterable[_Union[CellRange, _Mapping]]] = ..., joined: bool = ...) -> None: ...

class ArrayChunk(_message.Message):
    __slots__ = ("kind", "name", "start", "cells", "snapshot_ns")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_NS_FIELD_NUMBER: _ClassVar[int]
    kind: ArrayKind
    name: str
    start: int
    cells: bytes
    snapshot_ns: int
    def __init__(self, kind: _Optional[_Union[ArrayKind, str]] = ..., name: _Optional[str] = ..., start: _Optional[int] = ..., cells: _Optional[bytes] = ..., snapshot_ns: _Optional[int] = ...) -> None: ...

class WriteArrayRequest(_message.Message):
    __slots__ = ("device_id", "pipeline", "kind", "name", "start", "cells", "fence")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    pipeline: Pipeline
    kind: ArrayKind
    name: str
    start: int
    cells: bytes
    fence: Fence
    def __init__(self, device_id: _Optional[int] = ..., pipeline: _Optional[_Union[Pipeline, str]] = ..., kind: _Optional[_Union[ArrayKind, str]] = ..., name: _Optional[str] = ..., start: _Optional[int] = ..., cells: _Optional[bytes] = ..., fence: _Optional[_Union[Fence, _Mapping]] = ...) -> None: ...

class CellWrites(_message.Message):
    __slots__ = ("name", "indices", "cells")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    name: str
    indices: bytes
    cells: bytes
    def __init__(self, name: _Optional[str] = ..., indices: _Optional[bytes] = ..., cells: _Optional[bytes] = ...) -> None: ...

class WriteCellsRequest(_message.Message):
    __slots__ = ("device_id", "pipeline", "writes", "fence")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    pipeline: Pipeline
    writes: _containers.RepeatedCompositeFieldContainer[CellWrites]
    fence: Fence
    def __init__(self, device_id: _Optional[int] = ..., pipeline: _Optional[_Union[Pipeline, str]] = ..., writes: _Optional[_Iterable[_Union[CellWrites, _Mapping]]] = ..., fence: _Optional[_Union[Fence, _Mapping]] = ...) -> None: ...

class WriteResponse(_message.Message):
    __slots__ = ("cells",)
    CELLS_FIELD_NUMBER: _ClassVar[int]
    cells: int
    def __init__(self, cells: _Optional[int] = ...) -> None: ...

class CellRange(_message.Message):
    __slots__ = ("name", "start", "count", "pipeline")
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    name: str
    start: int
    count: int
    pipeline: Pipeline
    def __init__(self, name: _Optional[str] = ..., start: _Optional[int] = ..., count: _Optional[int] = ..., pipeline: _Optional[_Union[Pipeline, str]] = ...) -> None: ...

class HoldRequest(_message.Message):
    __slots__ = ("device_id", "fence", "max_hold_us", "reads", "writes", "copy_counts", "commit", "keep_clones", "hand_over")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    MAX_HOLD_US_FIELD_NUMBER: _ClassVar[int]
    READS_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    COPY_COUNTS_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    KEEP_CLONES_FIELD_NUMBER: _ClassVar[int]
    HAND_OVER_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    fence: Fence
    max_hold_us: int
    reads: _containers.RepeatedCompositeFieldContainer[CellRange]
    writes: _containers.RepeatedCompositeFieldContainer[CellWrites]
    copy_counts: bool
    commit: bool
    keep_clones: CloneFormat
    hand_over: HandOver
    def __init__(self, device_id: _Optional[int] = ..., fence: _Optional[_Union[Fence, _Mapping]] = ..., max_hold_us: _Optional[int] = ..., reads: _Optional[_Iterable[_Union[CellRange, _Mapping]]] = ..., writes: _Optional[_Iterable[_Union[CellWrites, _Mapping]]] = ..., copy_counts: bool = ..., commit: bool = ..., keep_clones: _Optional[_Union[CloneFormat, _Mapping]] = ..., hand_over: _Optional[_Union[HandOver, _Mapping]] = ...) -> None: ...

class CloneFormat(_message.Message):
    __slots__ = ("slots", "component_bytes", "index_bytes", "value_bytes", "mark", "sequence_register")
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    INDEX_BYTES_FIELD_NUMBER: _ClassVar[int]
    VALUE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_REGISTER_FIELD_NUMBER: _ClassVar[int]
    slots: int
    component_bytes: int
    index_bytes: int
    value_bytes: int
    mark: bytes
    sequence_register: str
    def __init__(self, slots: _Optional[int] = ..., component_bytes: _Optional[int] = ..., index_bytes: _Optional[int] = ..., value_bytes: _Optional[int] = ..., mark: _Optional[bytes] = ..., sequence_register: _Optional[str] = ...) -> None: ...

class Component(_message.Message):
    __slots__ = ("number", "old_name", "new_name")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OLD_NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    number: int
    old_name: str
    new_name: str
    def __init__(self, number: _Optional[int] = ..., old_name: _Optional[str] = ..., new_name: _Optional[str] = ...) -> None: ...

class HandOver(_message.Message):
    __slots__ = ("components", "renames", "copies")
    class RenamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    RENAMES_FIELD_NUMBER: _ClassVar[int]
    COPIES_FIELD_NUMBER: _ClassVar[int]
    components: _containers.RepeatedCompositeFieldContainer[Component]
    renames: _containers.ScalarMap[str, str]
    copies: _containers.RepeatedCompositeFieldContainer[CellCopy]
    def __init__(self, components: _Optional[_Iterable[_Union[Component, _Mapping]]] = ..., renames: _Optional[_Mapping[str, str]] = ..., copies: _Optional[_Iterable[_Union[CellCopy, _Mapping]]] = ...) -> None: ...

class CellCopy(_message.Message):
    __slots__ = ("old_name", "new_name", "start", "count")
    OLD_NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    old_name: str
    new_name: str
    start: int
    count: int
    def __init__(self, old_name: _Optional[str] = ..., new_name: _Optional[str] = ..., start: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class HoldResponse(_message.Message):
    __slots__ = ("reads", "held_ns", "committed", "ingress_clones", "egress_clones", "incomplete", "clones", "updates")
    READS_FIELD_NUMBER: _ClassVar[int]
    HELD_NS_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    INGRESS_CLONES_FIELD_NUMBER: _ClassVar[int]
    EGRESS_CLONES_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    CLONES_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    reads: _containers.RepeatedCompositeFieldContainer[ArrayChunk]
    held_ns: int
    committed: bool
    ingress_clones: int
    egress_clones: int
    incomplete: bool
    clones: int
    updates: int
    def __init__(self, reads: _Optional[_Iterable[_Union[ArrayChunk, _Mapping]]] = ..., held_ns: _Optional[int] = ..., committed: bool = ..., ingress_clones: _Optional[int] = ..., egress_clones: _Optional[int] = ..., incomplete: bool = ..., clones: _Optional[int] = ..., updates: _Optional[int] = ...) -> None: ...

class FollowRequest(_message.Message):
    __slots__ = ("device_id", "fence", "hold_writers_us", "take", "reads", "reads_saved", "updates", "puts", "deletes", "commit")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    HOLD_WRITERS_US_FIELD_NUMBER: _ClassVar[int]
    TAKE_FIELD_NUMBER: _ClassVar[int]
    READS_FIELD_NUMBER: _ClassVar[int]
    READS_SAVED_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    PUTS_FIELD_NUMBER: _ClassVar[int]
    DELETES_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    fence: Fence
    hold_writers_us: int
    take: bool
    reads: _containers.RepeatedScalarFieldContainer[bytes]
    reads_saved: _containers.RepeatedScalarFieldContainer[bytes]
    updates: _containers.RepeatedScalarFieldContainer[bytes]
    puts: _containers.RepeatedScalarFieldContainer[bytes]
    deletes: _containers.RepeatedScalarFieldContainer[bytes]
    commit: bool
    def __init__(self, device_id: _Optional[int] = ..., fence: _Optional[_Union[Fence, _Mapping]] = ..., hold_writers_us: _Optional[int] = ..., take: bool = ..., reads: _Optional[_Iterable[bytes]] = ..., reads_saved: _Optional[_Iterable[bytes]] = ..., updates: _Optional[_Iterable[bytes]] = ..., puts: _Optional[_Iterable[bytes]] = ..., deletes: _Optional[_Iterable[bytes]] = ..., commit: bool = ...) -> None: ...

class Written(_message.Message):
    __slots__ = ("key", "entities")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    entities: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, key: _Optional[bytes] = ..., entities: _Optional[_Iterable[bytes]] = ...) -> None: ...

class FailedUpdate(_message.Message):
    __slots__ = ("entity", "error")
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    entity: bytes
    error: bytes
    def __init__(self, entity: _Optional[bytes] = ..., error: _Optional[bytes] = ...) -> None: ...

class FollowResponse(_message.Message):
    __slots__ = ("written", "overflow", "entities", "failed", "committed")
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    OVERFLOW_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    written: _containers.RepeatedCompositeFieldContainer[Written]
    overflow: bool
    entities: _containers.RepeatedScalarFieldContainer[bytes]
    failed: _containers.RepeatedCompositeFieldContainer[FailedUpdate]
    committed: bool
    def __init__(self, written: _Optional[_Iterable[_Union[Written, _Mapping]]] = ..., overflow: bool = ..., entities: _Optional[_Iterable[bytes]] = ..., failed: _Optional[_Iterable[_Union[FailedUpdate, _Mapping]]] = ..., committed: bool = ...) -> None: ...

class TablePair(_message.Message):
    __slots__ = ("old_name", "new_name")
    OLD_NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    old_name: str
    new_name: str
    def __init__(self, old_name: _Optional[str] = ..., new_name: _Optional[str] = ...) -> None: ...

class CarryEntriesRequest(_message.Message):
    __slots__ = ("device_id", "fence", "tables", "asked")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    fence: Fence
    tables: _containers.RepeatedCompositeFieldContainer[TablePair]
    asked: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, device_id: _Optional[int] = ..., fence: _Optional[_Union[Fence, _Mapping]] = ..., tables: _Optional[_Iterable[_Union[TablePair, _Mapping]]] = ..., asked: _Optional[_Iterable[bytes]] = ...) -> None: ...

class CarryEntriesResponse(_message.Message):
    __slots__ = ("carried", "there")
    CARRIED_FIELD_NUMBER: _ClassVar[int]
    THERE_FIELD_NUMBER: _ClassVar[int]
    carried: _containers.RepeatedScalarFieldContainer[int]
    there: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, carried: _Optional[_Iterable[int]] = ..., there: _Optional[_Iterable[int]] = ...) -> None: ...

class ShareUpdatesRequest(_message.Message):
    __slots__ = ("device_id", "fence", "format", "prefix", "session", "replica", "records")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    fence: Fence
    format: CloneFormat
    prefix: str
    session: int
    replica: int
    records: int
    def __init__(self, device_id: _Optional[int] = ..., fence: _Optional[_Union[Fence, _Mapping]] = ..., format: _Optional[_Union[CloneFormat, _Mapping]] = ..., prefix: _Optional[str] = ..., session: _Optional[int] = ..., replica: _Optional[int] = ..., records: _Optional[int] = ...) -> None: ...

class ShareUpdatesResponse(_message.Message):
    __slots__ = ("socket", "bytes", "records", "written_at", "first_record", "record_bytes", "burst", "attached")
    SOCKET_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_AT_FIELD_NUMBER: _ClassVar[int]
    FIRST_RECORD_FIELD_NUMBER: _ClassVar[int]
    RECORD_BYTES_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    socket: str
    bytes: int
    records: int
    written_at: int
    first_record: int
    record_bytes: int
    burst: int
    attached: bool
    def __init__(self, socket: _Optional[str] = ..., bytes: _Optional[int] = ..., records: _Optional[int] = ..., written_at: _Optional[int] = ..., first_record: _Optional[int] = ..., record_bytes: _Optional[int] = ..., burst: _Optional[int] = ..., attached: bool = ...) -> None: ...

class DiscardSavedRequest(_message.Message):
    __slots__ = ("device_id", "fence")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    fence: Fence
    def __init__(self, device_id: _Optional[int] = ..., fence: _Optional[_Union[Fence, _Mapping]] = ...) -> None: ...

class DiscardSavedResponse(_message.Message):
    __slots__ = ("discarded",)
    DISCARDED_FIELD_NUMBER: _ClassVar[int]
    discarded: bool
    def __init__(self, discarded: bool = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ("device_id", "reset", "fence")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    reset: bool
    fence: Fence
    def __init__(self, device_id: _Optional[int] = ..., reset: bool = ..., fence: _Optional[_Union[Fence, _Mapping]] = ...) -> None: ...

class PortStats(_message.Message):
    __slots__ = ("port", "interface", "up", "rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "rx_ring_drops", "tx_drops", "rx_oversize", "rx_unsplit", "rx_superframes", "tx_superframes")
    PORT_FIELD_NUMBER: _ClassVar[int]
    INTERFACE_FIELD_NUMBER: _ClassVar[int]
    UP_FIELD_NUMBER: _ClassVar[int]
    RX_PACKETS_FIELD_NUMBER: _ClassVar[int]
    RX_BYTES_FIELD_NUMBER: _ClassVar[int]
    TX_PACKETS_FIELD_NUMBER: _ClassVar[int]
    TX_BYTES_FIELD_NUMBER: _ClassVar[int]
    RX_RING_DROPS_FIELD_NUMBER: _ClassVar[int]
    TX_DROPS_FIELD_NUMBER: _ClassVar[int]
    RX_OVERSIZE_FIELD_NUMBER: _ClassVar[int]
    RX_UNSPLIT_FIELD_NUMBER: _ClassVar[int]
    RX_SUPERFRAMES_FIELD_NUMBER: _ClassVar[int]
    TX_SUPERFRAMES_FIELD_NUMBER: _ClassVar[int]
    port: int
    interface: str
    up: bool
    rx_packets: int
    rx_bytes: int
    tx_packets: int
    tx_bytes: int
    rx_ring_drops: int
    tx_drops: int
    rx_oversize: int
    rx_unsplit: int
    rx_superframes: int
    tx_superframes: int
    def __init__(self, port: _Optional[int] = ..., interface: _Optional[str] = ..., up: bool = ..., rx_packets: _Optional[int] = ..., rx_bytes: _Optional[int] = ..., tx_packets: _Optional[int] = ..., tx_bytes: _Optional[int] = ..., rx_ring_drops: _Optional[int] = ..., tx_drops: _Optional[int] = ..., rx_oversize: _Optional[int] = ..., rx_unsplit: _Optional[int] = ..., rx_superframes: _Optional[int] = ..., tx_superframes: _Optional[int] = ...) -> None: ...

class TableStats(_message.Message):
    __slots__ = ("name", "entries", "size", "hits", "misses")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    name: str
    entries: int
    size: int
    hits: int
    misses: int
    def __init__(self, name: _Optional[str] = ..., entries: _Optional[int] = ..., size: _Optional[int] = ..., hits: _Optional[int] = ..., misses: _Optional[int] = ...) -> None: ...

class StatsResponse(_message.Message):
    __slots__ = ("ports", "packets", "batches", "holds", "held_ns", "longest_hold_ns", "swaps", "drops", "program", "tables", "hold_drops", "device_id")
    class DropsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    PORTS_FIELD_NUMBER: _ClassVar[int]
    PACKETS_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    HELD_NS_FIELD_NUMBER: _ClassVar[int]
    LONGEST_HOLD_NS_FIELD_NUMBER: _ClassVar[int]
    SWAPS_FIELD_NUMBER: _ClassVar[int]
    DROPS_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    HOLD_DROPS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ports: _containers.RepeatedCompositeFieldContainer[PortStats]
    packets: int
    batches: int
    holds: int
    held_ns: int
    longest_hold_ns: int
    swaps: int
    drops: _containers.ScalarMap[str, int]
    program: str
    tables: _containers.RepeatedCompositeFieldContainer[TableStats]
    hold_drops: int
    device_id: int
    def __init__(self, ports: _Optional[_Iterable[_Union[PortStats, _Mapping]]] = ..., packets: _Optional[int] = ..., batches: _Optional[int] = ..., holds: _Optional[int] = ..., held_ns: _Optional[int] = ..., longest_hold_ns: _Optional[int] = ..., swaps: _Optional[int] = ..., drops: _Optional[_Mapping[str, int]] = ..., program: _Optional[str] = ..., tables: _Optional[_Iterable[_Union[TableStats, _Mapping]]] = ..., hold_drops: _Optional[int] = ..., device_id: _Optional[int] = ...) -> None: ...
