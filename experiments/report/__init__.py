"""The report on a run of all experiments: what was claimed, what came out, and the figures.

`state.py` the run's folder, `model.py` what a report says, `html.py` and `markdown.py` how it looks. `reproduce`,
`compare` and `reference` may import it; it imports `claims`, `harness` and the registry, and measures nothing.
"""
