"""Traffic from real sockets in the hosts' namespaces.

`sender.py` and `receiver.py` (UDP flows with exact schedules, by the C tool in `flow.c`), `iperf3.py` (TCP), `knock.py`
(port knocks and HULA probes), `knock_series.py` (knocks for the soak), `frames.py` (raw frames), `armed.py` (helpers
that start early and act on command). Experiments, `measure` and `control` may import this package; it imports
`topologies` and nothing else of `experiments`.
"""
