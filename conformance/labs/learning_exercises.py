"""The exercises of nsg-ethz/p4-learning: what a student types, and what the README says happens then.

All 25 folders with a solution are here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from conformance.labs.runs import Exercise, Outputs, background, need, ping_replies, until


@dataclass(frozen=True)
class LearningExercise(Exercise):
    """`folder`: below exercises/, that with the README; `config`: what p4run starts. `commands`, `modules`: what it
    needs besides p4-utils. `slow_links`: whether it needs links with a bandwidth, and so the kernel's htb."""

    folder: str = ""
    config: str = "p4app.json"
    commands: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    slow_links: bool = False


def reached(host: str, other: str, tries: int = 90) -> str:
    """Waits until pings are answered: controllers need a while to write their entries."""
    return f"{host} for i in $(seq {tries}); do ping -c 1 -W 1 {other} > /dev/null && break; done"


def pings(out: Outputs) -> None:
    need(re.search(r"\*\*\* Results: 0% dropped \((\d+)/\1 received\)", out[""]), "pingall: all reach one another")


def sent_by_s1(file: str, ports: str = "2 3 4 5") -> str:
    """How many frames s1 has sent through the interfaces of its paths."""
    count = "awk -v name=s1-eth$i: '$1 == name {print $11}' /proc/net/dev"
    return f"sh for i in {ports}; do {count}; done > {{{file}}}"


def captured(file: str, interface: str, expression: str = "") -> tuple[str, str]:
    """Prints frames of an interface of a switch from then on."""
    capture = f"tcpdump --immediate-mode -l -e -nn -i {interface} {expression}"
    return background("sh", capture, file), until("listening on", file, settle_s=0)


def differences(out: Outputs) -> list[int]:
    before, after = ([int(word) for word in out[name].split()] for name in ("before", "after"))
    return [b - a for a, b in zip(before, after, strict=True)]


def _reflector(out: Outputs) -> None:
    need(out["h1"].count("A packet was reflected") >= 3, "each packet that h1 sends comes back")


def _ecmp(out: Outputs) -> None:
    pings(out)
    spread = differences(out)
    need(sum(spread) >= 200 and min(spread) > 20, f"packets of 200 flows take all four paths ({spread})")


def _flowlet(out: Outputs) -> None:
    pings(out)
    spread = differences(out)
    need(ping_replies(out["ping"]) == 20, "20 pings are answered")
    need(sum(count > 0 for count in spread) > 1, f"flowlets of one flow take several paths ({spread})")


def _heavy_hitter(out: Outputs) -> None:
    pings(out)
    totals = [int(number) for number in re.findall(r"total: (\d+)", out["h2"])]
    need(
        totals and max(totals) == 1000,
        f"h2 gets 1000 packets of a flow of 1100, and no more ({max(totals, default=0)})",
    )


def _sketch(out: Outputs) -> None:
    pairs = [(int(a), int(b)) for a, b in re.findall(r"read by the cms: (\d+)/(\d+)", out["decode"])]
    need(len(pairs) == 60, "the controller decodes all flows that were sent")
    need(
        all(sent <= read for sent, read in pairs), "no flow is counted too low: the hashes are those of the controller"
    )
    failed = re.search(r"Not hold for ([\d.]+)%", out["decode"])
    need(failed and float(failed[1]) <= 5, "at most 5 % of the flows are counted too high by more than a tenth of all")


def _loss(out: Outputs) -> None:
    need(ping_replies(out["ping"]) > 0, "h1 reaches h2")
    lost = {tuple(line.split(", ")[:4]) for line in re.findall(r"^\((.*)\)$", out["send"], re.MULTILINE)}
    told = {tuple(line.split(", ")[:4]) for line in re.findall(r"^\((.*)\)$", out["controller"], re.MULTILINE)}
    need(len(lost) == 5, "send.py names five packets that will be dropped")
    need("at link s1->s2" in out["controller"] and lost <= told, "the controller names the same ones, and the link")


def _traceroute(out: Outputs) -> None:
    pings(out)
    hops = re.findall(r"\d+\.\d+\.\d+\.\d+", out["trace"])
    need(len(hops) == 3, f"the three switches on the way answer ({', '.join(hops) or 'none'})")


def _rsvp(out: Outputs) -> None:
    need(out["controller"].count("Successful reservation") == 2, "two reservations are made")
    need(ping_replies(out["ping"]) >= 4, f"h1 reaches h6 by them ({ping_replies(out['ping'])} of 5)")
    _labels(out)


def _labels(out: Outputs) -> None:
    labelled = len(re.findall(r"MPLS", out["wire"]))
    need(labelled >= 2, f"packets have labels between the switches ({labelled})")


def _mpls_pings(out: Outputs) -> None:
    pings(out)
    _labels(out)
    need("MPLS" not in out["host"], "and none on the way to h1")


def _rerouted(out: Outputs) -> None:
    need("Failing link s1-s2" in out["controller"], "the link of s1 and s2 fails")
    passed = len(re.findall(r"Results: 0% dropped", out[""]))
    need(passed == 2, f"pingall: all reach one another, before and after it fails ({passed} of 2)")


def _notified(out: Outputs) -> None:
    pings(out)
    need("(0x7777)" in out["link"], "packets between switches carry the depth of the queue")
    need("(0x7778)" in out["feedback"], "s3 notifies s1 of the congestion")
    need("(0x777" not in out["host"] + out["receiver"], "and hosts see neither")
    seeds = re.findall(r"\d+", out["seeds"].partition("loadbalance_seed=")[2])
    need(len(seeds) == 1024 and any(map(int, seeds)), "s1 gives a flow that was notified another seed")


def _spread(out: Outputs) -> None:
    pings(out)
    lines = [[int(word) for word in line.split()] for line in out["paths"].splitlines()]
    last = lines[-1] if lines else []
    need(len(last) == 4 and min(last) >= _PATH_BYTES, f"four flows end on four paths (bytes in 2 s: {last})")


def _exercise(
    name: str,
    folder: str,
    *lines: str,
    checked: str = "pingall: 0 % dropped",
    check: Callable[[Outputs], None] = pings,
    config: str = "p4app.json",
    commands: tuple[str, ...] = (),
    modules: tuple[str, ...] = (),
    slow_links: bool = False,
) -> LearningExercise:
    return LearningExercise(name, lines, check, checked, folder, config, commands, modules, slow_links)


def _both(name: str, folder: str, *lines: str, config: str = "p4app.json") -> tuple[LearningExercise, ...]:
    """By Thrift and by P4Runtime."""
    return tuple(
        _exercise(f"{name}-{way}", f"{folder}/{way}", *lines, config=config) for way in ("thrift", "p4runtime")
    )


def _learning(way: str, source: str) -> LearningExercise:
    """Forwarding needs learned addresses; until then frames are flooded. `source`: of addresses, "cpu" or "digest"."""
    return _exercise(
        f"l2-learning-{source}-{way}",
        f"04-L2_Learning/{way}",
        background("sh", f"python -u l2_learning_controller.py s1 {source}", "controller"),
        reached("h1", "h2"),
        "pingall",
        until("mac: 00000A000004", "controller", settle_s=0, limit_s=30),
        checked=f"pingall: 0 % dropped; the controller learns addresses ({source})",
        check=_learned,
        config=f"p4app_{source}.json",
        commands=("brctl",) if source == "cpu" else (),
        modules=("nnpy",),  # for digests by Thrift, but imported always
    )


def _learned(out: Outputs) -> None:
    pings(out)
    need(len(set(re.findall(r"mac: (\w+)", out["controller"]))) >= 4, "the controller learns the hosts' addresses")


def _mpls(name: str, way: str) -> LearningExercise:
    return _exercise(
        f"{name}-{way}",
        f"04-MPLS/{way}/{name}",
        reached("h1", "h2"),
        reached("h1", "h3"),
        *captured("wire", "s1-eth2", "mpls"),
        *captured("host", "s1-eth1"),
        "pingall",
        "sh sleep 2",
        checked="pingall: 0 % dropped; labels from s1 on, and none to h1",
        check=_mpls_pings,
    )


def _tcp(sender: str, receiver: str) -> tuple[str, str, str]:
    """One long flow, of segments that leave room for a header, as send_traffic.py makes it. Reno, which any kernel has,
    fills a queue until it overflows; with a machine's default it may be BBR, which does not."""
    return (
        background(receiver, "iperf3 -s --forceflush", receiver),
        until("listening", receiver, settle_s=0),
        background(sender, f"iperf3 -c {receiver} -M 9000 -C reno -t 300", sender),
    )


_CONGESTION = "10-Congestion_Aware_Load_Balancing"
_PATH_BYTES = 1_500_000
"""In two seconds, of the 2,500,000 that a link of 10 Mbit/s carries. While two of the four flows share a path, another
path has none."""
_SENT = "$(awk '/s1-eth[5-8]:/ {print $10}' /proc/net/dev)"
_PATHS = (
    f"sh for i in $(seq 90); do set -- {_SENT}; sleep 2; set -- $* {_SENT}; "
    "echo $(($5-$1)) $(($6-$2)) $(($7-$3)) $(($8-$4)) >> {paths}; "
    f"tail -n 1 {{paths}} | tr ' ' '\\n' | awk '$1 < {_PATH_BYTES} {{exit 1}}' && break; done"
)
_RESERVE = r"printf 'add_reservation h1 h6 1000 5 1\nadd_reservation h6 h1 1000 5 1\nexit\n'"
_CONTROLLER = "sh python routing-controller.py > {controller} 2>&1"
_TRACE = "import traceroute; print(traceroute.traceroute(dst='10.6.2.2', sport=6001, dport=80))"

EXERCISES: tuple[LearningExercise, ...] = (
    _exercise(
        "reflector",
        "01-Reflector",
        "h1 (sleep 3; echo; sleep 1; echo; sleep 1; echo; sleep 3) | timeout 60 python -u send_receive.py > {h1} 2>&1",
        checked="three packets come back",
        check=_reflector,
    ),
    *_both("repeater", "02-Repeater", reached("h1", "h2"), "pingall"),
    _exercise("repeater-table", "02-Repeater/thrift", "pingall", config="p4app_table.json"),
    *_both("l2-forwarding", "03-L2_Basic_forwarding", reached("h1", "h2"), reached("h4", "h3"), "pingall"),
    *_both("l2-flooding", "03-L2_Flooding", reached("h1", "h2"), "pingall", config="p4app-other-ports.json"),
    *(_learning(way, source) for source in ("cpu", "digest") for way in ("thrift", "p4runtime")),
    *(_mpls(name, way) for name in ("mpls_basics", "mpls_stacked") for way in ("thrift", "p4runtime")),
    *(
        _exercise(
            f"rsvp-{way}",
            f"04-RSVP/{way}",
            f"sh {_RESERVE} | python rsvp_controller.py > {{controller}} 2>&1",
            *captured("wire", "s1-eth3", "mpls"),
            "h1 ping -c 5 h6 > {ping} 2>&1",
            "sh sleep 2",
            checked="two reservations, and pings over them with labels",
            check=_rsvp,
        )
        for way in ("thrift", "p4runtime")
    ),
    _exercise(
        "ecmp",
        "05-ECMP",
        "pingall",
        sent_by_s1("before"),
        "h1 python send.py 10.0.6.2 200 > /dev/null 2>&1",
        sent_by_s1("after"),
        checked="pingall: 0 % dropped; 200 flows take all four paths",
        check=_ecmp,
    ),
    _exercise(
        "flowlet",
        "05-Flowlet_Switching",
        "pingall",
        sent_by_s1("before"),
        "h1 ping -c 20 -i 0.3 h2 > {ping} 2>&1",
        sent_by_s1("after"),
        checked="pingall: 0 % dropped; pings of one flow take several paths",
        check=_flowlet,
    ),
    _exercise(
        "heavy-hitter",
        "06-Heavy_Hitter_Detector",
        "pingall",
        background("h2", "python -u receive.py", "h2"),
        "sh sleep 5",
        "h1 python send.py 10.0.2.2 1100 > /dev/null 2>&1",
        "sh sleep 3",
        checked="pingall: 0 % dropped; of 1100 packets of a flow 1000 arrive",
        check=_heavy_hitter,
    ),
    _exercise(
        "count-min-sketch",
        "07-Count-Min-Sketch",
        "sh python cm-sketch-controller.py --option set_hashes > {hashes} 2>&1",
        "h1 python send.py --n-pkt 1000 --n-hh 10 --n-sfw 50 > {send} 2>&1",
        "sh python cm-sketch-controller.py --option decode --n 1000 --eps 0.1 --mod 28 > {decode} 2>&1",
        checked="60 flows are counted, none too low, by the hashes that the controller set",
        check=_sketch,
    ),
    *_both("routing", "08-Simple_Routing", _CONTROLLER, "pingall"),
    _exercise(
        "traceroute",
        "09-Traceroutable",
        _CONTROLLER,
        "pingall",
        f'h1 python -c "{_TRACE}" > {{trace}} 2>&1',
        checked="pingall: 0 % dropped; traceroute names the switches on the way",
        check=_traceroute,
    ),
    _exercise(
        "congestion",
        _CONGESTION,
        reached("h1", "h3"),
        reached("h2", "h4"),
        "pingall",
        *captured("link", "s1-eth3", "-c 50 ether proto 0x7777"),
        *captured("feedback", "s1-eth3", "ether proto 0x7778"),
        *captured("host", "s1-eth1", "-c 50 ether proto 0x7777 or ether proto 0x7778"),
        *captured("receiver", "s3-eth1", "-c 50 ether proto 0x7777 or ether proto 0x7778"),
        *_tcp("h1", "h3"),
        *_tcp("h2", "h4"),
        until("(0x7778)", "feedback", limit_s=120),
        "sh echo register_read loadbalance_seed | simple_switch_CLI --thrift-port 9090 > {seeds} 2>&1",
        checked="pingall: 0 % dropped; colliding flows fill the queue, s3 tells s1, and s1 gives a flow another seed",
        check=_notified,
        config="p4app-line.json",
        commands=("iperf3", "tcpdump"),
        slow_links=True,
    ),
    _exercise(
        "congestion-paths",
        _CONGESTION,
        *(reached(f"h{n}", f"h{n + 4}") for n in range(1, 5)),
        "pingall",
        *(line for n in range(1, 5) for line in _tcp(f"h{n}", f"h{n + 4}")),
        _PATHS,
        checked="pingall: 0 % dropped; four flows move until each has one of the four paths",
        check=_spread,
        config="p4app-medium.json",
        commands=("iperf3",),
        slow_links=True,
    ),
    _exercise(
        "loss-detection",
        "11-Packet-Loss-Detection",
        background("sh", "python -u packet-loss-controller.py --option run", "controller"),
        reached("h1", "h2"),
        background("h1", "ping -i 0.02 h2", "ping_all"),
        "h1 python send.py --n-pkt 100 --n-drops 5 --fail-hops 1 > {send} 2>&1",
        until("Packets dropped: [5-9]", "controller", settle_s=2, limit_s=30),  # a ping on its way may be told before
        "h1 ping -c 2 h2 > {ping} 2>&1",
        checked="the controller names the five packets that were dropped, and the link",
        check=_loss,
        commands=("brctl",),
    ),
    _exercise(
        "fast-reroute",
        "12-Fast-Reroute",
        r"sh printf 'exit\n' | python controller.py > {routes} 2>&1",
        "pingall",
        r"sh printf 'fail s1 s2\nexit\n' | python controller.py > {controller} 2>&1",  # `notify` is not typed
        "pingall",
        checked="pingall: 0 % dropped, also when a link has failed and the controller does not know",
        check=_rerouted,
    ),
)
