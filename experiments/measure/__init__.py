"""Measurements: counters of interfaces, rates, gaps, cores, full load.

Experiments may import it; it imports `harness`, `traffic`, `control` and `claims`.
"""
