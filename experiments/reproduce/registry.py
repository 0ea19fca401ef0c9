"""Which experiments there are: what `make reproduce` runs, in this order, and what the report calls them.

A new experiment is one more line in `EXPERIMENTS`: everything else (running, resuming, the time left, the report, the
comparison) goes by its result folder.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL, CLONING, NONE = "all", "those that clone", "none"


@dataclass(frozen=True)
class Experiment:
    """`name` is its module below `experiments` and its folder below `results`; `make` is its target.

    claims: ids of the claims that its summary judges.
    shows: what its figure shows, in a sentence.
    full_s, quick_s: how long it takes on two cores, for the time left of a first run; later runs know it better.
    arguments, quick_arguments: what it is called with by `make reproduce`, beside the common options.
    paper_s, paper_arguments: the same with trials as long as the published ones, where those are longer.
    strategies: which of them take part: all, those that clone, or none.
    """

    name: str
    make: str
    title: str
    shows: str
    claims: tuple[str, ...]
    full_s: float
    quick_s: float
    arguments: tuple[str, ...] = ()
    quick_arguments: tuple[str, ...] = ()
    paper_s: float | None = None
    paper_arguments: tuple[str, ...] | None = None
    strategies: str = ALL


@dataclass(frozen=True)
class PublishedClaim:
    """A claim of the paper in our words. `differs`: what is known to be different here, and why."""

    id: str
    figure: str
    title: str
    published: str
    differs: str


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        "fig3",
        "fig3",
        "Packets that arrive around a swap",
        "Packets received of four flows, by strategy; grey is the reconfiguration, the line is the swap, the triangles "
        "are knocks.",
        ("C1",),
        full_s=340.0,
        quick_s=65.0,
        arguments=("--repeats", "3", "--duration", "15"),
        paper_s=620.0,
        paper_arguments=("--repeats", "3"),
    ),
    Experiment(
        "fig4",
        "fig4",
        "Time and disruption of a reconfiguration",
        "Throughput per millisecond of five flows and of their sum, the whole run and 200 ms around the swap.",
        ("C2",),
        full_s=330.0,
        quick_s=65.0,
        arguments=("--repeats", "3", "--duration", "12"),
        paper_s=730.0,
        paper_arguments=("--repeats", "3"),
    ),
    Experiment(
        "delta_loss",
        "fig5",
        "Share of state lost, against the rate",
        "Delta-loss against the rate of the traffic, by strategy; medians with 95 % intervals over the repeats.",
        ("C3",),
        full_s=1010.0,
        quick_s=65.0,
        paper_s=5300.0,
        paper_arguments=("--paper-length",),
    ),
    Experiment(
        "fig6",
        "fig6",
        "Where updates are lost",
        "Time line of one real run of each strategy: reads, clones, writes, the swap, and the lost updates.",
        ("C4",),
        full_s=300.0,
        quick_s=60.0,
        arguments=("--repeats", "3"),
    ),
    Experiment(
        "cloning_cost",
        "fig7",
        "What cloning costs",
        "Throughput over time at 100, 75 and 50 % of the highest steady rate, every packet writing state, and the loss "
        "while packets are cloned.",
        ("C5 half", "C5 above", "C5 cost"),
        full_s=520.0,
        quick_s=80.0,
        arguments=("--repeats", "3"),
        strategies=CLONING,
    ),
    Experiment(
        "overhead",
        "overhead",
        "What instrumentation adds",
        "Register bits, header bits, code and time per packet that instrumentation adds, against the number and the "
        "size of the components.",
        ("C6 memory",),
        full_s=120.0,
        quick_s=20.0,
        strategies=NONE,
    ),
    Experiment(
        "scaling",
        "scaling",
        "From 1 KB to 64 MB of state",
        "Time of the reconfiguration, held time and delta-loss against the amount of state and the number of "
        "components, by strategy, for both control-plane profiles.",
        ("C6 packets",),
        full_s=580.0,
        quick_s=50.0,
    ),
)


CLAIMS: tuple[PublishedClaim, ...] = (
    PublishedClaim(
        "C1",
        "Fig. 3",
        "Which flows survive a swap",
        "With State4 every flow goes on. The controller approach loses the flow that knocked late, Swing State those "
        "that knocked before it cloned; without preservation nothing arrives after the swap.",
        "The late knock falls into the reconfiguration by rule (after the control plane has read the knocking stages, "
        "or before the swap where nothing is read), not at a time on the clock, so that it means the same for each "
        "strategy.",
    ),
    PublishedClaim(
        "C2",
        "Fig. 4",
        "Time and disruption of a reconfiguration",
        "236 KB and seven tables take about 1.82 s in all; the swap stops traffic for about 20 ms; all state is kept.",
        "The published time is that of bmv2's control plane. Profile `paper` paces register access to it, profile "
        "`native` measures ours. softswitch swaps between two batches of packets, so its gap is shorter than bmv2's. "
        "bmv2 frees the old program's registers while no packet may pass, all 463,742 cells one by one.",
    ),
    PublishedClaim(
        "C3",
        "Fig. 5",
        "Share of state lost, against the rate",
        "State4 loses less than 1 % of the bytes counted at every rate from 10 to 120 Mbit/s; the controller approach "
        "far more, growing with the time it takes to read.",
        "Delta-loss is a share of the whole run: the same loss in a run half as long counts twice. The runs here take "
        "5 s, with --quick 4 s, and only with --paper-length the published 30 s, so the limit is the harder to meet. "
        "The truth is the kernel's counters and the receiver, never the switch.",
    ),
    PublishedClaim(
        "C4",
        "Fig. 6",
        "Where updates are lost",
        "The controller approach loses what is written between the reading of a component and the swap; State4 only "
        "what is written between its last write and the swap, less than 1 %.",
        "The paper draws this as a sketch. Here it is measured: each packet writes a cell of its own, so the state "
        "itself says which updates are missing.",
    ),
    PublishedClaim(
        "C5 half",
        "Fig. 7",
        "State4 at half load",
        "At half of the switch's highest steady rate State4 barely disturbs traffic.",
        "The published rate was 600 Mbit/s of bmv2. Ours is searched for first, on the switch and machine at hand, "
        "three times, with a core for the data plane alone.",
    ),
    PublishedClaim(
        "C5 above",
        "Fig. 7",
        "State4 and Swing State above half load",
        "Above half of the highest steady rate State4 is ahead of Swing State.",
        "Judged by the packets of the whole trial that arrive, within each repeat. The longer a trial, the larger the "
        "lead: State4 clones for its reconfiguration only.",
    ),
    PublishedClaim(
        "C5 cost",
        "Fig. 7",
        "What cloning costs at full load",
        "Cloning every packet halves the throughput at full load: for State4 during the reconfiguration only, for "
        "Swing State always.",
        "Measured with a flood, which the switch can't take all of, without and with cloning in turn; and at the "
        "highest steady rate, which is a little below what a flood gets through, so that cloning costs less there.",
    ),
    PublishedClaim(
        "C6 memory",
        "conclusion",
        "Memory that instrumentation adds",
        "Negligible, and independent of the amount of state.",
        "One clone of ours carries every register write of a packet, where the paper's carries the last one: the "
        "header grows with the writes of a packet, not with the state. Two counters of 32 bits number the clones, so "
        "that a lost one is noticed; four more are for packets that wait in a new program, on a switch that can't "
        "hold them.",
    ),
    PublishedClaim(
        "C6 packets",
        "conclusion",
        "Packets that State4 loses",
        "State4 itself loses no packet.",
        "Looked at with more state than the paper's: up to 64 MB, with both control-plane profiles.",
    ),
)
