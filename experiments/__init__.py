"""The experiments, one module each (`python -m experiments.fig3 --help`), and folders for what they share.

`claims`: published values, thresholds and rules; `harness`: options, lab, trials, results; `control`: the control
plane; `traffic`: senders and receivers; `measure`: counters and rates; `tables`: printed tables; `report` and
`reproduce`: all experiments together; `registry.py`: the list of experiments. `fig5` and `fig7` run `delta_loss` and
`cloning_cost` under the figures' numbers. Only tests import this package from outside.
"""

from p4front import interpreter

interpreter.prepare(__name__)
