"""One module per figure. Each reads a result folder and draws; none runs an experiment.

`load.py` reads a folder, `style.py` defines the look of all figures. Experiments import a figure when there is
something to draw, and write the published values that it shows into `run.json`; figures import nothing else of ours.
"""

from p4front import interpreter

interpreter.prepare(__name__)
