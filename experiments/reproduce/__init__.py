"""Runs all experiments one after the other and writes a report: `python -m experiments.reproduce`.

`runner.py`: what is run and what is not repeated; `options.py`: the command line; `display.py` and `remaining_time.py`:
the progress display. Only its tests import it; it imports `report`, `harness` and the registry.
"""
