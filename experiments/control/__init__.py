"""The control plane of an experiment: a process of its own beside the switch, driven by the runner over a pipe."""
