"""The control plane of an experiment: a process of its own in the switch's namespace, driven over a pipe.

`agent.py` is that process, `client.py` the runner's side, `programs.py` passes instrumented programs between them.
`harness` and experiments may import this package; of `experiments` it imports only `traffic`.
"""
