"""Splitting and merging of super-frames, without ports: splitting a merged frame restores the original frames."""

from __future__ import annotations

import ctypes
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from softswitch.build.cache import cached_directory, content_key
from softswitch.build.cc import RUNTIME_DIR, SANITIZE_FLAGS, build_shared_object
from softswitch.build.runtime import sanitize_wanted
from tests.switch import handmade
from tests.switch.segments import ACK, CWR, ECE, FIN, PSH, RST, SYN, TCP, UDP, URG, Flow, Offload, SuperFrame, ones

SOURCES = [RUNTIME_DIR / "ports" / f"{name}.c" for name in ("headers", "checksum", "split", "merge")]
HOP_BY_HOP = bytes((TCP, 0, 1, 4, 0, 0, 0, 0))
DESTINATION = bytes((UDP, 1, *[0] * 14))
TAGS = ((0x8100, 0x2005), (0x88A8, 0x0007))


@cache
def library() -> ctypes.CDLL:
    source = Path(handmade.__file__).parent / "offloads.c"
    flags = (
        "-D_GNU_SOURCE",
        "-Wall",
        f"-I{RUNTIME_DIR}",
        *(("-O1", *SANITIZE_FLAGS) if sanitize_wanted() else ("-O2",)),
    )
    content = [path.read_bytes() for path in [source, *SOURCES, *sorted((RUNTIME_DIR / "ports").glob("*.h"))]]

    def build(folder: Path) -> None:
        build_shared_object([source, *SOURCES], folder / "offloads.so", flags=flags)

    made = ctypes.CDLL(str(cached_directory("offloads", content_key(*flags, *content), build) / "offloads.so"))
    made.merge_all.restype = ctypes.c_uint64
    made.complete_partial.restype = made.complete_found.restype = ctypes.c_bool
    return made


@dataclass(frozen=True)
class Sent:
    frames: int
    data: bytes
    offload: Offload


def split(frame: bytes, offload: Offload) -> list[bytes] | None:
    count = max(1, len(frame) // max(1, offload.segment) + 2)
    room = ctypes.create_string_buffer(len(frame) + count * (len(frame[:400]) + 64))
    made = library().split_all(frame, len(frame), offload.packed(), room)
    if made < 0:
        return None
    frames, at = [], 0
    for _ in range(made):
        (length,) = struct.unpack_from("<I", room, at)
        frames.append(room[at + 4 : at + 4 + length])
        at += 4 + length
    return frames


def merge(frames: Sequence[bytes]) -> list[Sent]:
    blob = b"".join(struct.pack("<I", len(frame)) + frame for frame in frames)
    room = ctypes.create_string_buffer(len(blob) + 256 * len(frames))
    size = library().merge_all(blob, len(frames), room)
    sent, at = [], 0
    while at < size:
        count, length = struct.unpack_from("<II", room, at)
        offload = Offload.of(room[at + 8 : at + 18])
        sent.append(Sent(count, room[at + 18 : at + 18 + length], offload))
        at += 18 + length
    return sent


def taken_apart(sent: Sent) -> list[bytes]:
    if sent.frames == 1:
        assert sent.offload == Offload()
        return [sent.data]
    frames = split(sent.data, sent.offload)
    assert frames is not None
    assert len(frames) == sent.frames
    return frames


def data_of(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    version, protocol = draw(st.sampled_from((4, 6))), draw(st.sampled_from((TCP, UDP)))
    extension = b""
    if version == 6:
        extension = draw(st.sampled_from((b"", HOP_BY_HOP, bytes((60, *HOP_BY_HOP[1:])) + DESTINATION)))
        if extension:
            last = -16 if len(extension) > 8 else 0
            at = len(extension) + last if last else 0
            extension = extension[:at] + bytes((protocol,)) + extension[at + 1 :]
    return Flow(
        version,
        protocol,
        tags=draw(st.sampled_from(((), TAGS[:1], TAGS[1:], TAGS))),
        fragment=draw(st.sampled_from((0x4000, 0))),
        traffic_class=draw(st.sampled_from((0, 2, 3))),
        options=draw(st.sampled_from((b"", bytes.fromhex("0101080a00112233445566aa"), bytes(40)))),
        ip_options=draw(st.sampled_from((b"", b"\1\1\1\1"))),
        extension=extension,
    )


SENT = st.fixed_dictionaries(
    {
        "sequence": st.one_of(st.integers(0, 0xFFFFFFFF), st.just(0xFFFFFF00)),
        "ident": st.one_of(st.integers(0, 0xFFFF), st.just(0xFFFE)),
        "flags": st.sampled_from((ACK, ACK | PSH, ACK | FIN | PSH, ACK | CWR, ACK | CWR | ECE | PSH)),
    }
)


@settings(max_examples=200, deadline=None)
@given(flows(), SENT, st.integers(0, 4000), st.integers(1, 1460), st.integers(0, 1 << 32))
def test_a_super_frame_becomes_what_is_on_a_wire(
    flow: Flow, sent: dict[str, int], size: int, segment: int, seed: int
) -> None:
    data = data_of(size, seed)
    super_frame = flow.super_frame(data, segment, **sent)
    assert split(super_frame.data, super_frame.offload) == flow.segments(data, segment, **sent)


@pytest.mark.parametrize("flow", [Flow(), Flow(6), Flow(4, UDP), Flow(6, UDP, tags=TAGS[:1])])
def test_the_longest_super_frame(flow: Flow) -> None:
    data = data_of(65535 - flow.payload)
    segment = 1514 - flow.payload
    super_frame = flow.super_frame(data, segment, ident=65530, sequence=0xFFFFFFF0)
    frames = split(super_frame.data, super_frame.offload)
    assert frames == flow.segments(data, segment, ident=65530, sequence=0xFFFFFFF0)
    (sent,) = merge(frames)
    assert (sent.frames, sent.data) == (len(frames), super_frame.data)


def test_a_sender_that_left_no_checksum_to_the_card() -> None:
    """As GRO by lists leaves it: segments have computed checksums; UDP without a checksum stays without one."""
    for flow in (Flow(), Flow(6), Flow(4, UDP), Flow(6, UDP)):
        data = data_of(5000)
        made = flow.super_frame(data, 1000)
        assert split(made.data, replace(made.offload, flags=0)) == flow.segments(data, 1000)
    flow = Flow(4, UDP)
    made = flow.super_frame(data, 1000)
    at = flow.transport + 6
    none = made.data[:at] + b"\0\0" + made.data[at + 2 :]
    expected = [frame[:at] + b"\0\0" + frame[at + 2 :] for frame in flow.segments(data, 1000)]
    assert split(none, replace(made.offload, flags=0)) == expected


def test_what_cannot_be_split_is_refused() -> None:
    flow = Flow()
    made = flow.super_frame(data_of(5000), 1000)
    assert split(made.data, made.offload) is not None
    refused: list[tuple[bytes, Offload]] = [
        (made.data, replace(made.offload, segment=0)),
        (made.data, replace(made.offload, gso_type=3)),  # UDP fragments
        (made.data, replace(made.offload, gso_type=4)),
        (made.data, replace(made.offload, gso_type=5)),
        (made.data, replace(made.offload, checksum_start=made.offload.checksum_start + 50)),  # within a tunnel
        (made.data, replace(made.offload, checksum_offset=6)),
        (made.data + b"\0", made.offload),
        (made.data[:-1], made.offload),
        (made.data[:12] + b"\x88\x47" + made.data[14:], made.offload),
    ]
    fragment = Flow(fragment=0x2000).super_frame(data_of(5000), 1000)
    refused.append((fragment.data, fragment.offload))
    for next_header in (44, 51, 50):  # fragment, authentication, encryption
        six = Flow(6, extension=bytes((next_header, *HOP_BY_HOP[1:])) + bytes((TCP, 0, *[0] * 6)))
        other = six.super_frame(data_of(3000), 1000)
        refused.append((other.data, other.offload))
    routed = Flow(6, extension=HOP_BY_HOP).super_frame(data_of(3000), 1000)
    refused.append((routed.data, replace(routed.offload, flags=0)))
    assert [split(*one) for one in refused] == [None] * len(refused)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_no_header_makes_it_read_beyond_a_frame(data: st.DataObject) -> None:
    """Under the sanitizers (STATE4_SANITIZE=1) an overrun shows here."""
    made = data.draw(flows()).super_frame(data_of(data.draw(st.integers(0, 200))), data.draw(st.integers(1, 200)))
    frame = bytearray(made.data[: data.draw(st.integers(0, len(made.data)))])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6)):
        if at < len(frame):
            frame[at] = value
    numbers = st.one_of(st.integers(0, 300), st.sampled_from((0xFFFF, 0x8000)))
    offload = data.draw(
        st.one_of(
            st.just(made.offload),
            st.builds(Offload, st.integers(0, 3), st.sampled_from((1, 4, 5, 0x81, 3)), *[numbers] * 4),
        )
    )
    frames = split(bytes(frame), offload)
    if frames is not None:
        assert sum(map(len, frames)) >= len(frame)
    assert [out for sent in merge([bytes(frame)] * 3) for out in taken_apart(sent)] == [bytes(frame)] * 3
    start, offset = data.draw(numbers), data.draw(numbers)
    buffer = ctypes.create_string_buffer(bytes(frame), max(1, len(frame)))
    library().complete_partial(buffer, len(frame), start, offset)
    library().complete_found(buffer, len(frame))


CHANGES = st.sampled_from(
    [
        *("none", "drop", "swap", "again", "byte", "address", "bad checksum"),
        *("ttl", "flags", "longer", "shorter", "id", "zero"),
    ]
)


def changed(frames: list[bytes], change: str, flow: Flow, draw: st.DrawFn) -> list[bytes]:
    """What a program might do to a frame in between."""
    at = draw(st.integers(0, len(frames) - 1))
    frame = bytearray(frames[at])
    if change == "none" or len(frame) < flow.payload:
        return frames
    if change == "drop":
        return [*frames[:at], *frames[at + 1 :]]
    if change == "swap":
        return [*frames[at:], *frames[:at]]
    if change == "again":
        return [*frames[: at + 1], *frames[at:]]
    if change == "longer":
        return [*frames[:at], bytes(frame) + bytes(draw(st.integers(1, 9))), *frames[at + 1 :]]
    if change == "shorter":
        return [*frames[:at], bytes(frame[: draw(st.integers(0, len(frame)))]), *frames[at + 1 :]]
    if change == "byte":
        place = draw(st.integers(0, len(frame) - 1))
        frame[place] ^= 1 << draw(st.integers(0, 7))
    elif change == "address":
        frame[flow.network + 15] ^= 1
    elif change == "bad checksum":
        frame[flow.transport + flow.checksum_offset] ^= 0x10
    elif change == "ttl":
        frame[flow.network + (8 if flow.version == 4 else 7)] -= 1
    elif change == "flags" and flow.protocol == TCP:
        frame[flow.transport + 13] = draw(st.sampled_from((SYN, RST, URG, ACK | PSH, ACK | CWR, FIN, 0)))
        correct(frame, flow)
    elif change == "id" and flow.version == 4:
        frame[flow.network + 5] += 1 if frame[flow.network + 5] < 255 else -1
        correct(frame, flow)
    elif change == "zero":
        place = flow.transport + flow.checksum_offset
        frame[place : place + 2] = draw(st.sampled_from((b"\0\0", b"\xff\xff")))
    return [*frames[:at], bytes(frame), *frames[at + 1 :]]


def correct(frame: bytearray, flow: Flow) -> None:
    """Restores correct checksums."""
    if flow.version == 4:
        head = slice(flow.network, flow.network + 20 + len(flow.ip_options))
        frame[head.start + 10 : head.start + 12] = b"\0\0"
        frame[head.start + 10 : head.start + 12] = (~ones(bytes(frame[head])) & 0xFFFF).to_bytes(2, "big")
    at = flow.transport + flow.checksum_offset
    frame[at : at + 2] = b"\0\0"
    covered = flow.pseudo(len(frame) - flow.transport) + bytes(frame[flow.transport :])
    frame[at : at + 2] = ((~ones(covered) & 0xFFFF) or 0xFFFF).to_bytes(2, "big")


@st.composite
def outputs(draw: st.DrawFn) -> list[bytes]:
    """Frames of some flows in a row, some of them changed."""
    frames: list[bytes] = []
    for _ in range(draw(st.integers(1, 3))):
        flow, sent = draw(flows()), draw(SENT)
        segment = draw(st.integers(8, 300))
        data = data_of(draw(st.integers(1, 2500)), draw(st.integers(0, 99)))
        made = flow.segments(data, segment, **sent)
        for change in draw(st.lists(CHANGES, max_size=2)):
            if made:
                made = changed(made, change, flow, draw)
        frames += made
    return frames


@settings(max_examples=400, deadline=None)
@given(outputs())
@example([b""])
def test_what_is_merged_and_split_again_is_what_it_was(frames: list[bytes]) -> None:
    assert [frame for sent in merge(frames) for frame in taken_apart(sent)] == frames


MERGED = [
    Flow(),
    Flow(6),
    Flow(4, UDP),
    Flow(6, UDP),
    Flow(tags=TAGS[:1]),
    Flow(6, tags=TAGS[1:]),
    Flow(fragment=0),
    Flow(options=b""),
]


@pytest.mark.parametrize("flow", MERGED)
@pytest.mark.parametrize("flags", [ACK, ACK | PSH | FIN, ACK | CWR])
def test_a_flow_is_merged_into_what_it_came_as(flow: Flow, flags: int) -> None:
    data = data_of(20_000)
    made = flow.super_frame(data, 1000, flags=flags, ident=65530)
    (sent,) = merge(flow.segments(data, 1000, flags=flags, ident=65530))
    assert sent == Sent(20, made.data, made.offload)


def test_what_is_not_merged() -> None:
    flow, data = Flow(), data_of(3000)
    for other in (Flow(ip_options=b"\1\1\1\1"), Flow(6, extension=HOP_BY_HOP), Flow(tags=TAGS)):
        assert [sent.frames for sent in merge(other.segments(data, 1000))] == [1, 1, 1]
    fixed = [flow.segments(data[:1000], 1000)[0], flow.segments(data[1000:2000], 1000, sequence=1000)[0]]
    assert [sent.frames for sent in merge(fixed)] == [1, 1]  # one IP identification for both
    counting = [fixed[0], flow.segments(data[1000:2000], 1000, sequence=1000, ident=1)[0]]
    assert [sent.frames for sent in merge(counting)] == [2]
    pushed = flow.segments(data, 1000, flags=ACK | PSH) + flow.segments(data, 1000, sequence=3000, ident=3)
    assert [sent.frames for sent in merge(pushed)] == [3, 3]
    short = flow.segments(data[:2500], 1000) + flow.segments(data, 1000, sequence=2500, ident=3)
    assert [sent.frames for sent in merge(short)] == [3, 3]
    empty = [flow.frame(b"", sequence=i, ident=i) for i in range(3)]
    assert [sent.frames for sent in merge(empty)] == [1, 1, 1]
    forty = flow.segments(data_of(64_000), 1000) + flow.segments(data_of(64_000), 1000, sequence=64_000, ident=64)
    assert [sent.frames for sent in merge(forty)] == [65, 63]  # 64 KiB at most


def test_a_tcp_checksum_of_zero_goes_alone() -> None:
    """0 and 0xffff are equivalent to a receiver, and which one is written depends on who splits the merged frame."""
    flow = Flow(options=b"")
    frames = flow.segments(data_of(3000), 1000)
    at = flow.transport + 16
    free = flow.payload
    middle = bytearray(frames[1])
    middle[at : at + 2] = middle[free : free + 2] = b"\0\0"
    rest = ones(flow.pseudo(len(middle) - flow.transport) + bytes(middle[flow.transport :]))
    middle[free : free + 2] = (~rest & 0xFFFF).to_bytes(2, "big")  # a payload with which the sum is 0xffff
    for form in (b"\0\0", b"\xff\xff"):
        middle[at : at + 2] = form
        assert [sent.frames for sent in merge([frames[0], bytes(middle), frames[2]])] == [1, 1, 1]


@pytest.mark.parametrize("flow", [Flow(), Flow(6), Flow(4, UDP), Flow(6, UDP), Flow(tags=TAGS, ip_options=b"\1\1\1\1")])
@pytest.mark.parametrize("size", [0, 1, 2, 31, 32, 33, 1001, 1460])
def test_a_checksum_that_was_left_to_the_card(flow: Flow, size: int) -> None:
    data = data_of(size)
    frame = flow.frame(data, partial=True)
    buffer = ctypes.create_string_buffer(frame, len(frame))
    assert library().complete_partial(buffer, len(frame), flow.transport, flow.checksum_offset)
    assert buffer.raw == flow.frame(data)
    buffer = ctypes.create_string_buffer(frame, len(frame))
    assert library().complete_found(buffer, len(frame))
    assert buffer.raw == flow.frame(data)


def test_the_checksum_of_sctp() -> None:
    """RFC 9260, appendix A: CRC32c, whose value for "123456789" is 0xe3069283; here with the field in the middle."""
    head = bytes(34)
    sctp = bytes.fromhex("1388138812345678") + bytes(4) + b"abcdefgh"
    buffer = ctypes.create_string_buffer(head + sctp, len(head + sctp))
    assert library().complete_partial(buffer, len(head + sctp), 34, 8)
    assert buffer.raw[34 + 8 : 34 + 12] == crc32c(sctp).to_bytes(4, "little")
    assert crc32c(b"123456789") == 0xE3069283


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_split_of_generated_super_frames_is_merged_back() -> None:
    """No throughput is lost: a flow that no program changed leaves as it came."""
    generator = random.Random(4)
    for _ in range(100):
        flow = generator.choice(MERGED)
        segment = generator.randint(100, 1448)
        data = data_of(generator.randint(2 * segment, 40_000), generator.randint(0, 1000))
        made: SuperFrame = flow.super_frame(data, segment, ident=generator.randint(0, 65535))
        frames = split(made.data, made.offload)
        assert frames is not None
        alone = [index for index, frame in enumerate(frames) if zero_checksum(frame, flow)]
        if not alone:
            assert [sent.data for sent in merge(frames)] == [made.data]


def zero_checksum(frame: bytes, flow: Flow) -> bool:
    at = flow.transport + 16
    return flow.protocol == TCP and frame[at : at + 2] in (b"\0\0", b"\xff\xff")
