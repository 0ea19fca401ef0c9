"""Our network functions and the programs of the other tests, on bmv2."""

from __future__ import annotations

import random

import pytest

import nfs
from p4front.load import load_program, load_text
from state4.cam import analyse
from state4.cim import instrument
from tests.bmv2.compare import assert_same, assert_unchanged
from tests.bmv2.runs import Refused, compile_bmv2
from tests.bmv2.scenario import Scenario
from tests.state4_programs import PROGRAMS, request
from tests.switch.controller import EVERYTHING, body, frame
from tests.switch.frames import SERVER, arp_reply, arp_request, ping, probe, tcp, udp
from tests.switch.state4.test_clones import traffic

pytestmark = pytest.mark.bmv2
_PORTS = (1, 2, 3, 4, 5, 6)
MIN_CELLS = {"controls": 4}
REFUSED_BY_P4C = {"aliases", "loops_and_switch"}


def random_traffic(seed: int, count: int = 120) -> list[tuple[int, bytes]]:
    """Hosts that knock, talk and probe, in any order."""
    chosen = random.Random(seed)
    frames = []
    for _ in range(count):
        host, other = chosen.sample(range(1, 7), 2)
        port = chosen.choice((10000, 20000, 30000, 80, 5000, 5201, chosen.randrange(65536)))
        frames.append(
            (
                host,
                chosen.choice(
                    (
                        tcp(host, SERVER if host != SERVER else other, port, chosen.choice(("S", "A", "SA", "FA"))),
                        tcp(host, SERVER if host != SERVER else other, port),
                        udp(host, other, port, source_port=chosen.randrange(40000, 40010), payload=bytes(host * 9)),
                        probe(host, chosen.choice((host, other, chosen.randrange(128))), chosen.randrange(256)),
                        ping(host, other),
                        arp_request(host, other),
                        arp_reply(host, other),
                        chosen.randbytes(chosen.randint(1, 80)),
                    )
                ),
            )
        )
    return frames


def nf(name: str, frames: list[tuple[int, bytes]], seed: int) -> Scenario:
    path = nfs.program_path(name)
    chosen = random.Random(seed)
    waits = (7, 700, 50_000, 150_000, 1_500_000)  # also beyond a flowlet's and an entry's time
    packets = tuple((port, frame, chosen.choice(waits)) for port, frame in frames)
    return Scenario(name, path, packets, nfs.entries_path(path).read_text(), ports=_PORTS)


def small(name: str) -> Scenario:
    """With few cells: beyond the end of a register, bmv2 without its checks writes anywhere, or crashes."""
    chosen = random.Random(len(name))
    cells = range(min(MIN_CELLS.get(name, 8), 8))
    ops = (0, 1, 2) if name == "wide" else (0, 1, 2, 3, 4, 7, 255)
    frames = [
        request(
            chosen.choice(ops),
            chosen.choice(cells),
            chosen.randrange(1 << 16),
            chosen.randrange(1 << 64),
            bytes(chosen.randrange(40)),
        )
        for _ in range(60)
    ]
    return Scenario(name, PROGRAMS[name], tuple((1, frame, 700) for frame in frames), sessions={7: 6}, ports=_PORTS)


def for_p4c(name: str) -> Scenario:
    """Skips programs that p4c does not accept as they are, with the reason."""
    scenario = small(name)
    try:
        compile_bmv2(scenario.source)
    except Refused as refused:
        assert name in REFUSED_BY_P4C
        pytest.skip(f"p4c refuses the program itself: {str(refused).splitlines()[0]}")
    return scenario


@pytest.mark.parametrize("name", nfs.PROGRAMS)
def test_network_functions(name: str) -> None:
    assert_same(nf(name, traffic(), 1))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", nfs.PROGRAMS)
def test_network_functions_with_random_traffic(name: str, seed: int) -> None:
    assert_same(nf(name, random_traffic(seed), seed))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_that_write_registers(name: str) -> None:
    assert_same(for_p4c(name))


@pytest.mark.parametrize("name", nfs.PROGRAMS)
def test_instrumented_network_functions(name: str) -> None:
    program = load_program(nfs.program_path(name))
    assert_unchanged(nf(name, traffic() + random_traffic(4, 40), 4), instrument(program, analyse(program)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_instrumented_programs(name: str) -> None:
    program = load_text(PROGRAMS[name], f"{name}.p4")
    assert_unchanged(for_p4c(name), instrument(program, analyse(program)))


EVERYTHING_ENTRIES = """
[[entry]]
table = "routes"
match = { "hdr.body.address" = "10.0.0.0/8" }
action = "MyIngress.forward"
params = { port = 2 }

[[entry]]
table = "routes"
match = { "hdr.body.address" = "10.1.0.0/16" }
action = "MyIngress.multicast"
params = { group = 3 }

[[entry]]
table = "hosts"
match = { "hdr.frame.dst" = 13 }
action = "MyIngress.metered"
params = { port = 4 }

[[entry]]
table = "rules"
match = { "hdr.body.address" = "10.0.0.1&&&255.0.0.1", "hdr.body.number" = "5..9", "hdr.body.flags" = "*" }
action = "MyIngress.forward"
params = { port = 5 }
priority = 10

[[entry]]
table = "rules"
match = { "hdr.body.address" = "*", "hdr.body.number" = "7..7", "hdr.body.flags" = 1 }
action = "MyIngress.drop"
priority = 20
"""


def everything() -> Scenario:
    """p4c requires that a direct meter is read; the original only declares one."""
    text = EVERYTHING.read_text().replace(
        "action metered(bit<9> port) {", "action metered(bit<9> port) {\n        host_rate.read(meta.colour);"
    )
    text = text.replace("struct metadata_t {", "struct metadata_t {\n    bit<2> colour;")
    chosen = random.Random(5)
    packets = []
    for _ in range(80):
        kind = chosen.choice((0x1234, 0x1234, 0x1234, 0xD1D1, 0xC0DE, 0x0800))
        address = chosen.choice((0x0A000001, 0x0A010001, 0x0A010002, 0x0B000001))
        flags = chosen.choice((0, 1, 0xF1, 0xF2))
        content = body(address, chosen.randrange(4, 11), chosen.randrange(3), flags) + chosen.randbytes(5)
        source = chosen.choice((1, 1 << 47))
        packets.append((chosen.choice(_PORTS), frame(kind, content, dst=chosen.choice((13, 14)), src=source), 1000))
    groups = {3: ((1, 1), (6, 2))}
    return Scenario("everything", text, tuple(packets), EVERYTHING_ENTRIES, groups, ports=_PORTS)


def test_the_program_with_one_object_of_every_kind() -> None:
    assert_same(everything())


def test_the_program_with_one_object_of_every_kind_instrumented() -> None:
    scenario = everything()
    assert isinstance(scenario.source, str)
    program = load_text(scenario.source, "everything.p4")
    assert_unchanged(scenario, instrument(program, analyse(program)))
