"""A model of a reconfiguration: listener, CPU port, look-ahead, pace of reads and writes, dirty map, swap.

`parameters.py`: what it needs to know of a machine; `load.py`: traffic and state; `schedule.py`: when the control plane
does what; `outcome.py`: the result. `events.py` follows every update of a trial; `fluid.py` computes the averages for
rates at which single packets cannot be followed, with `trailing.py` for the updates of a cell that the CPU port did not
let through. Nothing here measures or reads a file; of State4 it imports only the rule by which pre-copy rounds end.
"""
