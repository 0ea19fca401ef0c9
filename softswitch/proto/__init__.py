"""Messages and stubs of our own gRPC service, and names for what P4Runtime's say. State4 imports this package and
nothing else of softswitch.

How `bulk_pb2.py` is generated, with grpcio-tools 1.74 (protobuf 6.31) in a virtual environment of its own, since
grpcio-tools pulls another protobuf:

    python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. softswitch/proto/bulk.proto
"""
