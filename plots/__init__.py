"""One module per figure. Each reads a result folder and draws; none runs anything.

`load.py` reads a folder, `style.py` is the look of all figures. Experiments import a figure when there is something to
draw, and write the published values that it shows into `run.json`; a figure imports nothing of ours outside.
"""

from p4front import interpreter

interpreter.prepare(__name__)
