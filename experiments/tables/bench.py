"""The table of `make bench`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.claims.base import Claim

# name in the summary, words, factor, unit, digits
_ROWS = (
    ("tcp_gbit_per_s.softswitch", "TCP through softswitch (chained.p4)", 1.0, "Gbit/s", 2),
    ("tcp_gbit_per_s.bridge", "TCP through a Linux bridge", 1.0, "Gbit/s", 2),
    ("tcp_gbit_per_s.bmv2", "TCP through bmv2", 1.0, "Gbit/s", 2),
    ("tcp_gbit_per_s.ratio", "softswitch / bridge, side by side", 1.0, "", 2),
    ("tcp_offloads_gbit_per_s.softswitch", "TCP through softswitch, hosts with offloads", 1.0, "Gbit/s", 2),
    ("tcp_offloads_gbit_per_s.bridge", "TCP through a Linux bridge, hosts with offloads", 1.0, "Gbit/s", 2),
    ("tcp_offloads_gbit_per_s.ratio", "softswitch / bridge, both with offloads", 1.0, "", 2),
    ("tcp_offloads_gbit_per_s.ratio_without", "softswitch with / bridge without offloads", 1.0, "", 2),
    ("udp64_frames_per_s.softswitch", "64-byte frames through softswitch", 1e-3, "k/s", 0),
    ("udp64_frames_per_s.bridge", "64-byte frames through a Linux bridge", 1e-3, "k/s", 0),
    ("udp64_frames_per_s.bmv2", "64-byte frames through bmv2", 1e-3, "k/s", 0),
    ("udp64_frames_per_s.ratio", "softswitch / bridge, side by side", 1.0, "", 2),
    ("pipeline_packets_per_s", "the compiled pipeline alone", 1e-6, "M/s", 2),
    ("undisturbed_gap_ms", "longest gap of a 100 Mbit/s flow, undisturbed", 1.0, "ms", 2),
    ("undisturbed_lost", "its packets lost", 1.0, "", 0),
    ("read_all_s", "reading all register cells", 1e3, "ms", 1),
    ("read_all_held_ms", "data plane held by it, longest", 1.0, "ms", 3),
    ("read_all_gap_ms", "longest gap of the flow during it", 1.0, "ms", 2),
    ("read_all_lost", "packets lost during it", 1.0, "", 0),
    ("swap_save_s", "saving a cached program", 1e3, "ms", 1),
    ("swap_commit_s", "committing it", 1e3, "ms", 1),
    ("swap_held_ms", "data plane held by the swap, longest", 1.0, "ms", 3),
    ("swap_gap_ms", "longest gap of the flow during it", 1.0, "ms", 2),
    ("swap_lost", "packets lost during it", 1.0, "", 0),
    *(
        (f"{key}.{where}", f"{words}{more}", 1.0, unit if where != "ratio" else "", digits)
        for key, words, unit, digits in (
            ("entry_write_us", "an entry in a Write of 1,000, processor time", "us", 1),
            ("entry_read_us", "an entry in a Read of a table, processor time", "us", 1),
            ("entries_carried_s", "100,000 entries to another program", "s", 2),
            ("lookup_ns.exact_1m", "lookup among 1 M exact entries", "ns", 0),
            ("lookup_ns.lpm_500k", "lookup among 500,000 prefixes", "ns", 0),
            ("lookup_ns.masks_10k_flows", "lookup among 10,000 masks, flows in use", "ns", 0),
        )
        for where, more in (("here", ""), ("there", ", the other revision"), ("ratio", ", times faster"))
    ),
    ("exact_kept.ring", "throughput kept through state4_exact, every packet writes", 100.0, "%", 1),
    ("exact_kept.clones", "the same with clones instead of the update ring", 100.0, "%", 1),
    ("exact_frames_per_s.ring", "full frames before that, with the ring", 1e-3, "k/s", 0),
    ("exact_s.ring", "how long that took, with the ring", 1.0, "s", 2),
    ("exact_failed.ring", "share of these that the switch declined, with the ring", 100.0, "%", 0),
    ("exact_failed.clones", "the same with clones", 100.0, "%", 0),
    ("exact_lost.clones", "clones lost on the way", 1.0, "", 0),
    ("clones_per_s", "clones taken without a loss", 1e-3, "k/s", 0),
    ("clones_share_of_flood", "of what the switch forwards at most", 1.0, "", 1),
)


def bench_table(measured: Mapping[str, Mapping[str, float]], claims: Iterable[Claim], folder: Path) -> None:
    """Median and 95 % interval of each number, then the expectations."""
    console = Console()
    table = Table(title="comparison of switches", box=SIMPLE_HEAD)
    table.add_column("measured")
    for column in ("median", "95 % interval", "unit"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, words, factor, unit, digits in _ROWS:
        if name in measured:
            value = measured[name]
            median, low, high = (f"{value[key] * factor:.{digits}f}" for key in ("median", "low", "high"))
            table.add_row(words, median, f"{low} - {high}", unit)
    console.print(table)
    for claim in claims:
        verdict = "[green]met[/]" if claim.holds else "[red]not met[/]"
        console.print(f"expected {claim.id} {claim.published} {claim.unit}: {verdict}, {claim.why}", highlight=False)
    if "tcp_gbit_per_s.bmv2" not in measured:
        console.print("bmv2 is not on PATH (simple_switch, p4c-bm2-ss): not measured", highlight=False)
    console.print(f"Data: {folder}", highlight=False, soft_wrap=True)
