"""The list of experiments: what `make reproduce` runs, in this order, and their titles in the report.

A new experiment is one more line in `EXPERIMENTS`: everything else (running, resuming, the remaining time, the report,
the comparison) uses its result folder.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL, CLONING, NONE = "all", "those that clone or mark", "none"


@dataclass(frozen=True)
class Experiment:
    """`name` is its module below `experiments` and its folder below `results`; `make` is its target.

    claims: ids of the claims that its summary judges.
    shows: what its figure shows, in a sentence.
    full_s, quick_s: duration on two cores, for the remaining time of a first run; later runs use measured durations.
    arguments, quick_arguments: its arguments in `make reproduce`, in addition to the common options.
    paper_s, paper_arguments: the same for trials as long as the published ones, if those are longer.
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


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        "scenario",
        "scenario",
        "The scenario: throughput and delta-loss",
        "All strategies under the same traffic: throughput at the server, bytes that the state lacks against those on "
        "the wire, and CPU, on one time axis around the swap; grey is State4's reconfiguration.",
        (),
        full_s=340.0,
        quick_s=58.0,
    ),
    Experiment(
        "fig3",
        "fig3",
        "Packets that arrive around a swap",
        "Packets received of four flows, by strategy; grey is the reconfiguration, the line is the swap, triangles are "
        "knocks, rings the published outcome. Below, the share of knocks that survive, by the moment they are made.",
        ("C1",),
        full_s=405.0,
        quick_s=65.0,
        arguments=("--repeats", "3", "--duration", "15"),
        paper_s=620.0,
        paper_arguments=("--repeats", "3"),
    ),
    Experiment(
        "fig4",
        "fig4",
        "Time and disruption of a reconfiguration",
        "Throughput of five flows, a lane each: in steps of 100 ms over the whole run, and of 1 ms in the 200 ms "
        "around the swap. A stroke marks a millisecond that is higher than its lane.",
        ("C2",),
        full_s=430.0,
        quick_s=65.0,
        arguments=("--repeats", "3", "--duration", "12"),
        paper_s=730.0,
        paper_arguments=("--repeats", "3"),
    ),
    Experiment(
        "delta_loss",
        "fig5",
        "Share of state lost, against the rate",
        "Delta-loss by strategy, median and range of the repeats, beside each other at each place: against the rate "
        "with the paced control plane and with the native one, and against the amount of state (hollow: native). The "
        "axis breaks at 0.01 %, so that zero has a place. Dashes are what the controller approach loses by (reading + "
        "writing) / trial.",
        ("C3",),
        full_s=1260.0,
        quick_s=65.0,
        paper_s=5300.0,
        paper_arguments=("--paper-length",),
    ),
    Experiment(
        "fig6",
        "fig6",
        "Where updates are lost",
        "Time line of one real run of each strategy: reads, clones, writes, the swap, and the lost updates.",
        ("C4", "C7"),
        full_s=345.0,
        quick_s=60.0,
        arguments=("--repeats", "3"),
    ),
    Experiment(
        "fabric",
        "fabric",
        "A fabric: one spine is changed",
        "Throughput by each of two spines while the program of spine1 is changed, a lane for each strategy: solid is "
        "spine1's path, grey the change, the line the swap.",
        ("C7 fabric",),
        full_s=480.0,
        quick_s=110.0,
    ),
    Experiment(
        "cloning_cost",
        "fig7",
        "What cloning costs",
        "Throughput over time of all repeats at 100, 75 and 50 % of the highest steady rate, every packet writing "
        "state; below, the packets lost: bars are medians, dots are repeats.",
        ("C5 half", "C5 above", "C5 cost"),
        full_s=1180.0,
        quick_s=80.0,
        arguments=("--repeats", "3"),
        strategies=CLONING,
    ),
    Experiment(
        "overhead",
        "overhead",
        "What instrumentation adds",
        "Bits that instrumentation adds, and the time per packet (median with its 95 % interval), against the number "
        "and the size of the components.",
        ("C6 memory",),
        full_s=110.0,
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
        full_s=915.0,
        quick_s=50.0,
    ),
    Experiment(
        "model",
        "model",
        "A model of State4 at the rate of hardware",
        "Predicted delta-loss, time and rate of the CPU port, against the packet rate, and at 1 Gpps against flows, "
        "writes per packet and amount of state. On grey ground it is computed and was measured nowhere.",
        ("M1",),
        full_s=130.0,
        quick_s=27.0,
        strategies=NONE,
    ),
)


def claims_of(experiment: str) -> tuple[str, ...]:
    """Ids of the claims that an experiment judges; empty for an unknown experiment."""
    return next((listed.claims for listed in EXPERIMENTS if listed.name == experiment), ())
