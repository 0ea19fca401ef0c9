"""All experiments one after the other, with a report: `python -m experiments.reproduce`.

`runner.py` what is run and what is not repeated, `options.py` the command line, `display.py` and `remaining_time.py`
what a person sees. Nothing imports it but its tests; it imports `report`, `harness` and the registry.
"""
