"""What `conformance.labs` looks for in the output of exercises, and what it says when it cannot run them."""

from __future__ import annotations

import json
import os
import re
import string
from collections import defaultdict
from pathlib import Path

import pytest

from conformance.labs import p4_learning, tutorials
from conformance.labs.learning_exercises import EXERCISES as LEARNING
from conformance.labs.runs import Exercise, UnexpectedResult, run, write_command
from conformance.labs.slow_links import queue_rates, topology_of
from conformance.labs.tutorial_exercises import EXERCISES

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
        with pytest.raises(UnexpectedResult):
            exercise.check(defaultdict(str, outputs))


def test_all_thirteen_are_there_and_their_lines_are_lines() -> None:
    assert [exercise.name for exercise in EXERCISES] == sorted(SAMPLES)
    for exercise in EXERCISES:
        assert all(set(line) <= set(string.printable) - {"\n"} for line in exercise.lines)


REACHED = "*** Results: 0% dropped (2/2 received)"
LOST = "('1.2.3.4', '5.6.7.8', {}, 80, 6, 7)\n"
LABEL = "ethertype MPLS unicast (0x8847), length 102: MPLS (label 2, tc 0, ttl 254)\n"
RESERVED = "Successful reservation(h1->h6)\nSuccessful reservation(h6->h1)\n"
TELEMETRY = "ethertype Unknown (0x7777), length 9058:\n"
FEEDBACK = TELEMETRY.replace("7777", "7778")
SEEDS = "RuntimeCmd: register_read\nloadbalance_seed= " + "0, " * 1022
LOSSES = "".join(LOST.format(number) for number in range(5))
LEARNING_SAMPLES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "reflector": ({"h1": "A packet was reflected\n" * 3}, {"h1": "A packet was reflected\n" * 2}),
    "l2-learning-cpu-thrift": (
        {"": REACHED, "controller": "".join(f"mac: 00000A00000{n} ingress_port: {n}\n" for n in range(1, 5))},
        {"": REACHED, "controller": "mac: 00000A000001 ingress_port: 1\n" * 9},
    ),
    "mpls_basics-thrift": (
        {"": REACHED, "wire": LABEL * 2, "host": "ethertype IPv4"},
        {"": REACHED, "wire": LABEL * 2, "host": LABEL},
    ),
    "rsvp-thrift": (
        {
            "controller": RESERVED,
            "ping": PING.format(5),
            "wire": LABEL * 2,
        },
        {"controller": RESERVED, "ping": PING.format(5), "wire": "IPv4"},
    ),
    "fast-reroute": (
        {"": f"{REACHED}\n{REACHED}", "controller": "Failing link s1-s2."},
        {"": f"{REACHED}\n*** Results: 16% dropped (10/12 received)", "controller": "Failing link s1-s2."},
    ),
    "ecmp": (
        {"": REACHED, "before": "1 1 1 1", "after": "61 51 41 61"},
        {"": REACHED, "before": "1 1 1 1", "after": "221 1 1 1"},
    ),
    "flowlet": (
        {"": REACHED, "before": "1 1 1 1", "after": "11 8 1 6", "ping": PING.format(20)},
        {"": REACHED, "before": "1 1 1 1", "after": "21 1 1 1", "ping": PING.format(20)},
    ),
    "heavy-hitter": (
        {"": REACHED, "h2": "Received from (...) total: 999\nReceived from (...) total: 1000"},
        {"": REACHED, "h2": "Received from (...) total: 1001"},
    ),
    "count-min-sketch": (
        {"decode": "Packets sent and read by the cms: 5/9\n" * 60 + "Not hold for 1.6%"},
        {"decode": "Packets sent and read by the cms: 5/4\n" * 60},
    ),
    "traceroute": ({"": REACHED, "trace": "['10.1.1.1', '20.1.2.2', '20.2.6.2']"}, {"": REACHED, "trace": "[]"}),
    "loss-detection": (
        {"ping": PING.format(2), "send": LOSSES, "controller": f"Packets dropped: 5 at link s1->s2:\n{LOSSES}"},
        {"ping": PING.format(2), "send": LOSSES, "controller": f"Packets dropped: 5 at link s2->s3:\n{LOSSES}"},
    ),
    "congestion": (
        {"": REACHED, "link": TELEMETRY, "feedback": FEEDBACK, "seeds": SEEDS + "0, 9\n"},
        {"": REACHED, "link": TELEMETRY, "feedback": FEEDBACK, "seeds": SEEDS + "0, 0\n"},
    ),
    "congestion-paths": (
        {"": REACHED, "paths": "2400000 0 2400000 2400000\n2400000 2300000 1500000 2400000\n"},
        {"": REACHED, "paths": "2400000 2400000 2400000 2400000\n2400000 90 2300000 2400000\n"},
    ),
    "repeater-thrift": ({"": REACHED}, {"": "*** Results: 50% dropped (1/2 received)"}),
}


@pytest.mark.parametrize("exercise", LEARNING, ids=lambda exercise: exercise.name)
def test_so_does_each_check_of_p4_learning(exercise: Exercise) -> None:
    samples = {known.check: LEARNING_SAMPLES[known.name] for known in LEARNING if known.name in LEARNING_SAMPLES}
    right, wrong = samples[exercise.check]
    assert set(right) - {""} <= names_of(exercise)
    exercise.check(defaultdict(str, right))
    for outputs in (wrong, {}):
        with pytest.raises(UnexpectedResult):
            exercise.check(defaultdict(str, outputs))


@pytest.mark.parametrize("place", ["host", "receiver"])
@pytest.mark.parametrize("frame", [TELEMETRY, FEEDBACK])
def test_what_switches_tell_one_another_must_not_reach_hosts(place: str, frame: str) -> None:
    exercise = next(known for known in LEARNING if known.name == "congestion")
    with pytest.raises(UnexpectedResult, match="hosts see neither"):
        exercise.check(defaultdict(str, {**LEARNING_SAMPLES["congestion"][0], place: frame}))


def test_p4_utils_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "exercises" / "01-Reflector").mkdir(parents=True)
    assert p4_learning.main([str(tmp_path), "--p4-utils", str(tmp_path)]) == 2
    assert "is no checkout of nsg-ethz/p4-utils" in capsys.readouterr().err


def test_exercises_may_be_named_after_the_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert p4_learning.main([str(tmp_path), "--p4-utils", str(tmp_path), "ecmp"]) == 2
    assert "is no checkout of nsg-ethz/p4-learning" in capsys.readouterr().err


def fake_unshare(folder: Path) -> dict[str, str]:
    """A PATH where the network's own namespaces are left away: neither root nor Mininet is needed."""
    for name, text in (("unshare", 'while [ "$1" != sh ]; do shift; done; exec "$@"'), ("ip", "exit 0")):
        write_command(folder / name, f"#!/bin/sh\n{text}\n")
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("printed", "problem", "note"),
    [("Stopping network", "", "ended with 3"), ("no such file", "ended with 3", "")],
    ids=["after", "before"],
)
def test_an_error_of_the_exercises_own_end_does_not_hide_the_outcome(
    printed: str, problem: str, note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = fake_unshare(tmp_path)
    monkeypatch.setenv("PATH", environment["PATH"])
    exercise = next(known for known in LEARNING if known.name == "repeater-table")
    (tmp_path / "network").write_text(f"cat; echo '{REACHED}'; echo '{printed}'; echo 'NoSuchProcess: 7'; exit 3\n")
    outcome = run(exercise, (), "sh network", tmp_path, tmp_path / "out", environment, ending="Stopping network")
    assert problem in outcome.problem
    assert bool(outcome.problem) == bool(problem)
    assert note in outcome.note
    assert bool(note) == ("NoSuchProcess: 7" in outcome.note)


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
