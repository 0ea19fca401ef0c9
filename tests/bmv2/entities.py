"""A program with one of everything that holds state, and entities for all of it."""

from __future__ import annotations

from finsy.proto import p4i, p4r

STATE = """
control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    register<bit<16>>(100) small;
    register<bit<64>>(4) large;
    register<bit<80>>(4) wide;
    register<int<8>>(4) signed_ones;
    counter(8, CounterType.packets_and_bytes) seen;
    meter(3, MeterType.bytes) rate;
    direct_counter(CounterType.packets_and_bytes) hits;
    direct_meter<bit<8>>(MeterType.packets) pace;
    bit<8> colour = 0;
    action_selector(HashAlgorithm.crc16, 32w64, 32w10) ways;
    action to(bit<9> port) { standard_metadata.egress_spec = port; }
    action paced(bit<9> port) { standard_metadata.egress_spec = port; pace.read(colour); }
    table ternaries {
        key = {
            hdr.request.value: ternary; hdr.request.amount: lpm; hdr.request.cell: range; hdr.request.op: optional;
        }
        actions = { to; NoAction; }
        counters = hits;
        support_timeout = true;
    }
    table exacts { key = { hdr.request.op: exact; } actions = { paced; NoAction; } meters = pace; }
    table chosen {
        key = { hdr.request.op: exact; hdr.request.value: selector; }
        actions = { to; NoAction; }
        implementation = ways;
    }
    apply {
        ternaries.apply(); exacts.apply(); chosen.apply();
        small.write(0, 1); large.write(0, 1); wide.write(0, 1); signed_ones.write(0, 1);
        seen.count(0); rate.execute_meter(0, colour);
    }
}
"""


def _ids(p4info: p4i.P4Info) -> dict[str, int]:
    lists = (p4info.tables, p4info.actions, p4info.meters, p4info.action_profiles)
    return {item.preamble.name.removeprefix("MyIngress."): item.preamble.id for items in lists for item in items}


def everything(p4info: p4i.P4Info) -> list[p4r.Entity]:
    """One of everything that a controller can put into `state`."""
    ids = _ids(p4info)
    to = p4r.Action(action_id=ids["to"], params=[p4r.Action.Param(param_id=1, value=b"\1\2")])
    member = p4r.ActionProfileMember(action_profile_id=ids["ways"], member_id=70, action=to)
    group = p4r.ActionProfileGroup(action_profile_id=ids["ways"], group_id=9)
    group.members.add(member_id=70, weight=1)
    rates = p4r.MeterConfig(cir=1000, cburst=20, pir=2500, pburst=40)
    ternary = p4r.TableEntry(table_id=ids["ternaries"], priority=17, action=p4r.TableAction(action=to))
    ternary.match.append(p4r.FieldMatch(field_id=1, ternary=p4r.FieldMatch.Ternary(value=b"\x12", mask=b"\xff")))
    ternary.idle_timeout_ns = 3_000_000_000
    ternary.counter_data.packet_count, ternary.counter_data.byte_count = 5, 500
    low = p4r.TableEntry()
    low.CopyFrom(ternary)
    low.priority = 3
    paced = p4r.Action(action_id=ids["paced"], params=[p4r.Action.Param(param_id=1, value=b"\4")])
    exact = p4r.TableEntry(table_id=ids["exacts"], action=p4r.TableAction(action=paced), meter_config=rates)
    exact.match.append(p4r.FieldMatch(field_id=1, exact=p4r.FieldMatch.Exact(value=b"\x7f")))
    default = p4r.TableEntry(table_id=ids["ternaries"], is_default_action=True, action=p4r.TableAction(action=to))
    found = [p4r.Entity(action_profile_member=member), p4r.Entity(action_profile_group=group)]
    found.append(p4r.Entity(meter_entry=p4r.MeterEntry(meter_id=ids["rate"], index=p4r.Index(index=2), config=rates)))
    for number, row in enumerate(({"action_profile_member_id": 70}, {"action_profile_group_id": 9})):
        chosen = p4r.TableEntry(table_id=ids["chosen"], action=p4r.TableAction(**row))
        chosen.match.append(p4r.FieldMatch(field_id=1, exact=p4r.FieldMatch.Exact(value=bytes([number]))))
        found.append(p4r.Entity(table_entry=chosen))
    return [*found, *(p4r.Entity(table_entry=entry) for entry in (ternary, low, exact, default))]


def text_of(entities: list[p4r.Entity]) -> list[str]:
    return sorted(str(entity) for entity in entities)
