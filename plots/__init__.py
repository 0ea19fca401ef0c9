"""One module per figure. Each reads a result folder and draws; none runs anything.

`load.py` reads a folder, `style.py` is the look of all figures. Experiments import a figure when there is something to
draw; a figure imports `experiments.claims` (published values) and nothing else of ours.
"""

from p4front import interpreter

interpreter.prepare(__name__)
