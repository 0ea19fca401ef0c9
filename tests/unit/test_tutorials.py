"""What `conformance.tutorials` looks for in the output of each exercise, and what it says when it cannot run."""

from __future__ import annotations

import json
import re
import string
from collections import defaultdict
from pathlib import Path

import pytest

from conformance import tutorials
from conformance.slow_links import queue_rates, topology_of
from conformance.tutorial_exercises import EXERCISES, Exercise, NotAsSaid

IPERF = "[  1] 0.0000-2.0121 sec  7.38 MBytes  {} Mbits/sec\n"
PACKET = "got a packet\n###[ IP ]###\n  tos       = {tos}\n  ttl       = {ttl}\n{more}\n"
PING = "10 packets transmitted, {} received, 0% packet loss"


def trace(queue: int) -> str:
    hops = "".join(f"  |   |  swid      = {n}\n  |   |  qdepth    = {depth}\n" for n, depth in ((2, 0), (1, queue)))
    return PACKET.format(tos="0x0", ttl=62, more=hops)


def messages(*texts: str) -> str:
    return "".join(PACKET.format(tos="0x0", ttl=62, more=f"load = b'{text}'") for text in texts)


COUNTERS = "".join(
    f"{switch} MyIngress.{name} {tunnel}: {{}} packets (1 bytes)\n"
    for switch, name, tunnel in (
        ("s1", "ingressTunnelCounter", 100),
        ("s2", "egressTunnelCounter", 100),
        ("s2", "ingressTunnelCounter", 200),
        ("s1", "egressTunnelCounter", 200),
    )
)
INSTALLED = "Installed P4 Program using SetForwardingPipelineConfig on s3\ndecodePacketInMetadata: ret\n"
IDLE = "Deleted flow_cache entry on s1.\nCancelling all calls\ngRPC error occurred"
SAMPLES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "basic": ({"": "*** Results: 0% dropped (12/12 received)"}, {"": "*** Results: 8% dropped (11/12 received)"}),
    "basic_tunnel": (
        {
            "h2": messages("plain, to h2", "tunnel to h2').MyTunnel('", "by id only').MyTunnel(10.0.3.3'"),
            "h3": messages("for h3"),
        },
        {"h2": messages("plain, to h2", "tunnel to h2", "by id only, 10.0.3.3"), "h3": messages("for h3")},
    ),
    "calc": (
        {"calc": "> 1+1\n2\n> 7-5\n2\n> 6&3\n2\n> 6|3\n7\n> 6^3\n5\n> "},
        {"calc": "> 1+1\nDidn't receive response"},
    ),
    "ecn": ({"h2": "tos = 0x1\ntos = 0x3"}, {"h2": "tos = 0x1\ntos = 0x1"}),
    "firewall": (
        {"h1h2": IPERF.format("30.9"), "h1h3": IPERF.format("1.2"), "h3h1": "connect failed"},
        {"h1h2": IPERF.format("30.9"), "h1h3": IPERF.format("1.2"), "h3h1": IPERF.format("1.2")},
    ),
    "flowcache": (
        {"controller": INSTALLED + IDLE, "ping": PING.format(8)},
        {"controller": INSTALLED + "gRPC error occurred\n" + IDLE, "ping": PING.format(8)},
    ),
    "link_monitor": (
        {"probes": "Switch 1 - Port 4: 0.1 Mbps\nSwitch 4 - Port 1: 9.5 Mbps", "iperf": IPERF.format("9.1")},
        {"probes": "Switch 1 - Port 4: 0.1 Mbps", "iperf": IPERF.format("9.1")},
    ),
    "load_balance": (
        {"h2": messages(*["balance1"] * 20), "h3": messages(*["balance2"] * 4)},
        {"h2": messages(*["balance1"] * 24), "h3": ""},
    ),
    "mri": ({"h2": trace(0) + trace(17)}, {"h2": trace(0) + trace(0)}),
    "multicast": (
        {"h1h2": PING.format(3), "h1h3": PING.format(2), "h1h4": PING.format(0)},
        {"h1h2": PING.format(3), "h1h3": PING.format(2), "h1h4": PING.format(1)},
    ),
    "p4runtime": (
        {"before": PING.format(0), "after": PING.format(6), "controller": COUNTERS.replace("{}", "5")},
        {"before": PING.format(0), "after": PING.format(6), "controller": COUNTERS.replace("{}", "0")},
    ),
    "qos": ({"h2": "tos = 0xb9\ntos = 0xb1"}, {"h2": "tos = 0xb9"}),
    "source_routing": ({"h2": "ttl       = 59"}, {"h2": "ttl       = 60"}),
}


def names_of(exercise: Exercise) -> set[str]:
    return {name for line in exercise.lines for name in re.findall(r"\{(\w+)\}", line)}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_each_check_tells_what_is_said_from_what_is_not(exercise: Exercise) -> None:
    right, wrong = SAMPLES[exercise.name]
    assert set(right) - {""} <= names_of(exercise)
    exercise.check(defaultdict(str, right))
    for outputs in (wrong, {}):
        with pytest.raises(NotAsSaid):
            exercise.check(defaultdict(str, outputs))


def test_all_thirteen_are_there_and_their_lines_are_lines() -> None:
    assert [exercise.name for exercise in EXERCISES] == sorted(SAMPLES)
    for exercise in EXERCISES:
        assert all(set(line) <= set(string.printable) - {"\n"} for line in exercise.lines)


@pytest.mark.parametrize(("words", "said"), [([], "is no checkout"), (["knitting"], "there is no exercise knitting")])
def test_what_cannot_be_run_is_told(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tutorials.main([str(tmp_path), *words]) == 2
    assert said in capsys.readouterr().err


def test_links_with_a_bandwidth_become_queue_rates_of_both_switches(tmp_path: Path) -> None:
    topology = tmp_path / "small" / "topology.json"
    topology.parent.mkdir()
    links = [["h1", "s1-p2"], ["s1-p3", "s2-p4", "0", 0.5], ["s2-p1", "s10-p2", "5ms"], ["h2", "s2-p9", 0, 10]]
    topology.write_text(json.dumps({"switches": {"s10": {}, "s2": {}, "s1": {}}, "links": links}))
    (tmp_path / "Makefile").write_text("BMV2_SWITCH_EXE = x\nTOPO = small/topology.json\n")
    assert list(queue_rates(topology_of(tmp_path))) == [
        "sh echo set_queue_rate 41 3 | simple_switch_CLI --thrift-port 9090",
        "sh echo set_queue_rate 41 4 | simple_switch_CLI --thrift-port 9091",
        "sh echo set_queue_rate 826 9 | simple_switch_CLI --thrift-port 9091",
    ]
