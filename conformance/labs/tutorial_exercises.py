"""The exercises of p4lang/tutorials: what a student types, and what the README says happens then."""

from __future__ import annotations

import re

from conformance.labs.runs import Exercise, Outputs, background, need, ping_replies, until


def packets(text: str) -> list[str]:
    """What the tutorials' receivers print, packet by packet."""
    return text.split("got a packet")[1:]


def _messages(text: str, message: str) -> list[str]:
    return [packet for packet in packets(text) if message in packet]


def _bandwidths(text: str) -> list[float]:
    """Of iperf's reports, in Mbit/s."""
    factors = {"": 1e-6, "K": 1e-3, "M": 1, "G": 1e3}
    return [float(n) * factors[unit] for n, unit in re.findall(r"([\d.]+) ([KMG]?)bits/sec", text)]


def _basic(out: Outputs) -> None:
    need("*** Results: 0% dropped (12/12 received)" in out[""], "pingall: all hosts reach one another")


def _basic_tunnel(out: Outputs) -> None:
    plain, tunnel = _messages(out["h2"], "plain, to h2"), _messages(out["h2"], "tunnel to h2")
    need(len(plain) == 1 and "MyTunnel" not in plain[0], "h2 gets the message without a tunnel header")
    need(_messages(out["h3"], "for h3"), "h3 gets the message to 10.0.3.3")
    need(not _messages(out["h2"], "for h3"), "h2 does not get the message to 10.0.3.3")
    need(len(tunnel) == 1 and "MyTunnel" in tunnel[0], "h2 gets the message with dst_id 2 and its tunnel header")
    astray = _messages(out["h2"], "by id only")
    need(len(astray) == 1 and "10.0.3.3" in astray[0], "h2 gets what has dst_id 2 and the address of h3")


def _calc(out: Outputs) -> None:
    found = re.findall(r"^(\d+)$", out["calc"], re.MULTILINE)
    need(found == ["2", "2", "2", "7", "5"], f"1+1, 7-5, 6&3, 6|3, 6^3 give 2, 2, 2, 7, 5 (not {', '.join(found)})")


def _ecn(out: Outputs) -> None:
    values = re.findall(r"tos\s*= (0x\w+)", out["h2"])
    need("0x1" in values, "packets arrive with tos 0x1 while the link is free")
    need("0x3" in values, "tos becomes 0x3 while iperf fills the queue at s1")


def _firewall(out: Outputs) -> None:
    need(_bandwidths(out["h1h2"]), "a TCP flow from h1 to h2 passes")
    need(_bandwidths(out["h1h3"]), "a TCP flow from h1 to h3, outside, passes")
    need(not _bandwidths(out["h3h1"]), "a TCP flow from h3, outside, to h1 is blocked")


def _flowcache(out: Outputs) -> None:
    said = out["controller"].split("Cancelling all calls")[0]  # the network ends before the controller does
    need("Installed P4 Program using SetForwardingPipelineConfig on s3" in said, "the controller starts")
    need("decodePacketInMetadata" in said, "it gets packet-ins")
    need(
        ping_replies(out["ping"]) >= 5,
        f"h1 gets replies from h2 by the flows that it installs ({ping_replies(out['ping'])} of 10)",
    )
    need("error occurred" not in said, "it runs without an error of P4Runtime")
    need("Deleted flow_cache entry" in said, "it is told of idle flows, and deletes them")


def _link_monitor(out: Outputs) -> None:
    told = [float(value) for value in re.findall(r"Switch \d+ - Port \d+: ([\d.]+) Mbps", out["probes"])]
    need(told, "probes come back with the utilization of each link")
    flows = _bandwidths(out["iperf"])
    need(flows, "iperf reports its rate")
    rate, highest = flows[-1], max(told)
    need(0.5 * rate < highest < 2 * rate, f"they agree with iperf ({highest:.2f} and {rate:.2f} Mbit/s)")


def _load_balance(out: Outputs) -> None:
    counts = [len(_messages(out[host], "balance")) for host in ("h2", "h3")]
    need(sum(counts) == 24, f"all 24 messages arrive ({counts[0]} at h2, {counts[1]} at h3)")
    need(all(counts), f"both servers get some ({counts[0]} and {counts[1]})")


def _mri(out: Outputs) -> None:
    traces = [re.findall(r"swid\s*= (\d+)\s*[\s|]*qdepth\s*= (\d+)", packet) for packet in packets(out["h2"])]
    need(
        traces and all([swid for swid, _ in trace] == ["2", "1"] for trace in traces), "each packet names switches 2, 1"
    )
    need(any(int(trace[1][1]) > 0 for trace in traces), "the queue at s1 is seen")


def _multicast(out: Outputs) -> None:
    need(ping_replies(out["h1h2"]) and ping_replies(out["h1h3"]), "h1 reaches h2 and h3")
    need(not ping_replies(out["h1h4"]), "h1 does not reach h4, which is in no group")


def _p4runtime(out: Outputs) -> None:
    need(ping_replies(out["before"]) == 0, "no replies before the controller runs")
    need(ping_replies(out["after"]) >= 4, "h1 gets replies from h2 once it runs")
    counted = re.findall(r"(s[12]) MyIngress\.(\w+) (\d+): (\d+) packets", out["controller"])
    for switch, name, tunnel in (
        ("s1", "ingressTunnelCounter", "100"),
        ("s2", "egressTunnelCounter", "100"),
        ("s2", "ingressTunnelCounter", "200"),
        ("s1", "egressTunnelCounter", "200"),
    ):
        seen = [int(n) for found, counter, index, n in counted if (found, counter, index) == (switch, name, tunnel)]
        need(seen and max(seen) > 0, f"{switch} counts packets in {name} {tunnel}")


def _qos(out: Outputs) -> None:
    values = re.findall(r"tos\s*= (0x\w+)", out["h2"])
    need("0xb9" in values, "UDP arrives with tos 0xb9")
    need("0xb1" in values, "TCP arrives with tos 0xb1")


def _source_routing(out: Outputs) -> None:
    found = re.findall(r"ttl\s*= (\d+)", out["h2"])
    need(found == ["59"], f"the packet arrives after five hops with ttl 59 ({', '.join(found) or 'nothing arrived'})")


def _flood(send: str, seconds: int) -> tuple[str, ...]:
    """A low rate from h1 to h2 beside iperf from h11 to h22, over one slow link."""
    return (
        background("h2", "./receive.py", "h2"),
        background("h22", "iperf -s -u", "server"),
        until("sniffing", "h2"),
        background("h1", f'{send} "P4 is cool" {seconds}', "send"),
        until("Sent 1", "send"),
        f"h11 iperf -c 10.0.2.22 -t {seconds // 2} -u",
        f"sh sleep {seconds // 2 + 2}",
    )


EXERCISES = (
    Exercise("basic", ("pingall",), _basic, "pingall: 0 % dropped"),
    Exercise(
        "basic_tunnel",
        (
            background("h2", "./receive.py", "h2"),
            background("h3", "./receive.py", "h3"),
            until("sniffing", "h2"),
            until("sniffing", "h3"),
            'h1 ./send.py 10.0.2.2 "plain, to h2"',
            'h1 ./send.py 10.0.3.3 "for h3"',
            'h1 ./send.py 10.0.2.2 "by tunnel to h2" --dst_id 2',
            'h1 ./send.py 10.0.3.3 "by id only" --dst_id 2',
            until("by id only", "h2"),
        ),
        _basic_tunnel,
        "four messages: by address to h2 and h3, by tunnel id to h2, by id against the address",
    ),
    Exercise(
        "calc",
        (r"h1 printf '1+1\n7-5\n6&3\n6|3\n6^3\nquit\n' | python3 calc.py > {calc} 2>&1",),
        _calc,
        "five operations and their results",
    ),
    Exercise("ecn", _flood("./send.py 10.0.2.2", 30), _ecn, "tos 0x1 becomes 0x3 beside iperf"),
    Exercise(
        "firewall",
        (
            background("h2", "stdbuf -oL iperf -s", "s2"),
            background("h3", "stdbuf -oL iperf -s", "s3"),
            background("h1", "stdbuf -oL iperf -s", "s1"),
            until("listening", "s2", settle_s=0),
            until("listening", "s3", settle_s=0),
            until("listening", "s1", settle_s=0),
            "h1 timeout 60 iperf -c 10.0.2.2 -t 2 > {h1h2} 2>&1",
            "h1 timeout 60 iperf -c 10.0.3.3 -t 2 > {h1h3} 2>&1",
            "h3 timeout 10 iperf -c 10.0.1.1 -t 2 > {h3h1} 2>&1",
        ),
        _firewall,
        "iperf h1 to h2 and h1 to h3 pass, h3 to h1 is blocked",
    ),
    Exercise(
        "flowcache",
        (
            background("sh", "python3 -u mycontroller.py", "controller"),
            until("on s3", "controller", settle_s=3),
            "h1 ping -c 10 10.0.2.2 > {ping} 2>&1",
            until("Deleted flow_cache entry", "controller", settle_s=1),
        ),
        _flowcache,
        "packet-ins install flows, ping gets its replies, idle flows are told",
    ),
    Exercise(
        "link_monitor",
        (
            background("h1", "python3 -u receive.py", "probes"),
            until("sniffing", "probes"),
            background("h1", "python3 -u send.py", "send"),
            until("Sent 1", "send", settle_s=1),
            background("h4", "stdbuf -oL iperf -s", "server"),
            until("listening", "server", settle_s=0),
            "h1 iperf -c 10.0.4.4 -t 8 > {iperf} 2>&1",
            "sh sleep 2",
        ),
        _link_monitor,
        "the highest utilization that probes report is iperf's rate, within a factor of two",
    ),
    Exercise(
        "load_balance",
        (
            background("h2", "./receive.py", "h2"),
            background("h3", "./receive.py", "h3"),
            until("sniffing", "h2"),
            until("sniffing", "h3"),
            "h1 for i in $(seq 24); do ./send.py 10.0.0.1 balance$i; done > /dev/null 2>&1",
            "sh sleep 3",
        ),
        _load_balance,
        "24 messages arrive, some at each server",
    ),
    Exercise("mri", _flood("./send.py 10.0.2.2", 30), _mri, "each packet names switches 2 and 1, and the queue at s1"),
    Exercise(
        "multicast",
        (
            "h1 ping -c 3 10.0.0.2 > {h1h2} 2>&1",
            "h1 ping -c 3 10.0.0.3 > {h1h3} 2>&1",
            "h1 ping -c 3 10.0.0.4 > {h1h4} 2>&1",
        ),
        _multicast,
        "h1 reaches h2 and h3, not h4",
    ),
    Exercise(
        "p4runtime",
        (
            "h1 ping -c 2 -W 1 10.0.2.2 > {before} 2>&1",
            background("sh", "python3 -u mycontroller.py", "controller"),
            until("egressTunnelCounter 200", "controller"),
            "h1 ping -c 6 10.0.2.2 > {after} 2>&1",
            "sh sleep 4",
        ),
        _p4runtime,
        "ping gets replies once the controller runs; all four tunnel counters count",
    ),
    Exercise(
        "qos",
        (
            background("h2", "./receive.py", "h2"),
            until("sniffing", "h2"),
            'h1 ./send.py --p=UDP --des=10.0.2.2 --m="P4 is cool" --dur=3',
            'h1 ./send.py --p=TCP --des=10.0.2.2 --m="P4 is cool" --dur=3',
            "sh sleep 2",
        ),
        _qos,
        "tos is 0xb9 for UDP and 0xb1 for TCP",
    ),
    Exercise(
        "source_routing",
        (
            background("h2", "./receive.py", "h2"),
            until("sniffing", "h2"),
            r"h1 printf '2 3 2 2 1\nq\n' | ./send.py 10.0.2.2",
            until("ttl", "h2"),
        ),
        _source_routing,
        "ports 2 3 2 2 1: ttl 59 at h2",
    ),
)
