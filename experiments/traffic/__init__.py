"""Traffic from real sockets in the hosts' namespaces: flows with exact schedules, knocks, probes."""
