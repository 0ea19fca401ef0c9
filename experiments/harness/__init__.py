"""What every experiment is run with: options, the lab, trials one after the other, result folders, an orderly end.

`lab.py` network and switch, `sweep.py` the trials, `results.py` the folders, `options.py` the command line, `phases.py`
what the events of a reconfiguration say, `ending.py` figure, summary and exit code, `main.py` errors, `child.py` an
experiment as a process of its own. Experiments, `measure`, `report` and `reproduce` may import it; it imports `claims`,
`control` and `traffic`.
"""
