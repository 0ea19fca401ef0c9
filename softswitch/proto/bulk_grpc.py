"""Client stub and server registration of softswitch.v1.Bulk, by hand: they work with every grpcio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import grpc

from softswitch.proto import bulk_pb2

SERVICE = "softswitch.v1.Bulk"


class BulkServicer(Protocol):
    """What a server of the service implements."""

    def ListArrays(
        self, request: bulk_pb2.ListArraysRequest, context: grpc.ServicerContext
    ) -> bulk_pb2.ListArraysResponse: ...

    def ReadArray(
        self, request: bulk_pb2.ReadArrayRequest, context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.ArrayChunk]: ...

    def ReadAll(
        self, request: bulk_pb2.ReadAllRequest, context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.ArrayChunk]: ...

    def WriteArray(
        self, requests: Iterable[bulk_pb2.WriteArrayRequest], context: grpc.ServicerContext
    ) -> bulk_pb2.WriteResponse: ...

    def WriteCells(
        self, request: bulk_pb2.WriteCellsRequest, context: grpc.ServicerContext
    ) -> bulk_pb2.WriteResponse: ...

    def Hold(
        self, requests: Iterator[bulk_pb2.HoldRequest], context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.HoldResponse]: ...

    def Follow(
        self, requests: Iterator[bulk_pb2.FollowRequest], context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.FollowResponse]: ...

    def CarryEntries(
        self, request: bulk_pb2.CarryEntriesRequest, context: grpc.ServicerContext
    ) -> bulk_pb2.CarryEntriesResponse: ...

    def ShareUpdates(
        self, request: bulk_pb2.ShareUpdatesRequest, context: grpc.ServicerContext
    ) -> Iterator[bulk_pb2.ShareUpdatesResponse]: ...

    def DiscardSaved(
        self, request: bulk_pb2.DiscardSavedRequest, context: grpc.ServicerContext
    ) -> bulk_pb2.DiscardSavedResponse: ...

    def GetStats(self, request: bulk_pb2.StatsRequest, context: grpc.ServicerContext) -> bulk_pb2.StatsResponse: ...


# name: (request class, response class, streams in, streams out)
_METHODS: dict[str, tuple[Any, Any, bool, bool]] = {
    "ListArrays": (bulk_pb2.ListArraysRequest, bulk_pb2.ListArraysResponse, False, False),
    "ReadArray": (bulk_pb2.ReadArrayRequest, bulk_pb2.ArrayChunk, False, True),
    "ReadAll": (bulk_pb2.ReadAllRequest, bulk_pb2.ArrayChunk, False, True),
    "WriteArray": (bulk_pb2.WriteArrayRequest, bulk_pb2.WriteResponse, True, False),
    "WriteCells": (bulk_pb2.WriteCellsRequest, bulk_pb2.WriteResponse, False, False),
    "Hold": (bulk_pb2.HoldRequest, bulk_pb2.HoldResponse, True, True),
    "Follow": (bulk_pb2.FollowRequest, bulk_pb2.FollowResponse, True, True),
    "CarryEntries": (bulk_pb2.CarryEntriesRequest, bulk_pb2.CarryEntriesResponse, False, False),
    "ShareUpdates": (bulk_pb2.ShareUpdatesRequest, bulk_pb2.ShareUpdatesResponse, False, True),
    "DiscardSaved": (bulk_pb2.DiscardSavedRequest, bulk_pb2.DiscardSavedResponse, False, False),
    "GetStats": (bulk_pb2.StatsRequest, bulk_pb2.StatsResponse, False, False),
}
_KINDS = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}


class BulkStub:
    """Calls of the service over a channel; each attribute is a grpc multi-callable named as its method."""

    ListArrays: Any
    ReadArray: Any
    ReadAll: Any
    WriteArray: Any
    WriteCells: Any
    Hold: Any
    Follow: Any
    CarryEntries: Any
    ShareUpdates: Any
    DiscardSaved: Any
    GetStats: Any

    def __init__(self, channel: grpc.Channel) -> None:
        for name, (request, response, streams_in, streams_out) in _METHODS.items():
            make = getattr(channel, _KINDS[streams_in, streams_out])
            call = make(
                f"/{SERVICE}/{name}",
                request_serializer=request.SerializeToString,
                response_deserializer=response.FromString,
            )
            setattr(self, name, call)


def add_bulk_servicer(server: grpc.Server, servicer: BulkServicer) -> None:
    """Registers the service on a server."""
    handlers = {}
    for name, (request, response, streams_in, streams_out) in _METHODS.items():
        make = getattr(grpc, f"{_KINDS[streams_in, streams_out]}_rpc_method_handler")
        handlers[name] = make(
            getattr(servicer, name),
            request_deserializer=request.FromString,
            response_serializer=response.SerializeToString,
        )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
