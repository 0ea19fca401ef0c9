"""A model of a reconfiguration: listener, CPU port, look-ahead, pace of reads and writes, dirty map, swap.

`parameters.py` what it needs to know of a machine, `load.py` the traffic and the state, `schedule.py` when the control
plane does what, `outcome.py` what comes out. `events.py` follows every update of a trial; `fluid.py` computes what that
gives on average, for rates at which nobody can follow each packet, with `trailing.py` for the share of a cell that the
CPU port did not let through. Nothing here measures or reads a file; it imports of State4 only when rounds of
pre-copying end.
"""
