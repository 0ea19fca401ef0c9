"""The report on a run of all experiments: the claims, the results, and the figures.

`state.py`: the run's folder; `model.py`: the contents of a report; `html.py` and `markdown.py`: its forms. `reproduce`,
`compare` and `reference` may import this package; it imports `claims`, `harness` and the registry, and measures
nothing.
"""
