"""`p4.tmp.P4DeviceConfig`, in which clients of the first P4Runtime servers wrap a `p4_device_config`.

The message was temporary and is in no package any more, so it is described here; its descriptor stays in a pool of its
own, beside any that the client library of this process may have.
"""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

_FIELDS = (("reassign", 1, FieldDescriptorProto.TYPE_BOOL), ("device_data", 3, FieldDescriptorProto.TYPE_BYTES))
_EXTRAS = 2  # key-value pairs that no server used; unknown fields to us
_FIRST_BYTES = frozenset((1 << 3, _EXTRAS << 3 | 2, 3 << 3 | 2))
"""Tags that such a message can start with. None is a character that a program or a JSON file starts with."""


def _make_class() -> type[Message]:
    file = FileDescriptorProto(name="p4/tmp/p4config.proto", package="p4.tmp", syntax="proto3")
    message = file.message_type.add(name="P4DeviceConfig")
    for name, number, kind in _FIELDS:
        message.field.add(name=name, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("p4.tmp.P4DeviceConfig"))


P4DeviceConfig = _make_class()


def unwrapped(data: bytes) -> bytes | None:
    """What is in the wrapper; None if `data` is not wrapped."""
    if not data or data[0] not in _FIRST_BYTES:
        return None
    message = P4DeviceConfig()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    return bytes(getattr(message, "device_data"))  # noqa: B009  (the class is made here: no checker knows its fields)
