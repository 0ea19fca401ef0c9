"""A session of p4runtime-shell with everything.p4, run in its own virtual environment (it needs an old protobuf).

Arguments: the server's address, the P4Info file, the device config. Prints one line for each thing that was checked.
"""

import sys

import p4runtime_sh.shell as sh


def check(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")
    print(f"ok {what}", flush=True)


def main(address, p4info, device_config):
    sh.setup(
        device_id=1,
        grpc_addr=address,
        election_id=(0, 1),
        config=sh.FwdPipeConfig(p4info, device_config),
        verbose=False,
    )
    try:
        session()
    finally:
        sh.teardown()


def session():
    entry = sh.TableEntry("routes")(action="forward")
    entry.match["hdr.body.address"] = "10.0.0.0/8"
    entry.action["port"] = "2"
    entry.insert()
    read = list(sh.TableEntry("routes").read())
    check("one entry", len(read), 1)
    check("its parameter", read[0].msg().action.action.params[0].value, b"\x02")
    entry.action["port"] = "3"
    entry.modify()
    read = list(sh.TableEntry("routes").read())
    check("the modified entry", read[0].msg().action.action.params[0].value, b"\x03")

    rule = sh.TableEntry("rules")(action="drop")
    rule.match["hdr.body.address"] = "10.0.0.0&&&0xff000000"
    rule.match["hdr.body.number"] = "5..9"
    rule.match["hdr.body.flags"] = "7"
    rule.priority = 4
    rule.insert()
    check("the rule", len(list(sh.TableEntry("rules").read())), 1)
    rule.delete()
    check("no rule", len(list(sh.TableEntry("rules").read())), 0)

    default = sh.TableEntry("routes")(action="forward", is_default=True)
    default.action["port"] = "4"
    default.modify()

    counter = sh.CounterEntry("per_port")
    counter.index = 3
    counter.packet_count = 17
    counter.modify()
    check("the counter", [c.packet_count for c in counter.read()], [17])
    direct = sh.DirectCounterEntry("route_hits")
    direct.table_entry.match["hdr.body.address"] = "10.0.0.0/8"
    check("the direct counter", [c.packet_count for c in direct.read()], [0])
    meter = sh.MeterEntry("port_rate")
    meter.index = 1
    meter.cir, meter.cburst, meter.pir, meter.pburst = 1, 2, 3, 4
    meter.modify()
    check("the meter", [m.pburst for m in meter.read()], [4])

    member = sh.ActionProfileMember("paths")(member_id=1, action="forward")
    member.action["port"] = "2"
    member.insert()
    group = sh.ActionProfileGroup("paths")(group_id=1)
    group.add(1, weight=2)
    group.insert()
    check("the group", len(list(sh.ActionProfileGroup("paths").read())), 1)

    flood = sh.MulticastGroupEntry(7)
    flood.add(2, 1).add(3, 1)
    flood.insert()
    check("the multicast group", [r.egress_port for g in sh.MulticastGroupEntry(7).read() for r in g.replicas], [2, 3])
    session_entry = sh.CloneSessionEntry(9)
    session_entry.add(510, 1)
    session_entry.insert()
    session_entry.delete()

    digest = sh.DigestEntry("learned_t")
    digest.max_list_size = 1
    digest.insert()
    # The clients' receivers take what comes after they were made; `sniff` then waits for its whole time-out.
    digests, packets = sh.DigestList(), sh.PacketIn()
    print("learn", flush=True)
    check("the digest", [len(d.digest.data) for d in digests.sniff(timeout=2)], [1])
    print("packet-in", flush=True)
    metadata = [[m.value for m in p.packet.metadata] for p in packets.sniff(timeout=2)]
    check("the packet's metadata", metadata, [[b"\x03", b"\x05"]])
    out = sh.PacketOut(payload=b"\0" * 12 + b"\x99\x99" + b"from the shell", egress_port="4", padding="0")
    out.send()
    print("done", flush=True)


main(*sys.argv[1:])
