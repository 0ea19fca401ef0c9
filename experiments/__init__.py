"""The experiments: a module each (`python -m experiments.fig3 --help`), and the rooms for what they share.

`claims` published values, thresholds and rules; `harness` options, lab, trials, results; `control` the control plane;
`traffic` senders and receivers; `measure` counters and rates; `tables` what is printed; `report` and `reproduce` all of
it at once; `registry.py` which experiments there are. `fig5` and `fig7` are the figures' numbers for `delta_loss` and
`cloning_cost`. Nothing outside imports this package but tests.
"""

from p4front import interpreter

interpreter.prepare(__name__)
