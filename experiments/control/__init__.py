"""The control plane of an experiment: a process of its own in the switch's namespace, driven over a pipe.

`agent.py` is that process, `client.py` the runner's side, `programs.py` hands instrumented programs over. `harness` and
experiments may import it; it imports `traffic` and nothing else of `experiments`.
"""
